"""Asking both databases with a filter, each its own way."""

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg

from stanchion.model.check import check_entity, column_values
from stanchion.model.edm import EntitySet
from stanchion.model.json_text import JsonObject, dump_json
from stanchion.odata.filter import parse_filter
from stanchion.odata.query import IdKey, KeyValue, ListQuery
from stanchion.store.pages import page_parameters, page_statement
from stanchion.store.postgres import migrate_postgresql
from tests.store.commands import TENANT
from tests.store.filter_author import NOW
from tests.store.filter_meaning import ticks


def asked(
    entity_set: EntitySet, text: str, aliases: Mapping[str, str] | None = None, *, top: int = 999
) -> ListQuery:
    """Return the query of a filter, by id, at a fixed time."""
    found = parse_filter(text, entity_set, aliases=aliases or {})
    return ListQuery(entity_set, "beta", (IdKey(),), top=top, filter=found, now_ticks=ticks(NOW) or 0)


def ids_on_sqlite(connection: sqlite3.Connection, query: ListQuery) -> list[str]:
    """Return the ids that SQLite finds."""
    rows = connection.execute(page_statement(query).sql, parameters(query))
    return [row[1] for row in rows]


def parameters(query: ListQuery) -> dict[str, KeyValue]:
    """Return the parameters of a query's first page."""
    return page_parameters(query, tenant_id=TENANT, limit=query.page_size, skip=query.skip)


@dataclass
class PostgreSQL:
    """A database on PostgreSQL with our schema and one tenant."""

    runner: asyncio.Runner
    connection: asyncpg.Connection

    def ids(self, query: ListQuery) -> list[str]:
        """Return the ids that PostgreSQL finds."""
        compiled = page_statement(query, dialect="postgresql")
        values: dict[str, object] = dict(parameters(query))
        for number, value in enumerate(query.filter.values if query.filter is not None else ()):
            values[f"filter_{number}"] = list(value) if isinstance(value, tuple) else value
        rows = self.runner.run(
            self.connection.fetch(compiled.sql, *(values[name] for name in compiled.parameters))
        )
        return [row[1] for row in rows]

    def put(self, entity_set: EntitySet, entities: Iterable[JsonObject]) -> None:
        """Insert entities."""
        for entity in entities:
            checked = check_entity(entity, entity_set, whole=True)
            row = {
                "tenant_id": TENANT,
                "id": entity["id"],
                "version": 1,
                **column_values(entity_set, checked),
                "body": dump_json(checked).decode(),
            }
            places = ", ".join(f"${place}" for place in range(1, len(row) + 1))
            sql = f"INSERT INTO {entity_set.table_name} ({', '.join(row)}) VALUES ({places})"  # noqa: S608 (names of ours)
            self.runner.run(self.connection.execute(sql, *row.values()))

    def remove(self, entity_set: EntitySet) -> None:
        """Delete all entities of a set."""
        self.runner.run(self.connection.execute(f"DELETE FROM {entity_set.table_name}"))  # noqa: S608 (a name of ours)


@contextmanager
def on_postgresql(url: str) -> Iterator[PostgreSQL]:
    """Migrate an empty database and connect to it."""
    with asyncio.Runner() as runner:
        runner.run(migrate_postgresql(url))
        connection = runner.run(asyncpg.connect(url))
        try:
            insert = "INSERT INTO tenants VALUES ($1, 'Alder Quay', 0, 0, '')"
            runner.run(connection.execute(insert, TENANT))
            yield PostgreSQL(runner, connection)
        finally:
            runner.run(connection.close())
