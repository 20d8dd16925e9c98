"""Erasing a tenant: nothing of it is left but hashes, nobody else notices, and the history can still be verified."""

import asyncio
import json
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from stanchion.access.issuer_administration import AddIssuer
from stanchion.access.issuer_entry import IssuerEntry
from stanchion.access.operator import add_tenant, new_id
from stanchion.access.operator_erasure import erasable, erase_tenant
from stanchion.access.tenant_erasure import CloseTenant
from stanchion.errors import Conflict, NotFound, OperatorError, StanchionError
from stanchion.ledger.changes import (
    Operator,
    decode_record,
    encode_record,
    first_head,
    link,
    salted_digest,
)
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, ENTITY_SETS, SECURE_SCORES, USER_PROFILES
from stanchion.store.bodies import unpack
from stanchion.store.erasure import TABLES, forget_trust
from stanchion.store.rows import STORE_CHAIN, read_erased_tenants
from stanchion.store.tables import TENANT_OWNED, changes, tenants
from stanchion.store.transfer.contents import TENANT_TABLES, tenant_rows
from stanchion.store.transfer.copying import tenant_heads
from stanchion.store.verify import verify
from tests.databases import AnyStore, Database
from tests.store.commands import OTHER_TENANT, TENANT, control, decision, delete, put, put_all, score
from tests.store.conftest import opened
from tests.store.gate import until
from tests.store.tampering import tamper

OPERATOR = Operator("officer")
Rows = dict[str, list[tuple[object, ...]]]


class Stopped(Exception):
    """The process ends here, as far as the test goes."""


def fill(store: AnyStore, tenant: str = TENANT, *, many: int = 60) -> None:
    """Write one of everything to a tenant, and many controls."""
    store.run(
        put_all(
            [control(f"c{number}", remediation="text " * 99) for number in range(many)],
            CONTROL_PROFILES,
            tenant_id=tenant,
        )
    )
    store.run(
        put_all(
            [score(f"s{day}", f"2026-01-{day:02}T00:00:00Z") for day in range(1, 31)],
            SECURE_SCORES,
            tenant_id=tenant,
        )
    )
    store.run(put({"id": "u1", "userPrincipalName": "ada@example.com"}, USER_PROFILES, tenant_id=tenant))
    store.run(put(decision("d1", "c1", "2026-01-02T00:00:00Z"), DECISIONS, tenant_id=tenant))
    for number in range(4):
        store.run(put(control(f"c{number}", rank=number), tenant_id=tenant))
    store.run(delete("c5", tenant_id=tenant))


@pytest.fixture
def filled(store: AnyStore) -> AnyStore:
    """A store with two tenants that have one of everything."""
    fill(store)
    fill(store, OTHER_TENANT)
    return store


def rows_of(store: AnyStore, tenant: str) -> Rows:
    """Return every row of a tenant."""
    with store.reading() as connection:
        found: Rows = {
            table.name: [row for chunk in tenant_rows(connection, table, tenant_id=tenant) for row in chunk]
            for table in TENANT_TABLES
        }
        return found | {"tenants": [each for each in tenant_heads(connection) if each.tenant_id == tenant]}


def erase(store: AnyStore, tenant: str = TENANT, *, pause: Callable[[float], object] = lambda _: None) -> str:
    """Erase a tenant without pausing; return the head of what is left."""
    return erase_tenant(store, tenant, actor=OPERATOR, pause=pause).head


def stops_after(portions: int) -> Callable[[float], None]:
    """Return what is called after each portion, and ends the erasure after some."""
    left = iter(range(portions))

    def pause(_seconds: float) -> None:
        if next(left, None) is None:
            raise Stopped

    return pause


