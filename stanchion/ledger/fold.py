"""Group commit as a fold: commands in order of arrival over one working set.

Each command, its If-Match included, sees what earlier ones of the batch left. A refused one leaves the state
untouched. An accepted one that wrote something, or is to be recorded, has its own change; others have none.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

import msgspec

from stanchion.errors import NotFound
from stanchion.ledger.changes import (
    Actor,
    Change,
    ChangeRecord,
    Operator,
    Touched,
    encode_record,
    first_head,
    link,
    salted_digest,
)
from stanchion.ledger.draft import Draft
from stanchion.ledger.working_set import EntityKey, Key, Row, RowKey, Stored, TenantState
from stanchion.model.instant import format_instant
from stanchion.model.json_text import dump_canonical

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Of what a decision writes, as the most usual command.
_NONE_LEFT: Mapping[EntityKey, str] = MappingProxyType({})


class Applied(msgspec.Struct, Generic[T_co], frozen=True):
    """What a command did: its answer, and what the change says about it.

    One that wrote nothing has a change only if it is to be `recorded`. What is `movable` may be given a later place
    in the chain than it was applied for: neither answer nor detail names a version.
    """

    result: T_co
    operation: str
    detail: object = None  # what `dump_canonical` takes
    recorded: bool = False
    movable: bool = False


class Command(Protocol[T_co]):
    """A wish to write in one tenant. Applying it is pure and may happen more than once."""

    @property
    def tenant_id(self) -> str:
        """The tenant written to, in lower case."""

    @property
    def command_id(self) -> str:
        """The id kept over retries."""

    @property
    def actor(self) -> Actor | Operator:
        """Who wishes it."""

    def reads(self) -> Iterable[Key]:
        """Name what it will read, as far as it knows, so that a batch loads all at once."""

    def apply(self, draft: Draft) -> Applied[T_co]:
        """Write to the draft; raises a StanchionError to refuse, NotLoaded for what is missing."""


@dataclass(frozen=True)
class Written:
    """What a batch leaves for the store to write: last states, and each change."""

    changes: tuple[Change, ...]
    entities: Mapping[EntityKey, Stored | None]  # None: deleted
    deleted_versions: Mapping[EntityKey, int]
    departures: Mapping[tuple[EntityKey, str], int]  # entity and former provider, and the version since when
    rows: Mapping[RowKey, Row]
    new_tenant: bool
    movable: bool  # whether it may be given a later place in the chain
    amended: AbstractSet[EntityKey] = frozenset()  # those that differ in no column from what is stored


def erased(tenant_id: str, ticks: int) -> str:
    """Return what to say of a tenant that is erased, as a sentence."""
    return (
        f"The tenant {tenant_id} was erased on {format_instant(ticks)}; `stanchion tenant add` begins anew."
    )


class Fold:
    """The fold over one tenant's commands: the state so far and what there is to write."""

    def __init__(self, state: TenantState, *, salt: Callable[[], bytes]) -> None:
        self.state = state
        self._salt = salt
        self._changes: list[Change] = []
        self._entities: dict[EntityKey, Stored | None] = {}
        self._amended: set[EntityKey] = set()
        self._deleted_versions: dict[EntityKey, int] = {}
        self._departures: dict[tuple[EntityKey, str], int] = {}
        self._rows: dict[RowKey, Row] = {}
        self._new_tenant = False
        self._movable = True

    def apply(self, command: Command[T], *, now_ticks: int) -> T:
        """Apply one command and return its answer.

        Raises what the command raises, and NotLoaded; the state is then as before.
        """
        draft = Draft(self.state, now_ticks=now_ticks)
        applied = command.apply(draft)
        if not draft.exists and not draft.creates_tenant:
            raise NotFound(f"The tenant {command.tenant_id} does not exist; `stanchion tenant add` adds it.")
        if draft.erased_ticks is not None and not draft.about_erasure:
            raise NotFound(erased(command.tenant_id, draft.erased_ticks))
        if draft.writes or applied.recorded:
            left = draft.departures() if draft.replaced else _NONE_LEFT
            change = self._change(command, applied, draft, left)
            self._keep(draft, change, left)
            self._movable = self._movable and applied.movable
        return applied.result

    @property
    def written(self) -> Written:
        """What the accepted commands leave to write."""
        return Written(
            tuple(self._changes),
            self._entities,
            self._deleted_versions,
            self._departures,
            self._rows,
            self._new_tenant,
            self._movable,
            self._amended,
        )

    def _change(
        self, command: Command[T], applied: Applied[T], draft: Draft, left: Mapping[EntityKey, str]
    ) -> Change:
        head = self.state.head or first_head(command.tenant_id)
        sequence, salt, detail = draft.next_sequence, self._salt(), dump_canonical(applied.detail)
        record = encode_record(
            ChangeRecord(
                tenant=command.tenant_id,
                sequence=sequence,
                time=format_instant(draft.now_ticks),
                actor=command.actor.describe(),
                operation=applied.operation,
                command=command.command_id,
                entities=[
                    Touched(
                        key.entity_set,
                        key.id,
                        sequence,
                        salted_digest(salt, stored.body) if stored is not None else None,
                        left.get(key),
                    )
                    for key, stored in draft.entities.items()
                ],
                detail=salted_digest(salt, detail),
            )
        )
        return Change(
            command.tenant_id,
            sequence,
            draft.now_ticks,
            command.command_id,
            record,
            link(head.hash, record),
            salt,
            detail,
        )

    def _keep(self, draft: Draft, change: Change, left: Mapping[EntityKey, str]) -> None:
        self._changes.append(change)
        # What the batch wrote whole before is still to be written whole.
        whole = draft.entities.keys() - draft.amended
        self._amended -= whole
        self._amended |= draft.amended - self._entities.keys()
        self._entities.update(draft.entities)
        if draft.deleted:
            gone = (key for key in draft.deleted if draft.entities[key] is None)
            self._deleted_versions.update(dict.fromkeys(gone, change.sequence))
        self._departures.update(dict.fromkeys(left.items(), change.sequence))
        self._rows.update(draft.rows)
        self._new_tenant = self._new_tenant or draft.creates_tenant
        draft.accept(change.head)
