"""Resolving: what is chosen, in which order and why, and what cannot be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.inputs.pkgsrc.choice import Need, Resolution, Wanted
from glassmaster.inputs.pkgsrc.contradictions import check_libraries, missing_libraries
from glassmaster.inputs.pkgsrc.outdated import outdated
from glassmaster.inputs.pkgsrc.platform import Platform
from glassmaster.inputs.pkgsrc.resolve import resolve
from glassmaster.inputs.pkgsrc.summary import Summary, read_summary
from tests.pkgsrc.conftest import summary_text

Repository = Callable[..., Summary]
PLATFORM = Platform.of_release("10.1", "amd64")


def wanted(*patterns: str) -> list[Wanted]:
    return [Wanted(pattern, f"pkgsets/core.yaml:{line}", "core") for line, pattern in enumerate(patterns, 3)]


def resolved(summary: Summary, *patterns: str) -> Resolution:
    return resolve(wanted(*patterns), summary, PLATFORM)


def names(resolution: Resolution) -> list[str]:
    return [item.package.name for item in resolution.chosen]


def refused(summary: Summary, *patterns: str, platform: Platform = PLATFORM) -> str:
    with pytest.raises(GlassmasterError) as caught:
        resolve(wanted(*patterns), summary, platform)
    return str(caught.value)


def test_dependencies_come_first_in_the_order_in_which_they_are_listed(repository: Repository) -> None:
    summary = repository("a-1 DEPENDS=z>=1 DEPENDS=b>=1", "b-1 DEPENDS=c>=1", "c-1", "z-1 DEPENDS=c>=1", "unused-1")
    resolution = resolved(summary, "b", "a")
    assert names(resolution) == ["c-1", "b-1", "z-1", "a-1"]
    assert resolution["c-1"].reasons == (Need("c>=1", "b-1"), Need("c>=1", "z-1"))
    assert resolution.why("c-1") == ("core wants b (pkgsets/core.yaml:3)", "b-1 needs c>=1", "c-1")
    assert {item.package.name: item.automatic for item in resolution.chosen} == {
        "c-1": True, "b-1": False, "z-1": True, "a-1": False,
    }  # fmt: skip
    assert resolution.required_by() == {"c-1": ("b-1", "z-1"), "b-1": ("a-1",), "z-1": ("a-1",), "a-1": ()}


def test_the_best_match_is_taken(repository: Repository) -> None:
    summary = repository("a-1.0", "a-1.0nb2", "a-1.0rc9", "b-1.0nb2", "a-2.0alpha")
    assert names(resolved(summary, "a>=0<2.0alpha")) == ["a-1.0nb2"]
    assert names(resolved(summary, "a")) == ["a-2.0alpha"]
    assert names(resolved(summary, "{a<2.0alpha,b}")) == ["a-1.0nb2"]


def test_what_is_there_already_is_taken_before_something_better(repository: Repository) -> None:
    summary = repository("a-1", "a-2", "b-1 DEPENDS=a>=1", "c-1 DEPENDS={d,a}>=1", "d-9")
    assert names(resolved(summary, "a<2", "b", "c")) == ["a-1", "b-1", "c-1"]


def test_no_match_says_who_wants_it_and_what_there_is(repository: Repository) -> None:
    summary = repository("top-1 DEPENDS=mid>=1", "mid-1 DEPENDS=low>=2", "low-1", "low-1nb1")
    assert refused(summary, "top") == (
        "pkgsets/core.yaml:3: no package matches low>=2\n"
        "  core wants top (pkgsets/core.yaml:3) → top-1 needs mid>=1 → mid-1 needs low>=2\n"
        "  looked for in pkg_summary.gz, which has 4 packages\n"
        "  there is low-1, low-1nb1"
    )


def test_no_match_knows_new_names_and_slips(repository: Repository) -> None:
    summary = repository("xentools420-1", "new-2 SUPERSEDES=old-[0-9]*")
    assert "did you mean xentools420?" in refused(summary, "xentool420-[0-9]*")
    assert "new-2 took the place of old" in refused(summary, "old>=1")
    assert "pkgsets/core.yaml:4: no package matches q" in refused(summary, "new", "q")


def test_a_wrong_pattern_is_told_with_its_place(repository: Repository) -> None:
    assert refused(repository("a-1"), "{a").startswith("pkgsets/core.yaml:3: '{a' is no pattern")


def test_packages_that_need_each_other(repository: Repository) -> None:
    text = refused(repository("a-1 DEPENDS=b>=1", "b-1 DEPENDS=a>=1"), "a")
    assert "a-1 needs itself\n  core wants a (pkgsets/core.yaml:3) → a-1 needs b>=1 → b-1 needs a>=1 → a-1" in text


def test_two_versions_of_one_package(repository: Repository) -> None:
    summary = repository("a-1", "a-2", "b-1 DEPENDS=a>=2", "c-1 DEPENDS=a<2")
    text = refused(summary, "b", "c")
    assert text.startswith("pkgsets/core.yaml:4: a-1 and a-2 cannot both be in one image\n")
    assert "core wants c (pkgsets/core.yaml:4) → c-1 needs a<2 → a-1\n" in text
    assert "core wants b (pkgsets/core.yaml:3) → b-1 needs a>=2 → a-2\n" in text


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize(("variable", "words"), [("CONFLICTS", "conflicts with"), ("SUPERSEDES", "takes the place of")])
def test_packages_that_cannot_be_together(
    repository: Repository, order: tuple[str, str], variable: str, words: str
) -> None:
    summary = repository(f"a-1 {variable}=c-[0-9]* {variable}=none-[0-9]*", "b-1 DEPENDS=c>=1", "c-1")
    text = refused(summary, *order)
    assert f"a-1 and c-1 cannot both be in one image\n  a-1 {words} c-[0-9]*\n" in text
    assert "→ b-1 needs c>=1 → c-1" in text
    assert names(resolved(summary, "b")) == ["c-1", "b-1"]


def test_a_package_may_conflict_with_its_own_name(repository: Repository) -> None:
    assert names(resolved(repository("a-1 CONFLICTS=a-[0-9]* SUPERSEDES=a<2"), "a")) == ["a-1"]


@pytest.mark.parametrize(
    "given_platform", ["OPSYS=Linux", "MACHINE_ARCH=amd64", "OS_VERSION=9.0", "OS_VERSION=10.99.1"]
)
def test_packages_of_another_platform(repository: Repository, given_platform: str) -> None:
    text = refused(repository("a-1 DEPENDS=b>=1", f"b-1 {given_platform}"), "a")
    assert "b-1 is for" in text and "the release is NetBSD/x86_64 10.1" in text and "a-1 needs b>=1 → b-1" in text


@pytest.mark.parametrize(
    ("release", "built", "accepted", "warned"),
    [
        ("10.0", "10.0", True, False),
        ("10.1", "10.0", True, True),
        ("10.0_STABLE", "10.0", True, False),
        ("10.0", "10.0_RC3", True, False),
        ("10.0_BETA", "10.0_PATCH", True, True),
        ("10.0_X", "10.0", True, True),
        ("10.10", "10.1", True, True),
        ("9.4", "10.0", False, True),
        ("1.6", "10.0", False, True),
        ("6.99.16", "6.99.16", True, False),
        ("6.99.16", "6.99.15", True, True),
        ("6.99.16", "6.1", False, True),
        ("10", "10.0", True, True),
    ],
)
def test_versions_of_the_system(repository: Repository, release: str, built: str, accepted: bool, warned: bool) -> None:
    package = repository(f"a-1 OS_VERSION={built}").package("a-1")
    platform = Platform.of_release(release, "amd64")
    assert platform.accepts(package) is accepted
    assert platform.warns_of(package) is warned


def test_versions_that_pkg_add_would_warn_of_are_told(repository: Repository) -> None:
    summary = repository("a-1 DEPENDS=b-[0-9]*", "b-1 OS_VERSION=10.1", "c-1 OS_VERSION=10.2_RC1")
    assert resolved(summary, "a").warned == ("10.0",)
    assert resolved(summary, "b").warned == ()
    assert resolved(summary, "c", "a").warned == ("10.0", "10.2_RC1")


def test_the_tree_shows_everything_once(repository: Repository) -> None:
    summary = repository("a-1 DEPENDS=b>=1 DEPENDS=c>=1", "b-1 DEPENDS=c>=1", "c-1 DEPENDS=d>=1", "d-1")
    tree = [(b.depth, b.chosen.package.name, b.reason.pattern, b.again) for b in resolved(summary, "d", "a").tree()]
    assert tree == [
        (0, "a-1", "a", False),
        (1, "b-1", "b>=1", False),
        (2, "c-1", "c>=1", False),
        (3, "d-1", "d>=1", False),
        (1, "c-1", "c>=1", True),
        (0, "d-1", "d", False),
    ]


def test_libraries(repository: Repository) -> None:
    summary = repository(
        "a-1 DEPENDS=b>=1 REQUIRES=/usr/lib/libc.so.12 REQUIRES=/usr/pkg/lib/libb.so.1 REQUIRES=/usr/pkg/lib/libq.so.2",
        "b-1 PROVIDES=/usr/pkg/lib/libb.so.1 REQUIRES=/usr/X11R7/lib/libX11.so.7",
        "q-1 PROVIDES=/usr/pkg/lib/libq.so.2",
    )
    resolution = resolved(summary, "a")
    assert [item.library for item in missing_libraries(resolution, [])] == [
        "/usr/X11R7/lib/libX11.so.7", "/usr/lib/libc.so.12", "/usr/pkg/lib/libq.so.2",
    ]  # fmt: skip
    sets = {"/usr/lib/libc.so.12", "/usr/X11R7/lib/libX11.so.7"}
    with pytest.raises(GlassmasterError) as caught:
        check_libraries(resolution, summary, [sets])
    assert str(caught.value) == (
        "pkgsets/core.yaml:3: /usr/pkg/lib/libq.so.2, which a-1 needs, is not on the image\n"
        "  core wants a (pkgsets/core.yaml:3) → a-1 needs /usr/pkg/lib/libq.so.2\n"
        "  q-1 provides it"
    )
    with pytest.raises(GlassmasterError, match="libX11") as caught:
        check_libraries(resolution, summary, [{"/usr/lib/libc.so.12"}])
    assert "a-1 needs /usr/pkg/lib/libq.so.2" in caught.value.why and "leave out a set" in caught.value.hint
    check_libraries(resolution, summary, [sets, {"/usr/pkg/lib/libq.so.2"}])


def test_what_a_newer_repository_has(repository: Repository) -> None:
    old = repository("same-1", "up-1", "down-2", "built-1", "gone-1", "old-1")
    new = repository(
        "same-1", "up-1", "up-1nb1", "down-1", "built-1 BUILD_DATE=2026-08-01", "new-2 SUPERSEDES=old-[0-9]*"
    )
    found = outdated([item.package for item in resolved(old, *old.names.bases()).chosen], new)
    assert {item.package.name: (item.how, item.now) for item in found} == {
        "up-1": ("newer", ("up-1nb1",)),
        "down-2": ("older", ("down-1",)),
        "built-1": ("rebuilt", ("built-1",)),
        "gone-1": ("gone", ()),
        "old-1": ("renamed", ("new-2",)),
    }


def test_a_very_long_chain(repository: Repository) -> None:
    summary = repository(*(f"p{n}-1 DEPENDS=p{n + 1}>=1" for n in range(3000)), "p3000-1")
    resolution = resolved(summary, "p0")
    assert names(resolution)[0] == "p3000-1"
    assert sum(1 for _ in resolution.tree()) == 3001
    assert len(resolution.why("p3000-1")) == 3002


@given(st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=8, max_size=8), st.permutations(range(8)))
def test_any_repository_resolves_in_order_or_gives_our_own_error(needs: list[list[int]], order: list[int]) -> None:
    lines = [" ".join([f"p{n}-1", *(f"DEPENDS=p{need}-[0-9]*" for need in needs[n])]) for n in range(8)]
    first = read_summary(iter([summary_text(*lines).encode()]), "S")
    shuffled = read_summary(iter([summary_text(*(lines[n] for n in order)).encode()]), "S")
    try:
        resolution = resolved(first, "p0", "p1")
    except GlassmasterError as error:
        assert "needs itself" in error.what
        with pytest.raises(GlassmasterError):
            resolved(shuffled, "p0", "p1")
        return
    assert names(resolution) == names(resolved(shuffled, "p0", "p1"))
    position = {name: at for at, name in enumerate(names(resolution))}
    for item in resolution.chosen:
        assert all(position[f"p{need}-1"] < position[item.package.name] for need in needs[int(item.package.base[1:])])