def test_only_hashes_and_the_change_that_says_so_are_left(filled: AnyStore) -> None:
    hashes = [row[5] for row in rows_of(filled, TENANT)["changes"]]
    erase(filled)

    left = rows_of(filled, TENANT)
    assert {name for name, rows in left.items() if rows} == {"tenants", "changes", "change_details"}
    *erased, last = left["changes"]
    assert [row[5] for row in erased][: len(hashes)] == hashes
    assert {(row[2], row[4]) for row in erased} == {(0, b"")}
    assert [row[3] for row in erased] == [str(sequence) for sequence in range(1, len(erased) + 1)]
    record = last[4]
    assert isinstance(record, bytes)
    assert b'"tenant.erase"' in record
    assert b"operator:officer" in record
    assert [row[1] for row in left["change_details"]] == [last[1]]
    assert left["tenants"][0][1] == ""


def test_other_tenants_keep_every_row_as_it_was(filled: AnyStore) -> None:
    before = rows_of(filled, OTHER_TENANT)
    erase(filled)
    assert rows_of(filled, OTHER_TENANT) == before
    assert verify(filled, OTHER_TENANT, head=None).entities > 90


def test_every_table_of_a_tenant_is_erased() -> None:
    assert {table.name for table in TABLES} == TENANT_OWNED - {tenants.name}


def test_the_chain_verifies_and_tells_since_when_it_is_erased(filled: AnyStore) -> None:
    noted = verify(filled, TENANT, head=None)
    head = erase(filled)

    report = verify(filled, TENANT, head=(noted.sequence, noted.hash))
    assert f"{report.sequence}:{report.hash}" == head
    assert (report.entities, report.erased_changes) == (0, noted.changes + 1)
    assert report.closed_ticks is not None
    assert not report.under_way
    verify(filled, TENANT, head=(0, first_head(TENANT).hash.hex()))
    with pytest.raises(OperatorError, match="not in the chain"):
        verify(filled, TENANT, head=(noted.sequence, "00" * 32))


def test_an_erased_tenant_is_none_and_is_listed_as_erased(filled: AnyStore) -> None:
    erase(filled)
    assert filled.tenant(TENANT) is None
    assert [row.tenant_id for row in filled.tenants()] == [OTHER_TENANT]
    with filled.reading() as connection:
        assert [row.tenant_id for row in read_erased_tenants(connection)] == [TENANT]
    with filled.snapshot(TENANT) as moment:
        assert moment.head is None


def test_nothing_is_written_to_an_erased_tenant(filled: AnyStore) -> None:
    head = erase(filled)
    with pytest.raises(NotFound, match=r"was erased on 20..-.*`stanchion tenant add` begins anew"):
        filled.run(put(control("late")))
    assert erasable(filled, TENANT).ended
    report = verify(filled, TENANT, head=None)
    assert f"{report.sequence}:{report.hash}" == head


def test_erasing_again_changes_nothing(filled: AnyStore) -> None:
    assert erase(filled) == erase(filled)


def test_what_nobody_added_cannot_be_erased(store: AnyStore) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        erase(store, "33333333-3333-4333-8333-333333333333")


def test_a_tenant_added_again_begins_anew_and_its_versions_go_on(filled: AnyStore) -> None:
    before = verify(filled, TENANT, head=None)
    erase(filled)
    add_tenant(filled, TENANT, name="Alder Quay", actor=OPERATOR)
    stored = filled.run(put(control("c1")))

    assert stored.version == before.sequence + 4
    report = verify(filled, TENANT, head=(before.sequence, before.hash))
    assert (report.entities, report.erased_changes, report.closed_ticks) == (1, before.sequence + 1, None)
    with pytest.raises(Conflict):
        add_tenant(filled, TENANT, name="Alder Quay", actor=OPERATOR)
    erase(filled)
    assert verify(filled, TENANT, head=(before.sequence, before.hash)).erased_changes == stored.version + 1


