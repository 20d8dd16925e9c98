"""Parameter aliases: options named `@name`, whose values stand for it elsewhere (OData 4.01 URL 5.1.1.13)."""

from collections.abc import Iterator
from urllib.parse import unquote_to_bytes


def aliases_in(query: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each alias of a query string, `@` included, and its value, still encoded."""
    for pair in query.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        if raw_name.startswith((b"@", b"%40")):
            yield unquote_to_bytes(raw_name).decode("utf-8", "backslashreplace"), raw_value
