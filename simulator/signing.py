"""HTTP message signatures as pawaPay describes them (RFC 9421, ecdsa-p256-sha256), made and checked by hand.

The service uses a library for it: that the two agree is a proof only because they share nothing.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

DER, RAW = "der", "raw"
SIZE = 32  # of r and of s
LIFE_S = 60
COVERED = ("@method", "@authority", "@path", "signature-date", "content-digest", "content-type")
INPUT = re.compile(r'sig-pp=(\(((?:"[a-z@-]+" ?)+)\);(.*))')
ECDSA = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True)
class SignedPost:
    """A request, with the host and path that it was sent to. Names of headers have small letters."""

    method: str
    authority: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def key_of(directory: Path) -> ec.EllipticCurvePrivateKey:
    """The simulated provider's own key, made once."""
    path = directory / "pawapay.pem"
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        path.write_bytes(made.private_bytes(*pem))
    loaded = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)  # noqa: S101 - written above
    return loaded


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()


def public_key(pem: str) -> ec.EllipticCurvePublicKey | None:
    """A public key on P-256; None for anything else."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except ValueError:
        return None
    is_p256 = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    return key if is_p256 and isinstance(key, ec.EllipticCurvePublicKey) else None


def digest(body: bytes) -> str:
    return f"sha-512=:{base64.b64encode(hashlib.sha512(body).digest()).decode()}:"


def _base(message: SignedPost, covered: list[str], parameters: str) -> bytes:
    """The text that is signed: a line for each thing covered, then what says so. KeyError for an absent header."""
    told = {"@method": message.method, "@authority": message.authority, "@path": message.path}
    lines = [f'"{name}": {told[name] if name[0] == "@" else message.headers[name]}' for name in covered]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()


def signed(
    url: str, content_type: str, body: bytes, key: ec.EllipticCurvePrivateKey, key_id: str, form: str
) -> dict[str, str]:
    """The headers of a signed POST, in the order and form of pawaPay's documentation."""
    parts, now = urlsplit(url), datetime.now(UTC)
    created = int(now.timestamp())
    headers = {
        "content-type": content_type,
        "content-digest": digest(body),
        "signature-date": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    names = " ".join(f'"{name}"' for name in COVERED)
    parameters = (
        f'({names});alg="ecdsa-p256-sha256";keyid="{key_id}";created={created};expires={created + LIFE_S}'
    )
    message = SignedPost("POST", parts.netloc, parts.path, headers, body)
    signature = key.sign(_base(message, list(COVERED), parameters), ECDSA)
    if form == RAW:
        signature = b"".join(part.to_bytes(SIZE, "big") for part in decode_dss_signature(signature))
    return headers | {
        "signature-input": f"sig-pp={parameters}",
        "signature": f"sig-pp=:{base64.b64encode(signature).decode()}:",
    }


def is_signed(message: SignedPost, key: ec.EllipticCurvePublicKey, key_id: str) -> bool:
    """Whether a request was signed with this key for this address, within its time, over these very bytes."""
    told = INPUT.fullmatch(message.headers.get("signature-input", ""))
    written = re.fullmatch(r"sig-pp=:([A-Za-z0-9+/=]+):", message.headers.get("signature", ""))
    if not told or not written or message.headers.get("content-digest") != digest(message.body):
        return False
    covered = [name.strip('"') for name in told[2].split()]
    facts = dict(re.findall(r'([a-z]+)="?([^";]*)"?', told[3]))
    now = datetime.now(UTC).timestamp()
    if (
        not {"@method", "@authority", "@path", "content-digest"} <= set(covered)
        or facts.get("keyid") != key_id
    ):
        return False
    try:
        if not int(facts["created"]) - LIFE_S <= now <= int(facts["expires"]):
            return False
        signature = base64.b64decode(written[1], validate=True)
        if len(signature) == 2 * SIZE:
            r, s = (int.from_bytes(part, "big") for part in (signature[:SIZE], signature[SIZE:]))
            signature = encode_dss_signature(r, s)
        key.verify(signature, _base(message, covered, told[1]), ECDSA)
    except (InvalidSignature, ValueError, KeyError):
        return False
    return True
