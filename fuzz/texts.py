"""Small texts: instants, ids of tenants, addresses of issuers, names of permissions, what log lines repeat."""

import re
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from stanchion.access.issuer_entry import parse_audiences, parse_issuer, parse_keys_url
from stanchion.access.permission import PERMISSIONS, parse_permissions, parse_role
from stanchion.access.tenants import is_guid, parse_tenant_id
from stanchion.access.web_address import authority, parse_web_address
from stanchion.errors import StanchionError
from stanchion.model.instant import TICKS_PER_SECOND, format_instant, parse_instant
from stanchion.model.wording import shown
from stanchion.settings import SETTINGS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEYOND_PYTHON = re.compile(r"\.\d{7,}|T24|:\d\d[Zz+-]|[+-]24")


def fuzz_instant(data: bytes) -> None:
    """Read an instant; Python's reader sees the same microsecond, and written it is the same."""
    text = data.decode("utf-8", "replace")
    try:
        ticks = parse_instant.__wrapped__(text)
    except ValueError:
        return
    assert parse_instant(format_instant(ticks)) == ticks // 10 * 10
    whole, _, rest = text.upper().partition(".")
    digits = re.match(r"\d*", rest)
    zone = rest[digits.end() :] if digits is not None else ""
    moment = datetime.fromisoformat(whole + zone)
    fraction = int((digits[0] if digits is not None else "").ljust(7, "0")[:7])
    assert ticks == (moment - _EPOCH) // timedelta(seconds=1) * TICKS_PER_SECOND + fraction


def fuzz_ids(data: bytes) -> None:
    """Read ids, names and values of settings: a GUID is one to Python too, and what is shown is on one line."""
    text = data.decode("utf-8", "replace")
    assert shown(text).isprintable()
    with suppress(StanchionError):
        assert re.fullmatch(r"[0-9a-f-]{1,64}", parse_tenant_id(text))
    if is_guid(text):
        assert str(uuid.UUID(text)) == text
    with suppress(StanchionError):
        assert set(parse_permissions(text.split(","))) <= set(PERMISSIONS)
    with suppress(StanchionError):
        assert is_guid(parse_role(text))
    for setting in SETTINGS.values():
        with suppress(ValueError):
            setting.shown(setting.of_text(text))


def fuzz_addresses(data: bytes) -> None:
    """Read an address of an issuer: Python's reader sees the same host, and keys are on it."""
    text = data.decode("utf-8", "replace")
    with suppress(StanchionError):
        parts = parse_web_address(text, of="issuer")
        assert (parts.scheme, parts.username, parts.fragment) == ("https", None, "")
        assert authority(parts)
        assert urlsplit(text).hostname == parts.hostname
    with suppress(StanchionError):
        issuer = parse_issuer(text)
        keys = parse_keys_url("https://issuer.example/keys", issuer=issuer)
        assert issuer == "https://issuer.example" or issuer.startswith(
            ("https://issuer.example/", "https://issuer.example:443")
        )
        assert keys == "https://issuer.example/keys"
    with suppress(StanchionError):
        parse_audiences(text.split(" "))
    with suppress(StanchionError):
        parse_keys_url("https://keys.example/", issuer="https://issuer.example", hosts=(text,))
