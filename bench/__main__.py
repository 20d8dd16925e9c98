"""Measure the product beside a bare server on this machine; docs/reference/performance.md says how and what for."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from bench.agreement import agree
from bench.bodies import Packing, Scores, control_id, controls, packing, small_controls, write_page
from bench.cases import CASES, CONTROLS_A_PAGE, NEWEST_DAY, SCORES, Plan, run_case
from bench.imports import Imported, run_imports
from bench.long_work import LongWork, run_long_work
from bench.machine import Machine, commit, machine
from bench.report import (
    Row,
    beside_import_table,
    beside_long_work_table,
    comparison_table,
    import_table,
    long_work_table,
    request_table,
    row,
)
from bench.servers import Product, product
from bench.start import Starts, run_starts, start_table
from bench.storage import TENANTS, Year, run_year, year_table

_IMPORT, _LONG_WORK, _START, _YEAR = "import", "long-work", "start", "year"
_MB = 1_000_000


@dataclass
class Found:
    """All that is reported."""

    commit: str
    machine: Machine
    plan: Plan
    score: Packing
    requests: list[Row]
    compared_controls: int  # with what another process read
    imports: list[Imported]
    long_work: list[LongWork] = field(default_factory=list)
    starts: Starts | None = None
    year: Year | None = None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cases that are asked for and print what was found."""
    options = _options(arguments)
    plan = Plan(options.rounds, options.clients, options.seconds, options.controls, options.writes_per_second)
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        found = _measure(Path(scratch), plan, options.only, import_bytes=int(options.import_mb * _MB))
        if _YEAR in (options.only or ()):  # It takes some minutes to fill, and so has to be asked for.
            found.year = run_year(Path(scratch), tenants=options.year_tenants)
    text = json.dumps(asdict(found), indent=1)
    if options.json == "-":
        print(text)
        return
    if options.json:
        Path(options.json).write_text(f"{text}\n")
    _print(found)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=(*CASES, _IMPORT, _LONG_WORK, _START, _YEAR),
        help=f"case to run; repeatable ({_LONG_WORK} and {_YEAR}: only so)",
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (default: 5)")
    parser.add_argument("--clients", type=int, default=64, help="connections at once (default: 64)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a turn (default: 2)")
    parser.add_argument(
        "--controls", type=int, default=10_000, help="controls in the store (default: 10,000)"
    )
    parser.add_argument(
        "--import-mb",
        type=float,
        default=100.0,
        help=f"size of the file to import, and of each tenant of `--only {_LONG_WORK}` (default: 100)",
    )
    parser.add_argument(
        "--year-tenants", type=int, default=TENANTS, help=f"tenants of `--only year` (default: {TENANTS})"
    )
    parser.add_argument(
        "--writes-per-second",
        type=float,
        default=20.0,
        help="of the writer beside reads (default: 20; 0: no writer)",
    )
    parser.add_argument(
        "--folder", type=Path, help="where the store lies (default: the folder for temporary files)"
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const="-",
        metavar="FILE",
        help="write JSON to a file, or without one in place of the tables",
    )
    options = parser.parse_args(arguments)
    if options.controls % CONTROLS_A_PAGE:
        parser.error(f"--controls must be a multiple of {CONTROLS_A_PAGE}.")
    return options


def _measure(scratch: Path, plan: Plan, only: list[str] | None, *, import_bytes: int) -> Found:
    found = Found(commit(), machine(scratch), plan, packing(Scores(), NEWEST_DAY), [], 0, [])
    with _served(scratch, plan) as served:
        for name, case in CASES.items():
            if only is None or name in only:
                _note(case.title)
                clients = min(plan.clients, case.most_clients)
                found.requests.append(row(case.title, run_case(case, served, plan), clients=clients))
        found.compared_controls = agree(served, plan.controls)
        if only is None or _IMPORT in only:
            _note("import")
            found.imports.extend(run_imports(served, plan, size_bytes=import_bytes))
        if _LONG_WORK in (only or ()):
            _note("long work")
            found.long_work.extend(run_long_work(served, plan, size_bytes=import_bytes))
    if only is None or _START in only:
        _note("start")
        path = f"/v1.0/security/secureScoreControlProfiles/{control_id(0)}"
        found.starts = run_starts(scratch, path=path, token=served.token, rounds=plan.rounds)
    return found


@contextmanager
def _served(scratch: Path, plan: Plan) -> Iterator[Product]:
    _note("making a store")
    scores = Scores()
    pages = [scratch / "controls.json", scratch / "scores.json"]
    write_page(pages[0], controls(plan.controls))
    write_page(pages[1], (scores.of(NEWEST_DAY - timedelta(days=age)) for age in range(SCORES)))
    small = scratch / "small.json"
    write_page(small, small_controls())
    with product(scratch, pages, small=small) as served:
        yield served


def _print(found: Found) -> None:
    where = found.machine
    print(
        f"\n{where.cpu}, {where.cores} cores, {where.memory_gib} GiB, {where.kernel}, {where.file_system}, load "
        f"{where.load_before} before; Python {where.python}, Granian {where.granian}; commit {found.commit}"
    )
    print(
        f"A score has {found.score.bytes:,} bytes; zstd packs it {found.score.alone} times alone, "
        f"{found.score.after_day_before} times after the day before."
    )
    if found.requests:
        print(f"\n{request_table(found.requests)}")
    if compared := comparison_table(found.requests):
        print(f"\n{compared}")
    print(f"\nAnother process read {found.compared_controls} controls as the served one answered them.")
    if found.imports:
        print(f"\n{import_table(found.imports)}\n\n{beside_import_table(found.imports)}")
    if found.long_work:
        print(f"\n{long_work_table(found.long_work)}\n\n{beside_long_work_table(found.long_work)}")
    if found.starts:
        print(f"\n{start_table(found.starts)}")
    if found.year:
        print(f"\n{year_table(found.year)}")


def _note(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
