"""Verification of tokens: who the caller is, for how long, and what ends it."""

import asyncio
import json
import time

import pytest

from stanchion.access.bearer import read_bearer
from stanchion.access.caller import Caller
from stanchion.access.claims import (
    TOKEN_LIFETIME_SECONDS,
    Authority,
    Claims,
    Person,
    delegated_claims,
    store_authority,
)
from stanchion.access.directory import MAX_AGE_SECONDS, Directory
from stanchion.access.issuer import sign
from stanchion.access.keys import read_public_key
from stanchion.access.operator import AppWish, add_app, add_tenant, revoke_app, rotate_key, withdraw_keys
from stanchion.access.origin import Origins
from stanchion.access.token import TokenVerifier
from stanchion.errors import Unauthenticated
from tests.access.workbench import NOW, OPERATOR, ORIGIN, OTHER_TENANT, TENANT, Bench, verified


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ([], "Access token is empty."),
        ([""], "Access token is empty."),
        (["Bearer"], "Access token is empty."),
        (["Bearer   "], "Access token is empty."),
        (["Basic YTpi"], "Access token validation failure. The Authorization scheme must be Bearer."),
        (["raw.token.alone"], "Access token validation failure. The Authorization scheme must be Bearer."),
        (
            ["Bearer a", "Bearer b"],
            "Access token validation failure. The request has more than one Authorization header.",
        ),
    ],
)
def test_a_header_without_one_bearer_token_is_refused(
    shared_bench: Bench, authorization: list[str], message: str
) -> None:
    with pytest.raises(Unauthenticated) as caught:
        verified(shared_bench.verifier, *authorization)
    assert caught.value.message == message


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " bEaReR  "])
def test_the_scheme_is_read_in_any_case_and_with_blanks(shared_bench: Bench, scheme: str) -> None:
    caller = verified(shared_bench.verifier, f"{scheme} {shared_bench.token()} ")
    assert caller.app_id == shared_bench.client_id


def test_an_application_token_gives_its_caller(shared_bench: Bench) -> None:
    caller = shared_bench.caller(shared_bench.token())
    assert not caller.delegated
    assert caller.permissions == {"SecurityEvents.Read.All"}
    assert caller.actor.describe() == {
        "iss": f"{ORIGIN}/{TENANT}/v2.0",
        "tid": TENANT,
        "name": shared_bench.client_id,
        "appid": shared_bench.client_id,
    }


def delegated(bench: Bench) -> Claims:
    return delegated_claims(
        store_authority(bench.store.store_id),
        Person("ada@contoso.example", ("5D6B6BB7-de71-4623-b4af-96380a352509",)),
        tenant_id=TENANT,
        app_id=bench.client_id,
        permissions=["SecurityEvents.Read.All", "Ledger.Fleet.Read"],
        now_seconds=int(NOW),
    )


def test_a_delegated_token_speaks_for_a_person(shared_bench: Bench) -> None:
    caller = shared_bench.caller(sign(delegated(shared_bench), shared_bench.key()))
    assert caller.delegated
    assert caller.wids == {"5d6b6bb7-de71-4623-b4af-96380a352509"}
    assert caller.actor.name == "ada@contoso.example"
    assert caller.actor.oid == delegated(shared_bench).oid
    assert caller.actor.appid is None


def test_fleet_permissions_of_an_app_without_fleet_mean_nothing(shared_bench: Bench) -> None:
    caller = shared_bench.caller(sign(delegated(shared_bench), shared_bench.key()))
    assert caller.permissions == {"SecurityEvents.Read.All"}


def test_fleet_permissions_count_in_an_app_made_with_fleet(bench: Bench) -> None:
    fleet = add_app(bench.store, AppWish(TENANT, "fleet", fleet=True), actor=OPERATOR)
    token = bench.token(appid=fleet.app.client_id, roles=("Ledger.Fleet.Read",))
    assert bench.caller(token).permissions == {"Ledger.Fleet.Read"}


