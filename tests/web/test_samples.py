"""Real exports of Graph, imported into a fresh store, come back through the API equal to the file."""

from pathlib import Path
from typing import cast

import pytest

from stanchion.access.operator import add_tenant
from stanchion.cli.imports import import_bytes
from stanchion.ledger.imports import ImportCounts
from stanchion.model.json_text import JsonObject, parse_object
from tests.conftest import OPERATOR, SAMPLES, Api

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not beside this checkout"),
]

FILES = sorted((SAMPLES / "graph").glob("*.json"))
SCORES = SAMPLES / "graph" / "secureScores.v1.0.full.json"
PROFILES = "secureScoreControlProfiles"


def read(file: Path) -> list[JsonObject]:
    return cast("list[JsonObject]", parse_object(file.read_bytes())["value"])


def import_file(api: Api, file: Path, tenant: str) -> ImportCounts:
    if api.store.tenant(tenant) is None:
        add_tenant(api.store, tenant, name="of the sample", actor=OPERATOR)
    return import_bytes(api.store, file.read_bytes(), source=file.name, tenant_id=tenant).counts


def as_imported(value: JsonObject) -> JsonObject:
    """Return an entity without control information, which imports drop."""
    return {name: member for name, member in value.items() if "@odata." not in name}


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
async def test_a_sample_comes_back_as_it_was(api: Api, file: Path) -> None:
    sent = [as_imported(value) for value in read(file)]
    tenant = str(sent[0]["azureTenantId"]).lower()
    counts = import_file(api, file, tenant)
    assert counts == ImportCounts(new=len(sent))
    token = api.token(tenant=tenant)
    path = f"/v1.0/security/{PROFILES if PROFILES in file.name else 'secureScores'}"
    shown: dict[str, JsonObject] = {}
    link = f"{path}?$top=50"
    while link:
        reply = await api.send("GET", link, token=token)
        shown |= {row["id"]: row for row in reply.json()["value"]}
        link = reply.json().get("@odata.nextLink")
    assert shown == {value["id"]: value for value in sent}
    assert import_file(api, file, tenant) == ImportCounts(same=len(sent))


async def test_the_points_of_the_controls_add_up_to_the_score(api: Api) -> None:
    (sent,) = read(SCORES)
    tenant = str(sent["azureTenantId"]).lower()
    import_file(api, SCORES, tenant)
    reply = await api.send("GET", f"/v1.0/security/secureScores/{sent['id']}", token=api.token(tenant=tenant))
    points = sum(control["score"] for control in reply.json()["controlScores"])
    assert points == pytest.approx(reply.json()["currentScore"], abs=0.005)
