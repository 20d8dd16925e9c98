"""Revoked tokens: they end, clients that know claims challenges are asked for newer ones, and get them."""

import json
import time
from base64 import b64decode

import pytest

from stanchion.access.claims_challenge import (
    MAX_CLAIMS_VALUES,
    ClaimsRequest,
    challenge_for,
    read_claims_request,
)
from stanchion.access.oauth_error import OAuthError
from stanchion.access.operator import revoke_app, revoke_tokens
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.errors import NotFound, Unauthenticated
from stanchion.model.instant import TICKS_PER_SECOND
from tests.access.workbench import NOW, OPERATOR, TENANT, Bench

CP1 = '{"access_token": {"xms_cc": {"values": ["CP1"]}}}'


# A little more than is read.
MANY = '{"access_token": {"nbf": {"values": [' + "1," * (MAX_CLAIMS_VALUES - 3) + "1]}}}"


def token_at(bench: Bench, moment: float, *, claims: str | None = CP1) -> str:
    """Return a token that the bench's app fetches at a moment."""
    answer = bench.post(bench.form(claims=claims), now_seconds=moment)
    assert answer.status == 200, answer.body
    token: str = json.loads(answer.body)["access_token"]
    return token


def revoked(bench: Bench) -> float:
    """Revoke the tokens of the bench's app, seen at once; return the moment, in seconds."""
    app = revoke_tokens(bench.store, bench.client_id, actor=OPERATOR)
    bench.directory.reread()
    assert app.tokens_from_ticks is not None
    return app.tokens_from_ticks / TICKS_PER_SECOND


def refusal(bench: Bench, token: str, moment: float) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        bench.caller(token, now_seconds=moment)
    return caught.value


def wanted(claims: str | None) -> object:
    """Return what a challenge asks for."""
    assert claims is not None
    return json.loads(b64decode(claims))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{}", ClaimsRequest()),
        (CP1, ClaimsRequest(challengeable=True)),
        ('{"access_token": {"xms_cc": {"values": ["cp1", "other"]}}}', ClaimsRequest(challengeable=True)),
        ('{"access_token": {"xms_cc": {"values": ["cp2", 1, null]}}}', ClaimsRequest()),
        ('{"access_token": {"xms_cc": null, "nbf": 5, "acrs": {"essential": true}}}', ClaimsRequest()),
        ('{"id_token": {"xms_cc": {"values": ["cp1"]}}}', ClaimsRequest()),
        (
            '{"access_token": {"nbf": {"essential": true, "value": "1635527790"}, "xms_cc": {"values": ["cp1"]}}}',
            ClaimsRequest(challengeable=True, not_before_seconds=1635527790),
        ),
        ('{"access_token": {"nbf": {"value": 7}}}', ClaimsRequest(not_before_seconds=7)),
        ('{"access_token": {"nbf": {"values": ["7", "9"]}}}', ClaimsRequest(not_before_seconds=9)),
        ('{"access_token": {"nbf": {"value": "tomorrow"}}}', ClaimsRequest()),
        ('{"access_token": {"nbf": {"value": "' + "9" * 400 + '"}}}', ClaimsRequest()),
        ('{"access_token": []}', ClaimsRequest()),
    ],
)
def test_what_claims_ask_for_is_read_and_all_else_ignored(text: str, read: ClaimsRequest) -> None:
    assert read_claims_request(text) == read


@pytest.mark.parametrize("text", ["x", "[]", "null", '{"a": 1, "a": 2}', "[" * 10_000, "\ud800", MANY])
def test_claims_that_are_no_json_object_are_an_invalid_request(text: str) -> None:
    with pytest.raises(OAuthError) as caught:
        read_claims_request(text)
    assert (caught.value.error, caught.value.status) == ("invalid_request", 400)


def test_what_a_challenge_asks_for_is_what_a_request_reads() -> None:
    text = b64decode(challenge_for(1635527790)).decode()
    assert json.loads(text) == {"access_token": {"nbf": {"essential": True, "value": "1635527790"}}}
    assert read_claims_request(text).not_before_seconds == 1635527790


def test_a_token_says_that_its_client_can_be_challenged_if_it_asked_so(bench: Bench) -> None:
    payloads = [token_at(bench, NOW, claims=claims).split(".")[1] for claims in (CP1, None)]
    said = [json.loads(b64decode(payload + "==", altchars=b"-_")) for payload in payloads]
    assert [claims.get("xms_cc") for claims in said] == [["cp1"], None]


