"""Why a layer is what it is: the lines of recipes, manifests, packing lists and overlays that decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.hypervisor import package_row
from glassmaster.inputs.overlay import DIRECTORY_MODE, FILE_MODE, LINK_MODE, PROGRAM_MODE, overlay_lines
from glassmaster.inputs.overlay_sources import FOLDER
from glassmaster.inputs.package_tree import resolution_of
from glassmaster.inputs.pkgsrc.archive import Archive, opened
from glassmaster.inputs.pkgsrc.scripts import parse_install
from glassmaster.inputs.record import Record, read_record
from glassmaster.inputs.store import default_store
from glassmaster.inputs.tarindex import indexed
from glassmaster.inputs.template import TEMPLATE_SUFFIX
from glassmaster.inputs.wants import SET_SUFFIXES, kernel_file, sets_folder
from glassmaster.places import Places
from glassmaster.recipe.load import SUFFIX, LoadedRecipe, read_extended
from glassmaster.recipe.model import Kernel
from glassmaster.recipe.nodes import Mapped, place_of, read_yaml
from glassmaster.recipe.parts import image_name, kernel_name, packages_section
from glassmaster.tree.entry import Entry
from glassmaster.tree.mtreespec import SpecLine, parse


@dataclass(frozen=True)
class Source:
    """Where a path's entry in one layer is from.

    file:   the archive, package or file of the repository that holds it, and where in it.
    url:    where that was fetched from.
    owner:  what decided about owner, group and mode.
    recipe: ``file:line`` of the recipe, and what stands there, by which the layer came to be.
    why:    more reasons, outermost first, such as why a package is there.
    """

    file: str = ""
    url: str = ""
    owner: str = ""
    recipe: str = ""
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sources:
    """The sources of one image of a recipe; domu: "" for the CD."""

    loaded: LoadedRecipe
    domu: str = ""

    def of(self, origin: str, entry: Entry) -> Source:
        """Where an entry of a layer with this origin is from; what cannot be looked at any more is said so."""
        kind, _, name = origin.partition(":")
        makers: dict[str, Callable[[str, Entry], Source]] = {
            "set": self._set, "package": self._package, "packages": self._packages, "overlay": self._overlay,
            "kernel": self._kernel, "xen": self._xen, "grub": self._grub, "domu": self._domu,
        }  # fmt: skip
        if kind not in makers:
            return Source()
        try:
            return makers[kind](name, entry)
        except GlassmasterError as error:
            return Source(file=f"not to be found any more: {error.what}")

    def rule(self, overlay: str, key: str, path: str) -> str:
        """The line of an overlay's .yaml by which it deletes or moves a path, as the .yaml has it."""
        file = FOLDER / f"{overlay}{SUFFIX}"
        spellings = (path, f"/{path}")
        places = (place_of(read_yaml(file), key, spelling) for spelling in spellings)
        key_place = place_of(read_yaml(file), key)
        return f"{next((place for place in places if place != key_place), key_place)}: {key}"

    @cached_property
    def _record(self) -> Record:
        return read_record(Places(self.loaded.name).inputs)

    @cached_property
    def _node(self) -> Mapped:
        return read_extended(self.loaded.files[0])[0]

    def _line(self, *keys: str) -> str:
        """Where a setting of this image stands, and its name."""
        section = ("domus", self.domu) if self.domu else ()
        names = {"sets": ("sets",) if self.domu else ("release", "sets")}.get(keys[0], (keys[0],))
        return self._at(*section, *names, *keys[1:])

    def _at(self, *keys: str) -> str:
        return f"{place_of(self._node, *keys)}: {'.'.join(keys)}"

    def _set(self, name: str, entry: Entry) -> Source:
        folder = sets_folder(self.loaded.recipe.release.machine)
        row = self._record.row(*(f"{folder}/{name}{suffix}" for suffix in SET_SUFFIXES))
        index = indexed(row["sha512"], PurePosixPath(row["name"]).name, default_store())
        manifest = f"etc/mtree/set.{name}"
        text = index.read(manifest)
        if text is None:
            owner = "the archive's own: this set has no manifest"
        else:
            lines = parse(text.decode("utf-8", "surrogateescape"), manifest)
            owner = next((_words(line, "uname", "gname", "mode") for line in lines if line.path == entry.path), "")
        return Source(row["name"], row["urls"][0], owner, self._line("sets", name))

    def _package(self, name: str, entry: Entry) -> Source:
        rows = self._record.packages(image_name(self.domu))
        row = self._record.row(next(item.input for item in rows if item.name == name))
        archive = opened(row["sha512"], row["name"], default_store())
        section = packages_section(image_name(self.domu))
        return Source(
            f"{row['name']}{_in_package(archive, entry)}", row["urls"][0], "; ".join(_package_owner(archive, entry)),
            self._at(*section, "sets"), resolution_of(rows).why(name)[:-1],
        )  # fmt: skip

    def _packages(self, _: str, entry: Entry) -> Source:
        section = packages_section(image_name(self.domu))
        what = "made when the packages were installed, of what they ask for together"
        return Source(what, "", "as the file that it replaces, or root:wheel", self._at(*section, "sets"))

    def _overlay(self, name: str, entry: Entry) -> Source:
        path = FOLDER / name / entry.path
        template = path.with_name(path.name + TEMPLATE_SUFFIX)
        line = overlay_lines(name).get(entry.path)
        found = next((str(file) for file in (path, template) if file.is_symlink() or file.is_file()), "")
        if template.is_file():
            found += ", a template"
        owner = _words(line, *line.keywords) if line else f"an overlay's own: root:wheel {_default_mode(entry):04o}"
        return Source(found or (line.where if line else ""), "", owner, self._line("overlays", name))

    def _kernel(self, name: str, entry: Entry) -> Source:
        recipe = self.loaded.recipe
        kernels: list[tuple[Kernel, tuple[str, ...]]] = [(recipe.kernel, ("kernel",))] if entry.path == "netbsd" else []
        for domu, item in sorted(recipe.domus.items()):
            if item.kernel is not None:
                kernels.append((item.kernel, ("domus", domu, "kernel")))
        suited = (pair for pair in kernels if entry.path in ("netbsd", f"netbsd-{kernel_name(pair[0])}"))
        kernel, keys = next(suited, (recipe.kernel, ("kernel",)))
        return Source(*self._kernel_file(kernel), "every kernel's: root:wheel 0555", self._at(*keys))

    def _kernel_file(self, kernel: Kernel) -> tuple[str, str]:
        if kernel.source == "built":
            return f"built of the release's sources: configuration {kernel_name(kernel)}", ""
        row = self._record.row(kernel_file(self.loaded.recipe.release.machine, kernel.config))
        return f"{row['name']}, unpacked", row["urls"][0]

    def _xen(self, version: str, entry: Entry) -> Source:
        xen = self.loaded.recipe.xen
        assert xen is not None
        url = package_row(xen, self._record)["urls"][0]
        return Source(f"{xen.member} of {PurePosixPath(url).name}", url, "root:wheel 0444", self._at("xen"))

    def _grub(self, _: str, entry: Entry) -> Source:
        return Source("made from the recipe's `boot`", "", "root:wheel 0444", self._at("boot"))

    def _domu(self, name: str, entry: Entry) -> Source:
        image = Places(self.loaded.name).domu(f"{name}.img")
        hint = f"`doit why domu:{name}/PATH` looks into it"
        return Source(str(image), "", "every image's: root:wheel 0444", self._at("domus", name), (hint,))


