"""Requests made up from descriptions of the API, ours and Microsoft's, are answered as the descriptions say."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import httpx
import pytest

from stanchion.model.edm import RootName
from stanchion.model.json_text import JsonObject
from tests.contract.allowances import ALLOWANCES, not_allowed
from tests.contract.graph_description import FOLDER, description
from tests.contract.running import CONFORMANCE, EXACTNESS, Effort, Outcome, Target, run
from tests.serving.place import CONTROLS, TENANT, Place, control_id, score, score_id
from tests.serving.process import Server, running

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(400),
    pytest.mark.sqlite("takes minutes, and looks at how requests are read and described"),
]

ROOTS: tuple[RootName, ...] = ("v1.0", "beta")
# A long run: CONTRACT_SECONDS=60 CONTRACT_SEED=7 .venv/bin/python -m pytest tests/contract -s
EFFORT = Effort(
    examples=int(os.environ.get("CONTRACT_EXAMPLES", "10")),
    seconds=int(os.environ.get("CONTRACT_SECONDS", "30")),
    seed=int(os.environ.get("CONTRACT_SEED", "1")),
)
_USERS = 16
_MORE_SCORES = 48
# Of what is made up from Microsoft's description so much succeeds at least, or the answers are not seen.
_LEAST_SUCCESS = 0.5


@pytest.fixture
def target(made_place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Target]]:
    """A server of the test's own with entities in each set."""
    place = made_place.copied_to(tmp_path_factory.mktemp("contract"))
    with running(place) as server:
        with server.client(place.token) as client:
            users = [_added_user(client, number) for number in range(_USERS)]
            scores = [_added_score(client, number) for number in range(_MORE_SCORES)]
        ids = {
            "secureScores": [*(score_id(day) for day in range(1, 13)), *scores],
            "secureScoreControlProfiles": [control_id(number) for number in range(CONTROLS)],
            "userSecurityProfiles": users,
        }
        yield server, Target(server.origin, place.token, TENANT, ids)


def _added_user(client: httpx.Client, number: int) -> str:
    body = {"displayName": f"User {number}", "tags": ["front desk"]}
    return str(client.post("/beta/security/userSecurityProfiles", json=body).json()["id"])


def _added_score(client: httpx.Client, number: int) -> str:
    body = {**score(1 + number % 28), "id": f"score-{number}"}
    return str(client.post("/v1.0/security/secureScores", json=body).json()["id"])


def own_description(server: Server, root: RootName) -> JsonObject:
    """Read what the server says of itself."""
    with server.client() as client:
        document: JsonObject = client.get(f"/{root}/openapi.json").json()
    return document


def at_origin(document: JsonObject, *, issuer: bool) -> JsonObject:
    """Return the description of what lies beside the roots, or of all else."""
    paths = document["paths"]
    assert isinstance(paths, dict)
    return {**document, "paths": {p: i for p, i in paths.items() if p.startswith("/{tenant}") is issuer}}


def judge(outcome: Outcome, server: Server, document: JsonObject, *, least: int) -> None:
    """Print what was tried; fail with each finding that no allowance covers, and each operation never called."""
    done = f"{outcome.success:.0%} done"
    print(f"{outcome.cases} cases, {len(outcome.operations)} operations, {done}, {dict(outcome.statuses)}")  # noqa: T201
    assert outcome.never_called(document) == []
    found = not_allowed(outcome.findings)
    kinds = Counter((f.check, f.operation, f.status) for f in found)
    assert outcome.errors == []
    assert "fault of our own" not in server.log
    assert not found, f"{kinds}\n" + "\n".join(map(str, found[:20]))
    assert outcome.cases >= least


@pytest.mark.parametrize("root", ROOTS)
def test_the_server_answers_as_its_own_description_says(
    root: RootName, target: tuple[Server, Target]
) -> None:
    server, at = target
    document = at_origin(own_description(server, root), issuer=False)
    at = replace(at, base_url=f"{server.origin}/{root}")
    judge(run(document, at, checks=EXACTNESS, effort=EFFORT), server, document, least=50)


def test_the_issuer_answers_as_the_description_says(target: tuple[Server, Target]) -> None:
    server, at = target
    document = at_origin(own_description(server, "v1.0"), issuer=True)
    effort = replace(EFFORT, seconds=max(6, EFFORT.seconds // 4))
    judge(run(document, at, checks=CONFORMANCE, effort=effort), server, document, least=10)


@pytest.mark.skipif(not FOLDER.is_dir(), reason="Microsoft's description is not beside the checkout")
@pytest.mark.parametrize("root", ROOTS)
def test_the_server_answers_as_microsofts_description_says(
    root: RootName, target: tuple[Server, Target]
) -> None:
    server, at = target
    document = description(root, own=own_description(server, root), target=at)
    at = replace(at, base_url=f"{server.origin}/{root}")
    outcome = run(document, at, checks=CONFORMANCE, effort=EFFORT, mode="positive")
    judge(outcome, server, document, least=50)
    assert outcome.success >= _LEAST_SUCCESS, outcome.statuses


def test_a_description_that_is_wrong_is_found_out(target: tuple[Server, Target]) -> None:
    server, at = target
    document = own_description(server, "v1.0")
    path = "/security/secureScores/{id}"
    item = cast("dict[str, JsonObject]", cast("JsonObject", document["paths"])[path])
    del cast("JsonObject", item["get"]["responses"])["404"]
    schemas = cast("dict[str, JsonObject]", cast("JsonObject", document["components"])["schemas"])
    cast("JsonObject", schemas["secureScore"]["properties"])["maxScore"] = {"type": "string"}
    at = replace(at, base_url=f"{server.origin}/v1.0")
    effort = Effort(examples=10, seconds=60)
    outcome = run({**document, "paths": {path: {"get": item["get"]}}}, at, checks=CONFORMANCE, effort=effort)
    checks = {finding.check for finding in not_allowed(outcome.findings)}
    assert checks == {"status_code_conformance", "response_schema_conformance"}


def test_an_operation_that_had_no_turn_is_told() -> None:
    document: JsonObject = {"paths": {"/a": {"parameters": [], "get": {}, "patch": {}}, "/b": {"get": {}}}}
    outcome = Outcome()
    outcome.operations.update(["GET /a", "GET /a", "GET /c"])

    assert outcome.never_called(document) == ["PATCH /a", "GET /b"]


def test_every_allowance_says_why() -> None:
    assert [allowance for allowance in ALLOWANCES if len(allowance.reason) < 20] == []