def test_a_limited_app_carries_its_provider(bench: Bench) -> None:
    limited = add_app(bench.store, AppWish(TENANT, "prowler", provider="Prowler"), actor=OPERATOR)
    assert bench.caller(bench.token(appid=limited.app.client_id)).provider == "Prowler"


@pytest.mark.parametrize(
    ("after_issue_seconds", "good"), [(-61, False), (-60, True), (0, True), (3659, True), (3660, False)]
)
def test_a_token_is_good_from_its_begin_to_its_end_with_a_minute_of_skew(
    shared_bench: Bench, after_issue_seconds: int, *, good: bool
) -> None:
    token = shared_bench.token()
    shared_bench.caller(token)
    if good:
        assert shared_bench.caller(token, now_seconds=NOW + after_issue_seconds).tenant_id == TENANT
    else:
        with pytest.raises(Unauthenticated, match="Lifetime"):
            shared_bench.caller(token, now_seconds=NOW + after_issue_seconds)


def test_an_expired_token_is_kept_no_longer(bench: Bench) -> None:
    token = bench.token()
    bench.caller(token)
    with pytest.raises(Unauthenticated):
        bench.caller(token, now_seconds=NOW + 3660)
    assert len(bench.verifier) == 0


def test_only_the_newest_verified_tokens_are_kept(bench: Bench) -> None:
    verifier = TokenVerifier(bench.directory, origins=Origins(), store_id=bench.store.store_id, max_kept=3)
    for number in range(5):
        verified(verifier, f"Bearer {bench.token(uti=str(number))}")
    assert len(verifier) == 3


def test_a_revoked_app_is_refused_within_a_second(bench: Bench) -> None:
    token = bench.token()
    bench.caller(token)
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    bench.clock.seconds += 1.0
    with pytest.raises(Unauthenticated, match="revoked"):
        bench.caller(token)


def test_a_revoked_app_is_refused_at_once_where_the_directory_is_told(bench: Bench) -> None:
    token = bench.token()
    bench.caller(token)
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    bench.directory.reread()
    with pytest.raises(Unauthenticated, match="revoked"):
        bench.caller(token)


@pytest.mark.parametrize("seconds", [-400.0, -61.0, -59.0, 0.0, 3600.0, 3659.0, 3661.0, 1e9])
def test_who_is_known_at_once_is_who_would_be_judged(bench: Bench, seconds: float) -> None:
    token, now_seconds = bench.token(), NOW + seconds
    header = (f"Bearer {token}",)
    assert bench.verifier.known(header, now_seconds=NOW) is None
    bench.caller(token)
    known = bench.verifier.known(header, now_seconds=now_seconds)
    assert known in (None, judged(bench, header, now_seconds=now_seconds))
    assert known is not None or not 0 <= seconds <= 3600


def test_nobody_is_known_at_once_after_a_revocation(bench: Bench) -> None:
    token = bench.token()
    header = (f"Bearer {token}",)
    bench.caller(token)
    assert bench.verifier.known(header, now_seconds=NOW) is not None
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    bench.clock.seconds += 1.0
    assert bench.verifier.known(header, now_seconds=NOW) is None
    assert judged(bench, header, now_seconds=NOW) is None


@pytest.mark.parametrize(
    "form", ["bearer {}", "Bearer  {}", "Basic {}", "{}", "Bearer {}\udcff", "Bearer {} "]
)
def test_an_odd_header_goes_the_long_way(bench: Bench, form: str) -> None:
    token = bench.token()
    bench.caller(token)
    assert bench.verifier.known((form.format(token),), now_seconds=NOW) is None
    assert bench.verifier.known((f"Bearer {token}",) * 2, now_seconds=NOW) is None


def judged(bench: Bench, header: tuple[str, ...], *, now_seconds: float) -> Caller | None:
    """Return who asks by a judgement that takes nothing as known, None where that refuses."""
    try:
        return asyncio.run(bench.verifier._judge(read_bearer(header), now_seconds=now_seconds))
    except Unauthenticated:
        return None


def test_the_directory_is_not_read_again_within_a_second(bench: Bench) -> None:
    token = bench.token()
    bench.caller(token)
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    bench.clock.seconds += 0.9
    assert bench.caller(token).app_id == bench.client_id


