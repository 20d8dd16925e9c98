"""What is sent to a cluster: each statement goes to the one node that has its tenant.

The statements are those that a store sends where it finds Citus. Stand-ins take its place, so that plain PostgreSQL
runs them all and shows that they mean the same.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import httpx
import pytest
from sqlalchemy.engine import make_url

from stanchion.app import build_server, open_store
from stanchion.errors import ServiceUnavailable
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.settings import Settings
from stanchion.store import PostgresStore
from stanchion.store.tables import TENANT_OWNED, metadata
from stanchion.store.verify import verify
from tests.cli.invoking import invoke
from tests.conftest import (
    MICROSOFT,
    ORIGIN,
    OTHER_TENANT,
    TENANT,
    Api,
    Statements,
    control,
    make_served,
    score,
)
from tests.databases import Database, Databases
from tests.store import commands
from tests.store.citus import GIVEN_CITUS
from tests.store.conftest import opened
from tests.store.on_postgresql.cluster import copied, make_cluster
from tests.store.statements import unroutable
from tests.store.test_guard import every_statement
from tests.web.rows import PATHS

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(GIVEN_CITUS is not None, reason="stands in for the cluster that is given"),
]

# Statements that are meant for several tenants, each with the reason that its text gives. None is on the way of a
# request but that for the metrics; none of them writes.
FLEET = {
    "a whole store is copied",
    "operators list all tenants",
    "operators look at the fleet",
    "operators watch all chains",
}
CONTROLS, SCORES = PATHS[CONTROL_PROFILES.name], PATHS[SECURE_SCORES.name]
_OWN = set(metadata.tables) - TENANT_OWNED
_WORD = re.compile(r"\w+")


@pytest.fixture(scope="module")
def template(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A store with two tenants and their apps in a database that seems one of a cluster, to be copied."""
    made = databases.postgresql.make()
    databases.postgresql.migrate(made)
    database = Database("postgresql", made.url, tmp_path_factory.mktemp("cluster"), made.ask)
    make_cluster(made.url)
    make_served(database)
    made.disconnect()
    yield database
    databases.postgresql.drop(made)


@pytest.fixture
def database(databases: Databases, template: Database) -> Iterator[Database]:
    """A copy of it."""
    with copied(databases, str(make_url(template.url).database), template.folder) as database:
        yield database


