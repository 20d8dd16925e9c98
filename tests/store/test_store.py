"""What the store promises to those who read and write through it."""

import asyncio
import hashlib
from pathlib import Path

import pytest

from stanchion.errors import BadRequest, NotFound, OperatorError
from stanchion.ledger.draft import Draft
from stanchion.ledger.working_set import HistoryKey, LatestDecisionKey, RowKey, Stored
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, SECURE_SCORES, USER_PROFILES
from stanchion.model.json_text import dump_json
from stanchion.odata.options import parse_options
from stanchion.store import STORE_CHAIN, ClientRow, SigningKeyRow, SQLiteStore, Store
from stanchion.store.batch import commit_batch
from stanchion.store.compile import DialectName
from stanchion.store.schema import migrate
from tests.conftest import Statements
from tests.databases import AnyStore, Database, Databases
from tests.store.commands import (
    OTHER_TENANT,
    TENANT,
    Do,
    add_tenant,
    control,
    decision,
    delete,
    put,
    put_all,
    score,
)
from tests.store.conftest import opened

CLIENT: dict[str, str | int | None] = {
    "tenant_id": TENANT,
    "name": "triage",
    "permissions": "[]",
    "provider": None,
    "fleet": 0,
    "secrets": "[]",
    "created_ticks": 5,
    "revoked_ticks": None,
    "certificates": None,
    "tokens_from_ticks": None,
}


def test_it_is_a_store(store: AnyStore) -> None:
    what_others_see: Store = store
    assert what_others_see.healthy


def get(store: AnyStore, id: str, tenant_id: str = TENANT) -> Stored | None:
    return asyncio.run(store.get(tenant_id, CONTROL_PROFILES, id))


def test_a_new_store_has_its_facts_and_keeps_them(
    databases: Databases, dialect: DialectName, tmp_path: Path
) -> None:
    with databases.new(dialect, tmp_path) as database:
        migrate(database.url)
        with opened(database) as first:
            facts = (first.store_id, first.epoch, first.link_key)
        with opened(database) as again:
            found = (again.store_id, again.epoch, again.link_key)
        assert found == facts
        assert [len(fact) for fact in found] == [36, 8, 32]


def test_making_the_store_is_the_first_change_of_its_own_chain(store: AnyStore) -> None:
    head = asyncio.run(store.head(STORE_CHAIN))
    assert head is not None
    assert head.sequence == 1


def test_the_chain_of_the_store_is_no_tenant(store: AnyStore) -> None:
    assert store.tenant(STORE_CHAIN) is None
    assert [row.tenant_id for row in store.tenants()] == [TENANT, OTHER_TENANT]


def test_what_is_written_is_read_back_byte_for_byte(store: AnyStore) -> None:
    value = control("c1", zzz=1, aaa={"b": [1.0, None, "ü"]})
    stored = store.run(put(value))
    assert get(store, "c1") == stored
    assert stored.body == dump_json(value)
    assert stored.version == 2  # adding the tenant was change 1


@pytest.mark.parametrize("length", [4000, 5000, 300_000])
def test_a_body_of_any_length_comes_back_whole(store: AnyStore, length: int) -> None:
    stored = store.run(put(control("c1", remediation="é" * length)))
    assert get(store, "c1") == stored


@pytest.mark.sqlite("PostgreSQL packs long values by itself")
def test_a_long_body_lies_compressed(store: AnyStore, database: Database) -> None:
    store.run(put(control("c1", remediation="x" * 100_000)))
    assert database.execute("SELECT length(body) < 1000 FROM secure_score_control_profiles") == [(True,)]


def test_an_entity_of_one_tenant_is_not_there_for_another(store: AnyStore) -> None:
    store.run(put(control("c1")))
    assert get(store, "c1", OTHER_TENANT) is None


def test_one_process_sees_what_another_committed(store: AnyStore, serving: AnyStore) -> None:
    assert get(serving, "c1") is None
    store.run(put(control("c1")))
    assert get(serving, "c1") is not None


