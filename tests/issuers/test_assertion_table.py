"""The table of forged client assertions: each is refused, says why, and gets no token."""

import json

import pytest

from tests.access.signers import Signer, asserted
from tests.access.workbench import Bench
from tests.issuers.attack import BadAssertion
from tests.issuers.attacks import BAD_ASSERTIONS
from tests.issuers.attacks.assertions import CLIENT, CLIENT_EC, EXPIRED


@pytest.fixture(scope="module")
def bench(shared_bench: Bench) -> Bench:
    """A store whose app has three certificates, of which one is over."""
    for signer in (CLIENT, CLIENT_EC, EXPIRED):
        signer.added_to(shared_bench)
    return shared_bench


@pytest.mark.parametrize("bad", BAD_ASSERTIONS, ids=lambda bad: bad.name)
def test_a_forged_assertion_gets_no_token(bench: Bench, bad: BadAssertion) -> None:
    assertion = bad.made(bench.client_id)
    address = f"192.0.2.{BAD_ASSERTIONS.index(bad)}"  # Who fails too often would wait.
    answer = bench.post(bench.form(**asserted(assertion)), address=address)
    body = json.loads(answer.body)
    assert (answer.status, body["error"], body["error_codes"]) == (401, "invalid_client", [bad.code])
    assert not any(part in answer.body.decode() for part in assertion.split(".") if len(part) > 20)


@pytest.mark.parametrize("signer", [CLIENT, CLIENT_EC])
def test_the_assertions_that_attacks_change_are_good(bench: Bench, signer: Signer) -> None:
    assertion = signer.assertion(bench.client_id)
    assert bench.post(bench.form(**asserted(assertion)), address="198.51.100.1").status == 200


def test_the_table_has_no_two_rows_of_one_name() -> None:
    names = [bad.name for bad in BAD_ASSERTIONS]
    assert sorted(names) == sorted(set(names))
