"""Bringing entities under another tenant's id."""

import json

import pytest

from stanchion.importers.graph import Found, GraphExport
from stanchion.importers.retarget import retargeted
from stanchion.model.json_text import JsonObject
from tests.importers.shapes import SAMPLES, sample

HERE = "aaaaaaaa-0000-4000-8000-00000000000a"
THERE = "bbbbbbbb-0000-4000-8000-00000000000b"


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        (f"{THERE}_2024-01-01", f"{HERE}_2024-01-01"),
        (f"{THERE.upper()}_2024-01-01_Prowler", f"{HERE}_2024-01-01_Prowler"),
        (f"{THERE}_", f"{HERE}_"),
        (f"{THERE}", f"{THERE}"),
        (f"{THERE}-2024", f"{THERE}-2024"),
        (f"x{THERE}_2024", f"x{THERE}_2024"),
        ("cccccccc-0000-4000-8000-00000000000c_2024", "cccccccc-0000-4000-8000-00000000000c_2024"),
        ("AdminMFA", "AdminMFA"),
        ("", ""),
        (None, None),
        (5, 5),
    ],
)
@pytest.mark.parametrize("tenant", [THERE, THERE.upper()])
def test_the_tenant_and_the_prefix_of_the_id_change(
    id: "str | int | None", expected: "str | int | None", tenant: str
) -> None:
    value: JsonObject = {"id": id, "azureTenantId": tenant, "actionUrl": f"https://x.test/?tid={THERE}"}
    changed = retargeted(value, tenant_id=HERE)
    assert changed == {**value, "id": expected, "azureTenantId": HERE}
    assert list(changed) == list(value)


@pytest.mark.parametrize("tenant", [HERE, HERE.upper(), None, 5])
def test_an_entity_of_the_tenant_or_of_none_stays_as_it_is(tenant: "str | int | None") -> None:
    value: JsonObject = {"id": f"{THERE}_2024-01-01", "azureTenantId": tenant}
    assert retargeted(value, tenant_id=HERE) == value


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout")
def test_a_real_score_changes_nowhere_else() -> None:
    (value,) = sample("secureScores.v1.0.full.json")
    export = GraphExport(json.dumps([value]).encode())
    (found,) = export.entities(tenant_id=HERE, retarget=True)
    assert isinstance(found, Found)
    assert found.value == {**value, "azureTenantId": HERE, "id": f"{HERE}_2024-01-01"}