def test_a_deleted_entity_is_gone_and_leaves_a_tombstone_until_it_is_put_again(
    store: AnyStore, database: Database
) -> None:
    def graves() -> list[tuple[object, ...]]:
        return database.execute("SELECT id, version FROM tombstones WHERE tenant_id = $1", TENANT)

    store.run(put(control("c1")))
    store.run(delete("c1"))
    assert get(store, "c1") is None
    assert graves() == [("c1", 3)]
    store.run(put(control("c1")))
    assert graves() == []


def test_a_tenant_that_nobody_added_is_not_found(store: AnyStore) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        store.run(put(control("c1"), tenant_id="33333333-3333-4333-8333-333333333333"))


def test_a_refused_command_leaves_nothing(store: AnyStore) -> None:
    def action(draft: Draft) -> None:
        draft.put(CONTROL_PROFILES, control("c1"))
        draft.put_row("clients", "app", CLIENT)
        raise BadRequest("no")

    before = asyncio.run(store.head(TENANT)), store.directory_revision()
    with pytest.raises(BadRequest):
        store.run(Do(action))
    assert get(store, "c1") is None
    assert store.client("app") is None
    assert (asyncio.run(store.head(TENANT)), store.directory_revision()) == before


def test_a_command_that_writes_nothing_adds_no_change(store: AnyStore) -> None:
    before = asyncio.run(store.head(TENANT))
    assert store.run(Do(lambda draft: draft.get(CONTROL_PROFILES, "c1"))) is None
    assert asyncio.run(store.head(TENANT)) == before


def test_the_history_of_a_control_is_in_the_order_of_writing(store: AnyStore) -> None:
    for id, control_id in (("z", "c1"), ("a", "c1"), ("b", "c2")):
        store.run(put(decision(id, control_id), DECISIONS))
    with store.snapshot(TENANT) as moment:
        assert [entry.id for entry in moment.history("c1")] == ["z", "a"]
        assert moment.history("c3") == ()
    with store.snapshot(OTHER_TENANT) as other:
        assert other.history("c1") == ()
    told = store.run(Do(lambda draft: [entry.id for entry in draft.history("c1")], keys=(HistoryKey("c1"),)))
    assert told == ["z", "a"]


def test_the_decision_that_stands_is_the_newest_by_its_time(store: AnyStore) -> None:
    store.run(put(decision("new", "c1", "2026-02-01T00:00:00Z"), DECISIONS))
    store.run(put(decision("old", "c1", "2026-01-01T00:00:00Z"), DECISIONS))
    store.run(put(decision("timeless", "c1"), DECISIONS))

    def latest(draft: Draft) -> tuple[str | None, bool]:
        stands = draft.latest_decision("c1")
        return (stands.id if stands else None, draft.latest_decision("c2") is None)

    assert store.run(Do(latest, keys=(LatestDecisionKey("c1"),))) == ("new", True)


@pytest.mark.parametrize(("vendor", "provider"), [("Microsoft", "SecureScore"), ("MICROSOFT", "securescore")])
def test_the_newest_score_is_found_by_vendor_and_provider_in_either_case(
    store: AnyStore, vendor: str, provider: str
) -> None:
    store.run(put(score("old", "2026-01-01T00:00:00Z"), SECURE_SCORES))
    store.run(put(score("new", "2026-01-02T00:00:00Z"), SECURE_SCORES))
    store.run(put(score("none", None), SECURE_SCORES))
    store.run(put(score("other", "2026-01-03T00:00:00Z", provider="Prowler"), SECURE_SCORES))
    assert asyncio.run(store.newest_score_id(TENANT, vendor=vendor, provider=provider)) == "new"


def test_no_score_is_the_newest_of_an_unknown_provider(store: AnyStore) -> None:
    assert asyncio.run(store.newest_score_id(TENANT, vendor="Microsoft", provider="\u017fecureScore")) is None


