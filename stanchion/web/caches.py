"""What is kept because it will be asked for again, by name: how often it was there, and how much of it there is.

All of it belongs to the process and is bounded. What a batch of writes has read is kept until it ends, no longer.
"""

from collections.abc import Mapping
from typing import NamedTuple

from stanchion.access.token import TokenVerifier
from stanchion.odata.filter.shapes import shape_counts
from stanchion.odata.options import parse_options
from stanchion.store.kept_statements import statement_counts


class Cache(NamedTuple):
    """The counts of one of them."""

    hits: int
    misses: int
    entries: int


def caches(tokens: TokenVerifier) -> Mapping[str, Cache]:
    """Return the counts of each: judged tokens, query strings, shapes of filters, compiled statements."""
    queries = parse_options.cache_info()
    return {
        "tokens": Cache(tokens.recognised, tokens.judged, len(tokens)),
        "queries": Cache(queries.hits, queries.misses, queries.currsize),
        "filters": Cache(*shape_counts()),
        "statements": Cache(*statement_counts()),
    }
