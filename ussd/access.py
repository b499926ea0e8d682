"""Who may call as a gateway: by a secret in the path, a password or a header, and from which addresses."""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
CODE = re.compile(r"\*[0-9]+(\*[0-9]+)*#")
USER = re.compile(r"[A-Za-z0-9._~-]{1,64}")
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")


@dataclass(frozen=True)
class GatewayAccess:
    """One gateway that is on: all that is set must be right. `secrets` are the path's; `code` is dialled to it.

    `headers` are names in small letters, each with the values in force, of which one must come; without `addresses` a
    request may come from anywhere.
    """

    name: str
    code: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    addresses: tuple[Network, ...] = ()

    def admits(self, headers: Mapping[str, str], peer: str) -> bool:
        """Whether a request that came to the right path is the gateway's; each value is compared in constant time."""
        given = [_is_one_of(headers.get(name, ""), values) for name, values in self.headers.items()]
        return all(given) and (not self.addresses or _is_within(peer, self.addresses))


def _is_one_of(given: str, values: tuple[str, ...]) -> bool:
    same = [hmac.compare_digest(given.encode(), value.encode()) for value in values]
    return any(same)


def _is_within(peer: str, networks: tuple[Network, ...]) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any((mapped or address) in network for network in networks)


def networks(written: str) -> tuple[Network, ...]:
    """Addresses and networks between commas; ValueError, with a sentence, for one that is none."""
    found: list[Network] = []
    for one in filter(None, (part.strip() for part in written.split(","))):
        try:
            found.append(ip_network(one))
        except ValueError:
            raise ValueError(f"{one} is no address or network such as 196.201.216.0/24") from None
    return tuple(found)


def basic(user: str, password: str) -> str:
    """The header of HTTP basic authentication."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
