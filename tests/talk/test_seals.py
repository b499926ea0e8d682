"""What is sealed is read by its keys, for its purpose and its owner only; a digest is found while keys rotate."""

import pytest

from talk.seals import NO_SEALS, Seals

OLD, NEW = b"the old key of the tests", b"the new key of the tests"


def test_what_was_sealed_opens_under_any_key_in_force() -> None:
    sealed = Seals([OLD]).seal("pin", b"hash", "+22376000001")
    assert b"hash" not in sealed
    assert Seals([NEW, OLD]).open("pin", sealed, "+22376000001") == b"hash"


@pytest.mark.parametrize(
    ("keys", "purpose", "owner"),
    [([NEW], "pin", "awa"), ([OLD], "code", "awa"), ([OLD], "pin", "moussa")],
    ids=["another key", "another purpose", "another owner"],
)
def test_a_seal_opens_for_nothing_and_nobody_else(keys: list[bytes], purpose: str, owner: str) -> None:
    sealed = Seals([OLD]).seal("pin", b"hash", "awa")
    with pytest.raises(LookupError):
        Seals(keys).open(purpose, sealed, owner)


def test_the_same_words_are_sealed_differently_each_time() -> None:
    seals = Seals([OLD])
    assert seals.seal("pin", b"hash", "awa") != seals.seal("pin", b"hash", "awa")


def test_a_digest_is_written_with_the_first_key_and_found_with_any() -> None:
    written = Seals([OLD]).digests("code", "123456")[0]
    assert written in Seals([NEW, OLD]).digests("code", "123456")
    assert written not in Seals([NEW]).digests("code", "123456")
    assert written not in Seals([OLD]).digests("pin", "123456")


def test_without_keys_nothing_is_sealed_and_nothing_is_said_of_keys() -> None:
    with pytest.raises(RuntimeError):
        NO_SEALS.digests("code", "123456")
    assert "key of the tests" not in repr(Seals([OLD]))
