"""build.sh: how it is called, what is told of it, and that an interrupt ends all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from glassmaster.doit_plugins.progress import listening
from glassmaster.errors import GlassmasterError
from glassmaster.inputs.kernel.buildsh import BuildSh, jobs, run_logged
from glassmaster.inputs.kernel.built import built_kernels, conf_path, strip_command
from glassmaster.inputs.kernel.sources import SourceTree
from glassmaster.inputs.kernel.toolchain import Toolchain, toolchain
from glassmaster.inputs.store import Store
from glassmaster.recipe.model import Kernel, KernelBuild
from glassmaster.run import Command

LOG = """\
===> build.sh command:    ./build.sh tools
===> NetBSD version:      6.99.16
===> MACHINE:             amd64
obj ===> tools/awk
dependall ===> awk
#   compile  awk/run.o
dependall ===> tools/gcc
dependall ===> awk
#      link  awk/awk
#      link  DOM0CD/netbsd
===> build.sh ended
===> .
"""


def shell(script: str) -> Command:
    return Command(("/bin/sh", "-c", script))


def test_how_it_is_called() -> None:
    build = KernelBuild(environment={"HOST_CFLAGS": "-O -w"}, make={"MKX11": "no"})
    builder = BuildSh.of(Path("/s/src"), "amd64", Path("/s/tools"), build)
    assert builder.command(Path("/w"), 4, {"MKREPRO": "yes"}, "kernel=../c/1/X").line() == (
        "cd /s/src && HOST_CFLAGS='-O -w' HOST_SH=/bin/sh MAKECONF=/dev/null /bin/sh ./build.sh -U -u -m amd64 -j 4 "
        "-O /w/obj -T /s/tools -D /w/destdir -R /w/releasedir -w /w/nbmake -V MKREPRO=yes -V MKX11=no kernel=../c/1/X"
    )
    assert (
        strip_command(Path("/t/x-strip"), Path("/w/netbsd"), Path("/k/n")).line() == "/t/x-strip -g -o /k/n /w/netbsd"
    )
    assert 1 <= jobs() <= (os.cpu_count() or 1)


def test_what_is_told_of_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, events = tmp_path / "logs" / "log", list[dict[str, object]]()
    with listening(events.append):
        run_logged(shell(f"cat <<'E'\n{LOG}E\necho more >&2"), log, "cross tools")
    assert log.read_text() == LOG + "more\n"
    told = [line.split(" s  ")[1] for line in capsys.readouterr().out.splitlines()]
    assert told == ["NetBSD version: 6.99.16", "awk", "gcc", "DOM0CD/netbsd", "build.sh ended"]
    assert events[-1]["label"] == "build.sh ended, lines of log"
    assert events[-1]["done"] == 13
    assert events[0]["label"] == "cross tools, lines of log"


def test_a_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    with pytest.raises(GlassmasterError) as error:
        run_logged(shell("echo early; echo 'ERROR: no'; exit 3"), tmp_path / "log", "x")
    assert "sh ended with status 3\n  early\n  ERROR: no\n" in str(error.value)
    assert f"the whole log: {tmp_path / 'log'}" in str(error.value)


INTERRUPTED = """
import sys
from pathlib import Path
from glassmaster.inputs.kernel.buildsh import run_logged
from glassmaster.run import Command
run_logged(Command(("/bin/sh", "-c", sys.argv[1])), Path(sys.argv[2]), "x")
"""


def test_an_interrupt_ends_every_child(tmp_path: Path) -> None:
    """As make runs compilers: children of children, and one that does not care for SIGTERM."""
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    script = f"exec 9> {alive}; (trap '' TERM; exec sleep 1000) & echo '===> ready'; sh -c 'sleep 1001; :'"
    argv = [sys.executable, "-c", INTERRUPTED, script, str(tmp_path / "log")]
    with (
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        alive.open() as pipe,
    ):
        # Said by the parent, of its child's log: then it is past starting it.
        assert process.stdout and process.stdout.readline().endswith("ready\n")
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate()[1]
        # Ends only when the last of those that have it open is gone.
        assert pipe.read() == ""


BUILD_SH = """\
for last; do :; done
while [ $# -gt 1 ]; do case $1 in -O) obj=$2;; -T) tools=$2;; esac; shift; done
case $last in
tools)
    mkdir -p "$tools/bin" "$obj"
    printf '#!/bin/sh\\ncp "$4" "$3"\\n' > "$tools/bin/x86_64--netbsd-strip"
    chmod +x "$tools/bin/x86_64--netbsd-strip"
    echo made >> "$tools/count"
    [ -z "${FAIL-}" ] || exit 1 ;;
