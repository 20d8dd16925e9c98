"""Stand-ins for Citus in a plain PostgreSQL database: they record what is asked, and refuse as it does.

- `create_distributed_table` refuses a table that is spread already, one whose keys lack the tenant, one that refers
  to a table that is not spread, and one with triggers.
- `truncate_local_data_after_distributing_table` empties the table as Citus does; the rows are in the schema `pieces`,
  into which the table was copied when it was spread.
- `broken` names tables at which a node fails, and with which code.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg

from tests.databases import Database, Databases

_STAND_INS = """
CREATE SCHEMA pieces;
CREATE TABLE citus_calls (number serial, name text, table_name text, detail text);
CREATE TABLE broken (table_name text, code text);
CREATE TABLE pg_dist_partition (
  logicalrelid regclass PRIMARY KEY, partkey text, colocationid int, repmodel "char" DEFAULT 's');
CREATE FUNCTION column_to_column_name(named regclass, partkey text) RETURNS text LANGUAGE sql AS 'SELECT partkey';
CREATE TABLE nodes (name text);
INSERT INTO nodes VALUES ('one'), ('two');
CREATE FUNCTION citus_get_active_worker_nodes() RETURNS SETOF nodes LANGUAGE sql AS 'SELECT * FROM nodes';
CREATE FUNCTION citus_is_coordinator() RETURNS boolean LANGUAGE sql AS
  $$ SELECT NOT EXISTS (SELECT FROM nodes WHERE name = 'coordinator') $$;

CREATE FUNCTION create_distributed_table(
  named regclass, distribution_column text, distribution_type text DEFAULT 'hash',
  colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  fault text;
  place int;
BEGIN
  SELECT code INTO fault FROM broken WHERE table_name = named::text;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION 'connection to the remote node failed' USING ERRCODE = fault;
  END IF;
  IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = named) THEN
    RAISE EXCEPTION 'table "%" is already distributed', named;
  END IF;
  IF EXISTS (SELECT FROM pg_index AS i
             JOIN pg_attribute AS a ON a.attrelid = named AND a.attname = distribution_column
             WHERE i.indrelid = named AND i.indisunique AND NOT a.attnum = ANY (i.indkey)) THEN
    RAISE EXCEPTION 'cannot create constraint on "%"', named;
  END IF;
  IF EXISTS (SELECT FROM pg_constraint WHERE conrelid = named AND contype = 'f'
             AND confrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition)) THEN
    RAISE EXCEPTION 'cannot create foreign key constraint of "%"', named;
  END IF;
  IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = named AND NOT tgisinternal) THEN
    RAISE EXCEPTION 'triggers are not supported on distributed tables';
  END IF;
  IF colocate_with = 'none' THEN
    place := 7;
  ELSE
    SELECT colocationid INTO STRICT place FROM pg_dist_partition WHERE logicalrelid = colocate_with::regclass;
  END IF;
  EXECUTE format('CREATE TABLE pieces.%I AS TABLE %s', named::text, named);
  INSERT INTO pg_dist_partition VALUES (named, distribution_column, place);
  INSERT INTO citus_calls (name, table_name, detail) VALUES ('spread', named::text,
    format('%s %s %s %s', distribution_column, distribution_type, colocate_with, coalesce(shard_count::text, '-')));
END $$;

CREATE FUNCTION truncate_local_data_after_distributing_table(named regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  fault text;
BEGIN
  SELECT code INTO fault FROM broken WHERE table_name = 'local ' || named::text;
  IF fault IS NOT NULL THEN
    RAISE EXCEPTION 'connection to the remote node failed' USING ERRCODE = fault;
  END IF;
  IF EXISTS (SELECT FROM pg_constraint WHERE confrelid = named AND contype = 'f'
             AND conrelid NOT IN (SELECT logicalrelid FROM pg_dist_partition)) THEN
    RAISE EXCEPTION 'cannot truncate a table referenced in a foreign key constraint by a local table';
  END IF;
  EXECUTE format('TRUNCATE %s CASCADE', named);
  INSERT INTO citus_calls (name, table_name) VALUES ('truncate', named::text);
END $$;
"""


class Call(NamedTuple):
    """What was asked of Citus, in its order."""

    name: str
    table: str
    detail: str | None = None


def make_cluster(url: str) -> None:
    """Make a database seem one of a cluster with two workers."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(_STAND_INS)
        finally:
            await connection.close()

    asyncio.run(run())


@contextmanager
def copied(databases: Databases, name: str, folder: Path) -> Iterator[Database]:
    """Give a copy of a database that nobody uses, for the block."""
    made = databases.postgresql.make(template=name)
    try:
        yield Database("postgresql", made.url, folder, made.ask)
    finally:
        databases.postgresql.drop(made)


def calls(database: Database) -> list[Call]:
    """Return what was asked of Citus and done, in its order."""
    return [
        Call(*row)
        for row in database.execute("SELECT name, table_name, detail FROM citus_calls ORDER BY number")
    ]
