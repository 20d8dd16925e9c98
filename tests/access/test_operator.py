"""What an operator does: tenants, apps, secrets, keys and tokens, each recorded in the chain."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from stanchion.access.directory import MAX_AGE_SECONDS
from stanchion.access.operator import (
    AppWish,
    add_app,
    add_secret,
    add_tenant,
    ensure_signing_key,
    revoke_app,
    rotate_key,
    withdraw_keys,
)
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.access.permission import ROLES
from stanchion.access.tenants import PERSONAL_ACCOUNTS
from stanchion.app import open_store
from stanchion.errors import BadRequest, Conflict, NotFound, OperatorError, StanchionError
from stanchion.ledger.changes import decode_record
from stanchion.store import STORE_CHAIN
from stanchion.store.batch import now_ticks
from stanchion.store.bodies import unpack
from stanchion.store.tables import metadata
from tests.access.workbench import NOW, OPERATOR, OTHER_TENANT, TENANT, Bench


def operations(bench: Bench, tenant_id: str) -> list[tuple[str, object]]:
    """Return what a tenant's chain records, oldest first."""
    return [(record.operation, record.actor) for record in map(decode_record, records(bench, tenant_id))]


def records(bench: Bench, tenant_id: str) -> Sequence[bytes]:
    rows = bench.database.execute(
        "SELECT record FROM changes WHERE tenant_id = $1 ORDER BY sequence", tenant_id
    )
    return [row[0] for row in rows]


def everything_stored(bench: Bench) -> bytes:
    rows = [row for table in metadata.tables for row in bench.database.execute(f"SELECT * FROM {table}")]  # noqa: S608 (names of ours)
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row
    )


def test_a_tenant_is_added_in_lower_case(bench: Bench) -> None:
    added = add_tenant(bench.store, "ABCDEF01-2222-3333-4444-555555555555", name=" Fabrikam ", actor=OPERATOR)
    assert (added.tenant_id, added.name, added.warnings) == (
        "abcdef01-2222-3333-4444-555555555555",
        "Fabrikam",
        (),
    )
    assert operations(bench, added.tenant_id) == [("tenant.add", "operator:tester")]


def test_a_tenant_that_is_no_guid_is_added_with_a_warning(bench: Bench) -> None:
    assert "not a GUID" in add_tenant(bench.store, "abc", name="a", actor=OPERATOR).warnings[0]


@pytest.mark.parametrize("tenant", ["", "contoso", "a b", "a" * 65, "\u0661", STORE_CHAIN, PERSONAL_ACCOUNTS])
def test_an_impossible_tenant_is_refused(bench: Bench, tenant: str) -> None:
    with pytest.raises(BadRequest):
        add_tenant(bench.store, tenant, name="a", actor=OPERATOR)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00", "a" * 257])
def test_a_name_that_cannot_be_shown_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(BadRequest, match="printable"):
        add_tenant(bench.store, "abc", name=name, actor=OPERATOR)


def test_a_tenant_that_exists_is_a_conflict(bench: Bench) -> None:
    with pytest.raises(Conflict):
        add_tenant(bench.store, TENANT.upper(), name="again", actor=OPERATOR)


def test_an_app_of_an_unknown_tenant_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound, match="stanchion tenant add"):
        add_app(bench.store, AppWish("abc", "a"), actor=OPERATOR)


def test_an_app_reads_unless_told_otherwise(bench: Bench) -> None:
    assert bench.app.app.permissions == ("SecurityEvents.Read.All",)


def test_an_app_with_an_unknown_permission_is_refused(bench: Bench) -> None:
    with pytest.raises(BadRequest, match=r"Did you mean 'Ledger\.Import'"):
        add_app(bench.store, AppWish(TENANT, "a", permissions=("Ledger.Imports",)), actor=OPERATOR)


def test_a_fleet_permission_without_fleet_is_warned_of(bench: Bench) -> None:
    wish = AppWish(TENANT, "a", permissions=("Ledger.Fleet.Read",))
    assert "--fleet" in add_app(bench.store, wish, actor=OPERATOR).warnings[0]


def test_secrets_and_keys_are_nowhere_in_the_store(bench: Bench) -> None:
    second = add_secret(bench.store, bench.client_id, actor=OPERATOR)
    issued = issue_token(
        bench.store,
        TokenWish(TENANT, bench.client_id),
        key_file=bench.key_file,
        actor=OPERATOR,
        now_seconds=int(NOW),
    )
    stored = everything_stored(bench)
    for text in (bench.app.secret, second.secret, issued.token, bench.key_file.read_text().strip()):
        assert text.encode() not in stored
        assert text not in repr((bench.app, second, issued))


