"""How much a tenant takes: `python -m bench.capacity` measures bytes of each kind of row, and prints the model of it.

- A tenant is used as the plan says, once on SQLite and once on PostgreSQL, by the commands and the writes that a
  server makes. Then each database says how many bytes each table has, its indexes with it; by the rows, that is the
  size of a row. A tenant with little beside it would pay for pages that are nearly empty, so that several are made.
- The model multiplies. A year has 365 days of scores; the peak is that all tenants send their day within one hour.
- docs/explanation/capacity.md has what it printed.
"""

import argparse
import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg

from bench.bodies import TENANT, Scores, controls
from bench.machine import commit, machine
from bench.many_tenants import tenant_id
from stanchion.access.operator import add_tenant, ensure_signing_key
from stanchion.app import key_file, open_store
from stanchion.cli.imports import import_bytes
from stanchion.ledger.changes import Operator
from stanchion.ledger.commands import DecideControl
from stanchion.ledger.plain_requests import parse_plain
from stanchion.settings import Settings
from stanchion.store import OperatedStore
from stanchion.store.schema import migrate
from tests.store.postgresql import running

DAYS_A_YEAR = 365
PEAK_SECONDS = 3600
FLEETS = (1, 10, 100, 1_000, 10_000, 100_000, 300_000)
_OPERATOR = Operator("bench")
_NEWEST = date(2026, 6, 30)
_TABLES = (
    "secure_scores",
    "secure_score_control_profiles",
    "decisions",
    "changes",
    "change_details",
    "dictionaries",
)
_COUNT = "SELECT count(*) FROM {table}"
_SQLITE_BYTES = """SELECT sum(d.pgsize) FROM dbstat AS d JOIN sqlite_schema AS s ON s.name = d.name
WHERE s.tbl_name = ?"""
_POSTGRESQL_BYTES = "SELECT pg_total_relation_size(CAST(CAST($1 AS text) AS regclass))"


@dataclass(frozen=True)
class Use:
    """What one tenant does in a year: rows that stay, and transactions that make them."""

    controls: int = 500
    scores: int = DAYS_A_YEAR
    decisions: int = 250
    control_imports: int = 52  # each writes some controls anew, which adds no row but of the history

    @property
    def writes(self) -> int:
        """Transactions a year."""
        return self.scores + self.decisions + self.control_imports

    @property
    def rows(self) -> Mapping[str, int]:
        """Rows after the first year, by table."""
        return {
            "secure_scores": self.scores,
            "secure_score_control_profiles": self.controls,
            "decisions": self.decisions,
            "changes": self.writes,
            "change_details": self.writes,
        }


@dataclass(frozen=True)
class Sizes:
    """What was measured of a database: bytes a row with its share of the indexes, and the CPU of a score."""

    database: str
    rows: Mapping[str, int]
    bytes_a_row: Mapping[str, float]
    score_cpu_ms: float  # of our process, for the import of one score


