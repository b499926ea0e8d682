"""Codes drawn until one is free."""

import pytest

from mutuelle.free_codes import MOST_DRAWS, NoFreeCodeError, draw_digits, draw_free


async def test_the_first_free_one_is_taken_and_no_other_is_tried() -> None:
    drawn = iter(["a", "b", "c"])
    tried = []

    async def take(code: str) -> bool:
        tried.append(code)
        return code == "b"

    assert await draw_free("letter", lambda: next(drawn), take) == "b"
    assert tried == ["a", "b"]


async def test_where_none_is_free_it_ends_and_says_of_what() -> None:
    tried = []

    async def take(code: str) -> bool:
        tried.append(code)
        return False

    with pytest.raises(NoFreeCodeError, match="no free member number in BEN"):
        await draw_free("member number in BEN", lambda: "1", take)
    assert len(tried) == MOST_DRAWS


def test_digits_keep_their_zeros(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda below: below // 1000)
    assert draw_digits(5) == "00100"
