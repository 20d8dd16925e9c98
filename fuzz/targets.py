"""What is fuzzed: each target takes bytes and returns, or raises what nobody may ever see.

A refusal that names its fault is what bad input shall get; everything else that is raised is a finding.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

from stanchion.errors import StanchionError
from stanchion.model.edm import GRAPH_SETS
from stanchion.model.json_text import parse_object
from stanchion.odata.batch import parse_batch, target_of
from stanchion.odata.filter import parse_filter
from stanchion.odata.options import parse_item_options, parse_options
from stanchion.odata.url import parse_path


def fuzz_filter(data: bytes) -> None:
    """Read a filter of each set."""
    text = data.decode("utf-8", "replace")
    for entity_set in GRAPH_SETS:
        with suppress(StanchionError):
            parse_filter(text, entity_set, aliases={"@p": text[:8]})


def fuzz_url(data: bytes) -> None:
    """Read a path."""
    with suppress(StanchionError):
        parse_path(data)


def fuzz_options(data: bytes) -> None:
    """Read the options of lists and of entities."""
    for entity_set in GRAPH_SETS:
        with suppress(StanchionError):
            parse_options.__wrapped__(data, entity_set, root="beta")
    with suppress(StanchionError):
        parse_item_options(data)


def fuzz_batch(data: bytes) -> None:
    """Read a batch, and the body and the address of each of its requests."""
    with suppress(StanchionError):
        for item in parse_batch(data):
            with suppress(StanchionError):
                item.content()
            with suppress(StanchionError):
                target_of(item.url, root="beta", is_own="http://127.0.0.1:8080".__eq__, max_bytes=8192)


def fuzz_json(data: bytes) -> None:
    """Read an object."""
    with suppress(StanchionError):
        parse_object(data)


def _served() -> Callable[[bytes], None]:
    # A whole server takes half a minute to instrument, which the other targets need not wait for.
    from fuzz.served import Served

    return Served()


TARGETS: Mapping[str, Callable[[], Callable[[bytes], None]]] = {
    "filter": lambda: fuzz_filter,
    "url": lambda: fuzz_url,
    "options": lambda: fuzz_options,
    "batch": lambda: fuzz_batch,
    "json": lambda: fuzz_json,
    "request": _served,
}
