"""Dictionaries that are missing or altered: whoever reads what was packed after them is told so."""

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from stanchion.errors import OperatorError, ServiceUnavailable
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.model.json_text import JsonObject
from stanchion.odata.delta import Changes, DeltaQuery
from stanchion.odata.query import ListQuery, default_order
from stanchion.store import SQLiteStore
from stanchion.store.sampling import sample_rows
from stanchion.store.verify import verify
from tests.databases import Database
from tests.store.commands import TENANT, control, put, put_all
from tests.store.conftest import opened
from tests.store.filtering import PLENTY, asked, ids_found
from tests.store.long_scores import DAYS, everything, import_days, page, score_of_day

pytestmark = pytest.mark.sqlite("PostgreSQL packs what is long by itself")


@pytest.fixture
def days(store: SQLiteStore) -> list[JsonObject]:
    """Some days of scores, each imported by itself."""
    return import_days(store)


DAMAGES: dict[str, tuple[str, str]] = {
    "a missing dictionary": ("DELETE FROM dictionaries", "dictionary .* is missing"),
    "another content": (
        "UPDATE dictionaries SET body = CAST('{}' AS BLOB)",
        "dictionary .* (was altered|is not what was written)",
    ),
    "a torn content": ("UPDATE dictionaries SET body = x'28b52ffd00'", "dictionary .* cannot be read"),
    "a content of gigabytes": (
        "UPDATE dictionaries SET body = x'28b52ffde00000000004000000'",
        "dictionary .* cannot be read: it is longer than any is written",
    ),
    "no bytes": ("UPDATE dictionaries SET body = 'text'", "dictionary .* cannot be read"),
    "another tenant's": (
        "UPDATE dictionaries SET tenant_id = '22222222-2222-4222-8222-222222222222'",
        "dictionary .* is missing",
    ),
    "another id": ("UPDATE dictionaries SET id = 'x'", "dictionary .* is missing"),
}


@pytest.fixture(params=list(DAMAGES.values()), ids=list(DAMAGES))
def damage(
    request: pytest.FixtureRequest,
    store: SQLiteStore,  # noqa: ARG001 (it is filled)
    database: Database,
    days: list[JsonObject],  # noqa: ARG001 (it is filled)
) -> str:
    """Do something to a dictionary in use; return what is told of it."""
    statement, message = request.param
    database.execute(statement)
    told: str = message
    return told


READS: dict[str, Callable[[SQLiteStore], object]] = {
    "one": lambda store: asyncio.run(store.get(TENANT, SECURE_SCORES, "s3")),
    "a page": lambda store: page(store, ListQuery(SECURE_SCORES, "v1.0", default_order(SECURE_SCORES))),
    "a filter": lambda store: ids_found(store, asked(SECURE_SCORES, "azureTenantId ne 'x'")),
    "a delta": lambda store: asyncio.run(
        store.delta(TENANT, DeltaQuery(SECURE_SCORES, "v1.0", place=Changes(0, None, None)), max_bytes=PLENTY)
    ),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_whoever_reads_what_lost_its_dictionary_is_told_so(
    database: Database, damage: str, read: Callable[[SQLiteStore], object]
) -> None:
    with opened(database) as anew:
        assert isinstance(anew, SQLiteStore)
        with pytest.raises(ServiceUnavailable, match=damage):
            read(anew)
        anew.run(put(control("c1")))
        assert asyncio.run(anew.get(TENANT, CONTROL_PROFILES, "c1")) is not None


def test_a_write_that_reads_what_lost_its_dictionary_is_refused(database: Database, damage: str) -> None:
    for serving in (False, True):
        with opened(database, serving=serving) as anew, pytest.raises(ServiceUnavailable, match=damage):
            asyncio.run(anew.submit(put(score_of_day(3), SECURE_SCORES)))


def test_verifying_and_sampling_tell_of_a_lost_dictionary(store: SQLiteStore, damage: str) -> None:
    with pytest.raises(OperatorError, match=damage):
        verify(store, TENANT, head=None)
    with store.reading() as connection, pytest.raises(OperatorError, match=damage):
        sample_rows(connection, TENANT, random=Random(1))
    with pytest.raises(OperatorError, match=damage):
        everything(store)


@pytest.mark.usefixtures("damage")
def test_nothing_more_is_packed_after_what_is_lost(database: Database) -> None:
    with opened(database) as anew:
        anew.run(put_all([score_of_day(DAYS)], SECURE_SCORES))
        found = asyncio.run(anew.get(TENANT, SECURE_SCORES, f"s{DAYS}"))
    assert found is not None
    assert found.value == score_of_day(DAYS)


def test_an_altered_dictionary_is_found_though_no_score_names_it(
    store: SQLiteStore, database: Database
) -> None:
    database.execute("INSERT INTO dictionaries VALUES ($1, $2, x'7b7d')", TENANT, "00" * 16)
    with pytest.raises(OperatorError, match=r"dictionaries/00.* is not what was written"):
        verify(store, TENANT, head=None)


@pytest.mark.parametrize(
    "damaged", ["28b52ffd00", "28b52ffde0000000000000400000"], ids=["torn", "of terabytes"]
)
def test_a_damaged_body_in_a_filter_is_no_fault_of_the_next(
    store: SQLiteStore, database: Database, days: list[JsonObject], damaged: str
) -> None:
    assert days
    database.execute("UPDATE secure_scores SET body = $1 WHERE id = 's1'", bytes.fromhex(damaged))
    query = asked(SECURE_SCORES, "azureTenantId ne 'x'")
    for _ in range(3):
        with pytest.raises(ServiceUnavailable, match="cannot be read"):
            ids_found(store, query)
    with pytest.raises(ServiceUnavailable, match="cannot be read"):
        asyncio.run(store.get(TENANT, SECURE_SCORES, "s1"))
    assert ids_found(store, asked(SECURE_SCORES, "azureTenantId ne 'x' and id eq 's2'")) == ["s2"]
