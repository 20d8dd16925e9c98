"""The benchmark of a year of scores, at a small size: it compares what is the same, and says what it found."""

from pathlib import Path

import pytest

from bench.storage import run_year, year_table


@pytest.mark.slow
def test_a_short_year_is_filled_read_both_ways_and_told(tmp_path: Path) -> None:
    year = run_year(tmp_path, tenants=2, days=12, rounds=1)
    assert (year.tenants, year.days, year.dictionaries) == (2, 12, 2)
    # The first score of each tenant is kept whole, packed alone; the others are hardly anything.
    assert year.packed_bytes < year.raw_bytes / 20
    assert year.page_cpu_us > 0
    assert "| 2 tenants, 12 days | 1.3 MB of bodies |" in year_table(year)
