"""What the description has to be told: the routes that are served, the limits, and who may do what."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from stanchion.model.edm import EntitySet

Kind: TypeAlias = Literal[
    "service document",
    "metadata",
    "openapi",
    "documentation",
    "batch",
    "singleton",
    "set",
    "count",
    "delta",
    "entity",
    "property",
    "value",
    "property count",
    "token",
    "resource token",
    "configuration",
    "keys",
]

ISSUER: frozenset[Kind] = frozenset({"token", "resource token", "configuration", "keys"})
"""What lies beside the roots, at the origin itself."""

ANONYMOUS: frozenset[Kind] = ISSUER | {"service document", "metadata", "openapi", "documentation"}
"""What is answered without a token."""


@dataclass(frozen=True)
class Route:
    """A path and what can be done there; `path` is a template below the root, or below the origin for the issuer."""

    path: str
    kind: Kind
    methods: tuple[str, ...]
    entity_set: EntitySet | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What holds for all operations of a server."""

    version: str
    read: tuple[str, ...]  # permissions of which any one lets read
    write: tuple[str, ...]
    read_roles: tuple[str, ...]  # of which a person needs one besides
    write_roles: tuple[str, ...]
    body_bytes: int
    url_bytes: int
    header_bytes: int
    page_bytes: int
    page_rows: int
    filter_bytes: int
    filter_tests: int
    filter_depth: int
    batch_requests: int
    json_depth: int

    @property
    def limits(self) -> dict[str, int]:
        """The limits by the names under which the description gives them."""
        return {
            "bodyBytes": self.body_bytes,
            "urlBytes": self.url_bytes,
            "headerBytes": self.header_bytes,
            "jsonDepth": self.json_depth,
            "pageRows": self.page_rows,
            "pageBytes": self.page_bytes,
            "filterBytes": self.filter_bytes,
            "filterTests": self.filter_tests,
            "filterDepth": self.filter_depth,
            "batchRequests": self.batch_requests,
        }