class Sent(logging.Handler):
    """Keeps what is sent to PostgreSQL; a backup is a SQLite file, and logs what it does too."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if Path(record.pathname).parent.name == "postgresql":
            self.ran.append(record.getMessage())


@pytest.fixture
def sent(statements: Statements) -> Iterator[Sent]:  # noqa: ARG001 (it has the log written)
    """What is sent to PostgreSQL."""
    log, handler = logging.getLogger("stanchion.sql"), Sent()
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


@asynccontextmanager
async def served(database: Database) -> AsyncIterator[Api]:
    """Serve a database in process."""
    settings = database.configured(Settings())
    store = open_store(settings, serving=True)
    transport = httpx.ASGITransport(build_server(store, settings), client=("127.0.0.1", 50_000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield Api(store, settings, client, {}, database)
    finally:
        await store.close()


async def use(api: Api) -> None:
    """Do once what callers do: each kind of request, answered as anywhere else."""
    api.add(*(control(f"c{number}", controlCategory="Identity") for number in range(300)))
    api.add(score("2026-01-30"), score(), entity_set=SECURE_SCORES)
    link = (await ok(api, "GET", f"{CONTROLS}/delta?$deltatoken=latest"))["@odata.deltaLink"]
    assert (await ok(api, "GET", f"{CONTROLS}/c7"))["id"] == "c7"
    page = await ok(api, "GET", f"{CONTROLS}?$top=5&$count=true&$orderby=title desc")
    assert page["@odata.count"] == 300
    assert len((await ok(api, "GET", page["@odata.nextLink"]))["value"]) == 5
    filters = (
        "controlCategory eq 'Identity' and maxScore ge 5",
        "controlStateUpdates/any(s:s/state eq 'Default')",
    )
    for text in filters:
        await ok(api, "GET", f"{CONTROLS}?$filter={text}")
    assert [row["id"] for row in (await ok(api, "GET", f"{SCORES}?$top=1"))["value"]] == [score()["id"]]
    for id, comment, status in (
        ("c1", "one", 204),
        ("c1", "two", 204),
        ("c2", "three", 204),
        ("none", "four", 404),
    ):
        change = {"comment": comment, "state": "Ignored", "vendorInformation": MICROSOFT}
        assert (await api.send("PATCH", f"{CONTROLS}/{id}", json=change)).status_code == status
    assert (await api.send("DELETE", f"{SCORES}/{score('2026-01-30')['id']}")).status_code == 204
    assert [row["id"] for row in (await ok(api, "GET", link))["value"]] == ["c1", "c2"]
    asked = [
        {"id": str(number), "method": "GET", "url": f"{CONTROLS.removeprefix('/v1.0')}/c{number}"}
        for number in range(3)
    ]
    answers = await ok(api, "POST", "/v1.0/$batch", json={"requests": asked})
    assert {answer["status"] for answer in answers["responses"]} == {200}
    api.add(control("c1", title="Anew"), control("c400"))


async def ok(api: Api, method: str, path: str, *, json: object = None) -> dict[str, Any]:
    reply = await api.send(method, path, json=json)
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def operate(database: Database, folder: Path) -> None:
    """Do once what operators do."""
    for command in (
        ("tenant", "add", "cccccccc-0000-4000-8000-000000000003", "--name", "Third"),
        ("tenant", "list"),
        ("app", "add", "--tenant", TENANT, "--name", "more", "--permission", "SecurityEvents.Read.All"),
        ("app", "list"),
        ("key", "rotate"),
        ("verify", "--tenant", TENANT),
        ("fleet",),
        ("export", "--tenant", TENANT, "--to", folder / "exported"),
        ("backup", folder / "backup.db"),
        ("restore", folder / "backup.db", "--replace"),
    ):
        result = invoke(*command, *database.options)
        assert result.exit_code == 0, (command, result.output)


def test_every_statement_goes_to_one_node_whatever_is_asked(
    database: Database, sent: Sent, tmp_path: Path
) -> None:
    async def main() -> None:
        async with served(database) as api:
            await use(api)

    asyncio.run(main())
    asked = len(sent.ran)
    operate(database, tmp_path)

    ran = set(sent.ran)
    assert {sql: fault for sql in ran if (fault := unroutable(sql, clustered=True)) is not None} == {}
    assert {sql for sql in ran if mixed(sql)} == set()
    reached = {word for sql in ran for word in _WORD.findall(sql)} & TENANT_OWNED
    assert reached == TENANT_OWNED
    assert {reason for sql in sent.ran[:asked] for reason in reasons(sql)} == set()
    assert {reason for sql in ran for reason in reasons(sql)} <= FLEET


def mixed(sql: str) -> bool:
    """Whether a statement touches tables that lie on the nodes and tables that stay on the coordinator."""
    words = set(_WORD.findall(sql))
    return bool(words & TENANT_OWNED) and bool(words & _OWN) and not sql.startswith("/*")


def reasons(sql: str) -> list[str]:
    return re.findall(r"^/\* fleet: (.+?) \*/", sql)


def test_every_statement_of_the_store_can_be_routed() -> None:
    texts = {compiled.sql for compiled in every_statement("postgresql")}
    assert {sql: fault for sql in texts if (fault := unroutable(sql)) is not None} == {}
    assert {reason for sql in texts for reason in reasons(sql)} <= FLEET


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        (
            "UPDATE tenants SET name = $1 WHERE tenants.tenant_id = $2 AND random() < $3",
            "random(), which is volatile",
        ),
        (
            "MERGE INTO tenants USING (VALUES ($1)) AS v ON tenants.tenant_id = $1 WHEN MATCHED THEN DELETE",
            "MERGE",
        ),
        (
            "/* fleet: a queue */ SELECT tenants.name FROM tenants FOR UPDATE SKIP LOCKED",
            "locks rows of several tenants",
        ),
        ("SELECT tenants.name FROM tenants", "tenants without its tenant"),
        ("INSERT INTO changes (tenant_id) SELECT * FROM unnest($1::TEXT[])", "INSERT ... SELECT"),
        (
            "WITH write_0 AS (DELETE FROM changes WHERE changes.tenant_id = $1) DELETE FROM x",
            "several writes in one",
        ),
        ("SELECT clock_timestamp()", None),
        ("SELECT tenants.sequence FROM tenants WHERE tenants.tenant_id = $1 FOR UPDATE", None),
    ],
)
def test_what_cannot_be_routed_is_seen(sql: str, fault: str | None) -> None:
    assert unroutable(sql, clustered=True) == fault


def test_a_lock_is_waited_for_no_longer_on_any_node(database: Database, sent: Sent) -> None:
    with_store(database, lambda store: store.submit(commands.increment("c1", tenant_id=TENANT)))

    begun = [sql for sql in sent.ran if sql.startswith("BEGIN ISOLATION LEVEL READ COMMITTED")]
    assert begun
    for sql in begun:
        assert "SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL lock_timeout = " in sql


Ask: TypeAlias = Callable[[PostgresStore], Awaitable[Any]]


def with_store(database: Database, *asked: Ask) -> list[Any]:
    """Ask a serving store, one thing after the other; errors are answers."""

    async def main() -> list[Any]:
        store = PostgresStore.open(database.url, serving=True)
        try:
            answers: list[Any] = []
            for each in asked:
                answers += await asyncio.gather(each(store), return_exceptions=True)
            return answers
        finally:
            await store.close()

    return asyncio.run(main())


# A node that is away, as it is for those of its tenants: the coordinator is there, and says so in this way.
_AWAY = """
CREATE SEQUENCE failures;
CREATE FUNCTION fail_some() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('failures') <= {times} AND NEW.tenant_id = '{tenant}' THEN
    RAISE EXCEPTION 'connection to the remote node failed' USING ERRCODE = '{code}';
  END IF;
  RETURN NEW;
