"""Spreading a database over a cluster, with stand-ins for Citus: order, arguments, failures, a second run."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from stanchion.errors import OperatorError
from stanchion.store.postgresql.distribute import Plan, Step
from stanchion.store.postgresql.migrate import LOCK
from stanchion.store.postgresql.opening import SERVING
from stanchion.store.postgresql.placement import places, spread_tables
from stanchion.store.postgresql.url import sqlalchemy_url
from stanchion.store.revisions import config
from stanchion.store.schema import SHARDS, distribute, look, migrate, rehearse
from stanchion.store.tables import TENANT_OWNED, metadata
from tests.cli.invoking import invoke, printed, refusal
from tests.databases import Database, Databases
from tests.store.citus import GIVEN_CITUS
from tests.store.conftest import fill
from tests.store.on_postgresql.cluster import Call, calls, copied, make_cluster

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(GIVEN_CITUS is not None, reason="stands in for the cluster that is given"),
]


@pytest.fixture(scope="module")
def cluster_name(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with tenants and a score that seems one of a cluster, to be copied."""
    made = databases.postgresql.make()
    databases.postgresql.migrate(made)
    database = Database("postgresql", made.url, tmp_path_factory.mktemp("cluster"), made.ask)
    fill(database)
    make_cluster(made.url)
    made.disconnect()
    yield made.name
    databases.postgresql.drop(made)


@pytest.fixture
def cluster(databases: Databases, cluster_name: str, tmp_path: Path) -> Iterator[Database]:
    """A database of our schema on a cluster."""
    with copied(databases, cluster_name, tmp_path) as database:
        yield database


