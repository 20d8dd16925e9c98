"""An erased tenant as its callers meet it: nobody, while all others have what they had."""

import asyncio
import time
from urllib.parse import urlencode

import httpx
import pytest

from stanchion.access.operator import AddedApp, AppWish, add_app, add_tenant, new_id
from stanchion.access.operator_erasure import erase_tenant
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.access.tenant_erasure import CloseTenant
from stanchion.app import key_file, open_store
from tests.conftest import OPERATOR, OTHER_TENANT, TENANT, Api, control, score
from tests.web.rows import PATHS

pytestmark = pytest.mark.anyio

SCORES, CONTROLS = PATHS["secureScores"], PATHS["secureScoreControlProfiles"]
# A server reads again after a second what others wrote to its directory.
NOTICE_SECONDS = 1.2


async def erase(api: Api, *, tenant: str = TENANT) -> None:
    """Erase a tenant as a command beside the server does, and wait until the server knows."""

    def run() -> None:
        store = open_store(api.settings)
        try:
            erase_tenant(store, tenant, actor=OPERATOR, pause=lambda _: None)
        finally:
            store.close_now()

    await asyncio.to_thread(run)
    await asyncio.sleep(NOTICE_SECONDS)


async def sign_in(api: Api, added: AddedApp) -> httpx.Response:
    """Ask for a token as an app does."""
    form = {
        "client_id": added.app.client_id,
        "client_secret": added.secret,
        "grant_type": "client_credentials",
        "scope": "https://graph.microsoft.com/.default",
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await api.client.post(f"/{TENANT}/oauth2/v2.0/token", content=urlencode(form), headers=headers)


def told(reply: httpx.Response) -> tuple[int, bytes, str | None]:
    return reply.status_code, reply.content, reply.headers.get("etag")


async def test_its_tokens_are_401_and_its_apps_get_none(api: Api) -> None:
    store = api.store
    added = add_app(store, AppWish(TENANT, "mine"), actor=OPERATOR)
    api.add(control())
    assert (await sign_in(api, added)).status_code == 200
    assert (await api.send("GET", f"{CONTROLS}/NonOwnerAccess")).status_code == 200

    await erase(api)

    for method, asked in (("GET", SCORES), ("GET", f"{CONTROLS}/NonOwnerAccess"), ("POST", SCORES)):
        reply = await api.send(method, asked, json=score() if method == "POST" else None)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    reply = await sign_in(api, added)
    assert reply.status_code in {400, 401}
    assert "access_token" not in reply.json()


async def test_its_apps_get_no_tokens_while_it_is_being_erased(api: Api) -> None:
    store = api.store
    added = add_app(store, AppWish(TENANT, "mine"), actor=OPERATOR)
    assert (await sign_in(api, added)).status_code == 200
    closing = CloseTenant(tenant_id=TENANT, actor=OPERATOR, command_id=new_id())
    await asyncio.to_thread(store.run, closing)
    await asyncio.sleep(NOTICE_SECONDS)
    reply = await sign_in(api, added)
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")


async def test_other_tenants_are_answered_byte_for_byte_as_before(api: Api) -> None:
    api.add(control(), tenant=TENANT)
    api.add(control(), control("Other", title="Another"), tenant=OTHER_TENANT)
    token = api.token(tenant=OTHER_TENANT)
    asked = (CONTROLS, f"{CONTROLS}/Other", f"{SCORES}?$count=true", f"{CONTROLS}/delta?$deltatoken=latest")
    before = [told(await api.send("GET", path, token=token)) for path in asked]
    assert {status for status, _, _ in before} == {200}

    await erase(api)

    assert [told(await api.send("GET", path, token=token)) for path in asked] == before


async def test_whoever_followed_changes_of_a_tenant_added_again_starts_over(api: Api) -> None:
    api.add(control())
    reply = await api.send("GET", f"{CONTROLS}/delta")
    link = reply.json()["@odata.deltaLink"]
    etag = (await api.send("GET", f"{CONTROLS}/NonOwnerAccess")).headers["etag"]
    await erase(api)
    add_tenant(api.store, TENANT, name="Alder Quay", actor=OPERATOR)
    added = add_app(api.store, AppWish(TENANT, "new", ("SecurityEvents.ReadWrite.All",)), actor=OPERATOR)
    token = issue_token(
        api.store,
        TokenWish(TENANT, added.app.client_id),
        key_file=key_file(api.settings),
        actor=OPERATOR,
        now_seconds=int(time.time()),
    ).token
    await asyncio.sleep(NOTICE_SECONDS)

    assert (await api.send("GET", SCORES)).status_code == 401
    reply = await api.send("GET", link, token=token)
    assert reply.status_code == 410
    assert "delta?$deltatoken=" in reply.headers["location"]
    assert (await api.send("GET", CONTROLS, token=token)).json()["value"] == []
    api.add(control())
    again = await api.send("GET", f"{CONTROLS}/NonOwnerAccess", token=token)
    assert again.headers["etag"] != etag
    fresh = (await api.send("GET", f"{CONTROLS}/delta", token=token)).json()["@odata.deltaLink"]
    assert (await api.send("GET", fresh, token=token)).status_code == 200
