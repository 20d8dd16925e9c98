"""What is read of a request before it means anything: its address, its options, a batch, tokens of links."""

from contextlib import suppress

from msgspec.structs import replace

from stanchion.errors import StanchionError
from stanchion.model.edm import GRAPH_SETS
from stanchion.odata.batch import in_json, parse_batch, target_of
from stanchion.odata.delta import Changes, DeltaLinks, parse_delta_options
from stanchion.odata.filter import parse_filter
from stanchion.odata.options import asked_format, parse_item_options, parse_options, parse_property_options
from stanchion.odata.paging import resumed, skip_token
from stanchion.odata.query import ListQuery
from stanchion.odata.url import parse_path

ORIGIN = "http://127.0.0.1:8080"
LINK_KEY = b"k" * 32
EPOCH = "epoch"
TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
LINKS = DeltaLinks(LINK_KEY, EPOCH, TENANT, ORIGIN)
_MAX_URL_BYTES = 8192


def fuzz_filter(data: bytes) -> None:
    """Read a filter of each set; read again, it says the same."""
    text = data.decode("utf-8", "replace")
    for entity_set in GRAPH_SETS:
        with suppress(StanchionError):
            first = parse_filter(text, entity_set, aliases={"@p": text[:8]})
            assert parse_filter(text, entity_set, aliases={"@p": text[:8]}) == first


def fuzz_url(data: bytes) -> None:
    """Read a path."""
    with suppress(StanchionError):
        parse_path(data)


def fuzz_options(data: bytes) -> None:
    """Read the options of lists, of changes, of entities and of properties."""
    for entity_set in GRAPH_SETS:
        with suppress(StanchionError):
            parse_options.__wrapped__(data, entity_set, root="beta")
        with suppress(StanchionError):
            parse_delta_options(data, entity_set, root="beta")
        with suppress(StanchionError):
            parse_property_options(data, entity_set.type.properties[0].type)
    with suppress(StanchionError):
        parse_item_options(data)
    asked_format.__wrapped__(data)


def fuzz_links(data: bytes) -> None:
    """Read skip and delta tokens: none counts but one that this server would write, letter by letter."""
    token = data.decode("latin-1")
    for entity_set in GRAPH_SETS:
        with suppress(StanchionError):
            _read_as_skip_token(token, parse_options(b"$top=2", entity_set, root="beta"))
        changes = parse_delta_options(b"$top=2", entity_set, root="beta")
        for name in ("$deltatoken", "$skiptoken"):
            with suppress(StanchionError):
                place = LINKS.resumed(replace(changes, token=(name, token))).place
                assert place is not None
                again = (
                    LINKS.delta(changes, version=place.version)
                    if name == "$deltatoken" and isinstance(place, Changes)
                    else LINKS.next(changes, place)
                )
                assert again.endswith(f"{name}={token}"), again


def _read_as_skip_token(token: str, query: ListQuery) -> None:
    query = replace(query, skip_token=token)
    after = resumed(query, LINK_KEY, tenant_id=TENANT).after
    assert token == skip_token(LINK_KEY, tenant_id=TENANT, query=query, last_key=after or ())


def fuzz_batch(data: bytes) -> None:
    """Read a batch, and the body and the address of each of its requests."""
    with suppress(StanchionError):
        for item in parse_batch(data):
            with suppress(StanchionError):
                in_json(item.content(), item.headers.get("content-type"))
            with suppress(StanchionError):
                target_of(item.url, root="beta", is_own=ORIGIN.__eq__, max_bytes=_MAX_URL_BYTES)
