"""The token endpoint: what Microsoft's clients send gets a token, all else its own refusal."""

import json
from base64 import b64encode
from dataclasses import replace

import pytest

from stanchion.access.attempts import FAILURES_PER_CLIENT
from stanchion.access.operator import revoke_app
from stanchion.access.origin import Origins
from stanchion.access.token_endpoint import TokenRequest
from stanchion.access.token_request import MAX_FORM_BYTES
from stanchion.errors import ServiceUnavailable
from tests.access.workbench import NOW, OPERATOR, ORIGIN, TENANT, TRACE, Bench


def basic(client_id: str, secret: str) -> tuple[str]:
    return ("Basic " + b64encode(f"{client_id}:{secret}".encode()).decode(),)


def test_a_client_gets_a_token_that_is_good(shared_bench: Bench) -> None:
    answer = shared_bench.post(shared_bench.form())
    body = json.loads(answer.body)
    assert answer.status == 200
    assert {name: body[name] for name in body if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "ext_expires_in": 3600,
    }
    caller = shared_bench.caller(body["access_token"])
    assert (caller.tenant_id, caller.app_id) == (TENANT, shared_bench.client_id)
    assert caller.permissions == {"SecurityEvents.Read.All"}


@pytest.mark.parametrize(
    "scope",
    [
        "https://graph.microsoft.com/.default",
        "https://localhost/.default",
        "https://localhost:8443/.default",
        "api://anything/.default",
    ],
)
def test_any_resource_is_accepted_as_scope(shared_bench: Bench, scope: str) -> None:
    assert shared_bench.post(shared_bench.form(scope=scope)).status == 200


@pytest.mark.parametrize("grant", ["authorization_code", "device_code", "password", "refresh_token"])
def test_a_grant_for_persons_is_named_and_told_what_to_do_instead(shared_bench: Bench, grant: str) -> None:
    text = json.loads(shared_bench.post(shared_bench.form(grant_type=grant)).body)["error_description"]
    assert f"'{grant}'" in text
    assert "stanchion token --upn" in text


def test_a_scope_may_have_blanks_around_it(shared_bench: Bench) -> None:
    assert shared_bench.post(shared_bench.form(scope=" https://localhost/.default ")).status == 200


def test_fields_that_clients_add_are_ignored(shared_bench: Bench) -> None:
    more = (
        b"&client_info=1&x-client-SKU=MSAL.Python&x-client-SKU=x&resource=https%3A%2F%2Fgraph.microsoft.com"
    )
    assert shared_bench.post(shared_bench.form() + more).status == 200


@pytest.mark.parametrize(
    "content_type",
    [None, "application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=utf-8"],
)
def test_a_form_is_read_with_or_without_its_parameters(shared_bench: Bench, content_type: str | None) -> None:
    assert shared_bench.post(shared_bench.form(), content_type=content_type).status == 200


def test_a_client_id_is_read_in_any_case(shared_bench: Bench) -> None:
    assert shared_bench.post(shared_bench.form(client_id=shared_bench.client_id.upper())).status == 200


def test_a_client_may_authenticate_by_basic(shared_bench: Bench) -> None:
    form = shared_bench.form(client_id=None, client_secret=None)
    authorization = basic(shared_bench.client_id, shared_bench.app.secret.replace("_", "%5F"))
    assert shared_bench.post(form, authorization=authorization).status == 200


@pytest.mark.parametrize(
    ("field", "value", "refusal"),
    [
        ("grant_type", None, (400, "invalid_request", 900144)),
        ("grant_type", "", (400, "invalid_request", 900144)),
        ("grant_type", "authorization_code", (400, "unsupported_grant_type", 70003)),
        ("grant_type", "password", (400, "unsupported_grant_type", 70003)),
        ("grant_type", "refresh_token", (400, "unsupported_grant_type", 70003)),
        ("grant_type", "urn:kit:bogus", (400, "unsupported_grant_type", 70003)),
        ("claims", "x", (400, "invalid_request", 90023)),
        ("client_id", None, (400, "invalid_request", 900144)),
        ("client_id", "nobody", (401, "invalid_client", 7000215)),
        ("client_id", "x\x00y", (401, "invalid_client", 7000215)),
        ("client_id", "6a1f4ab4-1111-2222-3333-444444444444", (401, "invalid_client", 7000215)),
        ("client_secret", None, (401, "invalid_client", 7000218)),
        ("client_secret", "wrong", (401, "invalid_client", 7000215)),
        ("scope", None, (400, "invalid_request", 900144)),
        ("scope", "https://graph.microsoft.com/SecurityEvents.Read.All", (400, "invalid_scope", 1002012)),
        ("scope", "/.default", (400, "invalid_scope", 1002012)),
        ("scope", "a/.default b/.default", (400, "invalid_scope", 1002012)),
    ],
)
def test_a_wrong_form_is_refused_as_entra_refuses_it(
    shared_bench: Bench, field: str, value: str | None, refusal: tuple[int, str, int]
) -> None:
    answer = shared_bench.post(shared_bench.form(**{field: value}))
    body = json.loads(answer.body)
    (code,) = body["error_codes"]
    assert (answer.status, body["error"], code) == refusal
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert body["timestamp"] == "2027-01-15 08:00:00Z"
    assert body["trace_id"] == body["correlation_id"] == TRACE
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"client_id=%FF",
        b"a=b" * MAX_FORM_BYTES,
        b"&".join(b"a=b" for _ in range(101)),
        b"grant_type=client_credentials&grant_type=client_credentials",
        b"scope=a&scope=b",
        b"",
        b"{}",
    ],
)
def test_a_body_that_is_no_form_is_an_invalid_request(shared_bench: Bench, body: bytes) -> None:
    answer = shared_bench.post(body)
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")