def test_an_export_gives_every_entity_by_id(store: AnyStore) -> None:
    ids = [f"c{number:04}" for number in range(250)]
    store.run(put_all([control(id) for id in reversed(ids)], CONTROL_PROFILES))
    with store.snapshot(TENANT) as moment:
        assert [stored.id for stored in moment.entities(CONTROL_PROFILES)] == ids
    with store.snapshot(OTHER_TENANT) as other:
        assert list(other.entities(CONTROL_PROFILES)) == []


def test_count_counts_the_set_of_the_tenant(store: AnyStore) -> None:
    store.run(put_all([control("c1"), control("c2")], CONTROL_PROFILES))
    query = parse_options(b"$top=1", CONTROL_PROFILES, root="v1.0")
    assert asyncio.run(store.count(TENANT, query)) == 2
    assert asyncio.run(store.count(OTHER_TENANT, query)) == 0
    assert asyncio.run(store.count(TENANT, parse_options(b"", USER_PROFILES, root="beta"))) == 0


def test_clients_and_keys_are_written_as_rows_and_raise_the_revision(store: AnyStore) -> None:
    key: dict[str, str | int | bytes | None] = {
        "algorithm": "RS256",
        "public_jwk": "{}",
        "sealed_private_key": b"sealed",
        "created_ticks": 5,
        "retired_ticks": None,
    }
    before = store.directory_revision()
    store.run(Do(lambda draft: draft.put_row("clients", "app", CLIENT)))
    store.run(Do(lambda draft: draft.put_row("signing_keys", "k1", key), tenant_id=STORE_CHAIN))
    client = ClientRow("app", TENANT, "triage", "[]", None, 0, "[]", 5, None)
    assert store.client("app") == client
    assert store.client("none") is None
    assert (store.clients(TENANT), store.clients(None), store.clients(OTHER_TENANT)) == (
        [client],
        [client],
        [],
    )
    assert store.signing_keys() == [SigningKeyRow("k1", "RS256", "{}", b"sealed", 5, None)]
    assert store.directory_revision() == before + 2


def test_a_row_is_read_by_a_command_and_overwritten_whole(store: AnyStore) -> None:
    store.run(Do(lambda draft: draft.put_row("clients", "app", CLIENT)))

    def revoke(draft: Draft) -> None:
        row = draft.row("clients", "app")
        assert row is not None
        draft.put_row("clients", "app", {**row, "revoked_ticks": 9})

    store.run(Do(revoke, keys=(RowKey("clients", "app"),)))
    client = store.client("app")
    assert client is not None
    assert client.revoked_ticks == 9


def test_a_tenants_row_is_read_by_a_command(store: AnyStore) -> None:
    row = store.run(Do(lambda draft: draft.row("tenants", TENANT)))
    assert row is not None
    assert row["name"] == "Alder Quay"
    assert store.run(Do(lambda draft: draft.row("tenants", "none"))) is None


def test_only_adding_a_tenant_raises_the_revision_not_writing_in_it(store: AnyStore) -> None:
    before = store.directory_revision()
    store.run(put(control("c1")))
    assert store.directory_revision() == before
    store.run(add_tenant("33333333-3333-4333-8333-333333333333"))
    assert store.directory_revision() == before + 1


def test_what_left_its_provider_is_kept_with_the_last_change_by_which_it_did(
    store: AnyStore, database: Database
) -> None:
    def made_and_deleted(draft: Draft) -> None:
        draft.put(SECURE_SCORES, score("brief", None, provider="Other"))
        draft.delete(SECURE_SCORES, "brief")

    store.run(Do(made_and_deleted))  # change 2
    for provider in ("ScubaGear", "SCUBAGEAR", "Other", "ScubaGear", "Other"):
        store.run(put(score("s1", None, provider=provider), SECURE_SCORES))
    store.run(put(control("c1")))
    store.run(delete("c1"))  # change 9
    sql = "SELECT provider, id, version FROM departures WHERE tenant_id = $1 ORDER BY version"
    found = database.execute(sql, TENANT)
    assert found == [("other", "s1", 6), ("scubagear", "s1", 7), ("securescore", "c1", 9)]