def test_a_client_that_knows_challenges_is_asked_for_a_newer_token_and_gets_it(bench: Bench) -> None:
    old = token_at(bench, time.time() - 5)
    moment = revoked(bench)
    refused = refusal(bench, old, moment)
    assert "TokenIssuedBeforeRevocationTimestamp" in refused.message
    assert wanted(refused.claims) == {
        "access_token": {"nbf": {"essential": True, "value": str(int(moment) + 1)}}
    }

    assert refused.claims is not None
    merged = {**json.loads(b64decode(refused.claims))["access_token"], "xms_cc": {"values": ["CP1"]}}
    newer = token_at(bench, moment, claims=json.dumps({"access_token": merged}))
    assert bench.caller(newer, now_seconds=moment).app_id == bench.client_id


def test_others_get_an_ordinary_401_without_claims(bench: Bench) -> None:
    moment = revoked(bench)
    refused = refusal(bench, bench.token(iat=int(moment), nbf=int(moment), exp=int(moment) + 3000), moment)
    assert refused.claims is None
    assert "revoked" in refused.message
    assert refusal(bench, "no token", moment).claims is None


def test_a_token_that_was_kept_ends_too(bench: Bench) -> None:
    old = token_at(bench, time.time() - 5)
    assert bench.caller(old, now_seconds=time.time()).app_id == bench.client_id
    moment = revoked(bench)
    assert refusal(bench, old, moment).claims is not None
    assert refusal(bench, old, moment).claims is not None


def test_a_revoked_app_is_challenged_and_then_told_that_it_is_revoked(bench: Bench) -> None:
    token = bench.token(xms_cc=("CP1",))
    app = revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    bench.directory.reread()
    refused = refusal(bench, token, NOW)
    assert app.revoked_ticks is not None
    ended = app.revoked_ticks // TICKS_PER_SECOND + 1
    assert wanted(refused.claims) == {"access_token": {"nbf": {"essential": True, "value": str(ended)}}}
    answer = bench.post(bench.form(claims=CP1))
    assert json.loads(answer.body)["error"] == "unauthorized_client"


def test_within_the_second_of_the_revocation_the_new_token_begins_at_its_end(bench: Bench) -> None:
    moment = revoked(bench)
    token = token_at(bench, moment)
    assert bench.caller(token, now_seconds=moment).app_id == bench.client_id


def test_a_second_revocation_within_a_second_ends_the_tokens_made_between(bench: Bench) -> None:
    moment = revoked(bench)
    between = token_at(bench, moment)
    assert revoked(bench) > moment
    assert refusal(bench, between, moment + 1).claims is not None
    assert bench.caller(token_at(bench, moment), now_seconds=moment + 1).app_id == bench.client_id


def test_a_challenge_by_a_revocation_not_seen_yet_is_met(bench: Bench) -> None:
    bench.directory.reread()
    app = revoke_tokens(bench.store, bench.client_id, actor=OPERATOR)
    asked = b64decode(challenge_for(app.tokens_from_seconds)).decode()
    token = token_at(bench, app.tokens_from_seconds - 1, claims=asked)
    assert bench.caller(token, now_seconds=app.tokens_from_seconds).app_id == bench.client_id


def test_a_revocation_of_the_app_not_seen_yet_ends_the_challenge(bench: Bench) -> None:
    bench.directory.reread()
    app = revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    assert app.revoked_ticks is not None
    ended = app.revoked_ticks // TICKS_PER_SECOND + 1
    asked = b64decode(challenge_for(ended)).decode()
    answer = bench.post(bench.form(claims=asked), now_seconds=ended - 1)
    assert json.loads(answer.body)["error"] == "unauthorized_client"


def test_a_token_of_the_future_is_not_to_be_had(bench: Bench) -> None:
    asked = b64decode(challenge_for(int(NOW) + 30)).decode()
    answer = bench.post(bench.form(claims=asked))
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")


def test_a_token_made_by_an_operator_after_the_revocation_counts(bench: Bench) -> None:
    moment = revoked(bench)
    issued = issue_token(
        bench.store,
        TokenWish(TENANT, bench.client_id),
        key_file=bench.key_file,
        actor=OPERATOR,
        now_seconds=int(moment),
    )
    assert bench.caller(issued.token, now_seconds=moment).app_id == bench.client_id


def test_the_tokens_of_a_revoked_app_are_revoked_already(bench: Bench) -> None:
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    with pytest.raises(NotFound, match="revoked"):
        revoke_tokens(bench.store, bench.client_id, actor=OPERATOR)
