"""The link to the next page, and the skip token in it.

- A token holds the order keys of the last row and an HMAC-SHA256 over them, the tenant, the root, the set and
  the query: it goes on with the query it was made for, or is refused.
- `$top` is not bound, because clients change it from page to page. `$skip` counts on the first page only.
- The link is absolute and canonical, spells `$` literally and repeats `$top` only if the caller sent it.
- `$skiptoken` is opaque to clients (OData 4.01 Protocol 11.2.6.7).
"""

import base64
import binascii
import hashlib
import hmac
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from stanchion.errors import BadRequest
from stanchion.odata.query import KeyValue, ListQuery
from stanchion.odata.url import set_address

_KEYS = msgspec.json.Decoder(tuple[bool | int | float | str | None, ...])
# Half of SHA-256 is beyond any guessing, and keeps links short.
_TAG_BYTES = 16


def skip_token(key: bytes, *, tenant_id: str, query: ListQuery, last_key: tuple[KeyValue, ...]) -> str:
    """Return the token that goes on after the row whose order keys are `last_key`."""
    values = msgspec.json.encode(last_key)
    return base64.urlsafe_b64encode(_tag(key, tenant_id, query, values) + values).rstrip(b"=").decode()


def read_skip_token(key: bytes, *, tenant_id: str, query: ListQuery) -> tuple[KeyValue, ...]:
    """Return the order keys held by the query's token.

    Raises BadRequest for a token that is garbled, forged, or made for another tenant, root, set or query.
    """
    token = query.skip_token or ""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused() from None
    tag, values = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(key, tenant_id, query, values)):
        raise _refused()
    last_key = _KEYS.decode(values)
    # The same key in another spelling is not ours: unused bits of the last character could differ.
    if skip_token(key, tenant_id=tenant_id, query=query, last_key=last_key) != token:
        raise _refused()
    return last_key


def resumed(query: ListQuery, key: bytes, *, tenant_id: str) -> ListQuery:
    """Return the query with `after` read from its token; without a token, the query itself."""
    if query.skip_token is None:
        return query
    return replace(query, after=read_skip_token(key, tenant_id=tenant_id, query=query))


def next_link(origin: str, query: ListQuery, *, token: str) -> str:
    """Return the address of the next page; `origin` is scheme, host and port, without a slash at the end."""
    options = [f"{name}={quote(value, safe='')}" for name, value in query.carried]
    if query.top is not None:
        options.append(f"$top={query.top}")
    options.append(f"$skiptoken={token}")
    return f"{set_address(origin, query.root, query.entity_set)}?{'&'.join(options)}"


def _tag(key: bytes, tenant_id: str, query: ListQuery, values: bytes) -> bytes:
    # JSON keeps the parts apart, whatever text they hold. The order is bound too: it may change between
    # releases, and values of another order would then skip rows without a word.
    order = [repr(order_key) for order_key in query.order]
    bound = (tenant_id, query.root, query.entity_set.name, sorted(query.carried), order)
    message = msgspec.json.encode(bound) + b"\n" + values
    return hmac.digest(key, message, hashlib.sha256)[:_TAG_BYTES]


def _refused() -> BadRequest:
    return BadRequest(
        "The value of '$skiptoken' is not one that was issued for this query; "
        "follow '@odata.nextLink' as it is, or begin without '$skiptoken'.",
        target="$skiptoken",
    )
