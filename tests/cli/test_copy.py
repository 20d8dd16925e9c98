"""`stanchion copy`: a whole store to another database, in one place at a time, whichever kind either is."""

import asyncio
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event

import asyncpg
import pytest

from stanchion.errors import OperatorError
from stanchion.ledger.imports import Incoming
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.store import STORE_CHAIN
from stanchion.store.compile import DialectName
from stanchion.store.connection import connect
from stanchion.store.lock import ServeLock
from stanchion.store.retention_pass import set_day
from stanchion.store.transfer.copying import own_rows, tenant_heads
from stanchion.store.transfer.handover import End, leave
from stanchion.store.transfer.postgresql import copy_databases, restore_database
from tests.cli.conftest import Run
from tests.cli.invoking import invoke, printed, refusal
from tests.cli.ledger import decide
from tests.databases import DIALECTS, Database, Databases
from tests.serving.place import OTHER_TENANT, TENANT, Place, bringing_in, control
from tests.serving.process import STANCHION, clean_environment

SERVERS = (
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'stanchion serve'"
)
LOCKS = (
    "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
    " WHERE datname = current_database() AND locktype = 'advisory'"
)
_TO = [pytest.param(name, marks=[pytest.mark.postgres] if name == "postgresql" else []) for name in DIALECTS]


@pytest.fixture(params=_TO)
def target(
    request: pytest.FixtureRequest, databases: Databases, place: Place, tmp_path: Path
) -> Iterator[Database]:
    """An empty database of either kind, with the key file of the test's store beside it."""
    kind: DialectName = request.param
    folder = tmp_path / "target"
    folder.mkdir()
    with databases.new(kind, folder) as database:
        shutil.copy(place.key_file, database.key_file)
        yield database


def move(place: Place, target: Database, *options: str) -> dict[str, object]:
    """Copy the store of a place; return what is told of it."""
    told: dict[str, object] = printed(
        invoke("copy", "--from", place.url, "--to", target.url, *options, "--json")
    )
    return told


def refused(source: str, target: str, *options: str) -> str:
    """Return why a copy is refused."""
    return refusal(invoke("copy", "--from", source, "--to", target, *options))


def head(at: Database, tenant: str) -> str:
    """Return the head of a verified chain."""
    found: str = printed(invoke("verify", "--tenant", tenant, *at.options, "--json"))["head"]
    return found


def test_a_store_that_was_moved_is_the_same_store_elsewhere(place: Place, target: Database) -> None:
    decide(place, 0, comment="before", state="Ignored")
    heads = {tenant: head(place.at, tenant) for tenant in (TENANT, OTHER_TENANT)}
    facts = place.at.execute("SELECT key, value FROM meta ORDER BY key")
    told = move(place, target)

    assert told["finished"]
    assert {tenant: head(target, tenant) for tenant in heads} == heads
    assert target.execute("SELECT key, value FROM meta ORDER BY key") == facts
    token = ("token", "--tenant", TENANT, "--client-id", place.client_id)
    assert invoke(*token, *target.options).exit_code == 0
    decide(Place(target), 1, comment="after", state="Ignored")
    assert head(target, TENANT) != heads[TENANT]


def test_the_former_place_is_not_used_any_more(place: Place, target: Database, run: Run) -> None:
    move(place, target)

    assert "was moved to" in refusal(run("tenant", "list"))
    assert "was moved to" in refused(place.url, f"sqlite:///{target.folder / 'third.db'}")
    assert move(place, target)["finished"]  # Asked again, all is well.


def test_whoever_opened_the_former_place_before_the_move_writes_nothing_there(
    place: Place, target: Database
) -> None:
    with place.opened() as early:
        move(place, target)
        before = place.at.rows()
        with pytest.raises(OperatorError, match="was moved to"):
            early.run(bringing_in(Incoming.of(CONTROL_PROFILES, {**control(0), "id": "late"})))
        with pytest.raises(OperatorError, match="was moved to"):
            early.transact(lambda connection: set_day(connection, day=1))
        assert place.at.rows() == before


