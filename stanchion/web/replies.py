"""Replies of the Graph roots: what every OData answer carries.

The content type is the one that Graph sends, parameters in its order; `OData-Version` comes exactly once, for a
doubled one breaks Power Query.
"""

from collections.abc import Mapping
from typing import Final

from stanchion.ledger.working_set import Stored
from stanchion.model.edm import EntitySet, RootName
from stanchion.odata.etags import etag
from stanchion.odata.render import entity_body
from stanchion.odata.style import AS_GRAPH, Style
from stanchion.web.exchange import Reply

ODATA_JSON = AS_GRAPH.content_type
# Plain dicts, for every reply copies one, and a proxy is copied name by name.
ODATA_HEADERS: Final[Mapping[str, str]] = {"OData-Version": "4.0", "Cache-Control": "no-cache"}

# The dates that Graph announced for its legacy security API, of which userSecurityProfiles are a part.
DEPRECATED_ODATA_HEADERS: Final[Mapping[str, str]] = {
    **ODATA_HEADERS,
    "Deprecation": "Wed, 10 Apr 2024 23:59:59 GMT",
    "Sunset": "Fri, 10 Apr 2026 23:59:59 GMT",
    "Link": '<https://developer.microsoft.com/graph/changelog>; rel="deprecation"; type="text/html"; '
    'title="userSecurityProfiles"',
}


def entity_reply(
    stored: Stored,
    *,
    entity_set: EntitySet,
    root: RootName,
    origin: str,
    epoch: str,
    select: tuple[str, ...] | None = None,
    style: Style = AS_GRAPH,
) -> Reply:
    """Return 200 with one entity and its ETag."""
    body = entity_body(origin, root, entity_set=entity_set, body=stored.body, select=select, style=style)
    return Reply(200, body, content_type(style), {"ETag": etag(epoch, stored.version)})


def content_type(style: Style) -> str:
    """Return the media type of JSON in a format."""
    return ODATA_JSON if style is AS_GRAPH else style.content_type
