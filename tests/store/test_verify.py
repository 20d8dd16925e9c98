"""Verifying: every way of altering what is stored is found and its place named."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy.dialects import postgresql

from stanchion.errors import OperatorError
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, ENTITY_SETS, SECURE_SCORES
from stanchion.model.json_text import JsonObject
from stanchion.store import STORE_CHAIN
from stanchion.store.bodies import pack
from stanchion.store.compile import DialectName
from stanchion.store.tables import TENANT_OWNED, metadata
from stanchion.store.verify import VerifyReport, verify
from tests.databases import AnyStore, Database, Databases, Template
from tests.store.commands import OTHER_TENANT, TENANT, control, decision, delete, put, put_all, score
from tests.store.conftest import opened
from tests.store.tampering import tamper


def kept(database: Database, body: bytes) -> bytes | str:
    """Return a body as it is kept."""
    return pack(body) if database.dialect == "sqlite" else body.decode()


@pytest.fixture
def history(store: AnyStore) -> AnyStore:
    """A store with nine changes: two controls written twice, one deleted, scores and a decision."""
    store.run(put(control("c1")))  # change 2
    store.run(put(control("c2", remediation="long " * 2000)))
    store.run(put(control("c1", rank=7, maxScore=5, deprecated=False)))
    store.run(put(control("gone")))
    store.run(delete("gone"))  # change 6
    store.run(put_all([score("s1", "2026-01-01T00:00:00Z"), score("s2", None)], SECURE_SCORES))
    store.run(put(decision("d1", "c1", "2026-01-02T00:00:00Z"), DECISIONS))
    store.run(put(control("theirs"), tenant_id=OTHER_TENANT))
    return store


def test_an_untouched_history_is_verified(history: AnyStore) -> None:
    report = verify(history, TENANT, head=None)
    assert (report.sequence, report.changes, report.entities) == (8, 8, 5)
    assert verify(history, OTHER_TENANT, head=None).entities == 1
    assert verify(history, STORE_CHAIN, head=None).changes == 1


def test_a_tenant_that_nobody_added_has_no_history(history: AnyStore) -> None:
    with pytest.raises(OperatorError, match="does not exist"):
        verify(history, "33333333-3333-4333-8333-333333333333", head=None)


TAMPERED: dict[str, tuple[str, str]] = {
    "an edited record": (
        ("UPDATE changes SET record = EDITED(record, 'tester', 'nobody') WHERE MINE AND sequence = 4"),
        "Change 4 of .* does not match its hash",
    ),
    "an edited hash": (
        "UPDATE changes SET hash = NOUGHTS WHERE MINE AND sequence = 4",
        "Change 4 of .* does not match its hash",
    ),
    "an edited time": (
        "UPDATE changes SET time_ticks = time_ticks + 10 WHERE MINE AND sequence = 4",
        "Change 4 of .* does not say what its columns say",
    ),
    "an edited command id": (
        "UPDATE changes SET command_id = 'other' WHERE MINE AND sequence = 4",
        "Change 4 of .* does not say what its columns say",
    ),
    "an edited detail": (
        "UPDATE change_details SET detail = BYTES(7b7d) WHERE MINE AND sequence = 4",
        "Change 4 of .* has another detail",
    ),
    "a deleted middle change": (
        "DELETE FROM changes WHERE MINE AND sequence = 4",
        "Change 4 of .* is missing",
    ),
    "a deleted first change": (
        "DELETE FROM changes WHERE MINE AND sequence = 1",
        "Change 1 of .* is missing",
    ),
    "a cut tail": (
        "DELETE FROM changes WHERE MINE AND sequence = 8",
        "ends at change 7, but its head says 8",
    ),
    "an edited head": (
        "UPDATE tenants SET head_hash = NOUGHTS WHERE MINE",
        "ends at change 8, but its head says 8 with hash 0000",
    ),
    "an edited body": (
        ("UPDATE secure_score_control_profiles SET body = BODY(body, ':7', ':8') WHERE MINE AND id = 'c1'"),
        "secureScoreControlProfiles/c1 of .* differs from what change 4 wrote",
    ),
    "an edited column": (
        "UPDATE secure_score_control_profiles SET rank = 1 WHERE MINE AND id = 'c1'",
        "secureScoreControlProfiles/c1 of .* has columns that differ from its body",
    ),
    "an emptied column": (
        "UPDATE secure_scores SET created_date_time = NULL WHERE MINE AND id = 's1'",
        "secureScores/s1 of .* has columns that differ from its body",
    ),
    "an edited version": (
        "UPDATE secure_score_control_profiles SET version = 2 WHERE MINE AND id = 'c1'",
        "secureScoreControlProfiles/c1 of .* has version 2, but change 4",
    ),
    "a removed entity": (
        "DELETE FROM decisions WHERE MINE",
        "decisions/d1 of .* is missing, though change 8",
    ),
    "a planted entity": (
        (
            "INSERT INTO decisions (tenant_id, id, version, body) SELECT tenant_id, 'd2', version, body"
            " FROM decisions WHERE MINE"
        ),
        "decisions/d2 of .* is stored, but no change wrote it",
    ),
    "an entity that came back": (
        (
            "INSERT INTO secure_score_control_profiles (tenant_id, id, version, body)"
            " SELECT tenant_id, 'gone', version, body FROM secure_score_control_profiles WHERE MINE AND id = 'c1'"
        ),
        "secureScoreControlProfiles/gone of .* is stored, but was deleted",
    ),
    "a removed tombstone": (
        "DELETE FROM tombstones WHERE MINE",
        "/gone of .* lacks the tombstone of change 6",
    ),
    "an edited tombstone": (
        "UPDATE tombstones SET version = 3 WHERE MINE",
        "/gone of .* has a tombstone of change 3, which did not delete it last",
    ),
    "a planted tombstone": (
        "INSERT INTO tombstones SELECT tenant_id, 'decisions', 'never', 3 FROM tenants WHERE MINE",
        "decisions/never of .* has a tombstone of change 3",
    ),
    "a removed departure": (
        "DELETE FROM departures WHERE MINE",
        "/gone of .* is not told to have left securescore, though change 6 took it",
    ),
    "an edited departure": (
        "UPDATE departures SET version = 5 WHERE MINE",
        "/gone of .* is told to have left securescore by change 5, which did not take it last",
    ),
    "a departure from another provider": (
        "UPDATE departures SET provider = 'scubagear' WHERE MINE",
        "/gone of .* is told to have left scubagear by change 6",
    ),
    "a planted departure": (
        (
            "INSERT INTO departures SELECT tenant_id, 'secureScores', 'securescore', 's1', 7"
            " FROM tenants WHERE MINE"
        ),
        "secureScores/s1 of .* is told to have left securescore by change 7",
    ),
    "a damaged detail": (
        "UPDATE change_details SET detail = BYTES(28b52ffd00) WHERE MINE AND sequence = 4",
        "Change 4 of .* has a detail that cannot be read",
    ),
    "a detail without its change": (
        "UPDATE change_details SET sequence = 99 WHERE MINE AND sequence = 4",
        "Change 99 of .* is missing, though its detail is there",
    ),
    "a time beyond the calendar": (
        "UPDATE changes SET time_ticks = 4611686018427387904 WHERE MINE AND sequence = 4",
        "Change 4 of .* does not say what its columns say",
    ),
    "a body that is no JSON": (
        "UPDATE secure_score_control_profiles SET body = TEXT('{') WHERE MINE AND id = 'c1'",
        "differs from what change 4 wrote",
    ),
}


@pytest.mark.parametrize(("statement", "message"), TAMPERED.values(), ids=TAMPERED)
def test_tampering_is_found_and_its_place_named(
    history: AnyStore, database: Database, statement: str, message: str
) -> None:
    tamper(database, statement)
    with pytest.raises(OperatorError, match=message):
        verify(history, TENANT, head=None)


ON_SQLITE = {
    "a damaged body": (
        "UPDATE secure_score_control_profiles SET body = BYTES(28b52ffd00) WHERE MINE AND id = 'c1'",
        "/c1 of .* has a body that cannot be read",
    ),
    "a body that claims to be larger than any memory": (
        (
            "UPDATE secure_score_control_profiles SET body = BYTES(28b52ffde00000000000000040)"
            " WHERE MINE AND id = 'c1'"
        ),
        "/c1 of .* has a body that cannot be read",
    ),
    "a head of another type": (
        "UPDATE tenants SET head_hash = 'x' WHERE MINE",
        "The head of .* has a value of another type",
    ),
}


@pytest.mark.sqlite("packs bodies, and takes a value of any type in any column")
@pytest.mark.parametrize(("statement", "message"), ON_SQLITE.values(), ids=ON_SQLITE)
def test_what_sqlite_lets_anybody_write_is_found_too(
    history: AnyStore, database: Database, statement: str, message: str
) -> None:
    tamper(database, statement)
    with pytest.raises(OperatorError, match=message):
        verify(history, TENANT, head=None)


WRITTEN_BY_COMMANDS = {
    (table, column.name)
    for table, described in metadata.tables.items()
    for column in described.columns
    if table in TENANT_OWNED and table != "dictionaries" and column.name != "tenant_id"
} - {("tenants", "name"), ("tenants", "created_ticks")}  # The chain knows neither.

STRANGE = ("'x'", "x'ff'", "x'28b52ffd'", "1.5", "1e300", str(2**62), str(-(2**62)), "''")
# Those of a type, for a database that takes no other.
STRANGE_BY_TYPE = {
    "BIGINT": (str(2**62), str(-(2**62))),
    "BOOLEAN": ("true",),
    "BYTEA": ("'\\xff'", "'\\x28b52ffd'", "''"),
    "DOUBLE PRECISION": ("1.5", "1e300"),
    "INTEGER": ("2147483647",),
    "TEXT": ("'x'", "''"),
}


def strange(table: str, column: str, dialect: DialectName) -> tuple[str, ...]:
    """Return values that no command writes in a column."""
    if dialect == "sqlite":
        return STRANGE
    found = metadata.tables[table].c[column].type.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]  # Its constructor has no types.
    return STRANGE_BY_TYPE[found.partition(" COLLATE")[0]]


@dataclass(frozen=True)
class Whole:
    """A store with an entity of each set, a tombstone and a departure; each test leaves it as it was."""

    store: AnyStore
    database: Database


@pytest.fixture(scope="module")
def whole(
    databases: Databases, template: Template[None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Whole]:
    with databases.copy(template, tmp_path_factory.mktemp("whole")) as database, opened(database) as store:
        fill_whole(store)
        yield Whole(store, database)


def fill_whole(store: AnyStore) -> None:
    for entity_set in ENTITY_SETS.values():
        vendor: JsonObject = {"provider": "ScubaGear", "vendor": "CISA"}
        gone: JsonObject = {
            "id": "gone",
            "controlId": "c",
            "updatedDateTime": None,
            "vendorInformation": vendor,
        }
        store.run(put(gone, entity_set))
        store.run(put({"id": "kept", "controlId": "c", "updatedDateTime": None}, entity_set))
        store.run(delete("gone", entity_set))


@pytest.mark.parametrize(("table", "column"), sorted(WRITTEN_BY_COMMANDS))
def test_a_value_that_no_command_writes_is_found_in_any_column(whole: Whole, table: str, column: str) -> None:
    execute, dialect = whole.database.execute, whole.database.dialect
    at, told = ("rowid", "rowid") if dialect == "sqlite" else ("ctid", "ctid::text")
    ((row, before),) = execute(
        f"SELECT {told}, {column} FROM {table} WHERE tenant_id = $1 ORDER BY {at} LIMIT 1",  # noqa: S608
        TENANT,
    )
    try:
        for value in strange(table, column, dialect):
            ((row,),) = execute(
                f"UPDATE {table} SET {column} = {value} WHERE {at} = '{row}' RETURNING {told}"  # noqa: S608
            )
            place = rf"(Change \S*|\S*/\S*|The chain|The head) of {TENANT} "
            with pytest.raises(OperatorError, match=place):
                verify(whole.store, TENANT, head=None)
    finally:
        execute(f"UPDATE {table} SET {column} = $1 WHERE {at} = '{row}'", before)  # noqa: S608
    assert verify(whole.store, TENANT, head=None).entities == len(ENTITY_SETS)


def test_a_swapped_pair_of_bodies_is_found(history: AnyStore, database: Database) -> None:
    rename = "UPDATE secure_score_control_profiles SET id = $1 WHERE MINE AND id = $2"
    for names in (("x", "c1"), ("c1", "c2"), ("c2", "x")):
        tamper(database, rename, values=names)
    with pytest.raises(
        OperatorError, match=r"secureScoreControlProfiles/c1 of .* has version 3, but change 4"
    ):
        verify(history, TENANT, head=None)


def test_a_swapped_pair_of_changes_is_found(history: AnyStore, database: Database) -> None:
    renumber = "UPDATE changes SET sequence = $1 WHERE MINE AND sequence = $2"
    tamper(database, "DELETE FROM change_details WHERE MINE")
    for numbers in ((99, 3), (3, 4), (4, 99)):
        tamper(database, renumber, values=numbers)
    with pytest.raises(OperatorError, match=r"Change 3 of .* does not match its hash"):
        verify(history, TENANT, head=None)


def test_a_body_put_in_with_its_columns_is_found_by_its_digest(history: AnyStore, database: Database) -> None:
    body = kept(database, b'{"id":"c2","title":"Title of c2"}')
    tamper(
        database,
        "UPDATE secure_score_control_profiles SET body = $1 WHERE MINE AND id = 'c2'",
        values=(body,),
    )
    with pytest.raises(OperatorError, match=r"/c2 of .* differs from what change 3 wrote"):
        verify(history, TENANT, head=None)


def test_erased_details_leave_a_history_that_verifies(history: AnyStore, database: Database) -> None:
    whole = verify(history, TENANT, head=None)
    tamper(database, "DELETE FROM change_details WHERE MINE")
    report = verify(history, TENANT, head=None)
    assert (report.sequence, whole.unchecked, report.unchecked) == (8, 0, report.entities)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "/c1 of .* has a body that cannot be read"),
        (b"{}", "/c1 of .* has a body with another id"),
        (b"[]", "/c1 of .* has a body with another id"),
        (b'{"id":' + b"[" * 100_000, "/c1 of .* has a body that cannot be read"),
    ],
)
def test_a_body_is_read_even_where_its_salt_was_erased(
    history: AnyStore, database: Database, body: bytes, message: str
) -> None:
    tamper(database, "DELETE FROM change_details WHERE MINE")
    change = "UPDATE secure_score_control_profiles SET body = $1 WHERE MINE AND id = 'c1'"
    tamper(database, change, values=(kept(database, body),))
    with pytest.raises(OperatorError, match=message):
        verify(history, TENANT, head=None)


@pytest.mark.sqlite("takes bytes that are no text")
def test_a_body_that_is_no_text_is_found_where_its_salt_was_erased(
    history: AnyStore, database: Database
) -> None:
    change = "UPDATE secure_score_control_profiles SET body = $1 WHERE MINE AND id = 'c1'"
    tamper(database, "DELETE FROM change_details WHERE MINE")
    tamper(database, change, values=(b'{"id":"\xff"}',))
    with pytest.raises(OperatorError, match=r"/c1 of .* has a body that cannot be read"):
        verify(history, TENANT, head=None)


def noted(report: VerifyReport) -> tuple[int, str]:
    return report.sequence, report.hash


def test_a_head_noted_earlier_is_found_in_the_chain(history: AnyStore) -> None:
    earlier = noted(verify(history, TENANT, head=None))
    history.run(put(control("c9")))
    assert verify(history, TENANT, head=earlier).sequence == 9


def cut(database: Database) -> None:
    """Undo the last change so thoroughly that the chain verifies by itself."""
    tamper(
        database,
        "DELETE FROM change_details WHERE MINE AND sequence = 8",
        "DELETE FROM changes WHERE MINE AND sequence = 8",
        "DELETE FROM decisions WHERE MINE",
        (
            "UPDATE tenants SET sequence = 7, head_hash = (SELECT hash FROM changes WHERE MINE AND sequence = 7)"
            " WHERE MINE"
        ),
    )


def test_a_tail_cut_off_without_a_trace_is_caught_by_a_head_noted_earlier(
    history: AnyStore, database: Database
) -> None:
    earlier = noted(verify(history, TENANT, head=None))
    cut(database)
    assert verify(history, TENANT, head=None).sequence == 7
    with pytest.raises(OperatorError, match=r"The head 8:.* noted earlier is not in the chain"):
        verify(history, TENANT, head=earlier)


@pytest.mark.parametrize("change", [lambda s: s + 1, lambda s: s - 1])
def test_a_noted_head_must_match_in_sequence_and_hash(
    history: AnyStore, change: Callable[[int], int]
) -> None:
    sequence, digest = noted(verify(history, TENANT, head=None))
    with pytest.raises(OperatorError, match="noted earlier is not in the chain"):
        verify(history, TENANT, head=(change(sequence), digest))


def test_a_verification_reads_one_moment_though_others_write(history: AnyStore, serving: AnyStore) -> None:
    for number in range(5):
        serving.run(put(control("c1", rank=number)))
        assert verify(history, TENANT, head=None).sequence == 9 + number
    assert history.run(put(control("c1"), CONTROL_PROFILES)).version == 14
