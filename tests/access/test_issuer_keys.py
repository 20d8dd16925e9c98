"""The keys of an issuer while the server runs: when they are asked for, and how long they count."""

import asyncio
import logging

import pytest

from stanchion.access.issuer_document import IssuerFault
from stanchion.access.issuer_keys import EntryKeys
from stanchion.access.key_set import KeyId
from stanchion.errors import ServiceUnavailable
from tests.access.outside import KEYS_URL, Documents, documents, key_set, published, rsa
from tests.access.test_issuer_entry import ENTRY
from tests.access.workbench import Clock

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
ONE, TWO = KeyId("one", "RS256"), KeyId("two", "RS256")
DOWN = IssuerFault("It is down.")

pytestmark = pytest.mark.anyio


class Held:
    """The keys of one entry, with the documents and the clock that they see; `changes` counts other sets."""

    def __init__(self) -> None:
        self.fetch: Documents = documents()
        self.clock = Clock(1000.0)
        self.changes = 0
        self.keys = EntryKeys(ENTRY, fetch=self.fetch, clock=self.clock, on_change=self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def publish(self, *names: str) -> None:
        """Serve a set of RSA keys of these names."""
        self.fetch.served[KEYS_URL] = key_set(*(published(rsa(name)) for name in names))

    def fail(self) -> None:
        """Serve nothing."""
        self.fetch.served[KEYS_URL] = DOWN

    @property
    def asked(self) -> int:
        """How often the keys were asked for."""
        return len(self.fetch.asked)


@pytest.fixture
def held() -> Held:
    return Held()


async def settled() -> None:
    """Let what runs behind requests come to its end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_keys_are_fetched_when_the_first_is_needed_and_then_kept(held: Held) -> None:
    assert held.keys.known(ONE) is None
    assert held.asked == 0
    key = await held.keys.key(ONE)
    assert key is not None
    assert held.keys.known(ONE) == key
    assert await held.keys.key(ONE) == key
    assert (held.asked, held.changes) == (1, 1)


async def test_all_who_wait_are_answered_by_one_fetch(held: Held) -> None:
    held.fetch.gate = asyncio.Event()
    waiting = [asyncio.create_task(held.keys.key(ONE)) for _ in range(20)]
    await settled()
    waiting[0].cancel()
    await settled()
    held.fetch.gate.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert len(set(found[1:])) == 1
    assert held.asked == 1


async def test_an_unknown_key_is_asked_for_once_a_minute(held: Held) -> None:
    await held.keys.key(ONE)
    assert await held.keys.key(TWO) is None
    assert held.asked == 1
    held.clock.seconds += MINUTE
    assert await held.keys.key(TWO) is None
    assert await held.keys.key(TWO) is None
    assert held.asked == 2
    held.publish("one", "two")
    held.clock.seconds += MINUTE
    assert await held.keys.key(TWO) is not None
    assert (held.asked, held.changes) == (3, 2)


async def test_a_set_of_an_hour_is_renewed_behind_the_request(held: Held) -> None:
    old = await held.keys.key(ONE)
    held.publish("two")
    held.clock.seconds += HOUR - 1
    assert await held.keys.key(ONE) == old
    assert held.asked == 1
    held.clock.seconds += 1
    assert await held.keys.key(ONE) == old
    await settled()
    assert held.asked == 2
    assert held.keys.known(ONE) is None
    assert held.keys.known(TWO) is not None


async def test_a_set_that_stays_the_same_is_no_change(held: Held) -> None:
    await held.keys.key(ONE)
    held.clock.seconds += HOUR
    held.keys.known(ONE)
    await settled()
    assert (held.asked, held.changes) == (2, 1)


async def test_the_last_good_set_counts_for_a_day_while_the_issuer_is_down(
    held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    await held.keys.key(ONE)
    held.fail()
    held.clock.seconds += DAY - 1
    with caplog.at_level(logging.WARNING):
        assert await held.keys.key(ONE) is not None
        await settled()
    assert "It is down." in caplog.text
    held.clock.seconds += 1
    with pytest.raises(ServiceUnavailable) as caught:
        await held.keys.key(ONE)
    assert caught.value.headers == {"Retry-After": "59"}
    assert held.keys.known(ONE) is None
    held.publish("one")
    held.clock.seconds += MINUTE
    assert await held.keys.key(ONE) is not None


async def test_an_issuer_that_never_answered_is_asked_once_a_minute(held: Held) -> None:
    held.fail()
    for seconds, asked in ((0, 1), (59, 1), (1, 2)):
        held.clock.seconds += seconds
        with pytest.raises(ServiceUnavailable):
            await held.keys.key(ONE)
        assert held.asked == asked


async def test_garbage_leaves_the_set_that_was_there(held: Held) -> None:
    await held.keys.key(ONE)
    held.fetch.served[KEYS_URL] = b"<html>"
    held.clock.seconds += MINUTE
    assert await held.keys.key(TWO) is None
    assert held.keys.known(ONE) is not None


async def test_what_was_judged_by_a_set_needs_no_other_look_until_that_is_due(held: Held) -> None:
    await held.keys.key(ONE)
    held.clock.seconds += 600
    assert held.keys.stands_for_seconds() == HOUR - 600
    held.fail()
    held.clock.seconds += HOUR
    held.keys.known(ONE)
    await settled()
    assert held.keys.stands_for_seconds() == MINUTE
    held.clock.seconds = 1000.0 + DAY - 10
    assert held.keys.stands_for_seconds() == 1.0