@dataclass(frozen=True)
class Fleet:
    """The model for so many tenants, after a year."""

    tenants: int
    rows: int
    sqlite_bytes: int
    postgresql_bytes: int
    writes_a_year: int
    writes_a_second: float
    peak_writes_a_second: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both databases and print sizes and model."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument("--tenants", type=int, default=3, help="tenants to make (default: 3)")
    parser.add_argument("--days", type=int, default=90, help="scores of each (default: 90)")
    parser.add_argument("--controls", type=int, default=500, help="controls of each (default: 500)")
    parser.add_argument("--decisions", type=int, default=60, help="decisions of each (default: 60)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    done = Use(given.controls, given.days, given.decisions, control_imports=1)
    sizes = [measured(done, tenants=given.tenants, database=name) for name in ("sqlite", "postgresql")]
    fleets = [fleet(count, Use(), *sizes) for count in FLEETS]
    if given.json:
        print(
            json.dumps(
                {"sizes": [asdict(each) for each in sizes], "fleets": [asdict(each) for each in fleets]},
                indent=1,
            )
        )
        return
    print(f"{commit()}, {machine(Path(tempfile.gettempdir()))}\n")
    print("\n".join([*_size_lines(sizes), "", *_fleet_lines(fleets)]))


def measured(use: Use, *, tenants: int, database: str) -> Sizes:
    """Use so many tenants, and return what their rows take."""
    with _settings(database) as settings:
        migrate(settings.database)
        store = open_store(settings)
        try:
            ensure_signing_key(store, key_file=key_file(settings), actor=_OPERATOR)
            seconds = sum(_use(store, tenant_id(number), use) for number in range(tenants))
        finally:
            store.close_now()
        found = _sqlite_tables(settings) if database == "sqlite" else _postgresql_tables(settings)
    return Sizes(
        database,
        {table: rows for table, (rows, _) in found.items()},
        {table: size / rows if rows else 0.0 for table, (rows, size) in found.items()},
        seconds * 1000 / (tenants * use.scores),
    )


def fleet(tenants: int, use: Use, sqlite: Sizes, postgresql: Sizes) -> Fleet:
    """Return what so many tenants take after a year, and ask of the database meanwhile."""
    a_tenant = {each.database: bytes_a_tenant(use, each) for each in (sqlite, postgresql)}
    writes = tenants * use.writes
    return Fleet(
        tenants,
        tenants * sum(use.rows.values()),
        round(tenants * a_tenant["sqlite"]),
        round(tenants * a_tenant["postgresql"]),
        writes,
        writes / (DAYS_A_YEAR * 86_400),
        tenants / PEAK_SECONDS,
    )


def _sqlite_tables(settings: Settings) -> dict[str, tuple[int, int]]:
    with closing(sqlite3.connect(settings.database.removeprefix("sqlite:///"))) as connection:
        return {
            table: (
                connection.execute(_COUNT.format(table=table)).fetchone()[0],
                connection.execute(_SQLITE_BYTES, (table,)).fetchone()[0],
            )
            for table in _TABLES
        }


def _postgresql_tables(settings: Settings) -> dict[str, tuple[int, int]]:
    async def read() -> dict[str, tuple[int, int]]:
        connection = await asyncpg.connect(settings.database)
        try:
            return {
                table: (
                    await connection.fetchval(_COUNT.format(table=table)),
                    await connection.fetchval(_POSTGRESQL_BYTES, table),
                )
                for table in _TABLES
            }
        finally:
            await connection.close()

    return asyncio.run(read())


def bytes_a_tenant(use: Use, sizes: Sizes) -> float:
    """Return what a tenant takes after a year; dictionaries, where there are any, grow with the scores."""
    dictionaries = use.scores * sizes.rows["dictionaries"] / sizes.rows["secure_scores"]
    rows = {**use.rows, "dictionaries": dictionaries}
    return sum(count * sizes.bytes_a_row[table] for table, count in rows.items())


@contextmanager
def _settings(database: str) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(prefix="capacity-") as folder:
        key = str(Path(folder) / "key")
        if database == "sqlite":
            yield Settings(database=f"sqlite:///{folder}/stanchion.db", key_file=key)
            return
        with running() as server:
            yield Settings(database=server.url, key_file=key)


def _use(store: OperatedStore, tenant: str, use: Use) -> float:
    """Use a tenant; return the seconds of CPU that its scores took."""
    add_tenant(store, tenant, name="Bench", actor=_OPERATOR)
    _import(store, tenant, list(controls(use.controls)))
    scores = [Scores().of(_NEWEST - timedelta(days=day)) for day in reversed(range(use.scores))]
    began = time.process_time()
    for score in scores:
        _import(store, tenant, [score])
    seconds = time.process_time() - began
    for number in range(use.decisions):
        store.run(_decision(tenant, f"control_{number % use.controls:05}", number))
    return seconds


def _import(store: OperatedStore, tenant: str, values: Sequence[Mapping[str, object]]) -> None:
    page = json.dumps({"value": values}, separators=(",", ":")).replace(TENANT, tenant)
    import_bytes(store, page.encode(), source="bench", tenant_id=tenant)


def _decision(tenant: str, control: str, number: int) -> DecideControl:
    body = {
        "assignedTo": "someone@example.com",
        "comment": f"Decided as {number}, for the reason that was written down at the time.",
        "state": "ThirdParty" if number % 2 else "Ignored",
        "vendorInformation": {"provider": "SecureScore", "vendor": "Microsoft"},
    }
    request = parse_plain(json.dumps(body).encode(), root="v1.0")
    assert request is not None
    return DecideControl(
        tenant_id=tenant, command_id=str(uuid4()), actor=_OPERATOR, control_id=control, request=request
    )


def _size_lines(sizes: Sequence[Sizes]) -> list[str]:
    names = [each.database for each in sizes]
    lines = [
        f"| table | {' | '.join(f'{name}, bytes a row' for name in names)} |",
        "|---|" + "---|" * len(names),
    ]
    for table in _TABLES:
        cells = " | ".join(f"{each.bytes_a_row[table]:,.0f}" for each in sizes)
        lines.append(f"| `{table}` | {cells} |")
    cpu = " | ".join(f"{each.score_cpu_ms:,.1f} ms" for each in sizes)
    lines.append(f"| CPU of our process, importing a score | {cpu} |")
    return lines


def _fleet_lines(fleets: Sequence[Fleet]) -> list[str]:
    lines = [
        "| tenants | rows | SQLite | PostgreSQL | writes a year | a second | at the peak |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.tenants:,} | {each.rows:,} | {_bytes(each.sqlite_bytes)} | {_bytes(each.postgresql_bytes)} "
        f"| {each.writes_a_year:,} | {each.writes_a_second:,.3g} | {each.peak_writes_a_second:,.3g} |"
        for each in fleets
    ]
    return lines


def _bytes(count: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB"


if __name__ == "__main__":
    main()
