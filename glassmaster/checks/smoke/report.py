"""The smoke test's results as files for machines: JSON and JUnit."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from glassmaster.atomic import write_bytes, write_json
from glassmaster.checks.smoke.boot import Boot

_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_reports(boots: Sequence[Boot], image: dict[str, Any], folder: Path) -> None:
    """Write smoke.json and junit.xml. image: path, sha256 and the like of what was booted."""
    write_json(folder / "smoke.json", {"image": image, "boots": [dataclasses.asdict(boot) for boot in boots]})
    write_bytes(folder / "junit.xml", junit(boots, str(image["path"])))


def junit(boots: Sequence[Boot], name: str) -> bytes:
    """A JUnit report: a suite for each boot, a case for each milestone and one for the way it ended."""
    root = ElementTree.Element("testsuites", name=f"smoke test of {name}")
    for boot in boots:
        cases = [*boot.expected, "ended well"]
        suite = ElementTree.SubElement(
            root, "testsuite", name=boot.scenario, tests=str(len(cases)), time=f"{boot.seconds:.2f}"
        )
        before, failed, skipped = 0.0, 0, 0
        for number, case in enumerate(cases):
            element = ElementTree.SubElement(suite, "testcase", classname=f"smoke.{boot.scenario}", name=_xml(case))
            if number < len(boot.reached):
                element.set("time", f"{boot.reached[number].seconds - before:.2f}")
                before = boot.reached[number].seconds
            elif boot.failure and not failed:
                failed = 1
                ElementTree.SubElement(element, "failure", message=_xml(boot.failure)).text = _xml(
                    "\n".join(boot.last_lines)
                )
            elif boot.failure:
                skipped += 1
                ElementTree.SubElement(element, "skipped")
        suite.set("failures", str(failed))
        suite.set("skipped", str(skipped))
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _xml(text: str) -> str:
    """Characters that XML 1.0 has no place for (section 2.2), replaced."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