def _words(line: SpecLine, *keywords: str) -> str:
    """A manifest's line: where it stands, and some of what it says."""
    said = " ".join(f"{word}={line.keywords[word]}" for word in keywords if word in line.keywords)
    return f"{line.where}: {said or 'nothing of it'}"


def _default_mode(entry: Entry) -> int:
    if entry.kind == "file":
        return PROGRAM_MODE if entry.mode & 0o100 else FILE_MODE
    return DIRECTORY_MODE if entry.kind == "dir" else LINK_MODE


def _in_package(archive: Archive, entry: Entry) -> str:
    """Where in a package an entry is."""
    prefix = archive.contents.prefix
    for file in archive.contents.files:
        if f"{prefix}/{file.path}".lstrip("/") == entry.path:
            return f", +CONTENTS:{file.line}: {file.path}"
    install = parse_install(archive.read("+INSTALL"), archive.name, prefix)
    for made in install.files:
        if made.path.lstrip("/") == entry.path:
            return f", +INSTALL: a copy of {made.example}"
    if any(directory.path.lstrip("/") == entry.path for directory in install.directories):
        return ", +INSTALL: a directory to make"
    return ", made as pkg_add does"


def _package_owner(archive: Archive, entry: Entry) -> Iterator[str]:
    """What decided about owner and mode: the list, the archive, and what +INSTALL changes after it."""
    prefix = archive.contents.prefix
    listed = next((f for f in archive.contents.files if f"{prefix}/{f.path}".lstrip("/") == entry.path), None)
    if listed is not None:
        member = archive.index.members[listed.path]
        said = {"@mode": listed.mode, "@owner": listed.owner, "@group": listed.group}
        words = " ".join(f"{word} {value}" for word, value in said.items() if value)
        yield f"the archive: {member.uname}:{member.gname} {member.mode:04o}"
        if words:
            yield f"+CONTENTS before line {listed.line}: {words}"
    install = parse_install(archive.read("+INSTALL"), archive.name, prefix)
    for word, rows in (("FILE", install.files), ("DIR", install.directories), ("PERMS", install.permissions)):
        for row in rows:
            given = " ".join(filter(None, (row.mode, row.user, row.group)))
            if row.path.lstrip("/") == entry.path and given:
                yield f"+INSTALL, {word}: {given}"
