"""Scores as a product sends them day by day: the same long texts, and a few figures that change."""

import asyncio
from random import Random

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.odata.query import ListQuery
from stanchion.store.bodies import ID_BYTES, NAMING
from stanchion.store.moment import moment
from tests.databases import AnyStore, Database
from tests.store.commands import TENANT, put_all, score
from tests.store.filtering import PLENTY, ids_of

DAYS = 6
_CONTROLS = 12
_WORDS = [Random(number).randbytes(4).hex() for number in range(600)]


def score_of_day(
    day: int, *, edition: int = 0, provider: str | None = "SecureScore", id: str | None = None
) -> JsonObject:
    """Return the score of a day, whose texts depend on their edition alone."""
    chance = Random(edition)
    controls: list[JsonValue] = [
        {"controlName": f"c{place}", "score": day, "description": " ".join(chance.choices(_WORDS, k=60))}
        for place in range(_CONTROLS)
    ]
    value = score(id or f"s{day}", f"2026-01-{day % 28 + 1:02}T00:00:00Z", provider or "")
    if provider is None:
        value["vendorInformation"] = None
    return {**value, "controlScores": controls}


def named(database: Database) -> dict[str, bytes | None]:
    """Return the id of the dictionary that each score of the tenant names, by the score's own."""
    rows = database.execute("SELECT id, body FROM secure_scores WHERE tenant_id = $1", TENANT)
    return {id: body[len(NAMING) :][:ID_BYTES] if body.startswith(NAMING) else None for id, body in rows}


def dictionaries(database: Database) -> list[str]:
    """Return the ids of all dictionaries."""
    return [id for (id,) in database.execute("SELECT id FROM dictionaries ORDER BY id")]


def import_days(store: AnyStore) -> list[JsonObject]:
    """Import some days of scores, each by itself; return them."""
    values = [score_of_day(day) for day in range(DAYS)]
    for value in values:
        store.run(put_all([value], SECURE_SCORES))
    return values


def everything(store: AnyStore) -> list[JsonObject]:
    """Return the scores of the tenant as an export gives them."""
    with moment(store, tenant_id=TENANT) as now:
        return [stored.value for stored in now.entities(SECURE_SCORES)]


def page(store: AnyStore, query: ListQuery) -> list[str]:
    """Return the ids of a page."""
    return ids_of(asyncio.run(store.page(TENANT, query, max_bytes=PLENTY)))