@pytest.fixture
def empty(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """A database without tables, and without Citus."""
    with databases.new("postgresql", tmp_path) as database:
        yield database


def spread(database: Database, *, told: list[Step] | None = None, patience_seconds: float = 10.0) -> Plan:
    tell = (told if told is not None else []).append
    return distribute(database.url, tell=tell, shards=SHARDS, patience_seconds=patience_seconds)


def filled(database: Database) -> list[str]:
    """Return the tables of tenants that have rows."""
    return [
        name
        for name in spread_tables()
        if database.execute(f"SELECT count(*) FROM {name}") != [(0,)]  # noqa: S608
    ]


def named(steps: list[Call], name: str) -> list[str]:
    return [step.table for step in steps if step.name == name]


def test_every_table_has_a_place_and_a_reason() -> None:
    assert {place.table for place in places()} == {*metadata.tables, "alembic_version"}
    assert {place.table for place in places() if place.distributed} == TENANT_OWNED
    assert all(place.why for place in places())


def test_a_table_comes_after_those_that_it_refers_to_and_tenants_first() -> None:
    order = spread_tables()
    assert order[0] == "tenants"
    for name in order:
        for key in metadata.tables[name].foreign_keys:
            assert order.index(key.column.table.name) < order.index(name)


def test_all_lie_beside_tenants_which_lies_beside_no_table_of_another_program(cluster: Database) -> None:
    spread(cluster)

    done = [call for call in calls(cluster) if call.name == "spread"]
    assert done[0] == Call("spread", "tenants", "tenant_id hash none 32")
    assert done[1:] == [
        Call("spread", name, "tenant_id hash tenants -") for name in spread_tables() if name != "tenants"
    ]


def test_what_is_left_on_the_coordinator_goes_when_all_are_spread(cluster: Database) -> None:
    before, present = cluster.rows(), filled(cluster)
    assert {"tenants", "changes", "change_details"} <= set(present)

    spread(cluster)

    names = [call.name for call in calls(cluster)]
    assert names == sorted(names)  # "spread" before "truncate"
    assert named(calls(cluster), "truncate") == list(reversed(present))
    for table in spread_tables():
        moved = cluster.execute(f"SELECT * FROM pieces.{table}")  # noqa: S608
        assert sorted(moved, key=repr) == before[table]
        assert cluster.execute(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608
    kept = {table: rows for table, rows in cluster.rows().items() if table not in TENANT_OWNED}
    assert kept == {table: rows for table, rows in before.items() if table not in TENANT_OWNED}


def test_each_step_is_told_before_it_is_run(cluster: Database) -> None:
    told: list[Step] = []
    plan = spread(cluster, told=told)

    assert tuple(told) == plan.steps
    assert told[0].doing == "spreading tenants"


def test_a_second_run_does_nothing_and_says_so(cluster: Database) -> None:
    first = invoke("migrate", "--distribute", *cluster.options)
    before = calls(cluster)

    second = invoke("migrate", "--distribute", *cluster.options)

    assert f"{len(TENANT_OWNED)} tables of tenants were spread over 2 nodes." in first.stdout
    assert "clients" in first.stdout
    assert "there is nothing to do" in second.stdout
    assert second.stderr == ""
    assert calls(cluster) == before


@pytest.mark.parametrize("table", ["tenants", "changes", spread_tables()[-1]])
def test_a_run_that_was_stopped_is_gone_on_with(cluster: Database, table: str) -> None:
    cluster.execute("INSERT INTO broken VALUES ($1, '08006')", table)
    done = spread_tables().index(table)

    with pytest.raises(
        OperatorError, match=f"while spreading {table}.* {done} are done.*run the command again"
    ):
        spread(cluster)
    assert named(calls(cluster), "spread") == list(spread_tables()[:done])
    assert named(calls(cluster), "truncate") == []

    cluster.execute("DELETE FROM broken")
    plan = spread(cluster)
    assert [each.distributed for each in plan.tables][:done] == [True] * done
    assert named(calls(cluster), "spread") == list(spread_tables())
    assert spread(cluster).steps == ()


def test_a_run_that_was_stopped_at_the_very_end_removes_what_is_left(cluster: Database) -> None:
    cluster.execute("INSERT INTO broken VALUES ('local tenants', '57P01')")
    with pytest.raises(OperatorError, match="while removing what is left of tenants"):
        spread(cluster)
    cluster.execute("DELETE FROM broken")
    looked = look(cluster.url, shards=SHARDS)
    assert [step.doing for step in looked.steps] == ["removing what is left of tenants"]
    assert "some of it was left" in next(each.now for each in looked.tables if each.place.table == "tenants")

    result = invoke("migrate", "--distribute", *cluster.options)

    assert "what was left of them on the coordinator goes" in result.stdout
    assert look(cluster.url, shards=SHARDS).steps == ()


def test_a_look_prints_what_would_be_run_and_changes_nothing(cluster: Database) -> None:
    result = invoke("migrate", "--distribute", "--sql", "--shards", "8", *cluster.options)

    assert result.exit_code == 0
    statements = [line for line in result.stdout.splitlines() if line and not line.startswith("--")]
    assert statements[0] == (
        "SELECT create_distributed_table('tenants', 'tenant_id', colocate_with => 'none', shard_count => 8);"
    )
    assert statements[-1] == "SELECT truncate_local_data_after_distributing_table('tenants');"
    for place in places():
        state = "is to be spread" if place.distributed else "stays on the coordinator"
        assert any(
            line.startswith(f"-- {place.table} ") and line.endswith(f"{state}: {place.why}")
            for line in result.stdout.splitlines()
        )
    assert calls(cluster) == []


def test_json_tells_each_table_and_what_was_run(cluster: Database) -> None:
    would = printed(invoke("migrate", "--distribute", "--dry-run", "--json", *cluster.options))[
        "distribution"
    ]
    was = printed(invoke("migrate", "--distribute", "--json", *cluster.options))["distribution"]

    assert would["sql"] == was["ran"]
    assert would["nodes"] == 2
    assert {each["table"] for each in was["tables"] if each["distributed"]} == TENANT_OWNED
    assert printed(invoke("migrate", "--distribute", "--json", *cluster.options))["distribution"]["ran"] == []


def test_a_new_database_is_migrated_and_spread_at_once(empty: Database) -> None:
    make_cluster(empty.url)

    result = invoke("migrate", "--distribute", *empty.options)

    assert result.exit_code == 0
    assert named(calls(empty), "spread") == list(spread_tables())


def test_a_migration_spreads_its_new_tables_beside_the_others(empty: Database) -> None:
    async def make_former() -> None:
        engine = create_async_engine(sqlalchemy_url(empty.url), poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.run_sync(lambda made: command.upgrade(config(made), "0002"))
        await engine.dispose()

    asyncio.run(make_former())
    make_cluster(empty.url)
    former = [name for name in spread_tables() if name != "departures"]
    for name in former:
        beside = "none" if name == "tenants" else "tenants"
        empty.execute(f"SELECT create_distributed_table('{name}', 'tenant_id', colocate_with => '{beside}')")

    _, sql = rehearse(empty.url, patience_seconds=10)
    assert sql[-1].startswith("SELECT create_distributed_table('departures'")
    assert len(calls(empty)) == len(former)

    migrate(empty.url)
    assert calls(empty)[len(former) :] == [Call("spread", "departures", "tenant_id hash tenants -")]


def test_a_database_that_is_not_spread_stays_so_when_it_is_migrated(empty: Database) -> None:
    make_cluster(empty.url)
    migrate(empty.url)
    assert calls(empty) == []


def test_without_citus_it_is_refused_and_nothing_is_migrated(empty: Database) -> None:
    message = refusal(invoke("migrate", "--distribute", *empty.options))

    assert "has no Citus" in message
    assert "CREATE EXTENSION citus" in message
    assert empty.execute("SELECT to_regclass('tenants') IS NULL") == [(True,)]


def test_a_sqlite_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stanchion.db"
    message = refusal(invoke("migrate", "--distribute", "--database", f"sqlite:///{path}"))

    assert "cannot be spread" in message
    assert "stanchion copy" in message
    assert not path.exists()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("DELETE FROM nodes", "citus_add_node"),
        ("INSERT INTO nodes VALUES ('coordinator')", "is a worker"),
        (
            "INSERT INTO pg_dist_partition VALUES ('tenants', NULL, 3, 't')",
            "has tenants as a reference table, and one by tenant_id belongs there. SELECT undistribute_table",
        ),
        ("INSERT INTO pg_dist_partition VALUES ('changes', 'sequence', 7)", "by sequence"),
        (
            ("INSERT INTO pg_dist_partition VALUES ('tenants', 'tenant_id', 7), ('changes', 'tenant_id', 8)"),
            "lie apart: tenants; changes",
        ),
    ],
    ids=["no workers", "a worker", "a reference table", "by another column", "apart"],
)
def test_a_cluster_that_is_otherwise_is_refused(cluster: Database, sql: str, expected: str) -> None:
    cluster.execute(sql)

    for more in ((), ("--sql",)):
        assert expected in refusal(invoke("migrate", "--distribute", *more, *cluster.options))
    assert calls(cluster) == []


@asynccontextmanager
async def connected(database: Database, name: str = "stanchion") -> AsyncIterator[asyncpg.Connection]:
    """Have a connection of another process to a database."""
    connection = await asyncpg.connect(database.url, server_settings={"application_name": name})
    try:
        yield connection
    finally:
        await connection.close()


def test_while_a_server_runs_it_is_refused(cluster: Database) -> None:
    async def beside() -> None:
        async with connected(cluster, SERVING):
            with pytest.raises(OperatorError, match="stop its servers"):
                await asyncio.to_thread(spread, cluster)

    asyncio.run(beside())
    assert calls(cluster) == []


def test_a_server_that_is_started_meanwhile_stops_it_before_its_next_step(cluster: Database) -> None:
    async def beside() -> None:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as served:

            def tell(step: Step) -> None:
                if step.doing == "spreading changes":
                    start = served.enter_async_context(connected(cluster, SERVING))
                    asyncio.run_coroutine_threadsafe(start, loop).result(10)

            run = partial(distribute, cluster.url, tell=tell, shards=SHARDS, patience_seconds=10.0)
            with pytest.raises(
                OperatorError, match=r"stop its servers.* Of \d+ steps \d+ are done, and stay"
            ):
                await asyncio.to_thread(run)

    asyncio.run(beside())
    done = list(spread_tables()[: spread_tables().index("changes") + 1])
    assert [call.table for call in calls(cluster)] == done
    assert spread(cluster).steps != ()
    assert look(cluster.url, shards=SHARDS).steps == ()


def told_of_spreading(database: Database) -> list[str]:
    """Return the warnings of `stanchion check` about spreading; the PostgreSQL of the tests fails another one."""
    found = json.loads(invoke("check", "--json", *database.options).stdout)["findings"]
    warnings = [
        each["finding"] for each in found if (each["check"], each["status"]) == ("database", "warning")
    ]
    return [each for each in warnings if "migrate --distribute" in each]


def test_a_database_on_citus_that_is_not_spread_is_told_of_by_the_check(cluster: Database) -> None:
    (told,) = told_of_spreading(cluster)

    assert "none of its tables is spread" in told
    assert "`stanchion migrate --distribute` spreads them" in told
    assert calls(cluster) == []


def test_a_database_that_is_spread_in_part_is_told_of_by_the_check(cluster: Database) -> None:
    cluster.execute("INSERT INTO broken VALUES ('change_details', '08006')")
    with pytest.raises(OperatorError):
        spread(cluster)
    count = spread_tables().index("change_details")

    (told,) = told_of_spreading(cluster)

    assert f"Of {len(TENANT_OWNED)} tables of tenants {count} are spread" in told
    assert "`stanchion migrate --distribute` goes on there" in told


def test_rows_that_were_left_on_the_coordinator_are_told_of_by_the_check(cluster: Database) -> None:
    cluster.execute("INSERT INTO broken VALUES ('local tenants', '57P01')")
    with pytest.raises(OperatorError):
        spread(cluster)

    (told,) = told_of_spreading(cluster)

    assert "left on the coordinator" in told


def test_the_check_tells_why_a_database_on_citus_cannot_be_spread(cluster: Database) -> None:
    cluster.execute("DELETE FROM nodes")

    (told,) = told_of_spreading(cluster)

    assert "would be refused" in told
    assert "citus_add_node" in told


def test_the_check_has_nothing_to_tell_of_a_database_that_is_spread(cluster: Database) -> None:
    spread(cluster)

    assert told_of_spreading(cluster) == []


def test_the_check_has_nothing_to_tell_of_spreading_without_citus(empty: Database) -> None:
    migrate(empty.url)

    assert told_of_spreading(empty) == []


def test_beside_another_one_it_waits_no_longer_than_it_was_told(cluster: Database) -> None:
    async def beside() -> None:
        async with connected(cluster) as connection:
            await connection.execute(f"SELECT pg_advisory_lock({LOCK})")
            with pytest.raises(OperatorError, match="--timeout"):
                await asyncio.to_thread(partial(spread, cluster, patience_seconds=0.1))

    asyncio.run(beside())
    assert calls(cluster) == []
