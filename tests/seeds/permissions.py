"""The table of permissions that the pages share, asked of one request that writes."""

from dataclasses import dataclass

from stanchion.access.tenants import PERSONAL_ACCOUNTS
from tests.conftest import TENANT, Api
from tests.web.forging import forged
from tests.web.refusals import assert_refused

READ, WRITE = "SecurityEvents.Read.All", "SecurityEvents.ReadWrite.All"
ADMINISTRATOR = ("Security Administrator",)


@dataclass(frozen=True)
class Row:
    """One row of the table: whose token, with which permission, may write or not."""

    status: int
    permission: str = WRITE
    upn: str | None = None
    roles: tuple[str, ...] = ()
    personal: bool = False


ROWS = {
    "application": Row(204),
    "application, read only": Row(403, READ),
    "work account": Row(204, upn="a@contoso.com", roles=ADMINISTRATOR),
    "work account, read only": Row(403, READ, upn="a@contoso.com", roles=ADMINISTRATOR),
    "work account without a role": Row(403, upn="a@contoso.com"),
    "personal account": Row(401, personal=True),
}


async def assert_row_holds(api: Api, row: Row, path: str, body: object) -> None:
    """Assert that a PATCH in the tests' tenant is answered as a row of the table says."""
    if row.personal:
        iss = f"http://127.0.0.1:8080/{PERSONAL_ACCOUNTS}/v2.0"
        token = forged(api, tid=PERSONAL_ACCOUNTS, aud="http://127.0.0.1:8080", iss=iss)
    else:
        token = api.token(row.permission, tenant=TENANT, upn=row.upn, roles=row.roles)
    request = api.send("PATCH", path, token=token, json=body, headers={"Prefer": "return=minimal"})
    if row.status == 204:
        assert (await request).status_code == 204
    else:
        await assert_refused(api, request, row.status)
