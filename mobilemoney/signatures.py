"""Signed HTTP messages (RFC 9421): ECDSA on the curve P-256, over a Content-Digest (RFC 9530) of the raw bytes.

Both forms of such a signature are accepted: r and s side by side, as the standard says, and DER, as pawaPay's pages and
published samples have it. Ours are DER, for the same reason. The library decides everything else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
    VerificationKey,
)
from http_message_signatures.algorithms import ECDSA_P256_SHA256

LABEL = "sig-pp"
CONTENT_TYPE = "application/json; charset=UTF-8"
LIFE = timedelta(seconds=60)  # of a request of ours
OLDEST = timedelta(minutes=15)  # of a notice: for so long it is delivered again
CLOCKS_DIFFER = timedelta(minutes=1)
COVERED = ("@method", "@authority", "@path", "signature-date", "content-digest", "content-type")
REQUIRED = (
    "@method",
    "@authority",
    "@path",
    "content-digest",
)  # without these, it could be of another message
RAW_SIZE = 64
LONGEST_ID = 60  # of a key, in a log


class EitherForm(ECDSA_P256_SHA256):
    """Signs in DER; verifies DER and r and s side by side."""

    def sign(self, message: bytes) -> bytes:
        signature: bytes = self.private_key.sign(message, signature_algorithm=self.signature_algorithm)
        return signature

    def verify(self, signature: bytes, message: bytes) -> None:
        super().verify(
            signature if len(signature) == RAW_SIZE else self.signature_from_der(signature), message
        )


class Sha512Digest(ContentDigest):
    """SHA-512, as pawaPay's documentation has it; both SHA-256 and SHA-512 are verified."""

    algorithm = "sha-512"


class Signer(HTTPMessageSigner):
    """With a digest in SHA-512."""

    content_digest_class = Sha512Digest


class Verifier(HTTPMessageVerifier):
    """With clocks that may differ."""

    max_clock_skew = CLOCKS_DIFFER


class KnownKeys(MappingKeyResolver):
    """Says which key is not among them: its owner may have a new one."""

    def resolve_public_key(self, key_id: str) -> VerificationKey:
        if (key := super().resolve_public_key(key_id)) is None:
            raise HTTPMessageSignaturesException(f"key {key_id[:LONGEST_ID]!r} is not in public_keys")
        return key


@dataclass(frozen=True)
class HttpMessage:
    """A request, ours or one received. `url` has the host that it was meant for."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True)
class SigningKey:
    """Our private key, and the name under which the other side has its public half."""

    key_id: str
    key: EllipticCurvePrivateKey = field(repr=False)


def signing_key(key_id: str, pem: str) -> SigningKey:
    """ValueError, with a sentence that quotes nothing, if the key is of another kind."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise ValueError("private_key is not a private key in PEM without a password") from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("private_key is not a key on the curve P-256")
    return SigningKey(key_id, key)


def public_keys(written: str) -> dict[str, EllipticCurvePublicKey]:
    """The keys on P-256, by id, of `[{"id": …, "key": PEM}, …]`; ValueError for anything else, or none at all."""
    try:
        pems = {one["id"]: load_pem_public_key(one["key"].encode()) for one in json.loads(written)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("public_keys is not a list of ids and keys in PEM") from None
    keys = {
        key_id: key
        for key_id, key in pems.items()
        if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    }
    if not keys:
        raise ValueError("public_keys has no key on the curve P-256")
    return keys


def signed(method: str, url: str, body: bytes, key: SigningKey) -> dict[str, str]:
    """The headers of a signed request; the same bytes must be sent."""
    now = datetime.now(UTC)
    message = HttpMessage(
        method, url, {"content-type": CONTENT_TYPE, "signature-date": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"}
    )
    signer = Signer(
        signature_algorithm=EitherForm,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key.key_id: key.key}),
    )
    signer.sign(
        message,
        key_id=key.key_id,
        created=now,
        expires=now + LIFE,
        label=LABEL,
        covered_component_ids=COVERED,
        body=body,
    )
    return message.headers


def fault(message: HttpMessage, body: bytes, keys: Mapping[str, EllipticCurvePublicKey]) -> str | None:
    """Why a message was not signed by a holder of these keys, or not these bytes; None for a good one."""
    verifier = Verifier(
        signature_algorithm=EitherForm,
        key_resolver=KnownKeys(public_keys=keys, private_keys={}),
    )
    try:
        verifier.verify(message, max_age=OLDEST, require_components=REQUIRED, body=body)
    except (HTTPMessageSignaturesException, ValueError, TypeError) as refused:
        return str(refused) or "the signature does not fit the message"
    return None
