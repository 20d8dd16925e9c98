"""What changed in a set since a moment: the query, and the links from round to round.

- The first round gives every entity by pages, its last page the link to what changes from then on; each later round
  gives what was written or removed since (OData 4.01 Protocol 11.4).
- A token holds a place in the tenant's sequence of changes, and an HMAC-SHA256 over it, the store's epoch, the
  tenant, the root, the set, what is selected and the provider that the caller is limited to. Whatever else is given
  as one is answered by an order to start over: 410 with the address of a first round.
- An empty `$deltatoken` is a first round too, as in the address that Graph names where it gives 410.
- `$top` is not bound, because clients change it from page to page.
"""

import base64
import binascii
import hashlib
import hmac
from typing import TypeAlias
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from stanchion.errors import BadRequest, SyncStateNotFound
from stanchion.model.edm import EntitySet, RootName
from stanchion.model.text import folded
from stanchion.odata.options import MAX_PAGE_SIZE, selected_names, system_options, whole_number
from stanchion.odata.query import IdKey, ListQuery
from stanchion.odata.url import set_address

LATEST = "latest"
"""The `$deltatoken` by which Graph's clients ask for a link alone, without the entities."""

_OPTIONS = ("$deltatoken", "$format", "$select", "$skiptoken", "$top")
_TOKENS = ("$deltatoken", "$skiptoken")
# Half of SHA-256 is beyond any guessing, and keeps links short.
_TAG_BYTES = 16


class Everything(msgspec.Struct, frozen=True, array_like=True, tag="e"):
    """In the first round, after an entity: what is written after `head` is left to the next round."""

    head: int
    after: str

    @property
    def seen(self) -> int:
        """The last change that whoever gave this place had seen."""
        return self.head


class Changes(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """In a later round, after a change: of those of one version after an id, None for all of them.

    The round ends with the change `until`; None in its first page, which fixes it.
    """

    version: int
    after: str | None = None
    until: int | None = None

    @property
    def seen(self) -> int:
        """The last change that whoever gave this place had seen."""
        return self.version if self.until is None else self.until


Place: TypeAlias = Everything | Changes
_PLACES = msgspec.json.Decoder(Place)


class DeltaQuery(msgspec.Struct, frozen=True):
    """What a request for changes asks for; without a `place` it is for everything, or for a link alone.

    `select` is None for every property; the id is always in it. `carried` are the caller's options that the links
    repeat, `token` is the option and the value of a place that was not read yet.
    """

    entity_set: EntitySet
    root: RootName
    select: tuple[str, ...] | None = None
    top: int | None = None
    latest: bool = False
    token: tuple[str, str] | None = None
    place: Place | None = None
    carried: tuple[tuple[str, str], ...] = ()
    provider: str | None = None  # the only provider whose rows the caller may see, in any case of A to Z

    @property
    def page_size(self) -> int:
        """The number of rows of a full page."""
        return self.entity_set.default_page_size if self.top is None else self.top

    def entities(self, after: str | None) -> ListQuery:
        """Return the list of the entities after one, by id."""
        return ListQuery(
            self.entity_set,
            self.root,
            (IdKey(),),
            top=self.page_size,
            after=None if after is None else (after,),
            provider=self.provider,
        )


def parse_delta_options(query: bytes, entity_set: EntitySet, *, root: RootName) -> DeltaQuery:
    """Read the options of a request for changes; raises BadRequest and its like, naming the option at fault."""
    options = system_options(query, allowed=_OPTIONS)
    given = [(name, options[name]) for name in _TOKENS if options.get(name)]
    if len(given) > 1:
        raise BadRequest("'$deltatoken' cannot be combined with '$skiptoken'.", target="$deltatoken")
    top = whole_number(options, "$top", largest=MAX_PAGE_SIZE)
    if top == 0:
        raise BadRequest("A page of changes has at least 1 row; '$top' is 0.", target="$top")
    select = selected_names(options.get("$select"))
    latest = bool(given) and given[0][0] == "$deltatoken" and given[0][1].lower() == LATEST
    return DeltaQuery(
        entity_set,
        root,
        select=select if select is None or "id" in select else ("id", *select),
        top=top,
        latest=latest,
        token=given[0] if given and not latest else None,
        carried=tuple((name, options[name]) for name in ("$select", "$format") if name in options),
    )


class DeltaLinks(msgspec.Struct, frozen=True):
    """The links of one store for one tenant at one origin; `key` signs their tokens."""

    key: bytes
    epoch: str
    tenant_id: str
    origin: str

    def resumed(self, query: DeltaQuery) -> DeltaQuery:
        """Return the query at the place of its token; raises SyncStateNotFound for a token that is not its own."""
        if query.token is None:
            return query
        name, token = query.token
        place = self._read(query, name, token)
        if place is None:
            raise self.lost(query)
        return replace(query, place=place)

    def next(self, query: DeltaQuery, place: Place) -> str:
        """Return the address of the next page."""
        return self._address(query, "$skiptoken", self._token(query, "$skiptoken", place))

    def delta(self, query: DeltaQuery, *, version: int) -> str:
        """Return the address of what changes after a version."""
        return self._address(query, "$deltatoken", self._token(query, "$deltatoken", Changes(version)))

    def lost(self, query: DeltaQuery) -> SyncStateNotFound:
        """Return the refusal of a token, which names the address to start over from."""
        name = query.token[0] if query.token is not None else "$deltatoken"
        return SyncStateNotFound(
            f"The value of '{name}' is not one that was issued for this query, or is of a state that is gone; "
            "start over from the address in 'Location'.",
            target=name,
            location=self._address(query, "$deltatoken", ""),
        )

    def _token(self, query: DeltaQuery, name: str, place: Place) -> str:
        values = msgspec.json.encode(place)
        raw = self._tag(query, name, values) + values
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    def _read(self, query: DeltaQuery, name: str, token: str) -> Place | None:
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        tag, values = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not hmac.compare_digest(tag, self._tag(query, name, values)):
            return None
        place = _PLACES.decode(values)
        # The same token in another spelling is not ours: unused bits of the last character could differ.
        return place if self._token(query, name, place) == token else None

    def _tag(self, query: DeltaQuery, name: str, values: bytes) -> bytes:
        # JSON keeps the parts apart, whatever text they hold.
        limit = None if query.provider is None else folded(query.provider)
        bound = (
            "delta",
            name,
            self.epoch,
            self.tenant_id,
            query.root,
            query.entity_set.name,
            query.select,
            limit,
        )
        message = msgspec.json.encode(bound) + b"\n" + values
        return hmac.digest(self.key, message, hashlib.sha256)[:_TAG_BYTES]

    def _address(self, query: DeltaQuery, name: str, token: str) -> str:
        options = [f"{option}={quote(text, safe='')}" for option, text in query.carried]
        if query.top is not None:
            options.append(f"$top={query.top}")
        options.append(f"{name}={token}")
        return f"{set_address(self.origin, query.root, query.entity_set)}/delta?{'&'.join(options)}"
