"""`$filter` over HTTP: lists, counts and pages, as real clients ask."""

from collections.abc import Sequence
from urllib.parse import quote, quote_plus

import pytest

from stanchion.model.edm import SECURE_SCORES, USER_PROFILES
from stanchion.model.json_text import JsonObject
from tests.conftest import OTHER_TENANT, TENANT, Api, control, score
from tests.web.refusals import assert_envelope, assert_refused
from tests.web.rows import flat, walk

pytestmark = pytest.mark.anyio

SCORES = "/v1.0/security/secureScores"
CONTROLS = "/v1.0/security/secureScoreControlProfiles"
USERS = "/beta/security/userSecurityProfiles"
DAYS = [f"2026-01-{day:02}" for day in range(1, 10)]


def fill(api: Api) -> None:
    """Store what the clients of the table below look for."""
    api.add(
        control("scid_2016", service="MDATP", controlCategory="Device", maxScore=8.0),
        control("scid_9999", service="MDATP", controlCategory="Device", maxScore=3.0),
        control("NonOwnerAccess", service="EXO", controlCategory="Identity", maxScore=5.0),
        control("aad_mfa", service="AzureAD", controlCategory="Identity", actionType="ProviderGenerated"),
    )
    scores: list[JsonObject] = [
        score(
            day,
            currentScore=10.0 + number,
            activeUserCount=number,
            controlScores=[
                {"controlName": "AdminMFA", "scoreInPercentage": 10 * number, "count": str(number)}
            ],
        )
        for number, day in enumerate(DAYS)
    ]
    api.add(*scores, entity_set=SECURE_SCORES)
    user: JsonObject = {"userPrincipalName": "user0@contoso.com", "tags": ["a comment"]}
    api.add({"id": "u0", **user}, {"id": "u1", "tags": []}, entity_set=USER_PROFILES)


def days(*numbers: int) -> list[str]:
    return [f"{TENANT}_{DAYS[number]}" for number in numbers]


GUID_DAY = f"{TENANT}_2026-01-09"
# What each client sends, still unencoded, and the ids that it finds.
CLIENTS: list[tuple[str, str, str, Sequence[str]]] = [
    (
        "ZeroTrustAssessment",
        CONTROLS,
        "service eq 'MDATP' and (id eq 'scid_2016' or id eq 'scid_5094' or id eq 'scid_6094')",
        ["scid_2016"],
    ),
    ("M365-Assess", CONTROLS, "actionType eq 'ProviderGenerated'", ["aad_mfa"]),
    ("bench", CONTROLS, "controlCategory eq 'Identity' and maxScore ge 5", ["NonOwnerAccess", "aad_mfa"]),
    ("PowerShell", SCORES, "createdDateTime ge 2026-01-08T00:00:00.000Z", days(8, 7)),
    ("Graph docs", SCORES, "createdDateTime ge 2026-01-08", days(8, 7)),
    (
        "Python SDK",
        SCORES,
        "createdDateTime lt 2026-01-09T00:00:00Z and currentScore gt 16.25",
        days(7),
    ),
    (
        "JavaScript SDK",
        SCORES,
        "createdDateTime ge 2026-01-08T00:00:00.000Z and vendorInformation/provider eq 'SecureScore'",
        days(8, 7),
    ),
    (
        "Python SDK, by vendor",
        SCORES,
        "vendorInformation/provider eq 'SecureScore' and vendorInformation/vendor eq 'Microsoft'",
        days(*reversed(range(9))),
    ),
    ("Python SDK, nothing", SCORES, "vendorInformation/provider eq 'no such provider'", []),
    (
        "Python SDK, by id",
        SCORES,
        f"(id eq '{GUID_DAY}' or id eq '{TENANT}_2026-01-01') and not (id eq '{TENANT}_2026-01-01')",
        [GUID_DAY],
    ),
    ("Python SDK, odd text", SCORES, "azureTenantId eq 'it''s & 100% #1+1?'", []),
    (
        "Python SDK, offsets",
        SCORES,
        "createdDateTime ge 2026-01-05T02:00:00+02:00 and createdDateTime lt 2026-01-05T02:00:01+02:00",
        days(4),
    ),
    ("Python SDK, functions", CONTROLS, "startswith(id,'Non') and contains(id,'nOw')", ["NonOwnerAccess"]),
    (
        "python-odata",
        SCORES,
        "(activeUserCount ge 7) and (createdDateTime lt 2026-11-22T02:47:13.425540+00:00)",
        days(8, 7),
    ),
    ("python-odata, by id", SCORES, f"(id eq '{GUID_DAY}')", [GUID_DAY]),
    ("python-odata, startswith", CONTROLS, "(startswith(id, 'NonO'))", ["NonOwnerAccess"]),
    ("odata2ts", SCORES, "controlScores/any(a:a/controlName eq 'AdminMFA')", days(*reversed(range(9)))),
    ("open names", SCORES, "controlScores/any(c:c/scoreInPercentage gt 60)", days(8, 7)),
    ("open text", SCORES, "controlScores/any(c:c/count eq '3')", days(3)),
    ("users", USERS, "userPrincipalName eq 'user0@contoso.com'", ["u0"]),
    ("users, nobody", USERS, "userPrincipalName eq 'nobody@invalid'", []),
    ("users, tags", USERS, "tags/any(t:t eq 'a comment')", ["u0"]),
]


