"""PostgreSQL killed under a server that goes on: what was acknowledged is there, what was refused is not.

The server is not started anew: it has to find its way back by itself.
"""

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from stanchion.store.postgresql.migrate import migrate_postgresql
from tests.crash.convergence import astray, replicate, wrong_etags
from tests.crash.judgement import faults
from tests.crash.killing import verify
from tests.crash.ledger import head
from tests.crash.notebook import Load, Notebook
from tests.crash.postgresql import Cluster, cluster
from tests.crash.proxy import Where, proxy
from tests.crash.writers import Meanwhile, until_acknowledged, write
from tests.databases import Database
from tests.serving.place import Place, make_place
from tests.serving.process import running

pytestmark = pytest.mark.slow
# The six ways share what others do alone, and half as many again.
KILLS = max(1, int(os.environ.get("STANCHION_CRASH_KILLS", "20")) // 4)
_SECONDS = 3.0
_BEFORE_THE_END = 2
_WRITERS = 32


@pytest.fixture(scope="module")
def killable() -> Iterator[Cluster]:
    """A PostgreSQL server that each test leaves running."""
    with cluster() as made:
        asyncio.run(migrate_postgresql(made.url))
        yield made


@pytest.fixture(scope="module")
def stored(killable: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The store in it."""
    folder = tmp_path_factory.mktemp("stored")
    database = Database("postgresql", killable.url, folder, lambda sql, values: killable.run(sql, *values))
    return make_place(database)


@pytest.mark.timeout(120 + 60 * KILLS)
@pytest.mark.parametrize(
    ("end", "starts"),
    [
        (Cluster.kill_all, "starts"),
        (Cluster.kill_postmaster, "starts"),
        (Cluster.stop_immediately, "starts"),
        (Cluster.stop, "starts"),
        (Cluster.kill_backend, ""),
        (Cluster.terminate_backends, ""),
    ],
)
def test_a_killed_database_loses_nothing_that_was_acknowledged(
    killable: Cluster, stored: Place, end: Callable[[Cluster], object], starts: str
) -> None:
    loads: list[Load] = []
    with running(stored) as server:
        with server.client(stored.token) as client:
            replica = replicate(client)
        for number in range(KILLS):
            since = head(stored.url)
            name = f"{end.__name__}{number}".replace("_", "")
            loads.append(
                asyncio.run(
                    write(
                        stored,
                        server.port,
                        name=name,
                        seconds=_SECONDS,
                        writers=_WRITERS,
                        meanwhile=ended(killable, end, starts=bool(starts)),
                    )
                )
            )
            killable.wait_until_ready()
            server.wait_until_ready()
            assert faults(loads[-1:], stored.url, since=since) == []
            with server.client(stored.token) as client:
                assert astray(replica, client) == []
                assert wrong_etags(client, stored.url, since=since) == []
        assert server.stop() == 0
    acknowledged = sum(len(load.acknowledged) for load in loads)
    refused = sum((load.refused for load in loads), start=loads[0].refused.copy())
    print(f"{end.__name__}: {KILLS} kills, {acknowledged} acknowledged writes checked, {dict(refused)}")  # noqa: T201 (figures are for people)
    assert acknowledged > KILLS
    assert refused.keys() <= {412, 503}
    verify(stored)


@pytest.mark.parametrize("where", ["before", "sent", "answered"])
def test_a_connection_cut_at_commit_is_answered_as_what_came_of_it(
    killable: Cluster, stored: Place, where: Where
) -> None:
    since = head(stored.url)
    with proxy(killable.port) as between:
        url = killable.url.replace(str(killable.port), str(between.port))
        through = replace(stored, at=replace(stored.at, url=url))
        with running(through) as server:
            cut = between.cut_next(where)
            load = asyncio.run(write(stored, server.port, name=f"cut{where}", seconds=2, writers=8))
            assert cut.wait(60)
            server.wait_until_ready()
            assert server.stop() == 0

    assert load.acknowledged
    assert load.refused.keys() <= {412, 503}
    # The command is looked for by its id: found, it is answered as done; not found, it is run again.
    assert load.unanswered == []
    assert faults([load], stored.url, since=since) == []
    verify(stored)


def ended(server: Cluster, end: Callable[[Cluster], object], *, starts: bool) -> Meanwhile:
    """Return what ends the server at a random moment, and starts it again where it does not start by itself."""

    async def meanwhile(notes: Notebook) -> None:
        await asyncio.sleep(random.uniform(0.1, 1.0))
        await until_acknowledged(notes, _BEFORE_THE_END)
        await asyncio.to_thread(end, server)
        if starts:
            await asyncio.to_thread(server.start)

    return meanwhile
