"""What is sealed is read by its keys, for its purpose and its owner only; a digest is found while keys rotate."""

import pytest

from talk.keyring import NO_KEYRING, Keyring

OLD, NEW = b"the old key of the tests", b"the new key of the tests"


def test_what_was_sealed_opens_under_any_key_in_force() -> None:
    sealed = Keyring([OLD]).seal("pin", b"hash", "+22376000001")
    assert b"hash" not in sealed
    assert Keyring([NEW, OLD]).open("pin", sealed, "+22376000001") == b"hash"


@pytest.mark.parametrize(
    ("keys", "purpose", "owner"),
    [([NEW], "pin", "awa"), ([OLD], "code", "awa"), ([OLD], "pin", "moussa")],
    ids=["another key", "another purpose", "another owner"],
)
def test_a_seal_opens_for_nothing_and_nobody_else(keys: list[bytes], purpose: str, owner: str) -> None:
    sealed = Keyring([OLD]).seal("pin", b"hash", "awa")
    with pytest.raises(LookupError):
        Keyring(keys).open(purpose, sealed, owner)


def test_the_same_words_are_sealed_differently_each_time() -> None:
    keyring = Keyring([OLD])
    assert keyring.seal("pin", b"hash", "awa") != keyring.seal("pin", b"hash", "awa")


def test_a_digest_is_written_with_the_first_key_and_found_with_any() -> None:
    written = Keyring([OLD]).digests("code", "123456")[0]
    assert written in Keyring([NEW, OLD]).digests("code", "123456")
    assert written not in Keyring([NEW]).digests("code", "123456")
    assert written not in Keyring([OLD]).digests("pin", "123456")


def test_without_keys_nothing_is_sealed_and_nothing_is_said_of_keys() -> None:
    with pytest.raises(RuntimeError):
        NO_KEYRING.digests("code", "123456")
    assert "key of the tests" not in repr(Keyring([OLD]))
