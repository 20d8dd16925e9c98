"""A disk that fails at COMMIT, a writer thread that fails: who is told what, and that nothing more is written."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest

from stanchion.errors import BadRequest, OperatorError, OutcomeUnknown, ServiceUnavailable
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Command
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.store import SQLiteStore
from stanchion.store.commit import GroupCommit
from stanchion.store.connection import SQLiteConnection
from stanchion.store.outcome import Done, Outcome, StoreBroken, unknown
from stanchion.store.retention_pass import set_day
from tests.databases import Database
from tests.store.commands import TENANT, Do, control, increment, put
from tests.store.gate import behind, gate, queued, run_behind, until

pytestmark = pytest.mark.sqlite("makes SQLite fail at COMMIT")


class FailingDisk(SQLiteConnection):
    """Fails at a COMMIT as a broken disk would; the transaction is then open still."""

    commits_before = 0

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        if sql == "COMMIT":
            self.commits_before -= 1
            if self.commits_before < 0:
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
                raise error
        return super().execute(sql, *parameters)  # type: ignore[arg-type]


@pytest.fixture
def failing_disk(serving: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[FailingDisk]:
    """The writer's connection of a serving store, on a disk that fails when told."""
    with closing(
        sqlite3.connect(serving.path, isolation_level=None, check_same_thread=False, factory=FailingDisk)
    ) as disk:
        disk.commits_before = 100
        monkeypatch.setattr(serving, "_writer", disk)
        yield disk


def test_what_was_committed_before_the_disk_failed_is_answered_as_done(
    serving: SQLiteStore, database: Database, failing_disk: FailingDisk
) -> None:
    first = put(control("c1"))
    twin = Do(lambda draft: draft.put(CONTROL_PROFILES, control("c2")), command_id=first.command_id)
    commands = (first, increment("c3"), twin, increment("c4"), increment("c5"))
    with gate(database) as held:

        async def main() -> list[object]:
            failing_disk.commits_before = 3  # The gate's, then c1 and c3, once the twin made the batch fail.
            return await behind(serving, held, [serving.submit(command) for command in commands])

        one, three, refused, doubtful, never = asyncio.run(main())
    assert getattr(one, "id", None) == "c1"
    assert three == 1
    assert isinstance(refused, sqlite3.IntegrityError)
    assert isinstance(doubtful, OutcomeUnknown)
    assert "Retry-After" not in doubtful.headers
    assert isinstance(never, ServiceUnavailable)
    assert not serving.healthy
    assert asyncio.run(serving.get(TENANT, CONTROL_PROFILES, "c3")) is not None
    assert asyncio.run(serving.get(TENANT, CONTROL_PROFILES, "c5")) is None


def test_of_a_batch_whose_commit_failed_only_the_refused_are_known(
    serving: SQLiteStore, database: Database, failing_disk: FailingDisk
) -> None:
    def refuse(_: Draft) -> int:
        raise BadRequest("no")

    with gate(database) as held:

        async def main() -> list[object]:
            failing_disk.commits_before = 1
            submits = [serving.submit(increment("c1")), serving.submit(Do(refuse))]
            return await behind(serving, held, submits)

        doubtful, refused = asyncio.run(main())
    assert isinstance(doubtful, OutcomeUnknown)
    assert isinstance(refused, BadRequest)


def test_the_command_line_too_says_that_it_is_unknown_and_writes_no_more(
    serving: SQLiteStore, failing_disk: FailingDisk
) -> None:
    failing_disk.commits_before = 0
    with pytest.raises(OperatorError, match="not known whether the write was made"):
        serving.run(increment("c1"))
    assert not serving.healthy
    with pytest.raises(OperatorError, match="nothing more is written"):
        serving.run(increment("c1"))


def test_after_a_transaction_that_failed_on_the_disk_the_command_line_writes_no_more(
    serving: SQLiteStore, failing_disk: FailingDisk
) -> None:
    failing_disk.commits_before = 0
    with pytest.raises(OperatorError):
        serving.transact(lambda connection: set_day(connection, day=1))
    assert not serving.healthy
    with pytest.raises(OperatorError, match="nothing more is written"):
        serving.transact(lambda connection: set_day(connection, day=2))


def test_after_an_error_at_commit_nothing_more_is_written() -> None:
    ran = []

    def broken(commands: object) -> list[Outcome[object]]:
        ran.append(commands)
        raise StoreBroken("disk I/O error", outcomes=[unknown()])

    async def main() -> None:
        with pytest.raises(OutcomeUnknown, match="not known whether the write was made"):
            await commits.submit(increment("c1"))
        assert not commits.healthy
        with pytest.raises(ServiceUnavailable, match="failed while writing"):
            await commits.submit(increment("c1"))

    with closing(GroupCommit(broken)) as commits:
        asyncio.run(main())
    assert len(ran) == 1


def test_a_writer_thread_that_fails_tells_all_who_wait(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def lose_an_answer(commands: Sequence[Command[object]]) -> list[Outcome[object]]:
        held.hold()
        return [Done(1) for _ in commands[1:]]

    async def main() -> None:
        first = asyncio.create_task(commits.submit(increment("c1")))
        await until(held.entered)
        (waiting,) = await queued(commits, commits.submit(increment("c2")))
        held.open()
        with pytest.raises(OutcomeUnknown):
            await first
        with pytest.raises(ServiceUnavailable, match="failed while writing"):
            await waiting
        assert not commits.healthy
        with pytest.raises(ServiceUnavailable, match="failed while writing"):
            await commits.submit(increment("c3"))

    with gate(database) as held, closing(GroupCommit(lose_an_answer)) as commits:
        asyncio.run(main())
    assert "the writer thread failed" in caplog.text


def test_an_error_that_no_future_takes_harms_no_other(serving: SQLiteStore, database: Database) -> None:
    one, two = run_behind(serving, database, Do[object](lambda _: next(iter(()))), increment("c1"))
    assert isinstance(one, RuntimeError)
    assert two == 1
