"""Entities that are hard to keep in order, the order they must come in, and a walk from page to page."""

import random
from collections.abc import Callable, Sequence

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES, EntitySet, Primitive
from stanchion.model.instant import parse_instant
from stanchion.model.json_text import JsonObject, JsonValue
from tests.conftest import TENANT, Api

SCORES = "/v1.0/security/secureScores"
PATHS = {
    SECURE_SCORES.name: SCORES,
    CONTROL_PROFILES.name: "/v1.0/security/secureScoreControlProfiles",
    USER_PROFILES.name: "/beta/security/userSecurityProfiles",
}
# Ties, nulls and names that sort differently by code point, by letter and by collation.
POOLS: dict[str, Sequence[JsonValue]] = {
    "Edm.String": [
        "",
        "a",
        "A",
        "b",
        "Zebra",
        "élan",
        "zebra",
        "10",
        "9",
        "\U0001f600",
        "\uff5e",
        None,
        None,
    ],
    "Edm.Boolean": [True, False, None],
    "Edm.Int32": [-1, 0, 5, 5, 2**31 - 1, None, None],
    "Edm.Double": [5, 5.0, -0.5, 0, 1e300, 5.000001, None, None],
    "Edm.DateTimeOffset": [
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01T00:00:00.0000001Z",
        "2017-01-01T00:02:24.9669049+03:00",
        "2026-06-30T12:00:00Z",
        None,
        None,
    ],
}
VENDORS: list[JsonObject | None] = [
    {"vendor": "Microsoft", "provider": "SecureScore", "providerVersion": None, "subProvider": "x"},
    {"vendor": "microsoft", "provider": "SECURESCORE"},
    {"vendor": "Prowler", "provider": "prowler", "providerVersion": "5"},
    {"vendor": "Microsoft", "provider": "Defender", "subProvider": None},
    None,
]
ROWS = 23


def rows_of(entity_set: EntitySet) -> list[JsonObject]:
    """Return entities with every plain property drawn from its pool."""
    draw = random.Random(entity_set.name)
    rows: list[JsonObject] = []
    for number in range(ROWS):
        row: JsonObject = {"id": f"{draw.choice('aAbBéZ_')}{number}"}
        for prop in entity_set.type.properties:
            if isinstance(prop.type, Primitive) and prop.name not in {"id", "azureTenantId"}:
                row[prop.name] = draw.choice(POOLS[prop.type.name])
        row["azureTenantId"] = draw.choice([TENANT, TENANT.upper()])
        row["vendorInformation"] = draw.choice(VENDORS)
        rows.append(row)
    return rows


def value(row: JsonObject, path: str) -> JsonValue:
    """Return what a path leads to in a row."""
    found: JsonValue = row
    for name in path.split("/"):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def sorts(path: str) -> Callable[[JsonObject], tuple[bool, object]]:
    """Return the key by which rows sort: null lowest, instants as instants, the rest as it is."""

    def key(row: JsonObject) -> tuple[bool, object]:
        found = value(row, path)
        if found is None:
            return False, 0
        return True, parse_instant(found) if path.endswith("DateTime") and isinstance(found, str) else found

    return key


def is_not_microsoft(row: JsonObject) -> bool:
    """Say whether a row is not of Microsoft's own product."""
    names = (value(row, "vendorInformation/vendor"), value(row, "vendorInformation/provider"))
    return [str(name).lower() for name in names] != ["microsoft", "securescore"]


def expected(
    rows: Sequence[JsonObject], entity_set: EntitySet, by: str | None, *, descending: bool
) -> list[str]:
    """Return the ids in the order of `by`, then in the set's own order."""
    result = sorted(rows, key=sorts("id"), reverse=by == "id" and descending)
    if entity_set.newest_first and by != "id":
        result.sort(key=sorts("vendorInformation/provider"))
        result.sort(key=is_not_microsoft)
        result.sort(key=sorts("createdDateTime"), reverse=True)
    if by not in {None, "id"}:
        result.sort(key=sorts(by or ""), reverse=descending)
    return [str(row["id"]) for row in result]


async def walk(api: Api, url: str, *, token: str | None = None) -> list[list[str]]:
    """Follow the next links from a list's first page; return the ids of each page."""
    pages: list[list[str]] = []
    link: str | None = url
    while link is not None:
        reply = await api.send("GET", link, token=token)
        assert reply.status_code == 200, reply.text
        pages.append([row["id"] for row in reply.json()["value"]])
        link = reply.json().get("@odata.nextLink")
        assert len(pages) <= ROWS + 1
    return pages


def flat(pages: list[list[str]]) -> list[str]:
    """Return the ids of all pages."""
    return [id for page in pages for id in page]
