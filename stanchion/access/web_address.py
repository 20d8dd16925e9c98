"""The address of an issuer or of its keys: https, a host, and nothing in it that would hide another one.

An address in numbers may be of a private network, where many an issuer is, and of this machine; but not link-local,
where clouds keep what only the machine may know, nor one that no host has.
"""

import re
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from stanchion.errors import BadRequest
from stanchion.model.wording import shown_address

MAX_ADDRESS_CHARACTERS = 2048

# Visible ASCII but quotes, backslash, angle brackets and the fragment: what no two readers of URLs take differently.
_PLAIN = re.compile(r"https://[!$-;=?-\[\]-~]+", re.ASCII)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?|[0-9a-f:.]{2,45}", re.ASCII)
_NUMBERS = re.compile(r"(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+)){0,3}\.?", re.ASCII)
_MAX_PORT = 65535


def parse_web_address(text: str, *, of: str) -> SplitResult:
    """Return the parts of an address; raises BadRequest for what is not https or not plain."""
    if not text.startswith("https://"):
        raise BadRequest(f"The {of} {shown_address(text)} must begin with https://.", target=of)
    try:
        parts = urlsplit(text) if _PLAIN.fullmatch(text) and len(text) <= MAX_ADDRESS_CHARACTERS else None
        fine = parts is not None and _is_fine(parts)
    except ValueError:  # A port that is no number, brackets without an IPv6 address.
        parts, fine = None, False
    if parts is None or not fine:
        raise BadRequest(
            f"The {of} {shown_address(text)} cannot be used: https://host/path is expected, the host in lower case, "
            "without user, fragment or odd characters.",
            target=of,
        )
    return parts


def authority(parts: SplitResult) -> str:
    """Return host and port, without the port that https implies."""
    return parts.netloc.removesuffix(":443")


def _is_fine(parts: SplitResult) -> bool:
    host, port = parts.hostname or "", parts.port
    return (
        _HOST.fullmatch(host) is not None
        and "@" not in parts.netloc
        and parts.netloc == parts.netloc.lower()
        and (port is None or 0 < port <= _MAX_PORT)
        and not _is_of_no_issuer(host)
    )


def _is_of_no_issuer(host: str) -> bool:
    with suppress(ValueError):
        address = ip_address(host)
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_link_local or address.is_multicast or address.is_unspecified
    # Numbers in other forms than the usual one, which resolvers read as addresses all the same.
    return _NUMBERS.fullmatch(host) is not None
