"""domu.conf as the sh reader has it: the corpus that it shares with the Python reader, under two shells."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
READER = HERE.parents[1] / "overlays/dom0/libexec/glassmaster/domuconf.sh"
CORPUS = HERE.parent / "domuconf/corpus"
SHELLS = [["dash"], ["busybox", "ash"]]

# Each corpus file in turn: its xl configuration or its mistake, after a line with its name.
READ_ALL = """
set -u
. "$1"
attach_image() {
	images=$((images + 1))
	attached_device=/dev/vnd${images}d
}
cd "$2" || exit 1
for file in *.conf; do
	images=0
	echo "==> $file"
	if domu_read "$file"; then
		domu_xl "${file%.conf}"
	else
		printf '%s\\n' "$domu_mistake"
	fi
done
"""


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[-1])
def test_the_corpus_is_read_as_it_says(shell: list[str]) -> None:
    run = subprocess.run(
        [*shell, "-c", READ_ALL, "sh", READER, CORPUS],
        capture_output=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    assert run.stderr == b""
    wanted = b""
    for conf in sorted(CORPUS.glob("*.conf")):
        made = [path for path in (conf.with_suffix(".xl"), conf.with_suffix(".error")) if path.exists()]
        assert len(made) == 1, f"{conf.name}: there must be one of .xl and .error"
        wanted += f"==> {conf.name}\n".encode() + made[0].read_bytes()
    assert run.stdout == wanted


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: words[-1])
def test_names_of_virtual_machines(shell: list[str]) -> None:
    names = ["web", "a", "0-9", "x" * 63, "x" * 64, "", "-a", "a.b", "A", "a b", "a/b", "ä", "*"]
    script = '. "$1"; shift; for name; do domu_is_name "$name" && echo "$name"; done; :'
    run = subprocess.run(
        [*shell, "-c", script, "sh", READER, *names],
        capture_output=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin"},
    )
    assert run.stdout.decode().splitlines() == ["web", "a", "0-9", "x" * 63]