def test_a_snapshot_is_one_moment_though_others_write(store: AnyStore) -> None:
    store.run(put_all([control(f"c{number:03}") for number in range(150)], CONTROL_PROFILES))
    store.run(put(decision("d1", "c149"), DECISIONS))
    with store.snapshot(TENANT) as moment:
        entities = moment.entities(CONTROL_PROFILES)
        first = next(entities)
        store.run(put(decision("d2", "c149"), DECISIONS))
        store.run(delete("c149"))
        assert [first.id, *(stored.id for stored in entities)] == [f"c{number:03}" for number in range(150)]
        assert [entry.id for entry in moment.history("c149")] == ["d1"]
        assert moment.head is not None
        assert moment.head.sequence == 3
        assert moment.history("c000") == ()
    with store.snapshot(TENANT) as moment:
        assert len(list(moment.entities(CONTROL_PROFILES))) == 149
        assert [entry.id for entry in moment.history("c149")] == ["d1", "d2"]


@pytest.mark.sqlite("a body is text on PostgreSQL, which holds no other")
@pytest.mark.parametrize("body", ["x'28b52ffd00'", "1"])
def test_a_snapshot_of_a_damaged_database_is_one_clear_line(
    store: AnyStore, database: Database, body: str
) -> None:
    store.run(put(control("c1")))
    database.execute(f"UPDATE secure_score_control_profiles SET body = {body} WHERE tenant_id = '{TENANT}'")  # noqa: S608
    with pytest.raises(OperatorError, match=r"A body in .* cannot be read"), store.snapshot(TENANT) as moment:
        list(moment.entities(CONTROL_PROFILES))


def test_a_row_of_a_table_that_commands_may_not_write_is_refused(store: AnyStore, database: Database) -> None:
    with pytest.raises(KeyError):
        store.run(Do(lambda draft: draft.put_row("changes", "1", {})))
    with opened(database) as other:
        assert other.run(put(control("c2"))).id == "c2"
    assert store.run(put(control("c1"))).id == "c1"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_program_that_is_stopped_while_it_writes_leaves_no_transaction_open(
    store: AnyStore, database: Database, stop: type[BaseException]
) -> None:
    def action(draft: Draft) -> None:
        draft.put(CONTROL_PROFILES, control("c1"))
        raise stop

    with pytest.raises(stop):
        store.run(Do(action))
    with opened(database) as other:
        assert other.run(put(control("c2"))).id == "c2"
    assert store.run(put(control("c3"))).id == "c3"


@pytest.mark.sqlite("is about the writer's own connection")
@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_program_that_is_stopped_while_it_writes_a_batch_leaves_no_transaction_open(
    store: SQLiteStore, stop: type[BaseException]
) -> None:
    def action(draft: Draft) -> None:
        draft.put(CONTROL_PROFILES, control("c1"))
        raise stop

    with pytest.raises(stop):
        commit_batch(store._writer, [Do(action), Do(action)])
    assert not store._writer.in_transaction


def test_the_first_hash_of_a_chain_starts_from_its_tenant(database: Database) -> None:
    sql = "SELECT record, hash FROM changes WHERE tenant_id = $1 AND sequence = 1"
    ((record, digest),) = database.execute(sql, TENANT)
    assert digest == hashlib.sha256(hashlib.sha256(TENANT.encode()).digest() + record).digest()


def test_no_value_is_written_to_the_log_of_statements(store: AnyStore, statements: Statements) -> None:
    store.run(put(control("a-telling-id", remediation="it's secret")))
    assert statements.ran
    assert not [sql for sql in statements.ran if "telling" in sql or "secret" in sql.replace("secrets", "")]
