"""A release that is published: of its directory on a server only what is needed comes, each file by its SHA-512."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from glassmaster.atomic import put_in_place, temporary_beside
from glassmaster.diff.contents import Contents
from glassmaster.diff.latest import latest_url
from glassmaster.diff.source import CHECKSUMS, DISC, DOMUS, TREE, Source, bytes_of, of_directory
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.checksums import parse_sha512, require_name
from glassmaster.inputs.mirror import read_small
from glassmaster.inputs.source import opened

SCHEMES = ("http://", "https://")
# No description or image of ours comes near; a server that never stops sending would fill the disk.
LIMIT = 64 << 30


@dataclass(frozen=True)
class Published:
    """A release's directory. url: without a slash at its end; digests: by paths below it; limit: bytes of a file."""

    url: str
    digests: Mapping[str, str]
    limit: int = LIMIT

    def fetch(self, path: str, folder: Path) -> Path:
        """A file of it, verified, below a directory of this machine; what is there already is not fetched again."""
        # A name in somebody's list becomes one of this machine.
        require_name(path, f"{self.url}/{CHECKSUMS}")
        target = folder / path
        if target.exists():
            return target
        digest, size = hashlib.sha512(), 0
        with temporary_beside(target) as temporary:
            with opened(f"{self.url}/{quote(path)}") as body, temporary.open("xb") as stream:
                for piece in body.pieces:
                    digest.update(piece)
                    stream.write(piece)
                    size += len(piece)
                    if size > self.limit:
                        raise GlassmasterError(f"{self.url}/{path}: too large", why=f"{size:,} bytes came, and more")
            if digest.hexdigest() != self.digests[path]:
                raise GlassmasterError(
                    f"{self.url}/{path}: not the file that {CHECKSUMS} there lists",
                    why=f"expected SHA-512 {self.digests[path]}\nfound    SHA-512 {digest.hexdigest()}",
                    hint="it is being replaced just now, or something on the way changed it",
                )  # fmt: skip
            put_in_place(temporary, target)
        return target


@dataclass(frozen=True)
class PublishedContents:
    """The bytes of an image of a published release, which is fetched when the first of them is wanted."""

    release: Published
    path: str
    folder: Path
    known: bool = True

    def _image(self) -> Contents:
        return bytes_of(self.release.fetch(self.path, self.folder))

    def each(self, paths: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """See Contents."""
        return self._image().each(paths) if paths else iter(())

    def copy(self, path: str, target: Path) -> None:
        """See Contents: a domU image is a file of the release of its own."""
        own = f"{DOMUS}/{Path(path).stem}.img"
        if own in self.release.digests:
            self.release.fetch(own, self.folder).rename(target)
        else:
            self._image().copy(path, target)


def open_url(url: str, work: Path) -> Source:
    """A published release, or the one that `latest` names. work: a directory for what is fetched."""
    base = latest_url(url)
    digests = parse_sha512(read_small(f"{base}/{CHECKSUMS}").decode("utf-8", "replace"), f"{base}/{CHECKSUMS}")
    if TREE not in digests:
        raise GlassmasterError(
            f"{url}: no release is published here", why=f"its {CHECKSUMS} does not list {TREE}",
            hint="name the directory that holds dom0.mtree and SHA512",
        )  # fmt: skip
    release, folder = Published(base, digests), work / hashlib.sha256(base.encode()).hexdigest()[:16]
    for path in sorted(digests):
        parts = path.split("/")
        if path == TREE or (parts[0] == DOMUS and len(parts) == 2 and path.endswith((".mtree", ".json"))):
            release.fetch(path, folder)
    source = of_directory(folder, url)
    side = replace(source.side, form="url", label=url)
    if DISC not in digests:
        return replace(source, side=side)
    return replace(source, side=replace(side, bytes_known=True), contents=PublishedContents(release, DISC, folder))
