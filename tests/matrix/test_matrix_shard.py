"""Shares of many recipes: each recipe is in one of them, and equal names make equal shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassmaster.errors import GlassmasterError
from glassmaster.matrix.shard import matching, of_shard

NAMES = st.lists(st.text("abc", min_size=1, max_size=4), unique=True, max_size=20)


@given(NAMES, st.integers(1, 7), st.randoms())
def test_each_is_in_one_share_whatever_the_order(names: list[str], of: int, chance: object) -> None:
    shares = [of_shard(names, f"{number}/{of}") for number in range(1, of + 1)]
    assert sorted(name for share in shares for name in share) == sorted(names)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert shares == [of_shard(names[::-1], f"{number}/{of}") for number in range(1, of + 1)]


def test_no_share_is_all() -> None:
    assert of_shard(["b", "a"], "") == of_shard(["a", "b"], "1/1") == ["a", "b"]


@pytest.mark.parametrize("shard", ["0/4", "5/4", "1", "1/0", "a/b", "-1/4", "1/4x", "1/4/2"])
def test_what_is_no_share_is_refused(shard: str) -> None:
    with pytest.raises(GlassmasterError, match="not understood"):
        of_shard(["a"], shard)


def test_patterns_mean_recipes_and_other_words_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    for name in ("site-b", "site-a", "other"):
        (tmp_path / f"recipes/{name}.yaml").write_text("")
    assert matching(["site-*", "site-a", "x/y.yaml"]) == ["site-a", "site-b", "x/y.yaml"]
    with pytest.raises(GlassmasterError, match="no recipe of that name"):
        matching(["sote-*"])
