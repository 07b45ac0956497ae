"""@exec commands: known ones are done on entries, all others stop."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.contents import Exec
from glassmaster.inputs.pkgsrc.execs import run_exec
from glassmaster.inputs.pkgsrc.placing import Place
from tests.pkgsrc_install.conftest import EPOCH


@pytest.fixture
def made(place: Place) -> Place:
    place.file("usr/pkg/share/made/tool", b"tool", 0o4755)
    return place


def run(place: Place, command: str, harmless: tuple[str, ...] = ()) -> None:
    run_exec(Exec(command, "share/made/tool", 7), "/usr/pkg", place, harmless)


def shown(place: Place, path: str) -> tuple[str, int, int, int, str]:
    entry = place.find(path)
    assert entry is not None
    assert entry.mtime == EPOCH
    return entry.kind, entry.mode, entry.uid, entry.gid, entry.link


def test_directories(made: Place) -> None:
    run(made, "/bin/mkdir -p %D/share/a %D/share/b")
    run(made, "mkdir -p -m 0700 share/c")
    run(made, "install -d -o standin -g standin -m 0750 /var/made")
    assert shown(made, "usr/pkg/share/b") == ("dir", 0o755, 0, 0, "")
    assert shown(made, "usr/pkg/share/c") == ("dir", 0o700, 0, 0, "")
    assert shown(made, "var/made") == ("dir", 0o750, 1001, 1001, "")


def test_links(made: Place) -> None:
    run(made, "ln -s %f %B/link")
    run(made, "/bin/ln -sfn ../made/tool %D/share/made/link")
    run(made, "mkdir -p share/dir && ln -s /somewhere/tool share/dir")
    assert shown(made, "usr/pkg/share/made/link") == ("link", 0o755, 0, 0, "../made/tool")
    assert shown(made, "usr/pkg/share/dir/tool") == ("link", 0o755, 0, 0, "/somewhere/tool")


def test_copies_and_owners(made: Place) -> None:
    run(made, "cp %D/%F %D/etc/tool")
    assert shown(made, "usr/pkg/etc/tool") == ("file", 0o755, 0, 0, "")
    run(made, "cp -p %D/%F %D/etc/kept")
    assert shown(made, "usr/pkg/etc/kept") == ("file", 0o4755, 0, 0, "")
    run(made, "chown standin:standin %D/etc/kept; chmod 2755 %D/etc/kept; chgrp wheel %D/etc/kept")
    assert shown(made, "usr/pkg/etc/kept") == ("file", 0o755, 1001, 0, "")
    run(made, "install -c -m 0444 -o root %D/%F %D/etc/installed >/dev/null 2>&1")
    assert shown(made, "usr/pkg/etc/installed") == ("file", 0o444, 0, 0, "")
    run(made, "touch %D/etc/new")
    entry = made.find("usr/pkg/etc/new")
    assert entry is not None and entry.size == 0


@pytest.mark.parametrize(("command", "done"), [
    ("test -f %D/etc/x || touch etc/x", True),
    ("[ -f %D/share/made/tool ] || touch etc/x", False),
    ("[ ! -f %D/share/made/tool ] && touch etc/x", False),
    ("test ! -d %D/share/none && touch etc/x", True),
    ("test -e %D/%F && test -h %D/%F || touch etc/x", True),
    ("test -d none && touch etc/y; touch etc/x", True),
    ("true || touch etc/x", False),
    (": && /sbin/ldconfig && echo done; touch etc/x;", True),
    ("rm -f etc/none && touch etc/x", True),
    ("test -f none >/dev/null 2>&1||touch etc/x>/dev/null;", True),
    ("mkdir -p etc 2> /dev/null || true; touch etc/x", True),
])  # fmt: skip
def test_and_or_and_then(command: str, done: bool, made: Place) -> None:
    run(made, command)
    assert (made.find("usr/pkg/etc/x") is not None) == done


@pytest.mark.parametrize(("command", "mode"), [
    ("chown root %F", 0o2755), ("chgrp wheel %F", 0o4755), ("chown root:wheel %F", 0o755), ("chown :wheel %F", 0o4755),
])  # fmt: skip
def test_a_new_owner_takes_a_bit_away_as_netbsds_chown_does(command: str, mode: int, made: Place) -> None:
    made.permit("usr/pkg/share/made/tool", "", "6755")
    run(made, command)
    assert shown(made, "usr/pkg/share/made/tool")[:2] == ("file", mode)


@pytest.mark.parametrize(("command", "why"), [
    ("%D/bin/tool --set-up", "tool"),
    ("mkdir -p $HOME", "a shell would read this"),
    ("rm -rf %D/share/*", "a shell would read this"),
    ("cp `cat x` y", "a shell would read this"),
    ("cat x > %D/etc/y", "a shell would read this"),
    ("cat x | sort", "a shell would read this"),
    ("touch x2>/dev/null", "a shell would read this"),
    ("touch x >>/dev/null", "a shell would read this"),
    ("touch x >/dev/nullx", "a shell would read this"),
    ("if test -f x; then touch y; fi", "if"),
    ("(mkdir x)", "a shell would read this"),
    ("mkdir -z x", "the option -z"),
    ("mkdir -m", "-m without its value"),
    ("mkdir -p", "no operand"),
    ("chmod -R 755 x", "the option -R"),
    ("ln tool other", "only ln -s"),
    ("ln -s a b c", "only ln -s"),
    ("cp a b c", "other than one file"),
    ("rm -f %D/%F", "which is there"),
    ("test -x %D/%F && true", "test -x"),
    ("&& true", "nothing stands before &&"),
    ("mkdir 'unclosed", "No closing quotation"),
])  # fmt: skip
def test_unknown_commands_stop_and_say_how_to_go_on(command: str, why: str, made: Place) -> None:
    with pytest.raises(GlassmasterError) as caught:
        run(made, command)
    assert caught.value.what == f"made-1.0: +CONTENTS:7: @exec {command}"
    assert why in caught.value.why
    assert "harmless" in caught.value.hint
    run(made, command, harmless=(command,))


@pytest.mark.parametrize(("command", "what"), [
    ("cp %D/none %D/etc/x", "there is no file usr/pkg/none to copy"),
    ("chmod 755 none", "there is no usr/pkg/none"),
    ("chown nobody %F", "unknown user 'nobody'"),
    ("mkdir -p %D/%F", "a directory usr/pkg/share/made/tool where a file is"),
    ("ln -s x %D/%F", "is there already"),
    ("mkdir ../../../etc", "`..` in a path"),
    ("chmod 9 %F", "'9' is no mode"),
])  # fmt: skip
def test_what_would_fail_is_an_error(command: str, what: str, made: Place) -> None:
    with pytest.raises(GlassmasterError) as caught:
        run(made, command)
    assert what in caught.value.what


def test_a_last_file_is_needed_for_its_name(place: Place) -> None:
    with pytest.raises(GlassmasterError, match="@exec touch %F") as caught:
        run_exec(Exec("touch %F", "", 1), "/usr/pkg", place, ())
    assert "no file stands before it" in caught.value.why


WORDS = st.sampled_from([
    "mkdir", "ln", "-s", "-p", "%D", "%F", "a", "b", "/x", "&&", "||", ";", "test", "-f", "cp", "chmod", "755", "[",
    "]", "install", "-d", "-m", "rm", "touch", "chown", "root:wheel", "!", "'", '"', "$", "..",
])  # fmt: skip


# A new place for each example is made below.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(WORDS, max_size=8))
def test_only_our_own_errors(words: list[str], new_place: Callable[[], Place]) -> None:
    place = new_place()
    place.file("usr/pkg/share/made/tool", b"")
    try:
        run(place, " ".join(words))
    except GlassmasterError:
        return
