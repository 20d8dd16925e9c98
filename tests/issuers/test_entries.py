"""Entries of issuers: what an operator adds or removes holds in a running server at once, and by name for clouds."""

from asyncio import to_thread
from collections.abc import Iterator

import pytest
from click.testing import Result

from stanchion.model.json_text import JsonObject
from tests.cli.invoking import invoke, printed, refusal
from tests.conftest import OTHER_TENANT, TENANT
from tests.issuers import minting
from tests.issuers.conftest import ENTRA_HOSTS, Issuers
from tests.issuers.judge import Judge
from tests.issuers.minting import READ_ALL, Kind, token
from tests.issuers.scene import AUDIENCE, ENTRA_KEY, ENTRA_KEYS_PATH, YARD_KEY, Scene
from tests.issuers.standin import StandIn, document
from tests.issuers.tunnel import Tunnel

pytestmark = pytest.mark.anyio

FLEET = "Ledger.Fleet.Read"


async def run(scene: Scene, *arguments: str) -> Result:
    """Run a command on the store that is served; it has an event loop of its own."""
    return await to_thread(invoke, *arguments, *scene.api.database.options)


async def issuer(scene: Scene, *arguments: str) -> JsonObject:
    """Run `stanchion issuer`, and return what it prints."""
    made: JsonObject = printed(await run(scene, "issuer", *arguments, "--json"))
    return made


@pytest.fixture
def judge(scene: Scene) -> Judge:
    """What the server asks, with a clock of its own."""
    return Judge(scene.api.store)


async def test_a_removed_issuer_is_trusted_no_more_within_a_second(scene: Scene, judge: Judge) -> None:
    good, other = scene.token(), token(scene.yard_claims(), YARD_KEY)
    assert (await judge.status(good), await judge.status(other)) == (200, 200)
    await issuer(scene, "remove", scene.harbour.url)
    judge.clock.seconds += 1
    assert (await judge.status(good), await judge.status(other)) == (401, 200)


async def test_an_issuer_added_anew_is_trusted_again(scene: Scene, judge: Judge) -> None:
    good = scene.token()
    assert await judge.status(good) == 200
    await issuer(scene, "remove", scene.harbour.url)
    await issuer(scene, "add", scene.harbour.url, "--audience", "stanchion", "--tenant", TENANT)
    judge.clock.seconds += 1
    assert await judge.status(good) == 200


async def test_an_issuer_added_beside_the_server_is_trusted_within_a_second(
    scene: Scene, judge: Judge
) -> None:
    assert await judge.status(scene.token(tid=OTHER_TENANT)) == 401
    await issuer(scene, "add", scene.harbour.url, "--audience", "stanchion", "--tenant", OTHER_TENANT)
    judge.clock.seconds += 1
    assert await judge.status(scene.token(tid=OTHER_TENANT)) == 200


async def test_a_tenant_that_is_left_out_is_spoken_for_no_more(scene: Scene, judge: Judge) -> None:
    await issuer(scene, "remove", scene.harbour.url)
    both = ("--tenant", TENANT, "--tenant", OTHER_TENANT)
    await issuer(scene, "add", scene.harbour.url, "--audience", "stanchion", *both)
    tokens = [scene.token(), scene.token(tid=OTHER_TENANT)]
    assert [await judge.status(each) for each in tokens] == [200, 200]
    await issuer(scene, "remove", scene.harbour.url)
    await issuer(scene, "add", scene.harbour.url, "--audience", "stanchion", "--tenant", TENANT)
    judge.clock.seconds += 1
    assert [await judge.status(each) for each in tokens] == [200, 401]


async def test_an_audience_that_is_changed_holds_for_tokens_seen_before(scene: Scene, judge: Judge) -> None:
    good = scene.token()
    assert await judge.status(good) == 200
    await issuer(scene, "remove", scene.harbour.url)
    await issuer(scene, "add", scene.harbour.url, "--audience", "another", "--tenant", TENANT)
    judge.clock.seconds += 1
    assert await judge.status(good) == 401


async def test_fleet_roles_count_from_a_fleet_home_and_nowhere_else(scene: Scene, judge: Judge) -> None:
    add = ("add", scene.harbour.url, "--audience", "stanchion", "--tenant", OTHER_TENANT, "--fleet-home")
    await issuer(scene, *add)
    roles = [READ_ALL, FLEET]
    home = await judge.caller(scene.token(tid=OTHER_TENANT, roles=roles))
    elsewhere = await judge.caller(scene.token(roles=roles))
    assert home.permissions == {READ_ALL, FLEET}
    assert elsewhere.permissions == {READ_ALL}


async def test_an_issuer_speaks_for_a_tenant_once(scene: Scene) -> None:
    again = ("issuer", "add", scene.harbour.url, "--audience", "other", "--tenant", TENANT)
    assert TENANT in refusal(await run(scene, *again))


async def test_what_is_added_and_removed_is_in_the_chain(scene: Scene) -> None:
    await issuer(scene, "remove", scene.harbour.url)
    for tenant in (TENANT, OTHER_TENANT):
        result = await run(scene, "verify", "--tenant", tenant)
        assert result.exit_code == 0, result.output


async def test_an_issuer_whose_keys_cannot_be_had_is_added_with_a_warning(scene: Scene) -> None:
    scene.harbour.answers[scene.harbour.keys_path] = document({}, status=500)
    arguments = ("issuer", "add", scene.harbour.url, "--audience", "stanchion", "--tenant", OTHER_TENANT)
    result = await run(scene, *arguments)
    assert result.exit_code == 0
    assert "500" in result.stderr


@pytest.fixture
def tunnel(issuers: Issuers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnel]:
    """A proxy by which Entra's hosts lead to the stand-in."""
    made = Tunnel(dict.fromkeys(ENTRA_HOSTS, issuers.entra.port))
    monkeypatch.setenv("HTTPS_PROXY", made.url)
    yield made
    made.close()


CLOUDS = {
    "global": ("https://login.microsoftonline.com", "https://sts.windows.net"),
    "usgov": ("https://login.microsoftonline.us", "https://sts.windows.net"),
    "china": ("https://login.partner.microsoftonline.cn", "https://sts.chinacloudapi.cn"),
}


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("kind", ["application", "delegated"])
@pytest.mark.usefixtures("tunnel")
async def test_a_cloud_is_known_by_its_name(scene: Scene, judge: Judge, cloud: str, kind: Kind) -> None:
    login, sts = CLOUDS[cloud]
    publish(scene.entra, f"{login}/{{tenantid}}/v2.0")
    added = await issuer(scene, "add", cloud, "--audience", AUDIENCE, "--tenant", OTHER_TENANT)
    assert added["keys"] == f"{login}/common/discovery/v2.0/keys"
    for claims in (
        minting.entra_v1(OTHER_TENANT, AUDIENCE, kind=kind, sts=sts),
        minting.entra_v2(OTHER_TENANT, AUDIENCE, kind=kind, login=login),
    ):
        assert await judge.status(token(claims, ENTRA_KEY)) == 200


def publish(entra: StandIn, label: str) -> None:
    """Have Entra show its key, labelled for an issuer."""
    entra.answers[ENTRA_KEYS_PATH] = document({"keys": [ENTRA_KEY.published(alg=..., issuer=label)]})
