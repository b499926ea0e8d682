"""What must not be readable in the database, under keys that never enter it: digests of codes, sealed hashes of PINs.

Each use has a purpose of its own and is bound to whom it belongs to, so that a row copied to another is worthless.
"""

import hmac
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class Keyring:
    """The keys in force: the first is used for what is new, any of them opens what is old (while keys rotate)."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def __repr__(self) -> str:
        return f"Seals({len(self._keys)} keys)"

    def digests(self, purpose: str, words: str) -> tuple[bytes, ...]:
        """Keyed digests of `words`, 32 bytes each: the first is written, any of them is recognised."""
        return tuple(
            hmac.digest(self._key(key, purpose), words.encode(), "sha256") for key in self._current()
        )

    def seal(self, purpose: str, plain: bytes, owner: str) -> bytes:
        """`plain` as only these keys can read it, for this purpose and `owner` only (AES-256-GCM)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._key(self._current()[0], purpose)).encrypt(nonce, plain, owner.encode())

    def open(self, purpose: str, sealed: bytes, owner: str) -> bytes:
        """What was sealed; LookupError if no key in force opens it for this purpose and owner."""
        nonce, locked = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        for key in self._current():
            try:
                return AESGCM(self._key(key, purpose)).decrypt(nonce, locked, owner.encode())
            except InvalidTag:
                continue
        raise LookupError("no key in force opens this seal")

    def newest(self) -> "Keyring":
        """Only the first key: what it does not open was sealed by an older one."""
        return Keyring(self._current()[:1])

    def _current(self) -> tuple[bytes, ...]:
        if not self._keys:
            raise RuntimeError("no keys were handed down")
        return self._keys

    @staticmethod
    def _key(key: bytes, purpose: str) -> bytes:
        """A key of its own for each purpose, 32 bytes."""
        return hmac.digest(key, f"keneya {purpose}".encode(), "sha256")


NO_KEYRING = Keyring(())
