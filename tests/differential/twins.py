"""Twins: one store on SQLite and one on PostgreSQL with the same rows, each served, both asked the same.

Their keys, ids and epochs are the same, so that tokens, ETags and the links of pages are, too. Made by each server by
itself, and so left aside by their names, are the ids of requests, the time of day, and the time of a decision.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from stanchion.app import build_server, open_store
from stanchion.model.edm import CONTROL_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject
from stanchion.settings import Settings
from stanchion.store.tables import metadata
from tests.conftest import ORIGIN, Api, Tokens
from tests.databases import Database

_IDS = re.compile(rb'"(request-id|client-request-id|date)":"[^"]*"')
_TIMES = re.compile(rb'"(updatedDateTime|lastModifiedDateTime)":"2[^"]*"')
_OWN_HEADERS = ("request-id", "client-request-id", "date")
# In a log of requests the answer of a batch has headers of its own.
_LENGTH = "content-length"


@dataclass(frozen=True)
class Seen:
    """An answer as both gave it, but for what each made by itself."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Twins:
    """The two servers."""

    sqlite: Api
    postgresql: Api

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        json: object = None,
        content: bytes | None = None,
        token: str | None = None,
    ) -> httpx.Response:
        """Ask both, assert that they answer the same, and return the answer."""
        bearer = token or self.sqlite.token()
        # Packed, the length of an answer would say how long each one's own ids and times are.
        given = {"Accept-Encoding": "identity", **(headers or {})}
        one, two = [
            await api.send(method, path, token=bearer, headers=given, json=json, content=content)
            for api in (self.sqlite, self.postgresql)
        ]
        assert seen(two) == seen(one), f"{method} {path}"
        assert one.status_code < 500 or one.status_code == httpx.codes.NOT_IMPLEMENTED, one.text
        return one

    async def follow(self, path: str, *, link: str = "@odata.nextLink", rounds: int = 20) -> list[JsonObject]:
        """Ask for a page and for those that its links lead to; return the entities."""
        found: list[JsonObject] = []
        for _ in range(rounds):
            page = (await self.ask("GET", path)).json()
            found += page.get("value", ())
            if link not in page:
                break
            path = page[link].removeprefix(ORIGIN)
        return found

    def add(self, *values: JsonObject, entity_set: EntitySet = CONTROL_PROFILES) -> None:
        """Store entities in both as an import does."""
        assert self.sqlite.add(*values, entity_set=entity_set) == self.postgresql.add(
            *values, entity_set=entity_set
        )


def seen(answer: httpx.Response) -> Seen:
    """Return an answer without what its server made by itself."""
    body = _TIMES.sub(rb'"\1":"?"', _IDS.sub(rb'"\1":"?"', answer.content))
    assert answer.headers.get(_LENGTH, str(len(answer.content))) == str(len(answer.content))
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _OWN_HEADERS]
    # Times of a decision have as many digits as they need.
    return Seen(answer.status_code, tuple(sorted(each for each in headers if each[0] != _LENGTH)), body)


def copy_rows(source: Database, target: Database) -> None:
    """Put the rows of a closed store without entities in place of those of another."""
    for table in reversed(metadata.sorted_tables):
        target.execute(f"DELETE FROM {table.name}")  # noqa: S608 (a name of ours)
    for table in metadata.sorted_tables:
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        places = ", ".join(f"${number + 1}" for number in range(len(table.columns)))
        for row in source.execute(f"SELECT {names} FROM {table.name}"):  # noqa: S608 (names of ours)
            target.execute(f"INSERT INTO {table.name} ({names}) VALUES ({places})", *row)  # noqa: S608
    target.key_file.write_bytes(source.key_file.read_bytes())


@asynccontextmanager
async def served(databases: tuple[Database, Database], tokens: Tokens) -> AsyncIterator[Twins]:
    """Serve both for the block."""
    async with AsyncExitStack() as stack:
        sqlite, postgresql = [await stack.enter_async_context(_api(each, tokens)) for each in databases]
        yield Twins(sqlite, postgresql)


@asynccontextmanager
async def _api(database: Database, tokens: Tokens) -> AsyncIterator[Api]:
    settings = database.configured(Settings())
    store = open_store(settings, serving=True)
    transport = httpx.ASGITransport(build_server(store, settings), client=("127.0.0.1", 50_000))
    try:
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield Api(store, settings, client, dict(tokens), database)
    finally:
        await store.close()
