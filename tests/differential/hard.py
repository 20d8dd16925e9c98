"""What is hard for two databases to do alike: entities, and requests about them, each with what it is about."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import MICROSOFT, TENANT, control, score

CONTROLS = "/v1.0/security/secureScoreControlProfiles"
SCORES = "/v1.0/security/secureScores"
BETA = "/beta/security/secureScoreControlProfiles"

TITLES: tuple[JsonValue, ...] = (
    None,
    "",
    " ",
    "a",
    "A",
    "B",
    "Z",
    "z",
    "ä",
    "Ä",
    "ß",
    "ẞ",
    "ı",
    "İ",
    "\u017f",
    "\u212a",
    "é",
    "e\u0301",
    "\u3000wide",
    "\u00a0hard",
    "\ufeffmark",
    "\uffff",
    "\U0001f600",
    "\U0010ffff",
    "it's",
    'a"b',
    "a\\b",
    "100%",
    "a_b",
    "\n",
    "\t tab",
    "\u0001",
    "\u007f",
    "\u0085",
    "\u2028",
    "nul\u0000inside",
    "0",
    "-0",
    "1e3",
    "null",
    "true",
)
NUMBERS: tuple[JsonValue, ...] = (
    *(None, 0, 0.0, -0.0, 1, 1.0, 0.1, 0.30000000000000004, 1e-7, 5e-324, 2.2250738585072014e-308),
    *(1e15, 1e16, 1e21, 1e22, 123456789012345680, 2**53, 2**53 + 2, -(2**63), 2**63, 1.7976931348623157e308),
    *(-1.7976931348623157e308, 3.5, 2.5, -2.5),
)
TIMES: tuple[JsonValue, ...] = (
    *(None, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.9999999Z"),
    *(
        "1582-10-04T12:00:00Z",
        "2026-02-28T23:30:00-05:00",
        "2026-01-31T00:00:00.0000001Z",
        "2024-02-29T12:00Z",
    ),
)
MEMBERS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, "x", "", [], {}, [1, "1", None], {"deep": {"er": [{"est": 1}]}}),
    *(
        10**400 // 10**380,
        1e308,
        -1e308,
        12345678901234567890,
        "2026-01-31T00:00:00Z",
        "nul\u0000",
        "é",
        "\U0001f600",
    ),
)


def controls() -> list[JsonObject]:
    """Return controls, each with a hard value in each of its kinds of place."""
    found: list[JsonObject] = []
    for number, title in enumerate(TITLES):
        made = control(
            f"c{number:02}",
            title=title,
            remediation=title,
            rank=number - 5 if number % 3 else None,
            maxScore=NUMBERS[number % len(NUMBERS)],
            deprecated=(None, True, False)[number % 3],
            lastModifiedDateTime=TIMES[number % len(TIMES)],
            threats=[text for text in TITLES[number : number + 3] if text is not None],
            open=MEMBERS[number % len(MEMBERS)],
            complianceInformation=[
                {"certificationName": title, "certificationControls": [{"name": title, "url": None}]}
            ],
        )
        found.append(made)
    return found


def scores() -> list[JsonObject]:
    """Return scores with hard numbers and instants."""
    return [
        score(
            f"2026-01-{number + 1:02}",
            id=f"s{number:02}",
            currentScore=value,
            createdDateTime=TIMES[number % len(TIMES)],
            vendorInformation={**MICROSOFT, "vendor": ("Microsoft", "ZZ", "é")[number % 3]},
            controlScores=[{"controlName": f"c{number:02}", "score": value, "controlCategory": "Identity"}],
        )
        for number, value in enumerate(NUMBERS)
    ]


@dataclass(frozen=True)
class Asked:
    """A request."""

    name: str
    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    json: object = None
    content: bytes | None = None


def filtered(text: str, *, root: str = BETA, more: str = "") -> Asked:
    """Return a request with a filter."""
    return Asked(
        f"{root.rpartition('/')[2]} {text}", f"{root}?$filter={quote(text)}{more}&$count=true&$top=999"
    )


FILTERS = (
    *(f"{name} {word} '{value}'" for name in ("title", "remediation") for word in ("eq", "gt", "le") for value in ("a", "Z", "ä", "\uffff", "\U0001f600", "", "it''s")),
    *(f"tolower({name}) eq '{value}'" for name in ("title", "remediation") for value in ("ä", "i", "k", "s", "ss", "a")),
    *(f"toupper(title) eq '{value}'" for value in ("Ä", "SS", "I", "A")),
    *(f"length({name}) eq {size}" for name in ("title", "remediation") for size in (0, 1, 2, 10)),
    *(f"{word}(title,'{value}')" for word in ("contains", "startswith", "endswith") for value in ("", "%", "_", "\\", "ä", "\U0001f600", '"', "\n")),
    *(f"indexof(title,'{value}') eq {place}" for value in ("b", "", "\U0001f600") for place in (-1, 0, 2)),
    *(f"substring({name},{place}) eq 'b'" for name in ("title", "remediation") for place in (-1, 0, 1, 2, 2147483648)),
    "substring(title,1,1) eq '0'",
    "substring(title,-2,1) eq 'b'",
    *(f"trim({name}) eq '{value}'" for name in ("title", "remediation") for value in ("wide", "hard", "mark", "tab", "")),
    "concat(title,remediation) eq 'aa'",
    "concat(title,null) eq null",
    *(f"maxScore {word} {value}" for word in ("eq", "lt", "ge") for value in ("0", "-0.0", "0.1", "1e308", "9007199254740993", "9223372036854775807", "1e400", "5e-324", "null")),
    *(f"maxScore {word} 3 {compare} 1" for word in ("add", "sub", "mul", "div", "divby", "mod") for compare in ("gt", "le")),
    *(f"rank {word} 0 eq 0" for word in ("div", "divby", "mod")),
    *("rank div 2 eq -1", "rank divby 2 eq -1.5", "rank mod 2 eq -1", "-rank gt 3", "rank mul 2147483647 mul 2147483647 gt 0"),
    *("maxScore mul 1e308 gt 0", "maxScore mul maxScore gt 1e300", "maxScore div 1e-320 gt 1", "maxScore sub maxScore eq 0"),
    *(f"lastModifiedDateTime {word} {value}" for word in ("eq", "lt", "ge") for value in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "1969-12-31", "2026-02-29T04:30:00Z", "2026-01-31T00:00:00.00000001Z")),
    *(f"{part}(lastModifiedDateTime) eq {value}" for part, value in (("year", 1), ("year", 9999), ("month", 2), ("day", 28), ("day", 1), ("hour", 4), ("minute", 30), ("second", 59))),
    "date(lastModifiedDateTime) eq 1582-10-04",
    "lastModifiedDateTime lt now()",
    *("deprecated", "not deprecated", "deprecated eq null", "deprecated ne true", "not (deprecated eq true or rank gt 3)"),
    *(f"open {word} {value}" for word in ("eq", "ne", "gt") for value in ("null", "true", "0", "1.5", "'x'", "''", "1e308", "12345678901234567890", "'é'", "2026-01-31T00:00:00Z")),
    *("open/deep/er/any()", "open/deep/er/any(e:e/est eq 1)", "open/any(o:o eq 1)", "open/any(o:o eq '1')", "open/any(o:o eq null)"),
    *("open/nothing eq null", "open/deep eq null", "nothing/at/all eq null", "open in ('x',null)", "open in (0,1.5)"),
    *("contains(open,'x')", "length(open) eq 1", "tolower(open) eq 'é'", "open add 1 gt 0", "year(open) eq 2026"),
    *(f"threats/any(t:t {word} '{value}')" for word in ("eq", "gt") for value in ("ä", "a", "\U0010ffff")),
    *("threats/any()", "not threats/any()", "threats/all(t:t ne 'a')", "threats/$count gt 2", "threats/all(t:contains(t,'a'))"),
    "complianceInformation/any(c:c/certificationControls/any(d:d/name eq c/certificationName))",
    "complianceInformation/any(c:c/certificationControls/all(d:d/url eq null and d/name ne 'a'))",
    "vendorInformation/provider eq 'SecureScore' and vendorInformation/subProvider eq null",
    "controlStateUpdates/any(u:u/state eq 'Default')",
    "controlStateUpdates/$count eq 0",
    "id in ('c01','c02','nothing')",
    "id gt 'c30' or title eq null",
    "title in ('a','A',null,'ä')",
    "title eq remediation",
    "title ne remediation or title eq null",
)  # fmt: skip
SCORE_FILTERS = (
    *(f"currentScore {word} {value}" for word in ("eq", "gt", "le") for value in ("0", "0.3", "0.30000000000000004", "1e22", "9223372036854775808", "123456789012345678")),
    *(f"controlScores/any(c:c/score {word} {value})" for word in ("eq", "lt") for value in ("0.1", "-2.5", "1e16", "null", "9007199254740993")),
    *("currentScore add 0.1 eq 0.2", "currentScore div 3 lt 1", "currentScore mod 1 eq 0.5", "activeUserCount eq null"),
    *("createdDateTime ge 2026-01-01", "createdDateTime lt 1970-01-01T00:00:00Z and currentScore gt 0"),
    "vendorInformation/vendor eq 'é' or vendorInformation/vendor eq 'zz'",
)  # fmt: skip
BAD_FILTERS = (
    *("title", "title eq", "title eq 5", "rank eq 'a'", "length(rank) eq 1", "title eq 'a", "nope(title) eq 1", "rank eq 1 and"),
    *("title eq '\x00'", "contains(title,'\x00')", "open eq '\x00'", "threats/any(t:t eq '\x00')", "id eq '\x00'"),
    *("rank eq 99999999999", "maxScore eq INF", "maxScore eq NaN", "lastModifiedDateTime eq 2026-02-30", "1 eq 1", "'a' lt 'b'"),
)  # fmt: skip
ORDERS = (
    *(f"{name}{way}" for name in ("title", "remediation", "rank", "maxScore", "deprecated", "lastModifiedDateTime", "id") for way in ("", " desc")),
    *("vendorInformation/provider,title desc", "deprecated desc,rank,maxScore desc", "vendorInformation/subProvider"),
)  # fmt: skip


def reads() -> list[Asked]:
    """Return all that only reads."""
    return [
        *(filtered(text) for text in (*FILTERS, *BAD_FILTERS)),
        *(filtered(text, root=SCORES) for text in SCORE_FILTERS),
        *(filtered("rank gt 0", more=f"&$orderby={quote(order)}") for order in ORDERS),
        *(Asked(f"orderby {order}", f"{CONTROLS}?$orderby={quote(order)}") for order in ORDERS),
        *(Asked(f"scores orderby {order}", f"{SCORES}?$orderby={quote(order)}") for order in ("currentScore", "createdDateTime desc", "vendorInformation/vendor,currentScore desc", "maxScore")),
        *(Asked(f"page {query}", f"{CONTROLS}?{query}") for query in ("$top=0", "$top=1", "$skip=3&$top=2", "$skip=999", "$skip=2147483648", "$skip=9223372036854775808", "$top=-1", "$top=1000", "$count=true&$top=2", "$select=id,title,open", "$select=nothing", "$count=maybe")),
        *(Asked(f"count {query}", f"{CONTROLS}/$count{query}") for query in ("", "?$filter=rank%20gt%200", "?$filter=title%20eq%20null", "?$filter=nope")),
        *(Asked(f"entity {id}", f"{CONTROLS}/{quote(id, safe='')}") for id in ("c00", "c07", "C07", "nothing", "nul\x00", "\ud7ff", "a/b", "it''s", "%", "\U0001f600", "x" * 2000)),
        *(Asked(f"property {path}", f"{CONTROLS}/c07/{path}") for path in ("title", "title/$value", "rank", "maxScore/$value", "threats", "threats/$count", "open", "nothing", "vendorInformation/provider/$value", "complianceInformation")),
        *(Asked(f"null {path}", f"{CONTROLS}/c00/{path}") for path in ("title", "title/$value", "rank/$value", "lastModifiedDateTime")),
        *(Asked(f"accept {accept}", f"{CONTROLS}?$top=2", headers={"Accept": accept}) for accept in ("application/json;odata.metadata=full", "application/json;odata.metadata=none", "application/json;IEEE754Compatible=true", "text/plain", "*/*")),
        *(Asked(f"etag {tag}", f"{CONTROLS}/c01", headers={"If-None-Match": tag}) for tag in ("*", 'W/"x"', "x")),
        Asked("of another tenant", f"{CONTROLS}?$filter=azureTenantId%20eq%20'{TENANT}'&$top=1&$count=true"),
        Asked("of no such set", "/v1.0/security/nothing"),
        Asked("of a token for a page that is none", f"{CONTROLS}?$skiptoken=nothing"),
        Asked("of a token for changes that is none", f"{CONTROLS}/delta?$deltatoken=nothing"),
        Asked("the metadata", "/v1.0/$metadata"),
        Asked("the service document", "/beta/"),
    ]  # fmt: skip
