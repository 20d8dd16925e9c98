"""Following changes: whoever applies every round has what the store has, whatever was written between the pages."""

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from msgspec.structs import replace

from stanchion.errors import StanchionError
from stanchion.ledger.changes import Operator
from stanchion.ledger.commands import CreateEntity, DecideControl, DeleteEntity, MergeEntity
from stanchion.ledger.controls import exported
from stanchion.ledger.decisions import parse_request
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied, Command
from stanchion.ledger.imports import ImportEntities, Incoming
from stanchion.model.edm import CONTROL_PROFILES, GRAPH_SETS, EntitySet
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.model.text import folded
from stanchion.odata.delta import Changes, DeltaQuery
from stanchion.store import SQLiteStore
from stanchion.store.compile import Compiled
from stanchion.store.contract import DeltaPage
from stanchion.store.deltas import departed_statement, gone_statement, read_delta, written_statement
from stanchion.store.reading import read_chunks
from stanchion.store.rehearsal import rehearsal
from stanchion.store.verify import verify
from tests.databases import AnyStore, Databases, Template
from tests.store.commands import TENANT
from tests.store.conftest import opened

WIDE = 1 << 24
ACTOR = Operator("tester")


def read(store: AnyStore, query: DeltaQuery, *, max_bytes: int = WIDE) -> DeltaPage:
    with store.reading() as connection:
        return read_delta(connection, query, tenant_id=TENANT, max_bytes=max_bytes)


class Follower:
    """A client that keeps a copy of a set, a page at a time."""

    def __init__(self, entity_set: EntitySet, *, provider: str | None = None, top: int = 2) -> None:
        self.query = DeltaQuery(entity_set, "beta", top=top, provider=provider)
        self.copy: dict[str, JsonObject] = {}
        self.ended = False

    def step(self, store: AnyStore, *, max_bytes: int = WIDE) -> DeltaPage:
        """Read one page, and go on where it says."""
        page = read(store, self.query, max_bytes=max_bytes)
        rows = [row for run in page.runs for row in msgspec.json.decode(b"[%b]" % run)]
        ids = [row["id"] for row in rows] + list(page.removed)
        assert len(set(ids)) == len(ids) <= self.query.page_size
        self.copy |= {row["id"]: row for row in rows}
        for id in page.removed:
            self.copy.pop(id, None)
        self.ended = page.next is None
        self.query = replace(self.query, place=page.next or Changes(page.until))
        return page

    def finish(self, store: AnyStore, *, max_bytes: int = WIDE) -> int:
        """Read to the end of the round; return how many pages that took."""
        pages = 1
        while self.step(store, max_bytes=max_bytes).next is not None:
            pages += 1
        return pages


def held(store: AnyStore, entity_set: EntitySet, provider: str | None) -> dict[str, JsonObject]:
    """Return what is in the store, as who may see one provider or all of them sees it."""
    with store.reading() as connection:
        values = [each.value for each in read_chunks(connection, entity_set, tenant_id=TENANT)]
    return {str(v["id"]): v for v in values if provider is None or named(v) == folded(provider)}


def named(value: JsonObject) -> str | None:
    information = value.get("vendorInformation")
    provider = information.get("provider") if isinstance(information, dict) else None
    return folded(provider) if isinstance(provider, str) else None


T = TypeVar("T")

IDS = ("a", "b", "c", "é")
ROOM = st.sampled_from([1, 6000, WIDE])
PROVIDERS = (("SecureScore", "Microsoft"), ("ScubaGear", "CISA"), ("SCUBAGEAR", "CISA"), None)
SETS = tuple(GRAPH_SETS)


@st.composite
def entities(draw: st.DrawFn) -> JsonObject:
    provider = draw(st.sampled_from(PROVIDERS))
    information: JsonValue = provider and {"provider": provider[0], "vendor": provider[1]}
    more: JsonObject = {"note": "x" * draw(st.sampled_from([0, 10, 5000]))}
    return {"id": draw(st.sampled_from(IDS)), "vendorInformation": information, **more}


FILES = st.lists(entities(), min_size=1, max_size=8)


class Overtaken(Generic[T]):
    """A command while which something else is done, once."""

    def __init__(self, command: Command[T], meanwhile: Callable[[], object]) -> None:
        self.tenant_id = command.tenant_id
        self.command_id = command.command_id
        self.actor = command.actor
        self.reads = command.reads
        self._command = command
        self._meanwhile = [meanwhile]

    def apply(self, draft: Draft) -> Applied[T]:
        """Apply the command, after what is done meanwhile."""
        while self._meanwhile:
            with suppress(StanchionError):
                self._meanwhile.pop()()
        return self._command.apply(draft)