def test_two_secrets_work_and_a_third_drops_the_oldest(bench: Bench) -> None:
    second = add_secret(bench.store, bench.client_id, actor=OPERATOR)
    assert second.warnings == ()
    bench.directory.reread()
    assert bench.post(bench.form()).status == 200
    third = add_secret(bench.store, bench.client_id, actor=OPERATOR)
    assert bench.app.app.secrets[0].hint in third.warnings[0]
    bench.directory.reread()
    answers = [bench.post(bench.form(client_secret=each)).status for each in (second.secret, third.secret)]
    assert answers == [200, 200]
    assert bench.post(bench.form()).status == 401


def test_revoking_again_changes_nothing(bench: Bench) -> None:
    first = revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    recorded = operations(bench, TENANT)
    assert revoke_app(bench.store, bench.client_id.upper(), actor=OPERATOR) == first
    assert operations(bench, TENANT) == recorded
    assert recorded[-1] == ("app.revoke", "operator:tester")


@pytest.mark.parametrize("client_id", ["nobody", "6a1f4ab4-1111-2222-3333-444444444444"])
def test_revoking_an_unknown_app_is_not_found(bench: Bench, client_id: str) -> None:
    with pytest.raises(NotFound, match="stanchion app list"):
        revoke_app(bench.store, client_id, actor=OPERATOR)


def test_a_revoked_app_gets_no_new_secret(bench: Bench) -> None:
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    with pytest.raises(NotFound, match="revoked"):
        add_secret(bench.store, bench.client_id, actor=OPERATOR)


def test_the_first_key_is_made_once(bench: Bench) -> None:
    before = bench.store.signing_keys()
    ensure_signing_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    assert bench.store.signing_keys() == before
    assert len(before) == 1


def test_a_rotation_retires_the_old_key_and_is_recorded_in_the_stores_own_chain(bench: Bench) -> None:
    (old,) = bench.store.signing_keys()
    rotated = rotate_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    assert rotated.retired == (old.kid,)
    retired = {row.kid: row.retired_ticks is not None for row in bench.store.signing_keys()}
    assert retired == {old.kid: True, rotated.kid: False}
    assert operations(bench, STORE_CHAIN)[-1] == ("key.rotate", "operator:tester")


def test_a_retired_key_keeps_its_end_in_later_rotations(bench: Bench) -> None:
    rotate_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    first_end = bench.store.signing_keys()[0].retired_ticks
    rotate_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    assert bench.store.signing_keys()[0].retired_ticks == first_end


def test_a_withdrawal_ends_every_key_that_still_verifies_and_says_so_in_the_stores_own_chain(
    bench: Bench,
) -> None:
    (first,) = bench.store.signing_keys()
    second = rotate_key(bench.store, key_file=bench.key_file, actor=OPERATOR).kid
    before_ticks = now_ticks()
    withdrawn = withdraw_keys(bench.store, key_file=bench.key_file, actor=OPERATOR)

    ends = {row.kid: row.retired_ticks for row in bench.store.signing_keys()}
    assert set(withdrawn.withdrawn) == {first.kid, second}
    assert withdrawn.retired == ()
    assert ends.pop(withdrawn.kid) is None
    assert all(end is not None and before_ticks <= end <= now_ticks() for end in ends.values())
    assert operations(bench, STORE_CHAIN)[-1] == ("key.rotate", "operator:tester")
    ((packed,),) = bench.database.execute(
        "SELECT detail FROM change_details WHERE tenant_id = $1 ORDER BY sequence DESC LIMIT 1", STORE_CHAIN
    )
    assert json.loads(unpack(packed)) == {"key": withdrawn.kid, "withdrawn": list(withdrawn.withdrawn)}


def test_a_withdrawn_key_keeps_its_end_in_later_rotations_and_withdrawals(bench: Bench) -> None:
    (first,) = bench.store.signing_keys()
    second = withdraw_keys(bench.store, key_file=bench.key_file, actor=OPERATOR).kid
    first_end = bench.store.signing_keys()[0].retired_ticks
    assert withdraw_keys(bench.store, key_file=bench.key_file, actor=OPERATOR).withdrawn == (second,)
    rotate_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    assert bench.store.signing_keys()[0] == replace(first, retired_ticks=first_end)