@pytest.mark.sqlite("the other database is asked by the same code")
def test_apps_that_go_while_a_store_is_copied_are_a_write_to_it(place: Place) -> None:
    """An erasure takes them away without a change of a chain."""
    with closing(connect(place.database, busy_seconds=1.0, writes=True)) as connection:
        end = End(connection, "this one")
        heads, own = tenant_heads(connection), own_rows(connection)
        place.at.execute("DELETE FROM clients WHERE client_id = $1", place.client_id)
        with pytest.raises(OperatorError, match="was written to meanwhile"):
            leave(end, connection, heads, own, for_=end)


def test_a_store_moves_back_to_its_former_place(place: Place, target: Database) -> None:
    move(place, target)
    decide(Place(target), 1, comment="elsewhere", state="Ignored")
    moved = head(target, TENANT)
    told = printed(invoke("copy", "--from", target.url, "--to", place.url, "--json"))

    assert told["finished"]
    assert told["tenants_written"] == 2  # The tenant that was written to, and the store's own chain.
    assert head(place.at, TENANT) == moved


def test_a_copy_ahead_is_brought_up_to_date_by_the_move(place: Place, target: Database) -> None:
    ahead = move(place, target, "--ahead")
    assert not ahead["finished"]
    assert "was not finished" in refusal(invoke("tenant", "list", *target.options))
    decide(place, 0, comment="meanwhile", state="Ignored")
    decide(place, 0, comment="meanwhile too", state="ThirdParty")
    told = move(place, target)

    assert told["finished"]
    assert told["tenants_written"] == 1
    assert target.execute("SELECT count(*) FROM decisions") == [(2,)]
    assert head(target, TENANT) == head_of(told, TENANT)


def test_a_copy_that_was_altered_is_made_anew(place: Place, target: Database) -> None:
    move(place, target, "--ahead")
    target.execute("UPDATE secure_scores SET max_score = 49 WHERE tenant_id = $1", TENANT)
    target.execute("DELETE FROM changes WHERE tenant_id = $1 AND sequence = 1", OTHER_TENANT)
    move(place, target)

    for tenant in (TENANT, OTHER_TENANT):
        head(target, tenant)


def test_the_move_is_a_change_of_the_stores_own_chain(place: Place, target: Database) -> None:
    noted = head(place.at, STORE_CHAIN)
    move(place, target)

    verified = invoke("verify", "--tenant", STORE_CHAIN, "--head", noted, *target.options, "--json")
    assert printed(verified)["changes"] == int(noted.partition(":")[0]) + 1


def test_a_target_of_another_store_is_refused(place: Place, target: Database) -> None:
    assert invoke("migrate", *target.options).exit_code == 0
    printed(invoke("tenant", "add", OTHER_TENANT, "--name", "Other", *target.options, "--json"))
    before = target.execute("SELECT key, value FROM meta ORDER BY key")

    assert "holds another store" in refused(place.url, target.url)
    assert target.execute("SELECT key, value FROM meta ORDER BY key") == before


def test_a_store_that_was_made_and_never_used_gives_way(place: Place, target: Database) -> None:
    assert invoke("migrate", *target.options).exit_code == 0

    assert move(place, target)["finished"]


def test_a_database_is_not_copied_to_itself(place: Place) -> None:
    assert "is both" in refused(place.url, place.url)


def test_a_source_that_holds_no_store_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in refused(f"sqlite:///{tmp_path / 'none.db'}", f"sqlite:///{tmp_path / 'to.db'}")


def test_a_backup_is_restored_and_not_copied(run: Run, tmp_path: Path) -> None:
    printed(run("backup", tmp_path / "backup.db", "--json"))

    assert "is a backup" in refused(f"sqlite:///{tmp_path / 'backup.db'}", f"sqlite:///{tmp_path / 'to.db'}")


@pytest.mark.sqlite("the lock is a file")
def test_a_source_that_is_served_is_copied_ahead_only(place: Place, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'to.db'}"
    lock = ServeLock(place.database)
    try:
        assert "--ahead" in refused(place.url, target)
        printed(invoke("copy", "--from", place.url, "--to", target, "--ahead", "--json"))
    finally:
        lock.release()