@pytest.mark.parametrize("portions", [0, 2, 6])
def test_an_erasure_that_was_stopped_is_ended_by_the_next_one(filled: AnyStore, portions: int) -> None:
    noted = verify(filled, TENANT, head=None)
    before = rows_of(filled, OTHER_TENANT)
    with pytest.raises(Stopped):
        erase(filled, pause=stops_after(portions))

    assert filled.tenant(TENANT) is None
    half = verify(filled, TENANT, head=(noted.sequence, noted.hash))
    assert half.under_way
    assert not erasable(filled, TENANT).ended
    with pytest.raises(NotFound, match="was erased"):
        filled.run(put(control("late")))
    with pytest.raises(Conflict, match="is being erased"):
        add_tenant(filled, TENANT, name="Alder Quay", actor=OPERATOR)

    erase(filled)
    assert not verify(filled, TENANT, head=(noted.sequence, noted.hash)).under_way
    assert {name for name, rows in rows_of(filled, TENANT).items() if rows} == {
        "tenants",
        "changes",
        "change_details",
    }
    assert rows_of(filled, OTHER_TENANT) == before


def test_two_who_erase_at_once_come_to_the_same(filled: AnyStore, database: Database) -> None:
    def another(_seconds: float) -> None:
        with opened(database) as store:
            erase(store)

    with pytest.raises(OperatorError, match="somebody else has ended it"):
        erase(filled, pause=another)
    assert not verify(filled, TENANT, head=None).under_way


def test_an_erasure_held_up_until_the_next_one_does_not_end_that(
    filled: AnyStore, database: Database
) -> None:
    def years(_seconds: float) -> None:
        with opened(database) as store:
            erase(store)
            add_tenant(store, TENANT, name="Alder Quay", actor=OPERATOR)
            store.run(put(control("back")))
            store.run(CloseTenant(tenant_id=TENANT, actor=OPERATOR, command_id=new_id()))

    def third(seconds: float) -> None:
        portions.append(seconds)
        if len(portions) == 3:
            years(seconds)

    portions: list[float] = []
    with pytest.raises(OperatorError, match="somebody else has ended it"):
        erase(filled, pause=third)
    assert not erasable(filled, TENANT).ended
    erase(filled)
    assert verify(filled, TENANT, head=None).entities == 0


CHILD = """
    import sys
    from stanchion.access.operator_erasure import erase_tenant
    from stanchion.app import open_store
    from stanchion.ledger.changes import Operator
    from stanchion.settings import Settings

    def pause(_seconds):
        print("portion", flush=True)
        sys.stdin.readline()

    store = open_store(Settings(database=sys.argv[1]))
    erase_tenant(store, sys.argv[2], actor=Operator("officer"), pause=pause)
"""


def test_a_process_killed_while_it_erases_leaves_what_another_one_ends(
    filled: AnyStore, database: Database
) -> None:
    noted = verify(filled, TENANT, head=None)
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), database.url, TENANT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for _ in range(3):
            assert child.stdout.readline() == b"portion\n"
            child.stdin.write(b"\n")
        assert child.stdout.readline() == b"portion\n"
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL

    assert verify(filled, TENANT, head=None).under_way
    erase(filled)
    assert verify(filled, TENANT, head=(noted.sequence, noted.hash)).erased_changes == noted.sequence + 1


