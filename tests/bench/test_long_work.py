"""Long work is done beside those who ask another tenant, and what they feel is told."""

from pathlib import Path

import pytest

from bench.bodies import controls, small_controls, write_page
from bench.cases import Plan
from bench.long_work import run_long_work
from bench.report import beside_long_work_table, long_work_table
from bench.servers import product

WORKS = ["export", "backup", "tenant erase", "retention --apply"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_long_work_is_done_and_felt(tmp_path: Path) -> None:
    page, small = tmp_path / "controls.json", tmp_path / "small.json"
    write_page(page, controls(100))
    write_page(small, small_controls())
    plan = Plan(rounds=1, clients=4, seconds=0.2, controls=100, writes_per_second=0)
    with product(tmp_path, [page], small=small) as served:
        found = run_long_work(served, plan, size_bytes=300_000, calm_seconds=0.5)

    assert [each.work for each in found] == WORKS
    for each in found:
        assert each.tenant_bytes >= 300_000
        assert each.beside.peak_mib > 10
        for felt in (each.beside.before, each.beside.reads_before):
            assert 0 < felt.p50_ms <= felt.p99_ms <= felt.slowest_ms
        # No more than were due in half a second.
        assert 0 < each.beside.reads_before.requests <= 102
        assert 0 < each.beside.before.requests <= 52
        assert 0 < each.beside.reads_during.requests <= 200 * each.beside.seconds + 2
        assert 0 < each.beside.during.requests <= 100 * each.beside.seconds + 2
    assert all(f"| {work}, 0 MB " in long_work_table(found) for work in WORKS)
    assert all(f"| {work}: GET one control " in beside_long_work_table(found) for work in WORKS)
