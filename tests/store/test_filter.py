"""What a filter means in the database: one case after the other."""

import pytest

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject
from tests.databases import AnyStore
from tests.store.commands import TENANT, put_all
from tests.store.filtering import asked, ids_found


def profile(id: str, **members: object) -> JsonObject:
    return {"id": id, "azureTenantId": TENANT, **members}  # type: ignore[dict-item]


CONTROLS = [
    profile(
        "a",
        title="MFA for admins",
        rank=1,
        maxScore=10,
        deprecated=True,
        lastModifiedDateTime="2026-01-31T23:30:00-01:00",
        threats=["Account breach", "Données"],
        remediation="Ünïcode % _ *",
        vendorInformation={"provider": "SecureScore", "vendor": "Microsoft", "subProvider": "x"},
        complianceInformation=[
            {
                "certificationName": "CIS",
                "level": 1,
                "certificationControls": [{"name": "1.1", "url": None, "tags": ["a", 5]}],
            },
            {"certificationName": None, "level": "1"},
        ],
        controlStateUpdates=[{"state": "Ignored", "updatedDateTime": "2026-02-01T00:30:00.0000001+00:00"}],
    ),
    profile(
        "b",
        title="mfa",
        rank=7,
        maxScore=2.5,
        deprecated=False,
        lastModifiedDateTime="2025-12-31T12:00:00.1234567Z",
        threats=[],
        remediation="  padded\u3000",
        vendorInformation={"provider": "Prowler", "vendor": "Prowler"},
        complianceInformation=[
            {"certificationName": "ISO", "level": 2.5, "on": True, "since": "2026-01-01T01:00:00+01:00"}
        ],
    ),
    profile(
        "c",
        title="ÉCLAIR",
        rank=-4,
        maxScore=0,
        threats=["account breach"],
        vendorInformation=None,
        complianceInformation=[{"level": None, "on": "true", "since": "2026-02-30T00:00:00Z", "other": "1"}],
    ),
    profile("d"),
]
USERS = [
    profile(
        "u",
        tags=["vip", "it's"],
        accounts=[
            {"status": "active", "service": "EXO", "lastSeenDateTime": "2026-01-01T00:00:00Z"},
            {"status": "deleted"},
        ],
    ),
    profile("v", tags=[], accounts=[{"status": None}]),
]
SCORES = [profile("s", currentScore=1e308, maxScore=5, activeUserCount=2**31 - 1)]
ROWS: dict[str, tuple[EntitySet, list[JsonObject]]] = {
    "c": (CONTROL_PROFILES, CONTROLS),
    "u": (USER_PROFILES, USERS),
    "s": (SECURE_SCORES, SCORES),
}

