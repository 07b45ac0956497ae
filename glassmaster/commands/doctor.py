"""`doit doctor`: whether this machine can build the recipes, and what to do where it cannot."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, PlainCommand
from glassmaster.inputs.boot_packages import debian_packages

if TYPE_CHECKING:
    from glassmaster.commands.finding import Finding

WIDTH, NAME_WIDTH, LEVEL_WIDTH = 80, 24, 9


class Doctor(PlainCommand):
    """doit's command."""

    name = "doctor"
    doc_purpose = "check this machine: tools, space, store, mirrors, KVM; each with its remedy"
    doc_usage = "[recipe=NAME,...]"
    doc_description = (
        "Changes nothing. Asks the recipes' mirrors, and starts one tiny virtual machine on /dev/kvm. "
        "Exit status: 0 when there is no error (warnings are allowed), 1 otherwise."
    )
    examples = ("doctor", "doctor recipe=racks --json")
    cmd_options = (JSON,)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Look at everything, then say it."""
        if pos_args:
            raise InvalidCommand(f"doctor takes no {pos_args[0]!r}; recipes are named by recipe=NAME")
        findings: list[Finding] = []
        for finding in examine():
            findings.append(finding)
            if not opt_values["as_json"]:
                # One by one: a mirror that does not answer takes its time.
                print(as_text(finding), flush=True)
        if opt_values["as_json"]:
            print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=1))
        else:
            print(summary(findings))
        return int(any(finding.level == "error" for finding in findings))


def examine() -> Iterator[Finding]:
    """Everything, in the order in which one would mend it."""
    # Here, not above: doit loads all commands to list them.
    from glassmaster.commands import doctor_host, doctor_recipe
    from glassmaster.commands.doctor_kvm import kvm
    from glassmaster.commands.recipes import words_asked_for
    from glassmaster.errors import GlassmasterError
    from glassmaster.inputs.store import default_store
    from glassmaster.places import OUT

    try:
        words = words_asked_for()
    except GlassmasterError as error:
        raise InvalidCommand(str(error)) from error
    yield from doctor_host.python()
    yield from doctor_host.tools()
    yield from doctor_host.libraries()
    yield kvm()
    store = default_store()
    yield doctor_host.store(store)
    yield doctor_host.space("room in the store", store.root, doctor_host.STORE_BYTES, "downloads of a release")
    for word in words:
        finding, loaded = doctor_recipe.read(word)
        yield finding
        if loaded is not None:
            budget = loaded.recipe.media.budget
            yield doctor_host.space(f"room for {loaded.name}", OUT / loaded.name, budget, "media.budget of the recipe")
            yield doctor_host.apt(debian_packages(loaded.recipe))
            yield from doctor_recipe.mirrors(loaded)


def as_text(finding: Finding) -> str:
    """One finding for a terminal of 80 columns."""
    indent = " " * (LEVEL_WIDTH + NAME_WIDTH)
    name = f"{finding.what} " if len(finding.what) >= NAME_WIDTH else f"{finding.what:<{NAME_WIDTH}}"
    head = f"{finding.level:<{LEVEL_WIDTH}}{name}"
    lines = textwrap.wrap(head + finding.detail, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    if finding.remedy:
        lines += textwrap.wrap(
            f"-> {finding.remedy}", WIDTH, initial_indent=indent, subsequent_indent=f"{indent}   ",
            break_on_hyphens=False, break_long_words=False,
        )  # fmt: skip
    return "\n".join(lines)


def summary(findings: Sequence[Finding]) -> str:
    """The last line."""
    count = {level: sum(finding.level == level for finding in findings) for level in ("ok", "warning", "error")}
    verdict = "cannot build everything" if count["error"] else "can build"
    return f"\nThis machine {verdict}: {count['ok']} ok, {count['warning']} warnings, {count['error']} errors."