@pytest.mark.sqlite("the lock is a file")
def test_a_target_that_is_served_is_refused(place: Place, tmp_path: Path) -> None:
    lock = ServeLock(tmp_path / "to.db")
    try:
        assert "is served by process" in refused(place.url, f"sqlite:///{tmp_path / 'to.db'}")
    finally:
        lock.release()


@contextmanager
def served(database: Database) -> Iterator[None]:
    """Have a connection of a server open for the block."""
    opened, done = Event(), Event()

    async def hold() -> None:
        connection = await asyncpg.connect(
            database.url, server_settings={"application_name": "stanchion serve"}
        )
        opened.set()
        await asyncio.to_thread(done.wait)
        await connection.close()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(lambda: asyncio.run(hold()))
        try:
            assert opened.wait(60)
            yield
        finally:
            done.set()
            holding.result(60)
            wait_until_none(database, SERVERS)


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="module")
@pytest.mark.postgres
def test_a_database_that_servers_use_is_copied_ahead_only(place: Place, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'to.db'}"
    with served(place.at):
        assert "is served" in refused(place.url, target)
        printed(invoke("copy", "--from", place.url, "--to", target, "--ahead", "--json"))
        assert "is served" in refused(f"sqlite:///{tmp_path / 'to.db'}", place.url, "--ahead")


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="module")
@pytest.mark.postgres
def test_a_server_that_starts_while_the_store_is_moved_keeps_the_store(place: Place, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path / 'to.db'}"
    with ExitStack() as stack:

        def advance(told: str, done: int, _: int) -> None:
            if told == "verifying" and done:
                stack.enter_context(served(place.at))

        with pytest.raises(OperatorError, match="is served"):
            copy_databases(place.url, target, ahead=False, advance=advance)
    assert head(place.at, TENANT)
    assert printed(invoke("copy", "--from", place.url, "--to", target, "--json"))["finished"]


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True, scope="module")
@pytest.mark.postgres
def test_a_server_that_starts_while_a_backup_is_restored_keeps_its_store(
    place: Place, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    printed(invoke("backup", file, *place.at.options, "--json"))
    decide(place, 0, comment="since", state="Ignored")
    before = place.at.rows()
    with ExitStack() as stack:
        starting = iter([served(place.at)])

        def advance(told: str, *_: object) -> None:
            if told.startswith("copying"):
                for server in starting:
                    stack.enter_context(server)

        with pytest.raises(OperatorError, match="is served"):
            restore_database(file, place.url, replace=True, advance=advance)
    assert place.at.rows() == before


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_copy_that_is_killed_again_and_again_ends_equal(place: Place, target: Database) -> None:
    before = {tenant: head(place.at, tenant) for tenant in (TENANT, OTHER_TENANT)}
    command = [*STANCHION, "copy", "--from", place.url, "--to", target.url]
    killed = 0
    # Early kills fall into the start of the program; the later ones into the copy.
    for patience in sorted(random.uniform(0.5, 3.0) for _ in range(12)):
        process = subprocess.Popen(
            command, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(patience)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed > 0
    for at in (place.at, target):
        wait_until_none(at, LOCKS)
    assert move(place, target)["finished"]
    assert {tenant: head(target, tenant) for tenant in before} == before
    head(target, STORE_CHAIN)


def wait_until_none(at: Database, asked: str) -> None:
    """Wait until PostgreSQL has noticed that those have gone whom it is asked for."""
    if at.dialect == "sqlite":
        return
    for _ in range(6000):
        if not at.execute(asked):
            return
        time.sleep(0.01)
    pytest.fail(f"There still are some: {asked}")


def head_of(told: dict[str, object], tenant: str) -> str:
    tenants = told["tenants"]
    assert isinstance(tenants, list)
    (found,) = [str(each["head"]) for each in tenants if each["tenant"] == tenant]
    return found