class Following(RuleBasedStateMachine):
    """Writers of every kind in one set, and clients that read a page now and then."""

    databases: ClassVar[Databases]
    template: ClassVar[Template[None]]

    @initialize(entity_set=st.sampled_from(SETS), values=st.lists(entities(), max_size=6))
    def open(self, entity_set: EntitySet, values: list[JsonObject]) -> None:
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.database = self.stack.enter_context(self.databases.copy(self.template, folder))
        self.store = self.stack.enter_context(opened(self.database))
        self.serving = self.stack.enter_context(opened(self.database, serving=True))
        self.entity_set = entity_set
        self.followers = [
            Follower(entity_set, provider=provider, top=top)
            for provider, top in ((None, 1), (None, 3), ("scubaGEAR", 2))
        ]
        for value in values:
            self.create(value)

    def write(self, command: Command[object]) -> None:
        with suppress(StanchionError):
            self.store.run(command)

    @rule(value=entities())
    def create(self, value: JsonObject) -> None:
        self.write(CreateEntity(**wish(), entity_set=self.entity_set, value=value))

    @rule(value=entities())
    def change(self, value: JsonObject) -> None:
        entity_id = str(value["id"])
        self.write(MergeEntity(**wish(), entity_set=self.entity_set, entity_id=entity_id, patch=value))

    @rule(id=st.sampled_from(IDS))
    def delete(self, id: str) -> None:
        self.write(DeleteEntity(**wish(), entity_set=self.entity_set, entity_id=id))

    @rule(id=st.sampled_from(IDS), comment=st.sampled_from(["x", "y"]))
    def decide(self, id: str, comment: str) -> None:
        request = parse_request({"comment": comment}, root="beta")
        self.write(DecideControl(**wish(), control_id=id, request=request))

    def a_file(self, values: list[JsonObject], *, placed: bool = False) -> ImportEntities:
        found = [{"azureTenantId": TENANT, **each} for each in values]
        incoming = tuple(Incoming.of(self.entity_set, each, placed=placed) for each in found)
        return ImportEntities(
            **wish(), source="a file", digest="0" * 64, entities=incoming, skip_refused=True
        )

    @rule(values=FILES)
    def bring_in(self, values: list[JsonObject]) -> None:
        self.write(self.a_file(values))

    @rule(values=FILES, meanwhile=FILES)
    def bring_in_while_another_does(self, values: list[JsonObject], meanwhile: list[JsonObject]) -> None:
        with opened(self.database) as other:
            self.write(Overtaken(self.a_file(values), lambda: other.run(self.a_file(meanwhile))))

    @rule(values=FILES)
    def rehearse(self, values: list[JsonObject]) -> None:
        before = verify(self.store, TENANT, head=None)
        with rehearsal(self.store) as rehearsed, suppress(StanchionError):
            rehearsed.run(self.a_file(values))
        assert verify(self.store, TENANT, head=None) == before

    @rule()
    def bring_its_own_export_in(self) -> None:
        before = verify(self.store, TENANT, head=None)
        with self.store.snapshot(TENANT) as moment:
            values = [
                exported(each.value, moment.history(each.id))
                if self.entity_set is CONTROL_PROFILES
                else each.value
                for each in moment.entities(self.entity_set)
            ]
        self.store.run(self.a_file(values, placed=True))
        assert verify(self.store, TENANT, head=None) == before

    @rule(values=st.lists(entities(), min_size=2, max_size=5), provider=st.sampled_from([None, "ScubaGear"]))
    def write_together(self, values: list[JsonObject], provider: str | None) -> None:
        """Write in one batch: delete, make anew, change; as an app limited to a provider may, or as any."""
        commands: list[Command[Any]] = []
        for value in values:
            told = {**wish(), "only_provider": provider, "entity_set": self.entity_set}
            commands += [
                DeleteEntity(**told, entity_id=str(values[0]["id"])),
                CreateEntity(**{**told, **wish()}, value=value),
                MergeEntity(**{**told, **wish()}, entity_id=str(value["id"]), patch=values[0]),
            ]

        async def submitted() -> None:
            await asyncio.gather(*map(self.serving.submit, commands), return_exceptions=True)

        asyncio.run(submitted())

    @rule(place=st.integers(0, 2), max_bytes=ROOM)
    def follow(self, place: int, max_bytes: int) -> None:
        self.followers[place].step(self.store, max_bytes=max_bytes)

    @rule(max_bytes=ROOM)
    def catch_up(self, max_bytes: int) -> None:
        for follower in self.followers:
            follower.finish(self.store, max_bytes=max_bytes)

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        try:
            for follower in self.followers:
                while not follower.ended:
                    follower.step(self.store)
                # What was written while a round went on is in the next one.
                follower.finish(self.store)
                assert follower.copy == held(self.store, self.entity_set, follower.query.provider)
                quiet = read(self.store, follower.query)
                assert (quiet.runs, quiet.removed, quiet.next) == ((), (), None)
            # That every departure is as the chain says, too.
            verify(self.store, TENANT, head=None)
        finally:
            self.stack.close()


def wish() -> dict[str, Any]:
    return {"tenant_id": TENANT, "command_id": str(uuid4()), "actor": ACTOR}


@pytest.mark.slow
def test_who_applies_every_round_has_what_the_store_has(
    databases: Databases, template: Template[None]
) -> None:
    Following.databases, Following.template = databases, template
    run_state_machine_as_test(
        Following,
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.sqlite("reads the plan that SQLite makes")
@pytest.mark.parametrize("entity_set", SETS, ids=[each.name for each in SETS])
@pytest.mark.parametrize("limited", [False, True])
def test_changes_are_found_and_ordered_by_an_index(
    store: SQLiteStore, entity_set: EntitySet, *, limited: bool
) -> None:
    table = entity_set.table_name
    written = plan(store, written_statement(entity_set, limited=limited))
    assert written == [
        f"SEARCH {table} USING INDEX ix_{table}_version (tenant_id=? AND (version,id)>(?,?) AND version<?)"
    ]
    gone = plan(store, departed_statement(entity_set) if limited else gone_statement())
    name = "departures" if limited else "tombstones"
    assert gone[0].startswith(f"SEARCH {name} USING INDEX ix_{name}_version (tenant_id=? AND entity_set=?")
    assert "version>?" in gone[0]


def plan(store: SQLiteStore, statement: Compiled) -> list[str]:
    parameters = dict.fromkeys(statement.parameters, 1)
    rows = store._reader.execute(f"EXPLAIN QUERY PLAN {statement.sql}", parameters)
    return [row[3] for row in rows]
