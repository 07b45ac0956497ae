"""`doit inspect`: what is in a file, of ours or of NetBSD's; nothing is mounted and nothing is changed."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, OUTPUT, Option, PlainCommand, write_result
from glassmaster.places import caller_directory

ALL: Option = {
    "name": "everything", "long": "all", "type": bool, "default": False, "help": "all rows of long tables",
}  # fmt: skip


class Inspect(PlainCommand):
    """doit's command."""

    name = "inspect"
    doc_purpose = "show what is in a disc, a domU or hard-disk image, a kernel, a set or a package"
    doc_usage = "FILE"
    doc_description = (
        "FILE is an ISO 9660 disc (ours, or NetBSD's own), a domU's root image, a hard disk's image, a kernel, a set, "
        "a binary package, or an mtree specification; what it is, its bytes tell. It is read and never mounted. Shown "
        "are what it says of itself, boot records and partitions, sets, packages, kernels with their configuration, "
        "the release that it is of, and where its bytes are, by origin and by directory; domU images on a disc are "
        "looked into."
    )
    examples = ("inspect out/standin/dom0.iso", "inspect netbsd-XEN3_DOM0.gz --all", "inspect base.tar.xz --json")
    cmd_options = (ALL, JSON, OUTPUT)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Print or write it."""
        if len(pos_args) != 1:
            raise InvalidCommand("inspect takes the name of one file")
        # Here, not above: doit loads all commands to list them.
        from glassmaster.commands.inspect_text import as_text
        from glassmaster.errors import GlassmasterError, readable
        from glassmaster.inspection.look import look

        file = caller_directory() / pos_args[0]
        try:
            report = look(file, pos_args[0])
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        if opt_values["as_json"]:
            text = json.dumps(dataclasses.asdict(report), indent=1)
        else:
            text = readable(as_text(report, everything=opt_values["everything"]))
        write_result(f"{text}\n", opt_values["output_file"])
        return 0
