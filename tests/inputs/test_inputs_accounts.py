"""Users and groups of a release."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.accounts import Accounts, parse_accounts

PASSWD = (
    "root:*:0:0:daemon:0:0:Charlie &:/root:/bin/sh\noperator:*:2:5::0:0:System &:/usr/guest/operator:/sbin/nologin\n"
)
GROUP = "wheel:*:0:root\noperator:*:5:root\n"
NAMES = st.from_regex(r"[a-z_][a-z0-9_-]{0,15}", fullmatch=True)
NUMBERS = st.integers(0, 0xFFFFFFFF)


def test_reads_both_files() -> None:
    accounts = parse_accounts(PASSWD, GROUP)
    assert accounts.uid("operator", "here") == 2
    assert accounts.gid("operator", "here") == 5


def test_first_line_of_a_name_counts_and_others_are_passed_over() -> None:
    text = "# comment\n\nwheel:*:0:\nwheel:*:7:\n+:*:0:\n-games\n"
    assert parse_accounts("", text).groups == {"wheel": 0}


@given(st.dictionaries(NAMES, NUMBERS), st.dictionaries(NAMES, NUMBERS))
def test_any_accounts_are_read_back(users: dict[str, int], groups: dict[str, int]) -> None:
    passwd = "".join(f"{name}:*:{uid}:0::0:0:\x85\u2028:/:/bin/sh\n" for name, uid in users.items())
    group = "".join(f"{name}:*:{gid}:\n" for name, gid in groups.items())
    assert parse_accounts(passwd, group) == Accounts(users, groups)


@given(st.text(), st.text())
def test_any_text_is_accounts_or_an_error(passwd: str, group: str) -> None:
    try:
        parse_accounts(passwd, group)
    except GlassmasterError as error:
        assert error.what.startswith(("etc/master.passwd:", "etc/group:"))


@pytest.mark.parametrize(
    "line",
    [
        "too:few:1", "too:*:1:many:fields", "text:*:one:", "sign:*:-1:", "arabic:*:٣:", "wide:*:4294967296:",
        f"long:*:{'1' * 5000}:",
    ],
)  # fmt: skip
def test_a_broken_line_is_an_error_with_its_number(line: str) -> None:
    with pytest.raises(GlassmasterError) as caught:
        parse_accounts("", f"wheel:*:0:\n{line}\n")
    assert caught.value.what == "etc/group:2: not a line of this file"
    assert line in caught.value.why


def test_unknown_names_say_where_and_which() -> None:
    accounts = parse_accounts(PASSWD, GROUP)
    with pytest.raises(GlassmasterError, match=r"set base: bin/cat: unknown user 'nobody'") as user:
        accounts.uid("nobody", "set base: bin/cat")
    assert "etc/master.passwd" in user.value.why
    with pytest.raises(GlassmasterError, match=r"set base: bin/cat: unknown group 'nobody'") as group:
        accounts.gid("nobody", "set base: bin/cat")
    assert "etc/group" in group.value.why
