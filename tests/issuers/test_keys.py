"""The keys of an issuer: fetched once for all, renewed with care, and good for a day without it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from stanchion.access import issuer_document
from stanchion.access.issuer_document import FETCH_SECONDS
from tests.issuers.judge import Judge
from tests.issuers.minting import SigningKey, rsa, token
from tests.issuers.scene import (
    ATTACKER_KEY,
    ENTRA_KEYS_PATH,
    HARBOUR_EC_KEY,
    HARBOUR_KEY,
    YARD_KEY,
    Scene,
    bearing,
    now,
)
from tests.issuers.standin import document, down, endless, held, trickle

pytestmark = pytest.mark.anyio

MINUTE, HOUR = 60.0, 3600.0
NEXT_KEY = rsa("harbour's next", "key-2")


@pytest.fixture
def judge(scene: Scene) -> Judge:
    """What the server asks, with a clock of its own."""
    return Judge(scene.api.store)


async def test_nothing_is_asked_before_a_token_of_the_issuer_comes(scene: Scene) -> None:
    assert (await scene.api.send("GET", "/v1.0/security/secureScores")).status_code == 200
    assert await scene.status("not.a.token") == 401
    assert scene.harbour.asked == scene.entra.asked == []


async def test_the_keys_are_asked_for_once_and_nothing_else_is(scene: Scene) -> None:
    for _ in range(3):
        assert await scene.status(scene.token(jti=str(object()))) == 200
    assert scene.harbour.asked == [scene.harbour.keys_path]


async def test_what_is_asked_says_nothing_of_who_comes(scene: Scene) -> None:
    await scene.status(scene.token())
    (headers,) = scene.harbour.headers
    assert not {"authorization", "cookie", "referer"} & set(headers)
    assert headers["accept-encoding"] == "identity"


async def test_fifty_at_once_ask_once(scene: Scene) -> None:
    tokens = [scene.token(jti=str(number)) for number in range(50)]
    with held(scene.harbour):
        waiting = [asyncio.create_task(scene.status(each)) for each in tokens]
        await asked(scene, 1)
    assert set(await asyncio.gather(*waiting)) == {200}
    assert scene.harbour.key_requests == 1


async def test_who_leaves_while_keys_are_asked_for_takes_them_from_nobody(scene: Scene) -> None:
    with held(scene.harbour):
        leaving = asyncio.create_task(scene.status(scene.token(jti="1")))
        staying = asyncio.create_task(scene.status(scene.token(jti="2")))
        await asked(scene, 1)
        leaving.cancel()
        await asyncio.wait([leaving])
    assert await staying == 200
    assert scene.harbour.key_requests == 1


async def asked(scene: Scene, times: int) -> None:
    """Wait until the keys were asked for so often."""
    await eventually(lambda: asyncio.sleep(0, scene.harbour.key_requests), times)


async def test_a_storm_of_unknown_keys_asks_at_most_once_a_minute(scene: Scene, judge: Judge) -> None:
    unknown = [scene.headed(ATTACKER_KEY, kid=f"made-up-{number}") for number in range(30)]
    assert await judge.status(scene.token()) == 200
    for minutes in range(3):
        statuses = [await judge.status(each) for each in unknown]
        assert set(statuses) == {401}
        assert scene.harbour.key_requests == 1 + minutes
        judge.clock.seconds += MINUTE
    assert await judge.status(scene.token(jti="still")) == 200


async def test_a_storm_at_once_asks_once(scene: Scene, judge: Judge) -> None:
    await judge.status(scene.token())
    judge.clock.seconds += MINUTE
    unknown = [scene.headed(ATTACKER_KEY, kid=f"made-up-{number}") for number in range(50)]
    with held(scene.harbour):
        waiting = [asyncio.create_task(judge.status(each)) for each in unknown]
        await asked(scene, 2)
    assert set(await asyncio.gather(*waiting)) == {401}
    assert scene.harbour.key_requests == 2


async def test_a_new_key_is_found_when_a_token_names_it(scene: Scene, judge: Judge) -> None:
    assert await judge.status(scene.token()) == 200
    scene.harbour.publishes(HARBOUR_KEY.published(), NEXT_KEY.published())
    judge.clock.seconds += MINUTE
    assert await judge.status(scene.token(NEXT_KEY)) == 200
    # The old one overlaps, and goes on.
    assert await judge.status(scene.token(jti="old")) == 200
    assert scene.harbour.key_requests == 2


async def test_a_key_that_is_gone_is_good_no_more_once_the_set_is_renewed(scene: Scene, judge: Judge) -> None:
    seen, unseen = scene.token(jti="seen"), scene.token(jti="unseen")
    assert await judge.status(seen) == 200
    scene.harbour.publishes(NEXT_KEY.published())
    judge.clock.seconds += MINUTE
    assert await judge.status(scene.token(NEXT_KEY)) == 200
    assert await judge.status(seen) == 401
    assert await judge.status(unseen) == 401


async def test_a_key_replaced_under_its_name_is_another_key(scene: Scene, judge: Judge) -> None:
    old = lasting(scene, HARBOUR_KEY)
    assert await judge.status(old) == 200
    replaced = SigningKey(NEXT_KEY.make, HARBOUR_KEY.kid)
    scene.harbour.publishes(replaced.published())
    judge.clock.seconds += HOUR
    renewed = lasting(scene, replaced)
    await eventually(lambda: judge.status(renewed), 200)
    assert await judge.status(old) == 401


async def test_the_set_is_renewed_each_hour_without_a_wait(scene: Scene, judge: Judge) -> None:
    good = lasting(scene, HARBOUR_KEY)
    assert await judge.status(good) == 200
    judge.clock.seconds += HOUR
    with held(scene.harbour):
        assert await judge.status(good) == 200
        await asked(scene, 2)


def lasting(scene: Scene, key: SigningKey) -> str:
    """Return a token that is good for nearly two days."""
    return scene.token(key, jti=key.kid, exp=now() + 47 * 3600)


async def eventually(look: Callable[[], Awaitable[int]], expected: int) -> None:
    """Look until what is expected is there."""
    for _ in range(6000):
        if await look() == expected:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"It was never {expected}.")


async def test_the_last_good_keys_last_a_day_without_the_issuer(scene: Scene, judge: Judge) -> None:
    good = lasting(scene, HARBOUR_KEY)
    assert await judge.status(good) == 200
    with down(scene.harbour):
        for hours in (1, 12, 23.9):
            judge.clock.seconds = hours * HOUR
            assert await judge.status(good) == 200
            await asyncio.sleep(0.05)
        judge.clock.seconds = 24 * HOUR + MINUTE
        assert await judge.status(good) == 503
    judge.clock.seconds += MINUTE
    assert await judge.status(good) == 200


@pytest.mark.parametrize("garbage", ["not JSON", "no keys", "a failure", "huge"])
async def test_garbage_leaves_the_last_good_keys(scene: Scene, judge: Judge, garbage: str) -> None:
    assert await judge.status(scene.token()) == 200
    answers = {
        "not JSON": document("keys"),
        "no keys": document({"keys": []}),
        "a failure": document({"keys": [NEXT_KEY.published()]}, status=500),
        "huge": endless(),
    }
    scene.harbour.answers[scene.harbour.keys_path] = answers[garbage]
    judge.clock.seconds += MINUTE
    assert await judge.status(scene.token(NEXT_KEY)) == 401
    assert await judge.status(scene.token(jti="after")) == 200
    assert scene.harbour.key_requests == 2


async def test_an_issuer_that_is_down_at_first_is_503_until_it_is_back(scene: Scene, judge: Judge) -> None:
    with down(scene.harbour):
        assert await judge.status(scene.token()) == 503
    # It is not asked again at once, however many come.
    assert await judge.status(scene.token()) == 503
    assert scene.harbour.asked == []
    judge.clock.seconds += MINUTE
    assert await judge.status(scene.token()) == 200


async def test_the_refusal_says_when_to_come_back(scene: Scene) -> None:
    with down(scene.harbour):
        reply = await scene.send(bearing(scene.token(), method="GET"))
    assert reply.status_code == 503
    assert 1 <= int(reply.headers["retry-after"]) <= MINUTE


async def test_one_issuer_s_outage_is_not_the_others_trouble(scene: Scene) -> None:
    with down(scene.harbour):
        assert await scene.status(scene.token()) == 503
        assert await scene.status(scene.entra_v2()) == 200
        assert await scene.status(token(scene.yard_claims(), YARD_KEY)) == 404
        assert (await scene.api.send("GET", "/v1.0/security/secureScores")).status_code == 200


async def test_other_requests_go_on_while_an_issuer_is_slow(scene: Scene) -> None:
    with held(scene.harbour):
        waiting = asyncio.create_task(scene.status(scene.token()))
        await asked(scene, 1)
        assert (await scene.api.send("GET", "/v1.0/security/secureScores")).status_code == 200
        assert not waiting.done()
    assert await waiting == 200


@pytest.mark.slow
async def test_an_issuer_that_trickles_is_left_after_five_seconds(
    scene: Scene, judge: Judge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(issuer_document, "FETCH_SECONDS", FETCH_SECONDS)
    scene.harbour.answers[scene.harbour.keys_path] = trickle(pause_seconds=0.2)
    waits = list[float]()
    # A machine may pause, but not each time.
    while not waits or (waits[-1] >= FETCH_SECONDS + 2 and len(waits) < 3):
        waits.append(await seconds_to_503(judge, scene.token()))
        judge.clock.seconds += MINUTE
    assert scene.harbour.key_requests == len(waits)
    assert FETCH_SECONDS - 0.5 < min(waits) < FETCH_SECONDS + 2
    assert "did not answer whole within 5 seconds" in caplog.text


async def seconds_to_503(judge: Judge, token: str) -> float:
    """Return how long it takes to be told that the issuer cannot be asked."""
    began = asyncio.get_running_loop().time()
    assert await judge.status(token) == 503
    return asyncio.get_running_loop().time() - began


async def test_little_is_read_of_a_body_without_end(scene: Scene) -> None:
    scene.harbour.answers[scene.harbour.keys_path] = endless(mebibytes=256)
    assert await scene.status(scene.token()) == 503
    assert scene.harbour.sent_bytes < 16 * 1024 * 1024


async def test_all_of_a_cloud_s_tenants_are_signed_for_by_one_set(scene: Scene) -> None:
    assert await scene.status(scene.entra_v1()) == 200
    assert await scene.status(scene.entra_v2()) == 200
    assert scene.entra.asked == [ENTRA_KEYS_PATH]


async def test_keys_for_two_algorithms_stand_beside_each_other(scene: Scene) -> None:
    assert await scene.status(scene.token()) == 200
    assert await scene.status(scene.token(HARBOUR_EC_KEY)) == 200
