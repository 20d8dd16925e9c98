"""Reading a database beside the program that wrote it: a SQLite file by its path, or either kind by its URL.

Statements name their parameters `:tenant_id` and, where they ask for what is later than a change, `:since`;
PostgreSQL is asked for `$1` and `$2` in their places.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import zstandard

from tests.serving.place import TENANT

Database: TypeAlias = "Path | str"
_SQLITE = "sqlite:///"
_FRAME = b"\x28\xb5\x2f\xfd"


def rows(database: Database, statement: str, *, since: int = 0) -> Sequence[Sequence[Any]]:
    """Return the rows of a statement about the tenant."""
    if isinstance(database, str) and not database.startswith(_SQLITE):
        with ThreadPoolExecutor(1) as beside:  # The caller may be in an event loop.
            return beside.submit(asyncio.run, _postgres_rows(database, statement, since)).result()
    path = str(database).removeprefix(_SQLITE)
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=30)) as connection:
        return connection.execute(statement, {"tenant_id": TENANT, "since": since}).fetchall()


def plain(kept: bytes | str) -> bytes:
    """Return what is kept, unpacked."""
    if isinstance(kept, str):
        return kept.encode()
    return zstandard.ZstdDecompressor().decompress(kept) if kept.startswith(_FRAME) else kept


async def _postgres_rows(url: str, statement: str, since: int) -> Sequence[Sequence[Any]]:
    import asyncpg

    connection = await asyncpg.connect(url)
    numbered = statement.replace(":tenant_id", "$1").replace(":since", "$2")
    values = (TENANT, since) if "$2" in numbered else (TENANT,)
    try:
        return [tuple(row) for row in await connection.fetch(numbered, *values)]
    finally:
        await connection.close()