def test_an_app_just_added_is_known_at_once(bench: Bench) -> None:
    bench.caller(bench.token())
    added = add_app(bench.store, AppWish(OTHER_TENANT, "new"), actor=OPERATOR)
    token = bench.token(
        tid=OTHER_TENANT, iss=Authority(ORIGIN).issuer(OTHER_TENANT), appid=added.app.client_id
    )
    assert bench.caller(token).tenant_id == OTHER_TENANT


def test_the_new_key_is_known_at_once_after_a_rotation(bench: Bench) -> None:
    bench.caller(bench.token())
    rotated = rotate_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    assert bench.key().kid == rotated.kid
    assert bench.caller(bench.token()).app_id == bench.client_id


def test_the_old_key_verifies_until_its_last_token_has_expired(bench: Bench) -> None:
    token = bench.token()
    old = bench.directory.signing_key()
    assert old is not None
    rotate_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    bench.directory.reread()
    row = next(row for row in bench.store.signing_keys() if row.kid == old.kid)
    assert row.retired_ticks is not None
    end_seconds = row.retired_ticks / 10_000_000
    assert bench.directory.verifying_key(old.kid, now_seconds=end_seconds - 1) is not None
    assert bench.directory.verifying_key(old.kid, now_seconds=end_seconds + 1) is None
    with pytest.raises(Unauthenticated, match=r"retired|expired"):
        bench.caller(token, now_seconds=end_seconds + 1)


def test_a_token_of_a_withdrawn_key_is_refused_though_it_was_verified_before(bench: Bench) -> None:
    now = int(time.time())
    token = bench.token(iat=now, nbf=now, exp=now + TOKEN_LIFETIME_SECONDS)
    assert bench.caller(token, now_seconds=now).app_id == bench.client_id
    withdraw_keys(bench.store, key_file=bench.key_file, actor=OPERATOR)
    bench.clock.seconds += MAX_AGE_SECONDS
    with pytest.raises(Unauthenticated, match="unknown or retired"):
        bench.caller(token, now_seconds=time.time())


def test_with_a_public_url_only_the_first_is_the_audience(bench: Bench) -> None:
    origins = Origins(["https://score.example", "https://other.example"])
    directory = Directory(bench.store, clock=bench.clock)
    verifier = TokenVerifier(directory, origins=origins, store_id=bench.store.store_id)

    def caller(audience: str) -> str:
        token = bench.token(aud=audience, iss=Authority(audience).issuer(TENANT))
        return verified(verifier, f"Bearer {token}").tenant_id

    assert caller("https://score.example") == TENANT
    for refused in ("https://other.example", ORIGIN):
        with pytest.raises(Unauthenticated, match="audience"):
            caller(refused)


def test_a_published_key_holds_nothing_private(shared_bench: Bench) -> None:
    keys = json.loads(shared_bench.issuer.key_set(now_seconds=NOW))["keys"]
    assert [set(key) for key in keys] == [{"kty", "n", "e", "kid", "use", "alg"}]
    assert not read_public_key(json.dumps(keys[0])).is_private


def test_a_tenant_in_capital_letters_is_the_same_tenant(bench: Bench) -> None:
    tenant_id = "ABCDEF00-2222-3333-4444-555555555555"
    add_tenant(bench.store, tenant_id, name="Capital", actor=OPERATOR)
    app = add_app(bench.store, AppWish(tenant_id, "reader"), actor=OPERATOR)
    issuer = Authority(ORIGIN).issuer(tenant_id)
    caller = bench.caller(bench.token(tid=tenant_id, iss=issuer, appid=app.app.client_id))
    assert (caller.tenant_id, caller.actor.tenant_id) == (tenant_id.lower(), tenant_id.lower())


def test_the_issuer_is_compared_with_the_tenant_as_it_was_sent(shared_bench: Bench) -> None:
    with pytest.raises(Unauthenticated, match="issuer"):
        shared_bench.caller(shared_bench.token(tid="ABCDEF00", iss=Authority(ORIGIN).issuer("abcdef00")))
