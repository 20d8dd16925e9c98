"""Tokens of issuers besides our own: who the caller is, what counts, and what ends it."""

import asyncio
import tracemalloc
from collections.abc import Iterator

import pytest

from stanchion.access.issuers import remove_issuer
from stanchion.access.permission import ROLES, Need, may
from stanchion.access.token import TokenVerifier
from stanchion.errors import ServiceUnavailable, Unauthenticated
from stanchion.model.json_text import JsonObject
from tests.access.outside import (
    APP,
    ENTRA_KEYS_URL,
    ENTRA_V1,
    ENTRA_V2,
    ISSUER,
    KEYS_URL,
    OID,
    READ,
    Documents,
    added,
    bearer,
    documents,
    elliptic,
    entra_claims,
    key_set,
    plain_claims,
    published,
    rsa,
    signed,
    verifier,
)
from tests.access.workbench import NOW, OPERATOR, OTHER_TENANT, TENANT, Bench, copied_bench, verified
from tests.databases import Databases, Template

READER = ROLES["Security Reader"]
PERSON = {"scp": f"openid {READ}", "roles": ..., "sub": "pairwise"}
CODES = "The key (kid) that signed it"


@pytest.fixture(scope="module")
def trusting(
    databases: Databases, first_bench: Template[Bench], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TokenVerifier]:
    """A verifier that trusts Entra and a plain issuer for one tenant."""
    with copied_bench(databases, first_bench, tmp_path_factory.mktemp("trusting")) as bench:
        fetch = documents()
        added(bench, fetch)
        added(bench, fetch, issuer="global")
        yield verifier(bench, fetch)


def refusal(judge: TokenVerifier, token: str, *, now_seconds: float = NOW) -> str:
    """Return why a token is refused."""
    with pytest.raises(Unauthenticated) as caught:
        verified(judge, bearer(token), now_seconds=now_seconds)
    return caught.value.message


@pytest.mark.parametrize(
    ("claims", "actor"),
    [
        (
            entra_claims("1.0"),
            {"iss": ENTRA_V1, "tid": TENANT, "name": APP, "appid": APP},
        ),
        (
            entra_claims("2.0"),
            {"iss": ENTRA_V2, "tid": TENANT, "name": APP, "appid": APP},
        ),
        (
            entra_claims("1.0", upn="ada@quay.example", **PERSON),
            {"iss": ENTRA_V1, "tid": TENANT, "name": "ada@quay.example", "oid": OID},
        ),
        (
            entra_claims("2.0", preferred_username="ada@quay.example", **PERSON),
            {"iss": ENTRA_V2, "tid": TENANT, "name": "ada@quay.example", "oid": OID},
        ),
        (
            entra_claims("2.0", **PERSON),
            {"iss": ENTRA_V2, "tid": TENANT, "name": APP, "oid": OID},
        ),
        (
            plain_claims(),
            {"iss": ISSUER, "tid": TENANT, "name": "nightly", "appid": "nightly"},
        ),
        (
            plain_claims(preferred_username="ada", scp=READ),
            {"iss": ISSUER, "tid": TENANT, "name": "ada", "oid": "s-1"},
        ),
        (
            plain_claims(preferred_username="service-account-nightly"),
            {"iss": ISSUER, "tid": TENANT, "name": "service-account-nightly", "oid": "s-1"},
        ),
        (
            plain_claims(azp=..., client_id="reporter"),
            {"iss": ISSUER, "tid": TENANT, "name": "reporter", "appid": "reporter"},
        ),
        (
            plain_claims(azp=..., cid="okta", ver=1, scp=["openid", READ]),
            {"iss": ISSUER, "tid": TENANT, "name": "okta", "oid": "s-1"},
        ),
    ],
)
def test_a_token_of_each_shape_gives_its_caller(
    trusting: TokenVerifier, claims: JsonObject, actor: dict[str, str]
) -> None:
    caller = verified(trusting, bearer(signed(claims)))
    assert caller.actor.describe() == actor
    assert READ in caller.permissions
    assert caller.delegated == ("scp" in claims)
    assert caller.provider is None


@pytest.mark.parametrize("key", [rsa("one"), elliptic("curve")])
def test_both_algorithms_verify(trusting: TokenVerifier, key: object) -> None:
    assert verified(trusting, bearer(signed(plain_claims(), key=key))).tenant_id == TENANT  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claims", "reads"),
    [
        (entra_claims("2.0", **PERSON), False),
        (entra_claims("2.0", **PERSON, wids=[]), False),
        (entra_claims("2.0", **PERSON, wids=["b79fbf4d-3ef9-4689-8143-76b194e85509"]), False),
        (entra_claims("2.0", **PERSON, wids=[READER.upper()]), True),
        (entra_claims("2.0"), True),
        (plain_claims(scp=READ), True),
    ],
)
def test_only_a_person_of_entra_needs_a_directory_role(
    trusting: TokenVerifier, claims: JsonObject, *, reads: bool
) -> None:
    assert may(verified(trusting, bearer(signed(claims))), Need.READ) == reads


