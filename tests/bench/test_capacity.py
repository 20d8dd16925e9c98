"""The model of how much tenants take: it multiplies what was measured."""

import pytest

from bench.capacity import FLEETS, Sizes, Use, bytes_a_tenant, fleet

_TABLES = ("secure_scores", "secure_score_control_profiles", "decisions", "changes", "change_details")
_USE = Use(controls=10, scores=100, decisions=20, control_imports=5)


def sizes(database: str, *, dictionaries: int = 0) -> Sizes:
    rows = {**dict.fromkeys(_TABLES, 50), "dictionaries": dictionaries}
    return Sizes(database, rows, {**dict.fromkeys(_TABLES, 100.0), "dictionaries": 1000.0}, 1.0)


def test_each_write_is_a_row_of_the_history_and_of_its_details() -> None:
    assert _USE.writes == 125
    assert sum(_USE.rows.values()) == 100 + 10 + 20 + 125 + 125


def test_a_tenant_takes_its_rows_and_the_dictionaries_of_its_scores() -> None:
    assert bytes_a_tenant(_USE, sizes("postgresql")) == 380 * 100
    # One dictionary to 25 scores.
    assert bytes_a_tenant(_USE, sizes("sqlite", dictionaries=2)) == 380 * 100 + 4 * 1000


@pytest.mark.parametrize("tenants", FLEETS)
def test_a_fleet_takes_as_much_as_its_tenants(tenants: int) -> None:
    model = fleet(tenants, _USE, sizes("sqlite"), sizes("postgresql"))
    assert (model.rows, model.sqlite_bytes) == (tenants * 380, tenants * 38_000)
    assert model.writes_a_second == pytest.approx(tenants * 125 / 31_536_000)
    assert model.peak_writes_a_second == pytest.approx(tenants / 3600)