def test_json_is_no_form(shared_bench: Bench) -> None:
    assert shared_bench.post(shared_bench.form(), content_type="application/json").status == 400


def test_a_wrong_secret_by_basic_is_challenged(shared_bench: Bench) -> None:
    form = shared_bench.form(client_id=None, client_secret=None)
    answer = shared_bench.post(form, authorization=basic(shared_bench.client_id, "wrong"))
    assert answer.status == 401
    assert answer.headers == {"WWW-Authenticate": f'Basic realm="{ORIGIN}", charset="UTF-8"'}


@pytest.mark.parametrize(
    ("authorization", "client_secret"),
    [
        (("Basic ???",), None),
        (("Basic " + b64encode(b"no colon").decode(),), None),
        (("Basic " + b64encode(b"\xff:\xff").decode(),), None),
        (("Basic",), None),
        (basic("a", "b") * 2, None),
        (basic("a", "b"), None),
        (basic("a", "b"), "twice"),
    ],
)
def test_basic_that_cannot_be_read_or_contradicts_the_form_is_an_invalid_request(
    shared_bench: Bench, authorization: tuple[str, ...], client_secret: str | None
) -> None:
    answer = shared_bench.post(shared_bench.form(client_secret=client_secret), authorization=authorization)
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")


def test_no_refusal_repeats_what_was_sent(shared_bench: Bench) -> None:
    answer = shared_bench.post(shared_bench.form(client_id="marked-id", client_secret="marked-secret"))
    assert b"marked" not in answer.body


def test_a_correlation_id_is_given_back_when_it_is_a_guid(shared_bench: Bench) -> None:
    request = TokenRequest(b"", None, (), "192.0.2.1", ORIGIN, TRACE, "6A1F4AB4-1111-2222-3333-444444444444")
    for sent, given in [
        (request.correlation_id, "6a1f4ab4-1111-2222-3333-444444444444"),
        ("<script>", TRACE),
    ]:
        answer = shared_bench.endpoint.answer(replace(request, correlation_id=sent), now_seconds=NOW)
        assert json.loads(answer.body)["correlation_id"] == given


def test_a_revoked_client_is_unauthorized(bench: Bench) -> None:
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    answer = bench.post(bench.form())
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "unauthorized_client")


def test_too_many_wrong_secrets_are_told_to_wait(bench: Bench) -> None:
    for _ in range(FAILURES_PER_CLIENT):
        assert bench.post(bench.form(client_secret="wrong")).status == 401
    answer = bench.post(bench.form(), now_seconds=NOW + 10)
    assert (answer.status, answer.headers) == (429, {"Retry-After": "50"})
    assert json.loads(answer.body)["error"] == "temporarily_unavailable"
    assert bench.post(bench.form(), address="192.0.2.2").status == 200
    assert bench.post(bench.form(), now_seconds=NOW + 60).status == 200


def test_long_client_ids_are_not_kept(bench: Bench) -> None:
    for number in range(5):
        bench.post(bench.form(client_id=f"{number}" * 5000))
    assert len(bench.attempts) == 2


def test_a_token_names_the_first_public_url(bench: Bench) -> None:
    served = Bench(bench.store, bench.database, bench.app, origins=Origins(["https://score.example"]))
    token = json.loads(served.post(served.form()).body)["access_token"]
    assert served.caller(token).actor.issuer == f"https://score.example/{TENANT}/v2.0"


def test_without_its_key_file_the_server_is_unavailable_and_says_no_path(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.key_file.unlink()
    with pytest.raises(ServiceUnavailable) as caught:
        bench.post(bench.form())
    assert str(bench.key_file) not in caught.value.message
    assert str(bench.key_file) in caplog.text