@pytest.mark.parametrize(
    "claims",
    [
        plain_claims(roles=...),
        plain_claims(roles=[]),
        plain_claims(roles=..., scope=READ),
        plain_claims(scp=""),
        plain_claims(scp="openid"),
        entra_claims("2.0", idtyp="user"),
        # Without a scope the roles of a person are no application's.
        entra_claims("2.0", sub="pairwise"),
        entra_claims("1.0", sub="pairwise", upn="ada@quay.example"),
    ],
)
def test_a_token_without_scopes_and_application_roles_permits_nothing(
    trusting: TokenVerifier, claims: JsonObject
) -> None:
    caller = verified(trusting, bearer(signed(claims)))
    assert not may(caller, Need.READ)


def test_only_what_counts_here_is_kept_of_a_token(trusting: TokenVerifier) -> None:
    words = [f"{number}" for number in range(800)]
    said: list[tuple[JsonObject, frozenset[str], frozenset[str]]] = [
        (entra_claims("2.0", roles=[*words, READ], idtyp="app"), frozenset({READ}), frozenset()),
        (entra_claims("2.0", **{**PERSON, "wids": [*words, READER]}), frozenset({READ}), frozenset({READER})),
        (
            plain_claims(scp=" ".join([*words, READ]), aud=["api://stanchion", *words]),
            frozenset({READ}),
            frozenset(),
        ),
        (plain_claims(scp=READ, ver=words), frozenset({READ}), frozenset()),
    ]
    for claims, permissions, wids in said:
        tracemalloc.start()
        caller = verified(trusting, bearer(signed(claims)))
        kept_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (caller.permissions, caller.wids) == (permissions, wids)
        assert kept_bytes < 64 * 1024


def test_idtyp_app_is_an_application(trusting: TokenVerifier) -> None:
    assert verified(trusting, bearer(signed(entra_claims("2.0", idtyp="app")))).permissions == {READ}


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        (plain_claims(aud="api://other"), "(aud)"),
        (plain_claims(aud=["api://other"]), "(aud)"),
        (plain_claims(tid=OTHER_TENANT), "(tid)"),
        (plain_claims(tid=...), "tid"),
        (plain_claims(iss=f"{ISSUER}/"), "(iss)"),
        (plain_claims(exp="soon"), "(exp)"),
        (plain_claims(exp=...), "(exp)"),
        (plain_claims(iat=...), "(iat)"),
        (plain_claims(nbf=[]), "(nbf)"),
        (plain_claims(upn="a\nb"), "(upn)"),
        (plain_claims(upn="ada\u202egnp.exe"), "(upn)"),
        (plain_claims(oid="\u2066"), "(oid)"),
        (plain_claims(azp="night\u200bly"), "(azp)"),
        (plain_claims(preferred_username="a" * 257), "(preferred_username)"),
        (plain_claims(azp=...), "which client"),
        (plain_claims(exp=int(NOW) + 48 * 3600 + 1), "at most 48 hours"),
        (plain_claims(nonce="n"), "(nonce)"),
        (plain_claims(at_hash="h"), "(at_hash)"),
        (plain_claims(cnf={"jkt": "a"}), "(cnf)"),
        (plain_claims(events={}), "(events)"),
        (plain_claims(typ="ID"), "(typ)"),
        (plain_claims(typ="DPoP"), "(typ)"),
        (plain_claims(token_use="id"), "another kind"),
        (entra_claims("1.0", ver="2.0", azp=APP), "(ver)"),
        (entra_claims("2.0", ver="1.0", appid=APP), "(ver)"),
        (entra_claims("2.0", ver=...), "(ver)"),
        (entra_claims("2.0", azp=..., appid=APP), "which client"),
        (entra_claims("2.0", iss=ENTRA_V2.replace(TENANT, OTHER_TENANT)), "(iss)"),
        (entra_claims("2.0", tid=OTHER_TENANT), "(tid)"),
    ],
)
def test_a_token_that_is_not_for_us_is_refused(
    trusting: TokenVerifier, claims: JsonObject, says: str
) -> None:
    assert says in refusal(trusting, signed(claims))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"])
def test_a_token_says_that_it_is_an_access_token(trusting: TokenVerifier, typ: str) -> None:
    assert verified(trusting, bearer(signed(plain_claims(), typ=typ))).tenant_id == TENANT


@pytest.mark.parametrize("typ", ["id+jwt", "logout+jwt", "dpop+jwt", "", 7])
def test_a_token_that_says_that_it_is_another_is_refused(trusting: TokenVerifier, typ: str | int) -> None:
    assert "(typ)" in refusal(trusting, signed(plain_claims(), typ=typ))


def test_a_nonce_beside_a_word_that_it_is_for_bearers_is_none_of_a_sign_in(trusting: TokenVerifier) -> None:
    assert verified(trusting, bearer(signed(plain_claims(nonce="n", typ="Bearer")))).tenant_id == TENANT


@pytest.mark.parametrize("aud", [["account", "api://stanchion"], "api://stanchion"])
def test_the_audience_may_stand_among_others(trusting: TokenVerifier, aud: str | list[str]) -> None:
    assert verified(trusting, bearer(signed(plain_claims(aud=aud)))).tenant_id == TENANT


