"""Failed attempts: counted a minute, in bounded memory."""

import pytest

from stanchion.access.attempts import (
    FAILURES_PER_ADDRESS,
    FAILURES_PER_CLIENT,
    WINDOW_SECONDS,
    FailedAttempts,
)


def fail(
    attempts: FailedAttempts, address: str, client_id: str, *, times: int, now_seconds: float = 0.0
) -> None:
    for _ in range(times):
        attempts.add(address, client_id, now_seconds=now_seconds)


def test_a_client_that_fails_too_often_waits_for_the_rest_of_the_minute() -> None:
    attempts = FailedAttempts()
    fail(attempts, "192.0.2.1", "a", times=FAILURES_PER_CLIENT - 1)
    assert attempts.retry_after_seconds("192.0.2.1", "a", now_seconds=1) is None
    fail(attempts, "192.0.2.1", "a", times=1, now_seconds=1)
    assert attempts.retry_after_seconds("192.0.2.1", "a", now_seconds=20) == WINDOW_SECONDS - 20
    assert attempts.retry_after_seconds("192.0.2.1", "a", now_seconds=WINDOW_SECONDS) is None


def test_others_do_not_wait_for_one_client() -> None:
    attempts = FailedAttempts()
    fail(attempts, "192.0.2.1", "a", times=FAILURES_PER_CLIENT)
    assert attempts.retry_after_seconds("192.0.2.1", "b", now_seconds=1) is None
    assert attempts.retry_after_seconds("192.0.2.2", "a", now_seconds=1) is None


@pytest.mark.parametrize("addresses", [["192.0.2.1"], ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3"]])
def test_an_address_that_fails_too_often_waits_whoever_it_says_it_is(addresses: list[str]) -> None:
    attempts = FailedAttempts()
    for number in range(FAILURES_PER_ADDRESS):
        attempts.add(addresses[number % len(addresses)], f"client {number}", now_seconds=0)
    assert attempts.retry_after_seconds(addresses[0], "new", now_seconds=1) == WINDOW_SECONDS - 1


def test_a_success_forgets_the_failures_of_its_client() -> None:
    attempts = FailedAttempts()
    fail(attempts, "192.0.2.1", "a", times=FAILURES_PER_CLIENT)
    attempts.forget("192.0.2.1", "a")
    assert attempts.retry_after_seconds("192.0.2.1", "a", now_seconds=1) is None


def test_a_new_minute_counts_anew() -> None:
    attempts = FailedAttempts()
    fail(attempts, "192.0.2.1", "a", times=FAILURES_PER_CLIENT - 1)
    fail(attempts, "192.0.2.1", "a", times=1, now_seconds=WINDOW_SECONDS)
    assert attempts.retry_after_seconds("192.0.2.1", "a", now_seconds=WINDOW_SECONDS) is None


def test_counts_are_bounded_and_the_oldest_goes_first() -> None:
    attempts = FailedAttempts(max_counts=10)
    for number in range(100):
        attempts.add(f"192.0.2.{number}", "a", now_seconds=number)
    assert len(attempts) == 10
