"""What turns a package's rc.d script on: read from the script, and written for rc.conf."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.services import Service, read_service, settings
from glassmaster.inputs.standin.packages import RC_SCRIPT

SERVICES = [Service("mailer", "mailer"), Service("web-server", "webserver"), Service("guests", "", "it sets no rcvar")]


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        (RC_SCRIPT, "standin"),
        ("name=made\nrcvar=$name\n", "made"),
        ('name="made"\nrcvar="${name}"\n', "made"),
        ("name='made'\nrcvar=${name}\t# what turns it on\n", "made"),
        ('name="web-server"\nrcvar="webserver"\n', "webserver"),
        ("name=made\nrcvar=${name}d\n", "maded"),
        ("\tname=made;\n\trcvar=$name\n", "made"),
        ("if [ -f /etc/rc.subr ]; then\n\t. /etc/rc.subr\nfi\nname=made\nrcvar=$name\nload_rc_config $name\n", "made"),
        ("rcvar=other\nname=made\nload_rc_config $name\n: ${made_flags=-x}\n", "other"),
        ("name=made\nrcvar=$name\nrcvar=$name\n", "made"),
    ],
)
def test_the_variable(text: str, variable: str) -> None:
    assert read_service("script", text) == Service("script", variable)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name=guests\nstart_cmd=guests_start\n", "it sets no rcvar, so that it is run at every start"),
        ("# rcvar=$name\nname=x\n", "it sets no rcvar, so that it is run at every start"),
        ("name=made\nrcvar=`set_rcvar`\n", "its variable cannot be told from rcvar=`set_rcvar`"),
        ("name=made\nrcvar=$(set_rcvar)\n", "its variable cannot be told from rcvar=$(set_rcvar)"),
        ("name=made\nrcvar=${rcvar-x}\n", "its variable cannot be told from rcvar=${rcvar-x}"),
        ("name=xen-watchdog\nrcvar=$name\n", "its variable cannot be told from rcvar=$name"),
        ("name=a\nname=b\nrcvar=$name\n", "its variable cannot be told from rcvar=$name"),
        ("name=a\nrcvar=one\nrcvar=two\n", "its variable cannot be told from rcvar=two"),
        ("name=`basename $0`\nrcvar=$name\n", "its variable cannot be told from rcvar=$name"),
        ("rcvar='$name'\nname=x\n", "its variable cannot be told from rcvar='$name'"),
        ("name=x\nrcvar=\n", "its variable cannot be told from rcvar="),
    ],
)
def test_where_there_is_none_the_reason_says_so(text: str, why: str) -> None:
    assert read_service("script", text) == Service("script", "", why)


@given(st.text())
def test_every_text_is_read(text: str) -> None:
    read_service("noise", text)


@given(st.text(max_size=20))
def test_a_variable_is_one(value: str) -> None:
    variable = read_service("noise", f"name=x\nrcvar={value}").variable
    assert not variable or (variable.isascii() and variable.isidentifier())


def test_what_the_recipe_wants_is_on_and_all_else_off() -> None:
    assert settings(SERVICES, [], "services") == {"mailer": "NO", "webserver": "NO"}
    assert settings(SERVICES, ["web-server"], "services") == {"mailer": "NO", "webserver": "YES"}
    assert settings([], [], "services") == {}


def test_unknown_services() -> None:
    with pytest.raises(GlassmasterError, match=r"packages\.services: no package has an rc\.d script 'mailr'") as caught:
        settings(SERVICES, ["mailr"], "packages.services")
    assert caught.value.hint == "did you mean mailer?"
    with pytest.raises(GlassmasterError) as caught:
        settings(SERVICES, ["ntp"], "services")
    assert caught.value.hint == "there are: guests, mailer, web-server"
    with pytest.raises(GlassmasterError) as caught:
        settings([], ["ntp"], "services")
    assert caught.value.hint == "there are: none"


def test_a_service_that_has_no_variable_cannot_be_turned_on() -> None:
    with pytest.raises(GlassmasterError, match=r"services: guests cannot be turned on in rc\.conf") as caught:
        settings(SERVICES, ["guests"], "services")
    assert caught.value.why == "/etc/rc.d/guests: it sets no rcvar"