@pytest.mark.parametrize(
    ("seconds", "good"), [(-61, False), (-60, True), (0, True), (86400 + 59, True), (86400 + 60, False)]
)
def test_a_token_of_a_day_is_good_from_its_begin_to_its_end(
    trusting: TokenVerifier, seconds: int, *, good: bool
) -> None:
    token = signed(plain_claims(exp=NOW + 86400.0))
    verified(trusting, bearer(token))
    if good:
        assert verified(trusting, bearer(token), now_seconds=NOW + seconds).tenant_id == TENANT
    else:
        assert "Lifetime" in refusal(trusting, token, now_seconds=NOW + seconds)


def test_a_key_of_personal_accounts_signs_for_no_organization(bench: Bench) -> None:
    fetch = documents()
    personal = "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"
    fetch.served[ENTRA_KEYS_URL] = key_set(published(rsa("one"), issuer=personal))
    added(bench, fetch, issuer="global")
    assert "not for the tenant" in refusal(verifier(bench, fetch), signed(entra_claims("2.0")))


def test_fleet_permissions_count_under_a_fleet_home_alone(bench: Bench) -> None:
    fetch = documents()
    added(bench, fetch)
    added(bench, fetch, tenants=(OTHER_TENANT,), fleet_home=True)
    judge = verifier(bench, fetch)
    roles = ["Ledger.Fleet.Read", READ]
    fleet = {
        tenant: verified(judge, bearer(signed(plain_claims(tid=tenant, roles=roles)))).permissions
        for tenant in (TENANT, OTHER_TENANT)
    }
    assert fleet == {TENANT: {READ}, OTHER_TENANT: set(roles)}


def test_an_issuer_just_added_is_trusted_and_one_removed_is_not_within_a_second(bench: Bench) -> None:
    fetch = documents()
    judge, token = verifier(bench, fetch), signed(plain_claims())
    assert "(iss)" in refusal(judge, token)
    entry = added(bench, fetch)
    bench.clock.seconds += 1
    assert verified(judge, bearer(token)).tenant_id == TENANT
    remove_issuer(bench.store, entry.entry_id, actor=OPERATOR)
    bench.clock.seconds += 0.9
    assert verified(judge, bearer(token)).tenant_id == TENANT
    bench.clock.seconds += 0.1
    assert "(iss)" in refusal(judge, token)
    assert len(judge) == 0


def test_an_issuer_removed_and_added_anew_is_judged_anew_without_a_refusal(bench: Bench) -> None:
    fetch = documents()
    judge, token = verifier(bench, fetch), signed(plain_claims())
    entry = added(bench, fetch)
    verified(judge, bearer(token))
    remove_issuer(bench.store, entry.entry_id, actor=OPERATOR)
    added(bench, fetch, fleet_home=True)
    bench.clock.seconds += 1
    assert verified(judge, bearer(token)).tenant_id == TENANT


def test_a_kept_token_ends_with_its_key(bench: Bench) -> None:
    fetch = documents()
    added(bench, fetch)
    judge, token = verifier(bench, fetch), signed(plain_claims())

    async def run() -> None:
        await judge.caller([bearer(token)], now_seconds=NOW)
        fetch.served[KEYS_URL] = key_set(published(rsa("two")))
        bench.clock.seconds += 60
        # Who brings a new key has the set renewed.
        await judge.caller([bearer(signed(plain_claims(), key=rsa("two")))], now_seconds=NOW + 60)
        with pytest.raises(Unauthenticated, match="kid"):
            await judge.caller([bearer(token)], now_seconds=NOW + 60)

    asyncio.run(run())


def test_a_kept_token_has_the_keys_renewed_within_the_hour(bench: Bench) -> None:
    fetch = documents()
    added(bench, fetch)
    judge, token = verifier(bench, fetch), signed(plain_claims(exp=NOW + 86400))
    asked = _asked_keys(fetch)

    async def run() -> None:
        await judge.caller([bearer(token)], now_seconds=NOW)
        bench.clock.seconds += 3600
        await judge.caller([bearer(token)], now_seconds=NOW + 3600)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(run())
    assert _asked_keys(fetch) == asked + 2


def test_without_keys_a_token_cannot_be_judged(bench: Bench) -> None:
    fetch = Documents()
    added(bench, fetch, keys_url=KEYS_URL)
    with pytest.raises(ServiceUnavailable) as caught:
        verified(verifier(bench, fetch), bearer(signed(plain_claims())))
    assert caught.value.headers == {"Retry-After": "60"}
    assert KEYS_URL not in caught.value.message


def test_the_stores_own_tokens_are_good_beside_others(bench: Bench) -> None:
    fetch = documents()
    added(bench, fetch)
    judge = verifier(bench, fetch)
    assert verified(judge, bearer(bench.token())).app_id == bench.client_id
    assert len(judge) == 1


def _asked_keys(fetch: Documents) -> int:
    return fetch.asked.count(KEYS_URL)
