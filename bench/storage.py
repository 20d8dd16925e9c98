"""A year of daily scores: what it takes on the disk, and what it costs to read 90 days of it.

`python -m bench.storage` makes a store in which each tenant imports the score of a day, day by day, as its operator
would; only the start of a process a command is saved. Beside it lies a copy in which the same bodies are kept as they
came, and pages of both are read in turn.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median

from bench.bodies import TENANT, Scores
from bench.many_tenants import tenant_id
from stanchion.access.operator import add_tenant
from stanchion.cli.imports import import_bytes
from stanchion.model.edm import SECURE_SCORES
from stanchion.odata.query import ListQuery, default_order
from stanchion.store import SQLiteStore
from stanchion.store.connection import SQLiteConnection, connect
from stanchion.store.meta import operator
from stanchion.store.page_reading import read_page

TENANTS, DAYS = 100, 365
A_PAGE = 90
_FIRST_DAY = date(2025, 1, 1)
# So many tenants have their bodies kept plain too, and their pages read.
_READ_TENANTS = 5
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Year:
    """What was found: bytes of the bodies and on the disk, and the CPU of a page of 90, packed and plain."""

    tenants: int
    days: int
    raw_bytes: int
    disk_bytes: int
    packed_bytes: int
    dictionaries: int
    import_cpu_us: float
    page_cpu_us: float
    plain_page_cpu_us: float

    @property
    def share(self) -> float:
        """How much of the bodies' bytes the whole database takes."""
        return self.disk_bytes / self.raw_bytes

    @property
    def times(self) -> float:
        """How many times the CPU of plain bodies a page costs."""
        return self.page_cpu_us / self.plain_page_cpu_us


def run_year(folder: Path, *, tenants: int = TENANTS, days: int = DAYS, rounds: int = 20) -> Year:
    """Fill a store in a folder, and measure it."""
    packed, plain = folder / "year.db", folder / "plain.db"
    raw_bytes, import_cpu = _fill(packed, tenants=tenants, days=days)
    disk_bytes = packed.stat().st_size
    packed_bytes, dictionaries = _told(packed)
    _keep_plain(packed, plain, count=min(tenants, _READ_TENANTS))
    page_cpu, plain_cpu = _read(packed, plain, count=min(tenants, _READ_TENANTS), rounds=rounds)
    return Year(
        tenants,
        days,
        raw_bytes,
        disk_bytes,
        packed_bytes,
        dictionaries,
        round(import_cpu * 1e6 / (tenants * days), 1),
        round(page_cpu * 1e6, 1),
        round(plain_cpu * 1e6, 1),
    )


