"""The attack table: each forged token, and each forged issuer, is refused, says why, and leaves nothing behind."""

from pathlib import Path

import pytest

from tests.cli.invoking import invoke, printed, refusal
from tests.conftest import Tokens
from tests.databases import Databases, Template
from tests.issuers.attack import Attack, BadIssuer
from tests.issuers.attacks import ATTACKS, BAD_ISSUERS, key_sets
from tests.issuers.conftest import Issuers
from tests.issuers.scene import HARBOUR_EC_KEY, Scene, bearing
from tests.web.forging import forged
from tests.web.refusals import assert_envelope

ALL_ATTACKS = [attack for rows in ATTACKS.values() for attack in rows]
BY_KEY_SET = key_sets.ROWS
BY_TOKEN = [attack for attack in ALL_ATTACKS if attack not in BY_KEY_SET]
CODES = {401: "InvalidAuthenticationToken", 403: "Forbidden", 431: None, 503: "ServiceUnavailable"}


@pytest.mark.anyio
@pytest.mark.parametrize("attack", BY_TOKEN, ids=lambda attack: attack.name)
async def test_a_forged_token_is_refused_and_writes_nothing(shared_scene: Scene, attack: Attack) -> None:
    await assert_refused(shared_scene, attack)


@pytest.mark.anyio
@pytest.mark.parametrize("attack", BY_KEY_SET, ids=lambda attack: attack.name)
async def test_a_token_by_a_bad_key_set_is_refused_and_writes_nothing(scene: Scene, attack: Attack) -> None:
    await assert_refused(scene, attack)


async def assert_refused(scene: Scene, attack: Attack) -> None:
    """Assert that an attack is refused as its row says, that nothing was written and nothing is repeated."""
    sent = attack.request(scene)
    before = await scene.api.sequence()
    reply = await scene.send(sent)
    assert_envelope(reply, attack.status, code=CODES[attack.status])
    assert attack.says in reply.json()["error"]["message"]
    assert await scene.api.sequence() == before
    parts = {part for _, value in sent.headers for part in str(value).split(".") if len(part) > 20}
    assert not any(part in reply.text for part in parts)


@pytest.mark.anyio
async def test_the_tokens_that_attacks_change_are_good(shared_scene: Scene) -> None:
    scene = shared_scene
    for good in (
        scene.token(),
        scene.token(HARBOUR_EC_KEY),
        scene.headed(x5c=["MII" + "A" * 4000]),
        scene.entra_v1(),
        scene.entra_v2(),
        scene.entra_v2("delegated"),
        forged(scene.api),
    ):
        reply = await scene.send(bearing(good, method="GET"))
        assert reply.status_code == 200, reply.text


@pytest.mark.anyio
async def test_no_attack_has_an_issuer_asked_for_what_a_token_names(scene: Scene) -> None:
    hints = [attack for attack in ALL_ATTACKS if attack.name in {"jku", "x5u"}]
    for attack in hints:
        await scene.send(attack.request(scene))
    assert len(hints) == 2
    assert scene.yard.asked == []


@pytest.mark.parametrize("bad", BAD_ISSUERS, ids=lambda bad: bad.name)
def test_a_bad_issuer_is_not_added(
    bad: BadIssuer, *, issuers: Issuers, databases: Databases, template: Template[Tokens], tmp_path: Path
) -> None:
    with databases.copy(template, tmp_path / "store") as database:
        message = refusal(invoke("issuer", "add", *bad.arguments(issuers.harbour), *database.options))
        assert bad.says in message
        assert printed(invoke("issuer", "list", *database.options, "--json")) == []
    assert issuers.harbour.sent_bytes < 16 * 1024 * 1024


def test_the_table_has_no_two_rows_of_one_name() -> None:
    names = [*(attack.name for attack in ALL_ATTACKS), *(bad.name for bad in BAD_ISSUERS)]
    assert sorted(names) == sorted(set(names))
    assert len(ALL_ATTACKS) >= 40