def test_another_key_file_counts_from_the_next_rotation_on(bench: Bench) -> None:
    assert bench.post(bench.form()).status == 200
    bench.key_file.write_text("ab" * 32)
    assert bench.post(bench.form()).status == 200  # What is open stays open.
    rotate_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    bench.clock.seconds += MAX_AGE_SECONDS
    ensure_signing_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    assert bench.post(bench.form()).status == 200
    assert bench.key_file.read_text() == "ab" * 32


def test_a_lost_key_file_stops_the_start_and_a_rotation_heals_it(bench: Bench) -> None:
    bench.key_file.unlink()
    with pytest.raises(OperatorError, match="is missing"):
        ensure_signing_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    rotate_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    ensure_signing_key(bench.store, key_file=bench.key_file, actor=OPERATOR)
    assert bench.post(bench.form()).status == 200


def test_a_wrong_key_file_stops_the_start(bench: Bench) -> None:
    bench.key_file.write_text("00" * 32)
    with pytest.raises(OperatorError, match="not the one that sealed"):
        ensure_signing_key(bench.store, key_file=bench.key_file, actor=OPERATOR)


def issue(bench: Bench, wish: TokenWish) -> str:
    return issue_token(bench.store, wish, key_file=bench.key_file, actor=OPERATOR, now_seconds=int(NOW)).token


def test_two_rotations_at_once_leave_one_key_that_signs(bench: Bench) -> None:
    def rotate(_: int) -> None:
        store = open_store(bench.database.settings)
        rotate_key(store, key_file=bench.key_file, actor=OPERATOR)
        store.close_now()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(rotate, range(2)))
    rows = bench.store.signing_keys()
    assert (len(rows), [row.retired_ticks for row in rows].count(None)) == (3, 1)


def test_a_token_that_is_recorded_writes_nothing_else(bench: Bench) -> None:
    bench.key()
    revision, before = bench.store.directory_revision(), len(operations(bench, TENANT))
    issue(bench, TokenWish(TENANT, bench.client_id))
    assert bench.store.directory_revision() == revision
    assert len(operations(bench, TENANT)) == before + 1


def test_an_operators_token_is_good_and_recorded(bench: Bench) -> None:
    caller = bench.caller(issue(bench, TokenWish(TENANT.upper(), bench.client_id)))
    assert caller.permissions == {"SecurityEvents.Read.All"}
    assert operations(bench, TENANT)[-1] == ("token.issue", "operator:tester")


def test_a_delegated_token_carries_scopes_and_roles(bench: Bench) -> None:
    wish = TokenWish(
        TENANT,
        bench.client_id,
        upn="ada@contoso.example",
        scopes=("securityevents.readwrite.all",),
        roles=("security administrator",),
    )
    caller = bench.caller(issue(bench, wish))
    assert caller.delegated
    assert caller.permissions == {"SecurityEvents.ReadWrite.All"}
    assert caller.wids == {ROLES["Security Administrator"]}


@pytest.mark.parametrize(("upn", "recorded"), [(None, False), ("ada@contoso.example", True)])
def test_the_apps_own_secret_makes_its_own_token_unrecorded(
    bench: Bench, upn: str | None, *, recorded: bool
) -> None:
    before = len(operations(bench, TENANT))
    caller = bench.caller(issue(bench, TokenWish(TENANT, bench.client_id, secret=bench.app.secret, upn=upn)))
    assert caller.delegated is (upn is not None)
    assert (len(operations(bench, TENANT)) > before) is recorded


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        ({"tenant": OTHER_TENANT}, NotFound),
        ({"tenant": "?"}, BadRequest),
        ({"client_id": "nobody"}, NotFound),
        ({"secret": "wrong"}, OperatorError),
        ({"scopes": ("SecurityEvents.Read.All",)}, BadRequest),
        ({"roles": ("Security Reader",)}, BadRequest),
        ({"upn": "ada", "scopes": ("Mail.Read",)}, BadRequest),
        ({"upn": "ada", "roles": ("King",)}, BadRequest),
        ({"upn": ""}, BadRequest),
    ],
)
def test_an_impossible_wish_for_a_token_is_refused(
    shared_bench: Bench, changed: dict[str, Any], failure: type[StanchionError]
) -> None:
    wish = replace(TokenWish(TENANT, shared_bench.client_id), **changed)
    with pytest.raises(failure):
        issue(shared_bench, wish)


def test_a_revoked_app_gets_no_token_from_an_operator(bench: Bench) -> None:
    revoke_app(bench.store, bench.client_id, actor=OPERATOR)
    with pytest.raises(NotFound, match="revoked"):
        issue(bench, TokenWish(TENANT, bench.client_id))