CASES = [
    # Comparing with values and with null.
    ("title eq 'mfa'", "b"),
    ("title ne 'mfa'", "acd"),
    ("not (title eq 'mfa')", "acd"),
    ("title eq null", "d"),
    ("title ne null", "abc"),
    ("null eq null", "abcd"),
    ("null eq title", "d"),
    ("null lt rank", ""),
    ("rank gt 1", "b"),
    ("not (rank gt 1)", "acd"),
    ("rank le 1", "ac"),
    ("rank gt null", ""),
    ("not (rank gt null)", "abcd"),
    ("null ge null", ""),
    ("rank eq maxScore", "d"),
    ("rank ne maxScore", "abc"),
    ("1 lt rank", "b"),
    ("rank lt 1.5", "ac"),
    ("maxScore eq 10", "a"),
    ("maxScore eq 2.5", "b"),
    ("rank eq 9223372036854775807", ""),
    ("maxScore lt INF and maxScore gt -INF", "abc"),
    ("title gt 'm'", "bc"),
    ("title in ('mfa','ÉCLAIR')", "bc"),
    ("title in ('mfa',null)", "bd"),
    ("not (title in ('mfa',null))", "ac"),
    ("title in (null)", "d"),
    ("tolower(title) in ('mfa',null)", "bd"),
    ("not (tolower(title) in ('mfa',null))", "ac"),
    ("((title in ('mfa')) in (true,null)) in (false)", "acd"),
    ("(deprecated and rank gt -9) in (true,null)", "ac"),
    ("not (title in ('mfa'))", "acd"),
    ("rank in (1,-4)", "ac"),
    ("rank in (1.0,7.5)", "a"),
    ("maxScore in (0,10)", "ac"),
    ("deprecated in (true)", "a"),
    ("id in ('a','d')", "ad"),
    # Conditions that may be null.
    ("deprecated", "a"),
    ("not deprecated", "b"),
    ("deprecated eq true", "a"),
    ("deprecated ne true", "bcd"),
    ("deprecated gt false", "a"),
    ("contains(title,'fa')", "b"),
    ("not contains(title,'fa')", "ac"),
    ("contains(title,'fa') eq null", "d"),
    ("contains(title,'fa') ne true", "acd"),
    ("contains(title,'fa') or deprecated", "ab"),
    ("not (contains(title,'fa') or deprecated)", ""),
    ("not (contains(title,'fa') and deprecated)", "abc"),
    ("(rank gt 1) eq (maxScore gt 1)", "bcd"),
    ("(rank gt -9 and deprecated) eq null", "c"),
    ("(rank eq 1 or deprecated) eq false", "b"),
    ("(not deprecated) eq true", "b"),
    ("(not deprecated) eq null", "cd"),
    ("not (deprecated eq (not deprecated))", "ab"),
    ("(deprecated eq null or deprecated) in (false)", "b"),
    ("(not (not deprecated)) eq deprecated", "abcd"),
    ("true", "abcd"),
    ("false", ""),
    ("null", ""),
    ("not null", ""),
    # Text: code points, no patterns, A to Z.
    ("startswith(title,'MFA')", "a"),
    ("startswith(title,'')", "abc"),
    ("endswith(title,'admins')", "a"),
    ("endswith(title,'')", "abc"),
    ("endswith(title,'longer than any title of them all')", ""),
    ("contains(remediation,'%')", "a"),
    ("contains(remediation,'_ *')", "a"),
    ("contains(remediation,'ünï')", ""),
    ("startswith(tolower(title),'mfa')", "ab"),
    ("toupper(title) eq 'ÉCLAIR'", "c"),
    ("tolower(title) eq 'Éclair'", "c"),
    ("trim(remediation) eq 'padded'", "b"),
    ("length(title) eq 6", "c"),
    ("length(title) add 1 eq 4", "b"),
    ("indexof(title,'f') eq 1", "b"),
    ("indexof(title,'q') eq -1", "abc"),
    ("indexof(title,'') eq 0", "abc"),
    ("substring(title,1) eq 'fa'", "b"),
    ("substring(title,-2) eq 'IR'", "c"),
    ("substring(title,-99) eq 'mfa'", "b"),
    ("substring(title,99) eq ''", "abc"),
    ("substring(title,1,1) eq 'f'", "b"),
    ("substring(title,1,-1) eq ''", "abc"),
    ("substring(title,9223372036854775807,9223372036854775807) eq ''", "abc"),
    ("substring(title,length(title) sub 1) eq 'a'", "b"),
    ("substring(title,null) eq null", "abcd"),
    ("concat(title,'!') eq 'mfa!'", "b"),
    ("concat(title,null) eq null", "abcd"),
    # Numbers.
    ("rank add 1 eq 2", "a"),
    ("rank sub 1 eq 0", "a"),
    ("rank mul 2 eq 14", "b"),
    ("rank div 2 eq 3", "b"),
    ("rank div 2 eq -2", "c"),
    ("rank divby 2 eq 3.5", "b"),
    ("maxScore div 4 eq 2.5", "a"),
    ("rank mod 4 eq 3", "b"),
    ("rank mod -3 eq -1", "c"),
    ("maxScore mod 0.75 eq 0.25", "ab"),
    ("-rank eq 4", "c"),
    ("-(rank) lt -1", "b"),
    ("1 div rank eq null", "d"),
    ("rank div 0 eq null", "abcd"),
    ("rank divby 0 gt 1", ""),
    ("rank mod 0 eq null", "abcd"),
    ("maxScore div maxScore eq null", "cd"),
    ("1e308 mul 10 gt maxScore", "abc"),
    ("(1e308 mul 10) sub (1e308 mul 10) eq null", "abcd"),
    ("1e-200 mul 1e-200 eq 0", "abcd"),
    ("9223372036854775807 add rank gt 9223372036854775000", "abc"),
    ("rank add null eq null", "abcd"),
    # Instants and dates.
    ("lastModifiedDateTime eq 2026-02-01T00:30:00Z", "a"),
    ("lastModifiedDateTime ge 2026-01-01", "a"),
    ("lastModifiedDateTime eq 2025-12-31T12:00:00.1234567Z", "b"),
    ("lastModifiedDateTime lt 2025-12-31T12:00:00.1234568Z", "b"),
    ("date(lastModifiedDateTime) eq 2026-02-01", "a"),
    ("year(lastModifiedDateTime) eq 2025", "b"),
    ("month(lastModifiedDateTime) eq 2 and day(lastModifiedDateTime) eq 1", "a"),
    ("hour(lastModifiedDateTime) eq 0 and minute(lastModifiedDateTime) eq 30", "a"),
    ("second(lastModifiedDateTime) eq 0", "ab"),
    ("year(date(lastModifiedDateTime)) eq 2026", "a"),
    ("year(2026-05-05) eq 2026", "abcd"),
    ("year(1969-12-31T23:59:59Z) eq 1969", "abcd"),
    ("now() gt lastModifiedDateTime", "ab"),
    ("date(now()) eq 2026-03-01", "abcd"),
    ("lastModifiedDateTime in (2026-02-01T00:30:00Z)", "a"),
    ("controlStateUpdates/any(u:u/updatedDateTime eq 2026-02-01T00:30:00.0000001Z)", "a"),
    ("controlStateUpdates/any(u:u/updatedDateTime gt 2026-02-01T00:30:00Z)", "a"),
    # Paths and collections.
    ("vendorInformation/vendor eq 'Prowler'", "b"),
    ("vendorInformation/subProvider eq 'x'", "a"),
    ("vendorInformation/subProvider ne 'x'", "bcd"),
    ("vendorInformation eq null", "cd"),
    ("threats/any()", "ac"),
    ("not threats/any()", "bd"),
    ("threats/any(t:t eq 'Account breach')", "a"),
    ("threats/any(t:tolower(t) eq 'account breach')", "ac"),
    ("threats/all(t:startswith(t,'a'))", "bcd"),
    ("not threats/all(t:startswith(t,'a'))", "a"),
    ("threats/any(t:contains(t,'é'))", "a"),
    ("threats/any(t:t eq 'Account breach' and title eq 'mfa')", ""),
    ("'Account breach' in threats", "a"),
    ("threats/$count eq 2", "a"),
    ("threats/$count eq 0", "bd"),
    ("complianceInformation/any(c:c/certificationName eq 'CIS')", "a"),
    ("complianceInformation/any(c:c/certificationName eq null)", "ac"),
    ("complianceInformation/all(c:c/certificationName ne null)", "bd"),
    ("complianceInformation/any(c:c/certificationControls/any(d:d/name eq '1.1'))", "a"),
    ("complianceInformation/any(c:c/certificationControls/any(d:d/name eq '1.1' and c/level eq 1))", "a"),
    ("complianceInformation/any(c:c/certificationControls/any())", "a"),
    # Names that no type declares, typed by what they meet.
    ("complianceInformation/any(c:c/level eq 1)", "a"),
    ("complianceInformation/any(c:c/level eq '1')", "a"),
    ("complianceInformation/any(c:c/level ge 1)", "ab"),
    ("complianceInformation/any(c:c/level add 1 eq 3.5)", "b"),
    ("complianceInformation/any(c:c/level eq null)", "c"),
    ("complianceInformation/any(c:c/on)", "b"),
    ("complianceInformation/any(c:c/on eq true)", "b"),
    ("complianceInformation/any(c:c/on eq 'true')", "c"),
    ("complianceInformation/any(c:c/nowhere eq null)", "abc"),
    ("complianceInformation/any(c:c/nowhere/deeper ne 5)", "abc"),
    ("complianceInformation/any(c:not (c/nowhere gt 5))", "abc"),
    ("complianceInformation/any(c:c/since eq 2026-01-01T00:00:00Z)", "b"),
    ("complianceInformation/any(c:c/since gt 2020-01-01)", "b"),
    ("complianceInformation/any(c:year(c/since) eq 2026)", "b"),
    ("complianceInformation/any(c:date(c/since) eq c/since and c/since gt 2020-01-01)", "b"),
    ("complianceInformation/any(c:substring('mfa',c/level) eq 'a')", "b"),
    ("complianceInformation/any(c:c/level eq c/level)", "abc"),
    ("complianceInformation/any(c:c/level ne c/other)", "abc"),
    ("complianceInformation/any(c:c/level lt c/level)", ""),
    ("complianceInformation/any(c:c/level in (1,2.5))", "ab"),
    ("complianceInformation/any(c:c/level in ('1',null))", "ac"),
    ("complianceInformation/any(c:length(c/level) eq 1)", "a"),
    ("complianceInformation/any(c:c/certificationControls/any(d:d/tags/any(t:t eq 5)))", "a"),
    ("complianceInformation/any(c:c/certificationControls/any(d:'a' in d/tags))", "a"),
    ("complianceInformation/any(c:c/level/any())", ""),
]
"""Filters on the controls above and the ids they find."""