@pytest.mark.parametrize(
    "encode", [quote, quote_plus, lambda text: text.replace("+", "%2B").replace("&", "%26")]
)
@pytest.mark.parametrize("option", ["$filter", "%24filter"])
async def test_the_filters_of_real_clients_find_what_they_look_for(
    api: Api, option: str, encode: object
) -> None:
    fill(api)
    assert callable(encode)
    for client, path, text, ids in CLIENTS:
        reply = await api.send(
            "GET", f"{path}?{option}={encode(text).replace('#', '%23').replace('% ', '%25 ')}"
        )
        assert reply.status_code == 200, (client, reply.text)
        assert [row["id"] for row in reply.json()["value"]] == list(ids), client


async def test_a_count_is_that_of_the_filter(api: Api) -> None:
    fill(api)
    asked = "$filter=currentScore ge 14"
    page = await api.send("GET", f"{SCORES}?{asked}&$count=true&$top=2")
    assert page.json()["@odata.count"] == 5
    assert len(page.json()["value"]) == 2
    assert (await api.send("GET", f"{SCORES}/$count?{asked}")).text == "5"
    assert (await api.send("GET", f"{SCORES}/$count?$filter=currentScore gt 1000")).text == "0"


async def test_a_filter_goes_with_the_other_options(api: Api) -> None:
    fill(api)
    options = (
        "$filter=currentScore ge 14&$orderby=currentScore&$select=currentScore&$skip=1&$top=2&$count=true"
    )
    reply = await api.send("GET", f"{SCORES}?{options}")
    assert [row["currentScore"] for row in reply.json()["value"]] == [15.0, 16.0]
    assert set(reply.json()["value"][0]) == {"currentScore"}
    assert reply.json()["@odata.count"] == 5


@pytest.mark.parametrize(
    "filters",
    [
        "$filter=currentScore ge 12 and controlScores/any(c:c/scoreInPercentage lt 70)",
        "%24filter=currentScore+ge+%40least+and+createdDateTime+lt+%40day&%40least=12&@day=2026-01-08",
        "$filter=currentScore in @scores&@scores=[12,13,14,15,16,99]",
        "$filter=now() gt createdDateTime and currentScore ge 12 and currentScore lt 17",
    ],
)
async def test_next_links_repeat_the_filter_and_its_aliases(api: Api, filters: str) -> None:
    fill(api)
    pages = await walk(api, f"{SCORES}?{filters}&$top=2")
    assert flat(pages) == days(6, 5, 4, 3, 2)
    assert len(pages) == 3


async def test_rows_written_between_pages_shift_nothing(api: Api) -> None:
    fill(api)
    first = await api.send("GET", f"{SCORES}?$filter=currentScore ge 12&$top=3")
    api.add(score("2026-02-01", currentScore=50.0), entity_set=SECURE_SCORES)
    second = await api.send("GET", first.json()["@odata.nextLink"])
    ids = [row["id"] for reply in (first, second) for row in reply.json()["value"]]
    assert ids == days(8, 7, 6, 5, 4, 3)