kernel=*)
    conf=${last#*=} dir=$obj/sys/arch/amd64/compile/${last##*/}
    mkdir -p "$dir"
    echo step >> "$dir/steps"
    [ -z "${FAIL-}" ] || [ "$(wc -l < "$dir/steps")" -gt 1 ] || exit 1
    { cat "$dir/steps"; echo "$conf"; cat "$conf"; } > "$dir/netbsd" ;;
esac
"""


@pytest.fixture
def source(tmp_path: Path) -> SourceTree:
    """A source tree whose build.sh makes something small."""
    top = tmp_path / "source" / "src"
    (top / "sys/arch/amd64/conf").mkdir(parents=True)
    (top / "sys/arch/amd64/conf/XEN3_DOM0").write_text("options INCLUDE_CONFIG_FILE\nconfig netbsd root on ?\n")
    (top / "build.sh").write_text(BUILD_SH)
    return SourceTree(tmp_path / "source", "key", ("1" * 128,))


@pytest.fixture
def tools(source: SourceTree, store: Store, tmp_path: Path) -> Toolchain:
    return toolchain(source, KernelBuild(), "amd64", store, tmp_path / "log")


def test_tools_are_made_once_for_all_that_want_the_same(
    source: SourceTree, store: Store, tmp_path: Path, tools: Toolchain
) -> None:
    again = toolchain(source, KernelBuild(name="OTHER", options=("A",)), "amd64", store, tmp_path / "log")
    assert again == tools
    assert (tools.tools / "count").read_text() == "made\n"
    assert not (tools.folder / "obj").exists()
    assert (tools.folder / "sha512").read_text() == "1" * 128 + "\n"
    changes: list[Mapping[str, Mapping[str, str]]] = [{"environment": {"A": "1"}}, {"make": {"A": "1"}}]
    for change in changes:
        assert toolchain(source, KernelBuild(**change), "amd64", store, tmp_path / "log").key != tools.key  # type: ignore[arg-type]


def test_tools_are_used_where_they_are(tools: Toolchain) -> None:
    assert tools.tool("pwd_mkdb") is None
    (tools.tools / "bin" / "nbpwd_mkdb").write_text("")
    assert tools.tool("pwd_mkdb") == tools.tools / "bin" / "nbpwd_mkdb"
    assert tools.binary_tool("strip").name == "x86_64--netbsd-strip"
    with pytest.raises(GlassmasterError, match="0 files are called …-objcopy"):
        tools.binary_tool("objcopy")


def test_tools_that_failed_are_gone_on_with(source: SourceTree, store: Store, tmp_path: Path) -> None:
    build = KernelBuild(environment={"FAIL": "1"})
    for _ in range(2):
        with pytest.raises(GlassmasterError, match="ended with status 1"):
            toolchain(source, build, "amd64", store, tmp_path / "log")
    (count,) = store.root.rglob("count")
    assert count.read_text() == "made\nmade\n"


def test_another_compiler_makes_other_tools(source: SourceTree, store: Store, tmp_path: Path) -> None:
    keys = set()
    for version in ("1.0", "2.0"):
        compiler = tmp_path / "cc"
        compiler.write_text(f"#!/bin/sh\necho compiler {version}\necho more\n")
        compiler.chmod(0o755)
        build = KernelBuild(environment={"HOST_CC": str(compiler)})
        keys.add(toolchain(source, build, "amd64", store, tmp_path / "log").key)
    assert len(keys) == 2


def test_a_kernel_broken_off_is_gone_on_with(
    source: SourceTree, tools: Toolchain, store: Store, tmp_path: Path, kernel: Callable[..., Kernel]
) -> None:
    wanted = kernel(environment={"FAIL": "1"})
    with pytest.raises(GlassmasterError, match="ended with status 1"):
        built_kernels(wanted, tools, "amd64", 5, store, tmp_path / "log")
    made = built_kernels(wanted, tools, "amd64", 5, store, tmp_path / "log")
    text = made["netbsd"].read_text()
    assert text.startswith("step\nstep\n../conf/")
    assert "config netbsd root on cd0a" in text
    # The second time nothing runs.
    assert built_kernels(wanted, tools, "amd64", 5, store, tmp_path / "none") == made
    assert not (tmp_path / "none").exists()
    assert built_kernels(kernel(), tools, "amd64", 6, store, tmp_path / "log") != made


def test_a_kernel_that_build_sh_did_not_make(
    tools: Toolchain, store: Store, tmp_path: Path, kernel: Callable[..., Kernel]
) -> None:
    wanted = kernel(config=("netbsd root on cd0a", "netbsd-usb root on sd0a"))
    with pytest.raises(GlassmasterError, match="made no kernel netbsd-usb"):
        built_kernels(wanted, tools, "amd64", 5, store, tmp_path / "log")


def test_the_configurations_path_says_nothing_of_where_it_is(tmp_path: Path) -> None:
    trees = [SourceTree(tmp_path / name, name, ()) for name in ("a", "somewhere/else")]
    paths = [conf_path(tree, "DOM0CD", "text\n") for tree in trees]
    assert paths[0] == paths[1]
    assert paths[0].startswith("../conf/") and paths[0].endswith("/DOM0CD")
    for tree in trees:
        tree.top.mkdir()
        assert (tree.top / paths[0]).read_text() == "text\n"
    assert conf_path(trees[0], "DOM0CD", "other\n") != paths[0]
