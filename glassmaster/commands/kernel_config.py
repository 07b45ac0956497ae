"""`doit kernel-config`: the configuration inside a kernel, as NetBSD's `config -x` prints it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, OUTPUT, PlainCommand, write_result
from glassmaster.errors import GlassmasterError
from glassmaster.places import caller_directory


class KernelConfig(PlainCommand):
    """doit's command."""

    name = "kernel-config"
    doc_purpose = "print the configuration inside a kernel, as config -x does"
    doc_usage = "FILE"
    doc_description = (
        "FILE is any NetBSD kernel with options INCLUDE_CONFIG_FILE, plain or gzip'd. Printed are its top file and\n"
        "after it, marked by ###>, the files that this included. With --json they come apart, and with them the\n"
        "`config` statements that hold in the end."
    )
    examples = ("kernel-config netbsd", "kernel-config netbsd-XEN3_DOM0.gz --json")
    cmd_options = (JSON, OUTPUT)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Print or write it."""
        if len(pos_args) != 1:
            raise InvalidCommand("kernel-config takes the name of one file, a kernel")
        # Here, not above: doit loads all commands to list them.
        from glassmaster.inputs.kernel.embedded import embedded_config
        from glassmaster.inputs.kernel.file import read_kernel
        from glassmaster.inputs.kernel.statements import config_lines

        file = caller_directory() / pos_args[0]
        try:
            embedded = embedded_config(read_kernel(file), pos_args[0])
            text = embedded.text()
            if opt_values["as_json"]:
                found = {"file": pos_args[0], "config": config_lines(embedded), **dataclasses.asdict(embedded)}
                text = json.dumps(found, indent=1) + "\n"
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        write_result(text.encode("utf-8", "backslashreplace").decode(), opt_values["output_file"])
        return 0
