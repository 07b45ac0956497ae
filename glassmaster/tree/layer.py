"""Layers: entries with one origin, and what they do to the layers below; kept as JSON files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glassmaster.atomic import write_json
from glassmaster.errors import GlassmasterError
from glassmaster.tree.entry import Content, Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT = 1
AGAIN = "delete it and run the same command again"


@dataclass(frozen=True)
class Layer:
    """Entries of one origin, such as ``set:base`` or ``overlay:dom0``.

    deleted: paths that are taken out of the layers below, with all that they hold.
    moved:   paths of the layers below that get another name, with all that they hold: old to new. It happens after
             the deletions, at once for all of them, and before anything is added.
    """

    origin: str
    entries: tuple[Entry, ...]
    deleted: tuple[str, ...] = ()
    moved: Mapping[str, str] = field(default_factory=dict)


def write_layer(layer: Layer, path: Path) -> None:
    """Write a layer to a file. Contents in files beside it are named relative to it, others by full path."""
    blobs: dict[Path, int] = {}
    document = _document(layer, blobs)
    names = [_blob_name(blob, path.parent) for blob in blobs]
    write_json(path, {"format": FORMAT, "blobs": names, **document}, indent=None)


def write_layers(layers: Iterable[Layer], path: Path) -> None:
    """Write several layers, in their order, to one file."""
    blobs: dict[Path, int] = {}
    documents = [_document(layer, blobs) for layer in layers]
    names = [_blob_name(blob, path.parent) for blob in blobs]
    write_json(path, {"format": FORMAT, "blobs": names, "layers": documents}, indent=None)


def read_layer(path: Path) -> Layer:
    """Read what write_layer wrote."""
    layers = read_layers(path)
    if len(layers) != 1:
        raise GlassmasterError(f"{path}: {len(layers)} layers instead of one", hint=AGAIN)
    return layers[0]


def read_layers(path: Path) -> tuple[Layer, ...]:
    """Read what write_layers or write_layer wrote."""
    try:
        document = json.loads(path.read_bytes())
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']}, expected {FORMAT}")
        blobs = [path.parent / name for name in document["blobs"]]
        return tuple(_layer(one, blobs) for one in document.get("layers", [document]))
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise GlassmasterError(
            f"{path}: not a layer of this version",
            why=str(error),
            hint=AGAIN,
        ) from error


def _document(layer: Layer, blobs: dict[Path, int]) -> dict[str, Any]:
    return {
        "origin": layer.origin,
        "deleted": list(layer.deleted),
        "moved": dict(layer.moved),
        "entries": [_row(entry, blobs) for entry in layer.entries],
    }


def _layer(document: dict[str, Any], blobs: list[Path]) -> Layer:
    entries = tuple(_entry(row, blobs) for row in document["entries"])
    return Layer(document["origin"], entries, tuple(document["deleted"]), document["moved"])


def _blob_name(blob: Path, folder: Path) -> str:
    return str(blob.relative_to(folder)) if blob.is_relative_to(folder) else str(blob.absolute())


def _row(entry: Entry, blobs: dict[Path, int]) -> list[Any]:
    row: list[Any] = [
        entry.path,
        entry.kind,
        entry.mode,
        entry.uid,
        entry.gid,
        entry.mtime,
        entry.link,
        entry.inode,
    ]
    if entry.content is not None:
        number = blobs.setdefault(entry.content.blob, len(blobs))
        row += [number, entry.content.offset, entry.content.size, entry.content.sha256]
    return row


def _entry(row: list[Any], blobs: list[Path]) -> Entry:
    path, kind, mode, uid, gid, mtime, link, inode, *place = row
    content = Content(blobs[place[0]], *place[1:]) if place else None
    return Entry(path, kind, mode, uid, gid, mtime, link, content, inode)