OTHERS = [
    ("u", "tags/any(t:t eq 'it''s')", "u"),
    ("u", "accounts/any(a:a/status eq 'active')", "u"),
    ("u", "accounts/any(a:a/status eq microsoft.graph.accountStatus'deleted')", "u"),
    ("u", "accounts/any(a:a/status in ('staged','2'))", "u"),
    ("u", "accounts/any(a:a/status ne 'active')", "uv"),
    ("u", "accounts/any(a:'active' eq a/status)", "u"),
    ("u", "accounts/all(a:a/status eq a/status)", "uv"),
    ("u", "accounts/all(a:a/status eq null)", "v"),
    ("u", "accounts/any(a:a/status eq 'active' and a/service eq 'EXO')", "u"),
    ("u", "accounts/any(a:a/status eq 'deleted' and a/service eq 'EXO')", ""),
    ("u", "accounts/any(a:date(a/lastSeenDateTime) eq 2026-01-01)", "u"),
    ("s", "currentScore add currentScore gt 1e308", "s"),
    ("s", "currentScore mul -10 lt -1e308", "s"),
    ("s", "currentScore div 1e-10 eq INF", "s"),
    ("s", "activeUserCount mul activeUserCount mul activeUserCount gt 9e27", "s"),
    ("s", "activeUserCount add 1 eq 2147483648", "s"),
]


@pytest.fixture
def filled(store: AnyStore) -> AnyStore:
    for entity_set, rows in ROWS.values():
        store.run(put_all(rows, entity_set))
    return store


def test_a_filter_finds_the_rows_of_which_it_is_true(filled: AnyStore) -> None:
    found = {(name, text): "".join(ids_found(filled, asked(ROWS[name][0], text))) for name, text, _ in EVERY}
    assert found == {(name, text): ids for name, text, ids in EVERY}


EVERY = [*(("c", text, ids) for text, ids in CASES), *OTHERS]