def year_table(year: Year) -> str:
    """Lay it out in Markdown."""
    lines = (
        (
            f"{year.tenants} tenants, {year.days} days",
            f"{year.raw_bytes / 1e6:,.1f} MB of bodies",
            f"{year.disk_bytes / 1e6:,.1f} MB on the disk",
            f"{year.share:.3f}",
        ),
        (
            f"a page of {A_PAGE}, CPU",
            f"{year.plain_page_cpu_us / 1000:.2f} ms kept plain",
            f"{year.page_cpu_us / 1000:.2f} ms packed",
            f"{year.times:.2f}",
        ),
    )
    head = "| a year of scores | plain | packed | times |\n| --- | ---: | ---: | ---: |"
    return "\n".join((head, *(f"| {' | '.join(line)} |" for line in lines)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.storage", description=__doc__)
    parser.add_argument("--tenants", type=int, default=TENANTS, help=f"(default: {TENANTS})")
    parser.add_argument("--days", type=int, default=DAYS, help=f"(default: {DAYS})")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each store (default: 20)")
    parser.add_argument("--folder", type=Path, help="where the stores lie (default: a temporary folder)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        year = run_year(Path(scratch), tenants=options.tenants, days=options.days, rounds=options.rounds)
    print(year_table(year))
    print(
        f"\n{year.dictionaries} dictionaries; the bodies alone are {year.packed_bytes / 1e6:,.1f} MB; an import of "
        f"one score takes {year.import_cpu_us / 1000:.2f} ms of CPU."
    )


def _fill(path: Path, *, tenants: int, days: int) -> tuple[int, float]:
    """Import day by day; return the bytes of the bodies, and the seconds of CPU."""
    scores, raw_bytes = Scores(), 0
    store = SQLiteStore.open(path)
    # What lies on the disk in the end is the same, and some 40,000 waits for it are saved.
    store._writer.execute("PRAGMA synchronous=OFF")  # noqa: SLF001 (no server or command wants it)
    try:
        for number in range(tenants):
            add_tenant(store, tenant_id(number), name="Bench", actor=operator())
        cpu = 0.0
        for day in (_FIRST_DAY + timedelta(days=age) for age in range(days)):
            if day.day == 1:
                print(f"importing {day:%Y-%m} ...", file=sys.stderr, flush=True)
            body = json.dumps(scores.of(day), separators=(",", ":"))
            for number in range(tenants):
                mine = body.replace(TENANT, tenant_id(number)).encode()
                raw_bytes += len(mine)
                began = time.process_time()
                import_bytes(store, b'{"value":[' + mine + b"]}", source="bench", tenant_id=tenant_id(number))
                cpu += time.process_time() - began
    finally:
        asyncio.run(store.close())
    return raw_bytes, cpu


def _told(path: Path) -> tuple[int, int]:
    """Return the bytes of the bodies as they are kept, and how many dictionaries there are."""
    with closing(sqlite3.connect(path)) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM dictionaries").fetchall()
        scores = "SELECT coalesce(sum(length(body)), 0) FROM secure_scores"
        ((size,),) = connection.execute(scores).fetchall()
    return int(size), int(count)


def _keep_plain(packed: Path, plain: Path, *, count: int) -> None:
    """Make a copy in which some tenants' scores are kept as they came; the others are left out."""
    with closing(connect(packed, busy_seconds=1)) as source, closing(sqlite3.connect(plain)) as copy:
        source.backup(copy)
        kept = tuple(map(tenant_id, range(count)))
        marks = ",".join("?" * count)
        copy.execute(f"DELETE FROM secure_scores WHERE tenant_id NOT IN ({marks})", kept)  # noqa: S608 (marks alone)
        for tenant in kept:
            rows = source.execute(
                "SELECT body, id FROM secure_scores WHERE secure_scores.tenant_id = ?", (tenant,)
            ).fetchall()
            bodies = ((source.body(body, tenant), tenant, id) for body, id in rows)
            copy.executemany("UPDATE secure_scores SET body = ? WHERE tenant_id = ? AND id = ?", bodies)
        copy.commit()
        copy.execute("VACUUM")


def _read(packed: Path, plain: Path, *, count: int, rounds: int) -> tuple[float, float]:
    """Return the seconds of CPU of a page in either store, the median of turns."""
    with ExitStack() as stack:
        stores = [
            stack.enter_context(closing(connect(path, busy_seconds=1, mode="ro&immutable=1")))
            for path in (packed, plain)
        ]
        tenants = tuple(map(tenant_id, range(count)))
        if list(_pages(stores[0], tenants)) != list(_pages(stores[1], tenants)):
            raise AssertionError("The two stores answer differently.")
        turns = [[_cpu_of_pages(each, tenants) for each in stores] for _ in range(rounds)]
    mine, theirs = (median(turn[place] for turn in turns) for place in (0, 1))
    return mine / count, theirs / count


def _cpu_of_pages(connection: SQLiteConnection, tenants: Sequence[str]) -> float:
    began = time.process_time()
    for _ in _pages(connection, tenants):
        pass
    return time.process_time() - began


def _pages(connection: SQLiteConnection, tenants: Sequence[str]) -> Iterator[bytes]:
    """Give the first page of each tenant as it is answered, without what stands around it."""
    query = ListQuery(SECURE_SCORES, "v1.0", default_order(SECURE_SCORES), top=A_PAGE)
    for tenant in tenants:
        with connection.snapshot():
            yield b",".join(read_page(connection, query, tenant_id=tenant, max_bytes=_MAX_BYTES).runs)


if __name__ == "__main__":
    main()
