"""API9:2023, improper inventory management: what answers and nobody knows of.

What is served is derived from what is described: each path of the OpenAPI document answers, and nothing else does,
be it an older version, a page for debugging, or a part of the design that is not built yet.
"""

from typing import Any, get_args

import pytest

from stanchion.model.edm import RootName
from stanchion.model.json_text import JsonObject
from tests.conftest import TENANT, Api
from tests.security.addresses import addressed

pytestmark = pytest.mark.anyio

ROOTS: tuple[RootName, ...] = get_args(RootName)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ELSEWHERE = [
    "/",
    "/v1",
    "/v2.0",
    "/v1.1",
    "/v0",
    "/beta2",
    "/v1.0beta",
    "/api",
    "/api/v1/ingestions",
    "/admin",
    "/console",
    "/ledger",
    "/ledger/tenants",
    "/debug",
    "/debug/pprof",
    "/metrics",
    "/status",
    "/healthz/",
    "/readyz/x",
    "/docs",
    "/redoc",
    "/openapi.json",
    "/swagger.json",
    "/graphql",
    "/robots.txt",
    "/favicon.ico",
    "/.env",
    "/.git/config",
    "/stanchion.db",
    "/stanchion.db.key",
    "/static/openapi.css",
    "/templates/openapi.html",
    f"/{TENANT}",
    f"/{TENANT}/oauth2/v2.0",
    f"/{TENANT}/oauth2/v2.0/token/x",
    f"/{TENANT}/oauth2/v3.0/token",
]
BELOW = [
    "security/alerts",
    "security/alerts_v2",
    "security/incidents",
    "security/secureScore",
    "security/secureScores/x/y/z",
    "security/subjectRightsRequests",
    "users",
    "me",
    "me/security",
    "tenants",
    "applications",
    "servicePrincipals",
    "$debug",
    "$metadata/x",
    "docs/x",
    "openapi.yaml",
    "$batch/x",
    "%24batch/x",
]


async def described(api: Api, root: str) -> dict[str, Any]:
    paths: dict[str, Any] = (await api.client.get(f"/{root}/openapi.json")).json()["paths"]
    return paths


@pytest.mark.parametrize("root", ROOTS)
async def test_every_operation_that_is_described_answers_and_no_other_method(api: Api, root: str) -> None:
    for template, operations in (await described(api, root)).items():
        path = addressed(template).replace("{tenant}", TENANT)
        address = path if "{tenant}" in template else f"/{root}{path}"
        known = {method.upper() for method in operations} & set(METHODS)
        for method in METHODS:
            body: JsonObject | None = {} if method in {"POST", "PATCH", "PUT"} else None
            reply = await api.send(method, address, json=body)
            assert (reply.status_code != 405) == (method in known), (method, address, reply.text)
            if reply.status_code == 405:
                assert set(reply.headers["allow"].split(", ")) - {"HEAD"} == known


@pytest.mark.parametrize("path", ELSEWHERE)
async def test_nothing_else_answers(api: Api, path: str) -> None:
    for method in (*METHODS, "HEAD", "OPTIONS"):
        assert (await api.client.request(method, path)).status_code == 401
        assert (await api.send(method, path)).status_code == 404


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("path", BELOW)
async def test_nothing_else_answers_below_a_root(api: Api, root: str, path: str) -> None:
    for method in METHODS:
        assert (await api.client.request(method, f"/{root}/{path}")).status_code == 401
        reply = await api.send(method, f"/{root}/{path}")
        assert reply.status_code in {400, 404, 405}, reply.text


@pytest.mark.parametrize("root", ROOTS)
async def test_the_service_document_the_metadata_and_the_description_name_the_same_sets(
    api: Api, root: str
) -> None:
    paths = await described(api, root)
    named = {path.split("/")[2] for path in paths if path.startswith("/security/")}
    metadata = (await api.client.get(f"/{root}/$metadata")).text
    assert all(f'Name="{name}"' in metadata for name in named)
    # A set of the other root is no set of this one.
    for other in {"secureScores", "secureScoreControlProfiles", "userSecurityProfiles"} - named:
        assert (await api.send("GET", f"/{root}/security/{other}")).status_code == 400