async def test_a_link_of_another_filter_is_refused(api: Api) -> None:
    fill(api)
    first = await api.send("GET", f"{SCORES}?$filter=currentScore ge @a&@a=12&$top=3")
    link = first.json()["@odata.nextLink"]
    for changed in (link.replace("ge", "gt"), link.replace("=12", "=11"), link.replace("@a=12&", "")):
        assert changed != link
        await assert_refused(api, api.send("GET", changed), 400, "$skiptoken")


async def test_a_filter_shows_no_other_tenant_and_no_other_provider(api: Api) -> None:
    fill(api)
    api.add(control("theirs", service="MDATP"), tenant=OTHER_TENANT)
    other = {"provider": "Prowler", "vendor": "Prowler"}
    api.add(control("prowler_1", service="MDATP", vendorInformation=other))
    everything = f"{CONTROLS}?$filter=service eq 'MDATP' or true"
    token = api.token(provider="Prowler")
    assert flat(await walk(api, everything, token=token)) == ["prowler_1"]
    assert (await api.send("GET", f"{CONTROLS}/$count?$filter=true", token=token)).text == "1"
    assert flat(await walk(api, everything, token=api.token(tenant=OTHER_TENANT))) == ["theirs"]


@pytest.mark.parametrize(
    ("path", "text", "status", "named"),
    [
        (SCORES, "noSuchProperty eq 1", 400, "Could not find a property named 'noSuchProperty'"),
        (SCORES, "currentScore eq 'a'", 400, "'currentScore' of type Edm.Double"),
        (SCORES, "createdDateTime gt '2026-01-01'", 400, "Invalid filter clause"),
        (SCORES, "", 400, "at character 1"),
        (SCORES, "((((((((((((((((((((((((((true))))))))))))))))))))))))))", 400, "deeper than 20 levels"),
        (SCORES, " or ".join(["id eq 'a'"] * 101), 400, "more than 100 tests"),
        (SCORES, f"id eq '{'a' * 4100}'", 400, "longer than 4096 bytes"),
        (SCORES, "matchesPattern(id,'a')", 501, "matchespattern"),
        (f"{SCORES}/$count", "currentScore", 400, "A condition is expected"),
        (f"{CONTROLS}/NonOwnerAccess", "id eq 'NonOwnerAccess'", 400, "'$filter' is not allowed here"),
    ],
)
async def test_a_filter_that_cannot_be_followed_is_refused(
    api: Api, path: str, text: str, *, status: int, named: str
) -> None:
    fill(api)
    reply = await assert_refused(api, api.send("GET", f"{path}?$filter={quote(text)}"), status, named)
    assert reply.json()["error"]["target"] == "$filter"


HOSTILE = [
    "substring(id,9223372036854775807,-9223372036854775808) eq ''",
    "9223372036854775807 add 9223372036854775807 gt 0",
    "-9223372036854775808 div -1 gt 0 or -(-9223372036854775808) mod -1 eq 0",
    "1e308 mul 1e308 gt 0 and 1 div 0 eq null and 0.0 div 0 eq null and 1 mod 0 eq null",
    "controlScores/any(c:c/description/x/y eq 1 or c/description/any(d:d/e/any(f:f/g eq 1)))",
    "controlScores/any(c:c/scoreInPercentage/any() or year(c/scoreInPercentage) eq 5)",
    "controlScores/any(c:c/count eq c/scoreInPercentage or c/count gt c/controlName)",
    "contains(id,'%') and startswith(id,'_') and endswith(id,'\\')",
    "year(0001-01-01) eq 1 and year(9999-12-31T23:59:59.9999999Z) eq 9999",
    "id eq '; DROP TABLE secure_scores; --' or id eq '\u2028\ufeff\U0001f600'",
    "id in (" + ",".join(["'x'"] * 900) + ")",
    "substring(" * 19 + "id" + ",1)" * 19 + " eq 'a'",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_no_filter_breaks_the_server(api: Api, text: str) -> None:
    fill(api)
    encoded = quote(text, safe="',")
    reply = await api.send("GET", f"{SCORES}?$filter={encoded}")
    if reply.status_code != 200:
        assert_envelope(reply, 400)
