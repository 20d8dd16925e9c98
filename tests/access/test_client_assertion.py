"""Client assertions: a client proves who it is by its certificate, as RFC 7523 has it and MSAL does it."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.access.attempts import FAILURES_PER_CLIENT
from stanchion.access.client import Client, StoredCertificate
from stanchion.access.client_assertion import (
    ASSERTION_TYPE,
    MAX_ASSERTION_VALUES,
    check_assertion,
    read_assertion,
)
from stanchion.access.oauth_error import OAuthError
from stanchion.access.operator import AddedApp, AppWish, add_app, revoke_app
from stanchion.access.operator_certificate import remove_certificate
from stanchion.access.origin import Origins
from stanchion.errors import Unauthenticated
from tests.access.signers import TOKEN_ENDPOINT, Signer, asserted, p_256
from tests.access.workbench import NOW, OPERATOR, ORIGIN, OTHER_TENANT, TENANT, Bench
from tests.issuers.minting import encode

SIGNER, ELLIPTIC = Signer(), Signer(p_256)
SAML = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
OTHER_APP = "6a1f4ab4-1111-2222-3333-444444444444"


@pytest.fixture(autouse=True)
def _certified(shared_bench: Bench) -> None:
    for signer in (SIGNER, ELLIPTIC):
        signer.added_to(shared_bench)


@pytest.fixture
def certified(bench: Bench) -> Bench:
    """A bench to change, whose app has the certificate."""
    SIGNER.added_to(bench)
    return bench


def refused(bench: Bench, **form: str | None) -> tuple[int, str, int]:
    """Return how a form is refused."""
    answer = bench.post(bench.form(**form))
    body = json.loads(answer.body)
    (code,) = body["error_codes"]
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    return answer.status, body["error"], code


def test_a_client_gets_a_token_by_its_certificate(shared_bench: Bench) -> None:
    answer = shared_bench.post(shared_bench.form(**asserted(SIGNER.assertion(shared_bench.client_id))))
    caller = shared_bench.caller(json.loads(answer.body)["access_token"])
    assert (caller.tenant_id, caller.app_id) == (TENANT, shared_bench.client_id)


@pytest.mark.parametrize(
    "header",
    [
        {"x5t#S256": SIGNER.certificate.sha256 + "="},
        {"x5t#S256": ..., "x5t": SIGNER.certificate.sha1},
        {"x5t": SIGNER.certificate.sha1},
        {"x5t#S256": ...},
        {"x5t#S256": ..., "kid": SIGNER.certificate.thumbprint},
        {"x5c": ["MII" + "A" * 4000]},
        {"x5c": ["anything"], "jku": "https://attacker.example", "jwk": {"kty": "oct", "k": "AAAA"}},
        {"typ": ...},
    ],
)
def test_an_assertion_is_good_however_it_names_its_certificate(
    shared_bench: Bench, header: dict[str, object]
) -> None:
    assertion = SIGNER.assertion(shared_bench.client_id, header=header)
    assert shared_bench.post(shared_bench.form(**asserted(assertion))).status == 200


@pytest.mark.parametrize(("signer", "algorithm"), [(SIGNER, "PS256"), (SIGNER, "RS256"), (ELLIPTIC, "ES256")])
def test_each_algorithm_that_a_certificate_is_for_will_do(
    shared_bench: Bench, signer: Signer, algorithm: str
) -> None:
    assertion = signer.assertion(shared_bench.client_id, algorithm=algorithm)
    assert shared_bench.post(shared_bench.form(**asserted(assertion))).status == 200


@pytest.mark.parametrize(
    "audience",
    [
        f"{ORIGIN}/{TENANT}/oauth2/v2.0/token",
        f"{ORIGIN}/{OTHER_TENANT}/oauth2/v2.0/token",
        f"{ORIGIN}/organizations/oauth2/v2.0/token",
        f"{ORIGIN}/contoso.onmicrosoft.com/oauth2/token",
        f"{ORIGIN}/{TENANT}/v2.0",
        f"{ORIGIN.upper().replace('HTTP', 'http')}/common/oauth2/v2.0/token",
        [f"{ORIGIN}/common/oauth2/v2.0/token"],
    ],
)
def test_the_audience_is_this_token_endpoint_under_any_tenant(
    shared_bench: Bench, audience: str | list[str]
) -> None:
    assertion = SIGNER.assertion(shared_bench.client_id, aud=audience)
    assert shared_bench.post(shared_bench.form(**asserted(assertion))).status == 200


def test_the_audience_may_be_any_public_url(certified: Bench) -> None:
    public = Origins(["https://score.example", "https://posture.example"])
    served = Bench(certified.store, certified.database, certified.app, origins=public)
    assertion = SIGNER.assertion(served.client_id, aud=f"https://posture.example/{TENANT}/oauth2/v2.0/token")
    assert served.post(served.form(**asserted(assertion))).status == 200


def test_an_assertion_is_good_again_until_it_expires_because_msal_repeats_it(shared_bench: Bench) -> None:
    form = shared_bench.form(**asserted(SIGNER.assertion(shared_bench.client_id)))
    answers = [shared_bench.post(form, now_seconds=NOW + later).status for later in (0, 0, 540, 661)]
    assert answers == [200, 200, 200, 401]


@pytest.mark.parametrize("client_id", [None, "upper"])
def test_the_client_may_be_named_by_the_assertion_alone_and_in_any_case(
    shared_bench: Bench, client_id: str | None
) -> None:
    named = client_id and shared_bench.client_id.upper()
    form = {"client_id": named, **asserted(SIGNER.assertion(shared_bench.client_id))}
    assert shared_bench.post(shared_bench.form(**form)).status == 200


@pytest.mark.parametrize(
    ("form", "refusal"),
    [
        ({"client_assertion_type": None}, (400, "invalid_request", 900144)),
        ({"client_assertion_type": SAML}, (400, "invalid_request", 90023)),
        ({"client_secret": "twice"}, (400, "invalid_request", 90023)),
        ({"client_id": OTHER_APP}, (401, "invalid_client", 700021)),
    ],
)
def test_a_form_that_contradicts_its_assertion_is_refused(
    shared_bench: Bench, form: dict[str, str | None], refusal: tuple[int, str, int]
) -> None:
    good = asserted(SIGNER.assertion(shared_bench.client_id))
    assert refused(shared_bench, **{**good, **form}) == refusal


def test_an_unknown_client_is_refused_as_one_without_the_certificate(bench: Bench) -> None:
    unknown = refused(bench, client_id=None, **asserted(SIGNER.assertion(OTHER_APP)))
    without = refused(bench, **asserted(SIGNER.assertion(bench.client_id)))
    assert unknown == without == (401, "invalid_client", 700027)


def test_a_removed_certificate_signs_no_more(certified: Bench) -> None:
    form = asserted(SIGNER.assertion(certified.client_id))
    assert certified.post(certified.form(**form)).status == 200
    thumbprint = SIGNER.certificate.thumbprint
    remove_certificate(certified.store, certified.client_id, thumbprint=thumbprint, actor=OPERATOR)
    certified.directory.reread()
    assert refused(certified, **form) == (401, "invalid_client", 700027)


def test_a_certificate_signs_for_no_other_app(certified: Bench) -> None:
    other = add_app(certified.store, AppWish(TENANT, "other"), actor=OPERATOR).app
    form = {"client_id": other.client_id, **asserted(SIGNER.assertion(other.client_id))}
    assert refused(certified, **form) == (401, "invalid_client", 700027)


@pytest.mark.parametrize(("days", "codes"), [(28, None), (30, [1000502])])
def test_a_certificate_counts_within_its_dates_only(
    certified: Bench, days: int, codes: list[int] | None
) -> None:
    moment = NOW + days * 86400
    assertion = SIGNER.assertion(certified.client_id, exp=moment + 600, iat=moment)
    answer = certified.post(certified.form(**asserted(assertion)), now_seconds=moment)
    assert json.loads(answer.body).get("error_codes") == codes


def test_a_certificate_renewed_for_its_key_counts_beside_the_old_one(certified: Bench) -> None:
    day = dt.timedelta(days=1)
    moment = dt.datetime.fromtimestamp(NOW, dt.UTC)
    for begins in (moment + 9 * day, moment - 90 * day):
        Signer(lambda: SIGNER.private, moment=begins).added_to(certified)
    assertion = SIGNER.assertion(certified.client_id, header={"x5t#S256": ...})
    assert certified.post(certified.form(**asserted(assertion))).status == 200


def test_an_assertion_is_no_access_token_and_an_access_token_no_assertion(shared_bench: Bench) -> None:
    kid = shared_bench.key().kid
    for header in ({}, {"kid": SIGNER.certificate.thumbprint}, {"kid": kid}):
        changes = {"tid": TENANT, "appid": shared_bench.client_id, "roles": ["SecurityEvents.Read.All"]}
        assertion = SIGNER.assertion(
            shared_bench.client_id, algorithm="RS256", header={**header, "x5t#S256": ...}, **changes
        )
        assert shared_bench.post(shared_bench.form(**asserted(assertion))).status == 200
        with pytest.raises(Unauthenticated):
            shared_bench.caller(assertion)
    said = {"iss": shared_bench.client_id, "sub": shared_bench.client_id, "aud": TOKEN_ENDPOINT}
    token = shared_bench.token(**said)
    assert refused(shared_bench, **asserted(token)) == (401, "invalid_client", 700027)


def test_a_revoked_client_is_unauthorized_by_its_certificate_too(certified: Bench) -> None:
    revoke_app(certified.store, certified.client_id, actor=OPERATOR)
    certified.directory.reread()
    assertion = SIGNER.assertion(certified.client_id)
    assert refused(certified, **asserted(assertion)) == (400, "unauthorized_client", 7000112)


def test_too_many_bad_assertions_are_told_to_wait(certified: Bench) -> None:
    bad = certified.form(**asserted(SIGNER.assertion(certified.client_id, aud="https://elsewhere.example")))
    for _ in range(FAILURES_PER_CLIENT):
        assert certified.post(bad).status == 401
    assert certified.post(bad).status == 429


def test_what_cannot_be_read_is_no_failed_attempt_since_nothing_was_tried(bench: Bench) -> None:
    for _ in range(FAILURES_PER_CLIENT + 1):
        assert refused(bench, **asserted("e30.e30.AA")) == (401, "invalid_client", 50027)
    assert bench.post(bench.form()).status == 200


def test_an_assertion_of_many_values_is_refused_as_it_is_read_before_anything_is_proven(
    shared_bench: Bench,
) -> None:
    many: list[int] = list(range(MAX_ASSERTION_VALUES))
    for assertion in (
        SIGNER.assertion(shared_bench.client_id, header={"many": many}),
        SIGNER.assertion(shared_bench.client_id, many=many),
    ):
        assert refused(shared_bench, **asserted(assertion)) == (401, "invalid_client", 50027)


def test_an_app_may_have_a_certificate_and_no_secret(bench: Bench) -> None:
    wish = AppWish(TENANT, "signs", certificate=SIGNER.certificate)
    app = add_app(bench.store, wish, actor=OPERATOR)
    assert (app.secret, app.app.secrets) == ("", ())
    signing = Bench(bench.store, bench.database, AddedApp(app.app, ""))
    assert signing.post(signing.form(**asserted(SIGNER.assertion(app.app.client_id)))).status == 200
    for secret in ("", "stn_", "x"):
        assert signing.post(signing.form(client_secret=secret)).status == 401


def test_no_refusal_repeats_the_assertion(shared_bench: Bench) -> None:
    assertion = SIGNER.assertion(shared_bench.client_id, aud="https://marked.example")
    answer = shared_bench.post(shared_bench.form(**asserted(assertion)))
    assert answer.status == 401
    assert not any(part in answer.body.decode() for part in (*assertion.split("."), "marked"))


def test_the_type_of_assertion_is_that_of_rfc_7523() -> None:
    assert ASSERTION_TYPE == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("alg", "x5t", "x5t#S256", "crit", "aud", "iss", "sub", "exp", "nbf", "iat")
PARTS = st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from(["PS256", "RS256", "ES256"]))


@given(
    header=PARTS,
    payload=PARTS,
    signature=st.binary(max_size=300) | st.just(b""),
    alg=st.sampled_from(["PS256", "x"]),
)
def test_whatever_an_assertion_holds_it_is_refused_in_order(
    header: dict[str, object], payload: dict[str, object], signature: bytes, alg: str
) -> None:
    parts = (json.dumps({"alg": alg, **header}).encode(), json.dumps(payload).encode(), signature)
    assert_refused(".".join(encode(part) for part in parts))


@given(st.text(max_size=60) | st.text(alphabet='eyJ.{}[]":0=_-', max_size=60))
def test_whatever_text_is_sent_as_an_assertion_is_refused_in_order(text: str) -> None:
    assert_refused(text)


def assert_refused(text: str) -> None:
    client = Client(
        client_id=OTHER_APP,
        tenant_id=TENANT,
        name="signs",
        permissions=(),
        provider=None,
        fleet=False,
        secrets=(),
        created_ticks=0,
        certificates=(StoredCertificate(SIGNER.certificate.thumbprint, SIGNER.certificate.der, 0),),
    )
    with pytest.raises(OAuthError) as caught:
        check_assertion(read_assertion(text), client, origins=[ORIGIN], now_seconds=NOW)
    assert (caught.value.error, caught.value.status) == ("invalid_client", 401)
