"""API5:2023, broken function level authorization: to do what one's permissions do not allow.

Every operation of every route is tried with every set of permissions. What each needs stands in a table; a route
without a row fails, so that none comes without someone having said what it needs.
"""

from collections.abc import Iterator
from typing import get_args

import pytest

from stanchion.access.permission import PERMISSIONS, READ_ALL, READ_WRITE_ALL, ROLES
from stanchion.model.edm import RootName
from stanchion.model.json_text import JsonObject
from stanchion.web.graph import offered_methods
from stanchion.web.openapi_routes import routes
from tests.conftest import MICROSOFT, Api
from tests.security.addresses import addressed
from tests.web.forging import forged

pytestmark = pytest.mark.anyio

ROOTS: tuple[RootName, ...] = get_args(RootName)
ANYONE, CALLER, READ, WRITE = "anyone", "any caller", "to read", "to write"
# Methods and the kind of a route: what that needs. A batch needs a caller, and what its requests need.
NEEDS = {
    ("GET", "service document"): ANYONE,
    ("GET", "metadata"): ANYONE,
    ("GET", "openapi"): ANYONE,
    ("GET", "documentation"): ANYONE,
    ("POST", "batch"): CALLER,
    ("GET", "singleton"): READ,
    ("GET", "set"): READ,
    ("POST", "set"): WRITE,
    ("PATCH", "set"): WRITE,
    ("GET", "count"): READ,
    ("GET", "delta"): READ,
    ("GET", "entity"): READ,
    ("PATCH", "entity"): WRITE,
    ("DELETE", "entity"): WRITE,
    ("GET", "property"): READ,
    ("GET", "value"): READ,
    ("GET", "property count"): READ,
}
ALLOWED = {READ: {READ_ALL, READ_WRITE_ALL}, WRITE: {READ_WRITE_ALL}}
WRITING_ROLES = {"Global Administrator", "Security Administrator"}
GRANTED = [(), *((one,) for one in PERMISSIONS), ("securityevents.readwrite.all",)]
BODY: JsonObject = {"id": "an-id", "vendorInformation": MICROSOFT}


def operations(root: RootName) -> Iterator[tuple[str, str, str]]:
    """Yield the method, the address and the need of each operation of a root."""
    for route in routes(root, offered_methods):
        for method in (*route.methods, *(["HEAD"] if "GET" in route.methods else [])):
            need = NEEDS["GET" if method == "HEAD" else method, route.kind]
            yield method, f"/{root}{addressed(route.path)}", need


async def status(api: Api, method: str, address: str, token: str | None) -> int:
    """Return the status of an operation, with a body that would be taken."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = BODY if method in {"POST", "PATCH"} else None
    return (await api.client.request(method, address, headers=headers, json=body)).status_code


@pytest.mark.parametrize("root", ROOTS)
def test_every_operation_has_its_row(root: RootName) -> None:
    served = {(method, route.kind) for route in routes(root, offered_methods) for method in route.methods}
    assert served == set(NEEDS)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("granted", GRANTED, ids=str)
async def test_an_operation_is_done_with_the_permission_that_it_needs_and_no_other(
    api: Api, root: RootName, granted: tuple[str, ...]
) -> None:
    token, before = forged(api, roles=granted), await api.sequence()
    for method, address, need in operations(root):
        expected = need in {ANYONE, CALLER} or not ALLOWED[need].isdisjoint(granted)
        assert (await status(api, method, address, token) not in {401, 403}) == expected, (method, address)
    if READ_WRITE_ALL not in granted:
        assert await api.sequence() == before


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("role", [None, *ROLES, "ffffffff-0000-4000-8000-000000000000"])
async def test_a_person_needs_a_role_besides(api: Api, root: RootName, role: str | None) -> None:
    wids = () if role is None else (ROLES.get(role, role),)
    token = forged(api, roles=None, scp=READ_WRITE_ALL, upn="ada@example.com", oid="an oid", wids=wids)
    for method, address, need in operations(root):
        may = need in {ANYONE, CALLER} or (role in WRITING_ROLES if need == WRITE else role in ROLES)
        assert (await status(api, method, address, token) not in {401, 403}) == may, (method, address)


@pytest.mark.parametrize("root", ROOTS)
async def test_without_a_token_only_documents_are_read(api: Api, root: RootName) -> None:
    for method, address, need in operations(root):
        assert (await status(api, method, address, None) != 401) == (need == ANYONE), (method, address)


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"]
)
async def test_no_header_makes_one_method_another(api: Api, header: str) -> None:
    path, reader = "/v1.0/security/secureScores/an-id", api.token(READ_ALL)
    await api.send("POST", "/v1.0/security/secureScores", json=BODY)
    for method in ("GET", "POST"):
        await api.send(method, f"{path}?_method=DELETE", token=reader, headers={header: "DELETE"})
    assert (await api.send("GET", path)).status_code == 200


async def test_a_request_of_a_batch_needs_what_it_needs_by_itself(api: Api) -> None:
    requests = [
        {"id": "1", "method": "GET", "url": "/security/secureScores"},
        {"id": "2", "method": "DELETE", "url": "/security/secureScores/an-id"},
        {
            "id": "3",
            "method": "POST",
            "url": "/security/secureScores",
            "body": BODY,
            "headers": {"Content-Type": "application/json"},
        },
    ]
    for granted, expected in (((READ_ALL,), [200, 403, 403]), (("Ledger.Import",), [403, 403, 403])):
        reply = await api.send(
            "POST", "/v1.0/$batch", token=forged(api, roles=granted), json={"requests": requests}
        )
        assert [each["status"] for each in reply.json()["responses"]] == expected
