"""Measure durable PATCHes on PostgreSQL beside pgbench: `python -m bench.postgresql`.

- A server of PostgreSQL's own defaults is started for it; it waits for the disk at each COMMIT.
- In each round the product is loaded, and pgbench updates one row out of as many in the same database: `bare` a
  number in a short row, `same row` what a PATCH rewrites of the control, its body of 2 KB. Who goes first changes.
- After each round some controls are read back, and at the end the chain of changes is verified.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench.bodies import TENANT, controls, write_page
from bench.cases import Plan, read_back
from bench.load import Measured, Server, measure, quantile
from bench.machine import commit, machine
from bench.processes import cpu_seconds
from bench.servers import Store, new_tenant, serving, stanchion
from bench.traffic import Patch
from tests.store.postgresql import PostgreSQLServer, programs, running

_PGBENCH_CLIENTS = 16
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_BARE = "\\set id random(1, {rows})\nUPDATE bench_rows SET value = value + 1 WHERE id = :id;\n"
_SAME_ROW = (
    "\\set id random(0, {rows} - 1)\n"
    "UPDATE secure_score_control_profiles SET body = body || '' WHERE tenant_id = '{tenant}'"
    " AND id = 'control_' || lpad(:id::text, 5, '0');\n"
)


@dataclass(frozen=True)
class Round:
    """One turn of each: rates a second, and what a PATCH cost."""

    patches: float
    bare_updates: float
    same_row_updates: float
    p50_ms: float
    p99_ms: float
    server_cpu_us: float
    database_cpu_us: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the rounds and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.postgresql", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default: 5)")
    parser.add_argument("--clients", type=int, default=64, help="connections at once (default: 64)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a turn (default: 4)")
    parser.add_argument(
        "--controls", type=int, default=10_000, help="controls in the store (default: 10,000)"
    )
    parser.add_argument("--workers", type=int, default=2, help="serving processes (default: 2)")
    parser.add_argument("--json", metavar="FILE", help="write JSON to a file too")
    options = parser.parse_args(arguments)
    plan = Plan(options.rounds, options.clients, options.seconds, options.controls, 0)
    with tempfile.TemporaryDirectory() as scratch, running(durable=True) as database:
        where = machine(Path(scratch))
        rounds = list(_measured(Path(scratch), database, plan, workers=options.workers))
    if options.json:
        found = {"commit": commit(), "machine": asdict(where), "rounds": [asdict(each) for each in rounds]}
        Path(options.json).write_text(f"{json.dumps(found, indent=1)}\n")
    print(
        f"\n{where.cpu}, {where.cores} cores, {where.file_system}, load {where.load_before} before; {commit()}"
    )
    print(
        f"{plan.clients} clients, {options.workers} workers; pgbench {_PGBENCH_CLIENTS} clients, prepared\n"
    )
    print(_table(rounds))


def _measured(folder: Path, database: PostgreSQLServer, plan: Plan, *, workers: int) -> Iterator[Round]:
    store = Store(database.url)
    page = folder / "controls.json"
    write_page(page, controls(plan.controls))
    stanchion(folder, "migrate", *store.options)
    token = new_tenant(folder, TENANT, [page], store=store)
    updates = _Updates(folder, database, rows=plan.controls, seconds=plan.seconds)
    traffic = Patch(controls=plan.controls, clients=plan.clients, token=token)
    with serving(folder, store, workers=workers) as server:
        measure(server, traffic, clients=plan.clients, seconds=1)
        for number in range(plan.rounds):
            before = updates.rates() if number % 2 else None
            with _cpu_of(updates.pid) as database_cpu:
                measured = _patched(server, traffic, plan)
            bare, same = before or updates.rates()
            read_back(traffic, server, token)
            yield _round(measured, bare, same, database_cpu_seconds=database_cpu[0])
            print(".", end="", file=sys.stderr, flush=True)
    print(stanchion(folder, "verify", "--tenant", TENANT, *store.options), end="", file=sys.stderr)


def _patched(server: Server, traffic: Patch, plan: Plan) -> Measured:
    traffic.last.clear()
    return measure(server, traffic, clients=plan.clients, seconds=plan.seconds)


class _Updates:
    """pgbench on the database of the store, with a table of its own."""

    def __init__(self, folder: Path, database: PostgreSQLServer, *, rows: int, seconds: float) -> None:
        self._folder = folder
        self._url = database.url
        self._seconds = seconds
        assert database.pid is not None
        self.pid = database.pid
        scripts = {"bare": _BARE, "same row": _SAME_ROW}
        for name, text in scripts.items():
            (folder / name).write_text(text.format(rows=rows, tenant=TENANT))
        self._psql(
            "CREATE TABLE bench_rows (id int PRIMARY KEY, value int NOT NULL)",
            f"INSERT INTO bench_rows SELECT id, 0 FROM generate_series(1, {rows}) AS id",  # noqa: S608 (a number)
        )

    def rates(self) -> tuple[float, float]:
        """Return the updates a second, bare and of the same row."""
        return self._rate("bare"), self._rate("same row")

    def _rate(self, name: str) -> float:
        clients = ("--client", str(_PGBENCH_CLIENTS), "--jobs", "2", "--protocol", "prepared", "--no-vacuum")
        run = (
            programs() / "pgbench",
            *clients,
            "--time",
            str(round(self._seconds)),
            "--file",
            name,
            self._url,
        )
        told = subprocess.run(run, cwd=self._folder, check=True, capture_output=True, text=True).stdout
        rate = _RATE.search(told)
        assert rate is not None, told
        return float(rate[1])

    def _psql(self, *commands: str) -> None:
        words = [word for command in commands for word in ("--command", command)]
        subprocess.run((programs() / "psql", self._url, *words), check=True, capture_output=True)


@contextmanager
def _cpu_of(pid: int) -> Iterator[list[float]]:
    found: list[float] = []
    before = cpu_seconds(pid)
    yield found
    found.append(cpu_seconds(pid) - before)


def _round(measured: Measured, bare: float, same_row: float, *, database_cpu_seconds: float) -> Round:
    return Round(
        patches=round(measured.per_second),
        bare_updates=round(bare),
        same_row_updates=round(same_row),
        p50_ms=round(quantile(measured.latencies, 0.5) * 1000, 1),
        p99_ms=round(quantile(measured.latencies, 0.99) * 1000, 1),
        server_cpu_us=round(measured.cpu_seconds / measured.requests * 1e6),
        database_cpu_us=round(database_cpu_seconds / measured.requests * 1e6),
    )


def _table(rounds: Sequence[Round]) -> str:
    lines = [
        "| | median | least..most |",
        "| --- | ---: | ---: |",
        _line("PATCH a second", [each.patches for each in rounds]),
        _line("bare UPDATE a second", [each.bare_updates for each in rounds]),
        _line("UPDATE of the same row a second", [each.same_row_updates for each in rounds]),
        _line("PATCH to bare UPDATE", [each.patches / each.bare_updates for each in rounds]),
        _line("PATCH to UPDATE of the same row", [each.patches / each.same_row_updates for each in rounds]),
        _line("p50 ms", [each.p50_ms for each in rounds]),
        _line("p99 ms", [each.p99_ms for each in rounds]),
        _line("CPU us of the server a PATCH", [each.server_cpu_us for each in rounds]),
        _line("CPU us of the database a PATCH", [each.database_cpu_us for each in rounds]),
    ]
    return "\n".join(lines)


def _line(name: str, values: Sequence[float]) -> str:
    form = "{:,.0f}" if median(values) >= 100 else "{:.2f}"
    shown = [form.format(each) for each in (median(values), min(values), max(values))]
    return f"| {name} | {shown[0]} | {shown[1]}..{shown[2]} |"


if __name__ == "__main__":
    main()