@pytest.mark.anyio
async def test_writers_meanwhile_are_refused_for_it_and_served_for_others(
    filled: AnyStore, serving: AnyStore
) -> None:
    stop = asyncio.Event()
    refused: list[StanchionError] = []
    kept: list[str] = []

    async def write(tenant: str, name: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            id = f"{name}-{number}"
            try:
                await serving.submit(put(control(id), tenant_id=tenant))
            except NotFound as error:
                refused.append(error)
                await asyncio.sleep(0.001)
            else:
                if tenant == OTHER_TENANT:
                    kept.append(id)

    writers = [
        asyncio.create_task(write(tenant, f"{tenant[:1]}{number}"))
        for number in range(4)
        for tenant in (TENANT, OTHER_TENANT)
    ]
    await asyncio.sleep(0.05)
    await until(lambda: bool(kept))
    await asyncio.to_thread(erase, filled)
    await asyncio.sleep(0.05)
    await until(lambda: bool(refused))
    stop.set()
    await asyncio.gather(*writers)

    assert refused
    assert kept
    report = await asyncio.to_thread(verify, filled, TENANT, head=None)
    assert (report.entities, report.under_way) == (0, False)
    assert {id for id in kept if await serving.get(OTHER_TENANT, CONTROL_PROFILES, id) is None} == set()
    await asyncio.to_thread(verify, filled, OTHER_TENANT, head=None)


def test_an_import_prepared_before_the_erasure_is_not_written_after_it(
    filled: AnyStore, database: Database
) -> None:
    """It reads nothing that the erasure leaves a trace of, and could otherwise move to the later head."""

    def erase_elsewhere() -> None:
        with opened(database) as other:
            erase(other)

    def action(draft: object) -> None:
        if not erased:
            erased.append(True)
            # On PostgreSQL a command runs where a store must not wait for another one.
            thread = threading.Thread(target=erase_elsewhere)
            thread.start()
            thread.join()
        draft.put(CONTROL_PROFILES, control("late"))  # type: ignore[attr-defined]

    erased: list[bool] = []
    command = put(control("late"))
    object.__setattr__(command, "action", action)
    object.__setattr__(command, "keys", ())
    object.__setattr__(command, "movable", True)
    with pytest.raises(NotFound, match="was erased"):
        filled.run(command)
    assert erasable(filled, TENANT).rows["secure_score_control_profiles"] == 0


def test_servers_read_their_directory_again_when_the_apps_are_gone(filled: AnyStore) -> None:
    closed = filled.run(CloseTenant(tenant_id=TENANT, actor=OPERATOR, command_id=new_id()))
    before = filled.directory_revision()
    filled.transact(lambda connection: forget_trust(connection, TENANT, closed_ticks=closed))
    assert filled.directory_revision() > before


def an_issuer(*tenants: str) -> IssuerEntry:
    """Return an issuer that speaks for some tenants."""
    return IssuerEntry(
        entry_id=new_id(),
        issuer="https://idp.example.com",
        audiences=("api://a",),
        tenant_ids=tenants,
        fleet_home=False,
        keys_url="https://idp.example.com/keys",
        discovered=False,
        created_ticks=0,
    )


def told_of_issuers(database: Database) -> list[object]:
    """Return what the details of the store's own chain say of issuers' addresses."""
    rows = database.execute("SELECT tenant_id, detail FROM change_details")
    told = [json.loads(unpack(bytes(detail))) for tenant_id, detail in rows if tenant_id == STORE_CHAIN]
    return [each["issuer"] for each in told if each and "issuer" in each]


def test_what_is_told_of_an_issuer_goes_with_the_last_tenant_that_it_spoke_for(
    filled: AnyStore, database: Database
) -> None:
    filled.run(AddIssuer(entry=an_issuer(TENANT, OTHER_TENANT), actor=OPERATOR, command_id=new_id()))
    erase(filled)
    assert told_of_issuers(database) == ["https://idp.example.com"]
    add_tenant(filled, TENANT, name="Alder Quay", actor=OPERATOR)
    erase(filled, OTHER_TENANT)
    assert (told_of_issuers(database), filled.issuers()) == ([], [])
    verify(filled, STORE_CHAIN, head=None)


def test_an_issuer_added_meanwhile_speaks_for_no_tenant_that_was_erased(
    filled: AnyStore, database: Database
) -> None:
    """What it reads of the tenant is no row of the chain that it writes to."""

    class Slow(AddIssuer):
        def apply(self, draft: Draft) -> Applied[IssuerEntry]:
            applied = super().apply(draft)
            if not erased:
                erased.append(True)
                thread = threading.Thread(target=erase_elsewhere)
                thread.start()
                thread.join()
            return applied

    def erase_elsewhere() -> None:
        with opened(database) as other:
            erase(other)

    erased: list[bool] = []
    with pytest.raises(NotFound, match="There is no tenant"):
        filled.run(Slow(entry=an_issuer(TENANT), actor=OPERATOR, command_id=new_id()))
    assert erased
    assert filled.issuers() == []


ALTERED: dict[str, tuple[str, str]] = {
    "a hash": (
        "UPDATE changes SET hash = NOUGHTS WHERE MINE AND sequence = 4",
        "says that other changes were erased than are left",
    ),
    "a hash that is gone": ("DELETE FROM changes WHERE MINE AND sequence = 4", "Change 4 of .* is missing"),
    "the last of the hashes": (
        "UPDATE changes SET hash = NOUGHTS WHERE MINE AND sequence = 11",
        "does not match its hash",
    ),
    "what the erasure says": (
        "UPDATE changes SET record = EDITED(record, 'officer', 'nobody') WHERE MINE AND time_ticks > 0",
        "does not match its hash",
    ),
    "since when it is closed": (
        "UPDATE tenants SET erased_ticks = erased_ticks + 10 WHERE MINE",
        "says something else of an erasure",
    ),
    "that it is closed": (
        "UPDATE tenants SET erased_ticks = NULL WHERE MINE",
        "says something else of an erasure",
    ),
    "which change erased it": (
        "UPDATE tenants SET erased_sequence = 3 WHERE MINE",
        "says something else of an erasure",
    ),
    "the detail of the erasure": ("DELETE FROM change_details WHERE MINE", "lost its record, and no erasure"),
    "the record of the erasure too": (
        "UPDATE changes SET record = BYTES() WHERE MINE",
        "has lost its record",
    ),
}


@pytest.mark.parametrize("altered", ALTERED)
def test_altering_what_is_left_is_found(filled: AnyStore, database: Database, altered: str) -> None:
    erase(filled)
    statement, fault = ALTERED[altered]
    tamper(database, statement)
    with pytest.raises(OperatorError, match=fault):
        verify(filled, TENANT, head=None)


def test_an_erasure_whose_proof_is_none_is_found(filled: AnyStore, database: Database) -> None:
    """Who writes the end of the chain anew can give the change of the erasure any detail."""
    erase(filled)
    *_, before, last = rows_of(filled, TENANT)["changes"]
    salt, detail = b"salt", b"[]"
    record = encode_record(replace(decode_record(as_bytes(last[4])), detail=salted_digest(salt, detail)))
    head = link(as_bytes(before[5]), record)
    tamper(
        database,
        "UPDATE changes SET record = $1, hash = $2 WHERE MINE AND time_ticks > 0",
        values=(record, head),
    )
    tamper(database, "UPDATE change_details SET salt = $1, detail = $2 WHERE MINE", values=(salt, detail))
    tamper(database, "UPDATE tenants SET head_hash = $1 WHERE MINE", values=(head,))
    with pytest.raises(OperatorError, match="says of an erasure what cannot be read"):
        verify(filled, TENANT, head=None)


def as_bytes(value: object) -> bytes:
    """Return what must be bytes."""
    assert isinstance(value, bytes)
    return value


def test_a_record_taken_away_without_an_erasure_is_found(filled: AnyStore, database: Database) -> None:
    tamper(database, "DELETE FROM change_details WHERE MINE AND sequence < 3")
    tamper(database, "UPDATE changes SET record = BYTES() WHERE MINE AND sequence < 3")
    with pytest.raises(OperatorError, match=r"Change 2 of .* has lost its record, and no erasure says why"):
        verify(filled, TENANT, head=None)


def test_a_tenant_of_which_nothing_is_left_on_the_way_has_no_row_in_entity_tables(filled: AnyStore) -> None:
    counted = erasable(filled, TENANT).rows
    assert all(counted[entity_set.table_name] for entity_set in ENTITY_SETS.values())
    erase(filled)
    left = erasable(filled, TENANT).rows
    assert {name for name, count in left.items() if count} == {changes.name, "change_details"}
