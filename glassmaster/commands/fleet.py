"""`doit fleet`: which machine runs what, against the published releases and the configuration tree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit import get_var
from doit.exceptions import InvalidCommand

from glassmaster.doit_plugins.command import JSON, PlainCommand
from glassmaster.places import caller_directory

if TYPE_CHECKING:
    from glassmaster.fleet.compare import Measure, Standing

FILES = ("fleet.json", "fleet.html")


class Fleet(PlainCommand):
    """doit's command."""

    name = "fleet"
    doc_purpose = "show which machine runs which release and configuration, and who is behind"
    doc_usage = "from=WHERE[,WHERE...] [config=DIR] [published=DIR|URL] [output=DIR]"
    doc_description = (
        "from= is where machines leave their lines (glassmaster-report): a directory, or a URL (http:, https:, ssh:) "
        "with {host} in it, which is asked for each machine of config=, a checkout of the configuration tree. "
        "published= has the releases that they are compared with: an index.json, or directories with a release.json. "
        "output=DIR writes fleet.json and fleet.html. Exit status: 0 when all is as it should be, 1 when somebody has "
        "to look, 3 when it could not be done."
    )
    examples = (
        "fleet from=/share/fleet config=racks/checkout published=/share/cds",
        "fleet from=ssh://root@{host} config=racks/checkout output=out/fleet",
    )
    cmd_options = (JSON,)

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        """Collect, compare, say it, write it."""
        from glassmaster.atomic import write_json, write_text
        from glassmaster.errors import GlassmasterError
        from glassmaster.fleet import text

        if pos_args:
            raise InvalidCommand(f"fleet takes no {pos_args[0]!r}, but from=WHERE config=DIR published=WHERE")
        try:
            found = _standings()
            if output := get_var("output", None):
                folder = _here(str(output))
                write_json(folder / FILES[0], text.as_json(found))
                write_text(folder / FILES[1], text.page(found))
        except GlassmasterError as error:
            raise InvalidCommand(str(error)) from error
        print(json.dumps(text.as_json(found), indent=1) if opt_values["as_json"] else text.table(found))
        return int(not all(item.good for item in found))


def _standings() -> list[Standing]:
    from glassmaster.errors import GlassmasterError
    from glassmaster.fleet.collect import HOST, collect
    from glassmaster.fleet.compare import standings

    sources = [word.strip() for word in str(get_var("from", "")).split(",") if word.strip()]
    if not sources:
        raise GlassmasterError("from= is missing", hint="where the lines are: from=DIR, or from=ssh://root@{host}")
    measure = _measure()
    names = [server.name for server in measure.tree.servers()] if measure.tree else []
    remote = [source for source in sources if "://" in source and not source.startswith("file:")]
    if remote and not names:
        raise GlassmasterError(
            f"{remote[0]}: nobody to put for {HOST}", hint="config=DIR says which machines there are"
        )
    places = [source if source in remote or source.startswith("file:") else str(_here(source)) for source in sources]
    return standings(collect(places, names), measure)


def _measure() -> Measure:
    from glassmaster.config.tree import read_config_tree
    from glassmaster.fleet.compare import Measure
    from glassmaster.fleet.published import read_published
    from glassmaster.fleet.revisions import last_changed

    config, published = get_var("config", None), get_var("published", None)
    tree = read_config_tree(_here(str(config))) if config else None
    where = str(published or "")
    releases = read_published(where if "://" in where else str(_here(where))) if where else None
    return Measure(releases, tree, last_changed(tree) if tree else None)


def _here(path: str) -> Path:
    """A path seen from where the user stands."""
    return caller_directory() / path
