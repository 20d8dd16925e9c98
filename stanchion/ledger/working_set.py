"""What a batch of commands knows of each tenant: what was loaded, by keys, and what earlier commands left.

What the state does not hold yet is asked for by raising `NotLoaded`; the store loads it and applies the command
again, so commands are plain functions on both databases.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypedDict, TypeVar, cast

import msgspec

from stanchion.ledger.changes import Head
from stanchion.model.instant import parse_instant
from stanchion.model.json_text import MIN_INTEGER, JsonObject, dump_json, load_object
from stanchion.model.text import folded

RowValue: TypeAlias = "str | int | bytes | None"
Row: TypeAlias = Mapping[str, RowValue]


class EntityKey(msgspec.Struct, frozen=True):
    """One entity of a set."""

    entity_set: str
    id: str


class HistoryKey(msgspec.Struct, frozen=True):
    """All decisions about one control."""

    control_id: str


class LatestDecisionKey(msgspec.Struct, frozen=True):
    """The decision about a control that stands: the newest by its time, then by the order of writing."""

    control_id: str


class BesideKey(msgspec.Struct, frozen=True):
    """The ids of controls, or of decisions about some, that are this id with `@` and something behind."""

    control_id: str


class RowKey(msgspec.Struct, frozen=True, order=True):
    """One row of a table that holds no entities, by its primary key."""

    table: str
    key: str


class TableKey(msgspec.Struct, frozen=True):
    """All rows of a small table that no tenant owns."""

    table: str


Key: TypeAlias = EntityKey | HistoryKey | LatestDecisionKey | BesideKey | RowKey | TableKey
K = TypeVar("K", EntityKey, HistoryKey, LatestDecisionKey, BesideKey, RowKey)
V = TypeVar("V")


# Decoded, a body takes several times its room: those of a long import are decoded again where they are needed.
_VALUE_KEPT_BYTES = 16 * 1024


class _Named(TypedDict, total=False):
    """What of an entity says where it comes from."""

    vendorInformation: object


_NAMED = msgspec.json.Decoder(_Named)


class NotLoaded(Exception):
    """A command reads what the state does not hold yet; the store loads `keys` and applies it again."""

    def __init__(self, keys: Iterable[Key]) -> None:
        super().__init__()
        self.keys = tuple(keys)


class Stored(msgspec.Struct, frozen=True, dict=True):
    """An entity as it is stored; `version` is the sequence of the change that last wrote it."""

    id: str
    version: int
    body: bytes  # the entity's wire JSON

    @classmethod
    def of(cls, value: JsonObject, *, version: int, body: bytes | None = None) -> "Stored":
        """Return an entity about to be written; `value` is not to be changed afterwards.

        `body` is its wire JSON, where that is known already.
        """
        stored = cls(cast("str", value["id"]), version, dump_json(value) if body is None else body)
        stored._keep(value)  # What was just encoded need not be decoded.
        return stored

    @property
    def value(self) -> JsonObject:
        """The body as a value; not to be changed in place."""
        known: JsonObject | None = self.__dict__.get("_value")
        return self._keep(load_object(self.body)) if known is None else known

    @property
    def provider(self) -> str | None:
        """The provider that the entity names, A to Z in lower case; the rest of the body is not decoded for it."""
        known: JsonObject | None = self.__dict__.get("_value")
        named: Mapping[str, object] = known if known is not None else _NAMED.decode(self.body)
        information = named.get("vendorInformation")
        provider = information.get("provider") if isinstance(information, dict) else None
        return folded(provider) if isinstance(provider, str) else None

    def drop_value(self) -> None:
        """Keep the body alone: decoded, the controls of a long import would take several times its room."""
        self.__dict__.pop("_value", None)

    def _keep(self, value: JsonObject) -> JsonObject:
        if len(self.body) <= _VALUE_KEPT_BYTES:
            self.__dict__["_value"] = value
        return value


@dataclass
class TenantState:
    """What a batch knows of one tenant. `head` is None for a tenant that nobody added.

    From `erased_ticks` on nothing is written to it but what erases it or adds it again.

    `histories` hold what was loaded, `latest` what stands after the batch so far: no decision is written
    before the latest one about its control is loaded, so nothing the batch wrote can be missing there.
    """

    tenant_id: str
    head: Head | None
    entities: dict[EntityKey, Stored | None] = field(default_factory=dict)
    histories: dict[HistoryKey, tuple[Stored, ...]] = field(default_factory=dict)  # oldest entry first
    latest: dict[LatestDecisionKey, Stored | None] = field(default_factory=dict)
    rows: dict[RowKey, Row | None] = field(default_factory=dict)
    tables: set[TableKey] = field(default_factory=set)  # those of which `rows` holds every row
    decided: dict[str, dict[str, Stored]] = field(default_factory=dict)  # by the batch: control, decision
    beside: dict[BesideKey, frozenset[str]] = field(default_factory=dict)
    put_beside: dict[BesideKey, set[str]] = field(default_factory=dict)  # by the batch
    erased_ticks: int | None = None

    def holds(self, key: Key) -> bool:
        """Say whether `key` needs no loading."""
        match key:
            case EntityKey():
                return key in self.entities
            case HistoryKey():
                return key in self.histories
            case LatestDecisionKey():
                return key in self.latest
            case BesideKey():
                return key in self.beside
            case RowKey():
                return key in self.rows
            case TableKey():
                return key in self.tables


def standing_order(entry: Stored) -> tuple[int, int, str]:
    """Return the place of a decision among those about its control: the greatest one stands."""
    text = cast("str | None", entry.value["updatedDateTime"])
    return (MIN_INTEGER if text is None else parse_instant(text), entry.version, entry.id)


def ids_beside_which(control_id: str) -> Iterator[str]:
    """Give the ids beside which a control of this one stands: what is before each `@`."""
    parts = control_id.split("@")
    return ("@".join(parts[:count]) for count in range(1, len(parts)))


def loaded(part: Mapping[K, V], key: K) -> V:
    """Return what a part of a state holds under a key; raises NotLoaded where it does not hold the key."""
    try:
        return part[key]
    except KeyError:
        raise NotLoaded([key]) from None