END $$;
CREATE CONSTRAINT TRIGGER failing AFTER INSERT ON changes DEFERRABLE INITIALLY {when}
FOR EACH ROW EXECUTE FUNCTION fail_some();
"""


def make_away(database: Database, *, times: int, code: str = "08006", when: str = "IMMEDIATE") -> None:
    """Let so many writes of a tenant fail, where they are written or at their COMMIT."""

    async def run() -> None:
        connection = await asyncpg.connect(database.url)
        try:
            await connection.execute(_AWAY.format(times=times, tenant=TENANT, code=code, when=when))
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.mark.parametrize("when", ["IMMEDIATE", "DEFERRED"], ids=["in the statement", "at commit"])
@pytest.mark.parametrize("code", ["40001", "40P01", "08006", "57P03"])
def test_a_write_outlasts_a_node_that_is_away_for_a_moment(database: Database, code: str, when: str) -> None:
    make_away(database, times=2, code=code, when=when)

    first, again = with_store(
        database,
        lambda store: store.submit(commands.increment("c1", tenant_id=TENANT)),
        lambda store: store.submit(commands.increment("c1", tenant_id=TENANT)),
    )

    assert (first, again) == (1, 2)
    with opened(database) as store:
        assert isinstance(store, PostgresStore)
        verify(store, TENANT, head=None)


def test_while_a_node_is_away_the_tenants_of_the_others_are_served(database: Database) -> None:
    make_away(database, times=1_000_000)
    mine, theirs = (
        partial(commands.increment, "c1", tenant_id=TENANT),
        partial(commands.increment, "c1", tenant_id=OTHER_TENANT),
    )

    async def both(store: PostgresStore) -> tuple[object, object, bool, list[int]]:
        lost = asyncio.ensure_future(store.submit(mine(), deadline_seconds=1.0))
        others = [await store.submit(theirs()) for _ in range(3)]
        (answer,) = await asyncio.gather(lost, return_exceptions=True)
        return answer, await store.head(TENANT), store.healthy, others

    ((answer, head, healthy, others),) = with_store(database, both)

    assert isinstance(answer, ServiceUnavailable)
    assert head is not None
    assert healthy
    assert others == [1, 2, 3]
