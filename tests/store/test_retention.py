"""Retention: scores go when they are old, as changes that whoever follows them is told of, and nothing else does."""

import asyncio
import datetime as dt
import threading
from collections.abc import Callable

import pytest

from stanchion.errors import OperatorError
from stanchion.ledger.changes import Operator
from stanchion.ledger.commands import DeleteEntity, MergeEntity
from stanchion.ledger.retention import TICKS_PER_DAY, kept_from_ticks
from stanchion.model.edm import CONTROL_PROFILES, DECISIONS, SECURE_SCORES
from stanchion.model.instant import parse_instant
from stanchion.odata.delta import Changes, DeltaQuery
from stanchion.store.batch import now_ticks
from stanchion.store.deltas import read_delta
from stanchion.store.reading import read_chunks
from stanchion.store.retention import Removed, overdue, remove_old
from stanchion.store.retention_pass import RetentionPass, claim, claiming, set_day
from stanchion.store.verify import verify
from tests.databases import AnyStore, Database
from tests.store.commands import OTHER_TENANT, TENANT, control, decision, put, put_all, score
from tests.store.conftest import opened
from tests.store.tampering import tamper

OPERATOR = Operator("officer")
CUT = parse_instant("2026-01-11T00:00:00Z")


@pytest.fixture
def filled(store: AnyStore) -> AnyStore:
    """A store with thirty days of scores of each of two tenants, and one score of no day."""
    for tenant in (TENANT, OTHER_TENANT):
        scores = [score(f"s{day:02}", f"2026-01-{day:02}T12:00:00Z") for day in range(1, 31)]
        store.run(put_all([*scores, score("undated", None)], SECURE_SCORES, tenant_id=tenant))
        store.run(put(control("c1"), tenant_id=tenant))
        store.run(put(decision("d1", "c1", "2020-01-02T00:00:00Z"), DECISIONS, tenant_id=tenant))
    return store


def remove(store: AnyStore, *, before_ticks: int = CUT, **more: Callable[[], bool]) -> list[Removed]:
    """Remove what is older, without pausing."""
    return list(remove_old(store, before_ticks=before_ticks, actor=OPERATOR, pause=lambda _: None, **more))


def score_ids(store: AnyStore, tenant: str = TENANT) -> list[str]:
    with store.reading() as connection:
        return [each.id for each in read_chunks(connection, SECURE_SCORES, tenant_id=tenant)]


def test_the_last_days_are_today_and_the_days_before_it() -> None:
    noon = parse_instant("2026-03-01T12:34:56Z")
    assert kept_from_ticks(noon, days=1) == parse_instant("2026-02-28T00:00:00Z")
    assert kept_from_ticks(noon, days=365) == parse_instant("2025-03-01T00:00:00Z")


def test_what_is_older_goes_and_what_is_not_stays(filled: AnyStore) -> None:
    assert overdue(filled, before_ticks=CUT) == {TENANT: 10, OTHER_TENANT: 10}
    assert [(each.tenant_id, each.scores) for each in remove(filled)] == [(TENANT, 10), (OTHER_TENANT, 10)]
    assert score_ids(filled) == [*(f"s{day}" for day in range(11, 31)), "undated"]
    assert overdue(filled, before_ticks=CUT) == {TENANT: 0, OTHER_TENANT: 0}


def test_controls_and_decisions_stay_however_old(filled: AnyStore) -> None:
    remove(filled, before_ticks=now_ticks() + TICKS_PER_DAY)
    with filled.reading() as connection:
        for entity_set, id in ((CONTROL_PROFILES, "c1"), (DECISIONS, "d1")):
            assert [each.id for each in read_chunks(connection, entity_set, tenant_id=TENANT)] == [id]
    assert score_ids(filled) == ["undated"]


def test_a_removal_is_in_the_chain_and_says_nothing_of_what_the_scores_said(
    filled: AnyStore, database: Database
) -> None:
    noted = verify(filled, TENANT, head=None)
    remove(filled)
    report = verify(filled, TENANT, head=(noted.sequence, noted.hash))
    assert (report.entities, report.unchecked) == (noted.entities - 10, 0)
    assert report.changes > noted.changes
    rows = database.execute("SELECT tenant_id, sequence, record FROM changes")
    records = b"".join(bytes(row[2]) for row in rows if row[0] == TENANT and row[1] > noted.sequence)
    assert b'"retention.remove"' in records
    assert b"operator:officer" in records
    assert b'"id":"s01"' in records


def test_whoever_follows_changes_is_told_what_is_gone(filled: AnyStore) -> None:
    noted = verify(filled, TENANT, head=None)
    remove(filled)
    with filled.reading() as connection:
        query = DeltaQuery(SECURE_SCORES, "v1.0", place=Changes(noted.sequence))
        page = read_delta(connection, query, tenant_id=TENANT, max_bytes=1 << 20)
    assert sorted(page.removed) == [f"s{day:02}" for day in range(1, 11)]
    assert page.runs == ()


def test_nothing_to_remove_is_no_change(filled: AnyStore) -> None:
    remove(filled)
    before = verify(filled, TENANT, head=None)
    assert {each.scores for each in remove(filled)} == {0}
    assert verify(filled, TENANT, head=None) == before


def test_one_that_was_stopped_goes_on_the_next_time(filled: AnyStore) -> None:
    asked = iter([False] + [True] * 99)
    remove(filled, stopping=lambda: next(asked))
    remove(filled)
    assert overdue(filled, before_ticks=CUT) == {TENANT: 0, OTHER_TENANT: 0}
    verify(filled, TENANT, head=None)


def edits(store: AnyStore) -> None:
    """Edit a score and delete another one, whose former values stand in the details of the changes."""
    ids = iter(("edit", "delete"))
    store.run(
        MergeEntity(
            tenant_id=TENANT,
            command_id=next(ids),
            actor=OPERATOR,
            entity_set=SECURE_SCORES,
            entity_id="s01",
            patch={"currentScore": 1.0},
        )
    )
    store.run(
        DeleteEntity(
            tenant_id=TENANT,
            command_id=next(ids),
            actor=OPERATOR,
            entity_set=SECURE_SCORES,
            entity_id="s02",
        )
    )


def test_what_old_changes_say_of_scores_goes_with_them_and_the_chain_still_verifies(
    filled: AnyStore, database: Database
) -> None:
    edits(filled)

    def details() -> set[object]:
        rows = database.execute("SELECT tenant_id, sequence FROM change_details")
        return {sequence for tenant_id, sequence in rows if tenant_id == TENANT}

    before = details()
    noted = verify(filled, TENANT, head=None)
    # Changes are of today: all of them are old from tomorrow on.
    (mine, _) = remove(filled, before_ticks=now_ticks() + TICKS_PER_DAY)
    assert mine.scores == 29
    assert mine.details >= 2
    assert before - details() == {5, 6}  # Its first holds what the undated score is proved by.
    report = verify(filled, TENANT, head=(noted.sequence, noted.hash))
    assert report.unchecked == 0


def test_the_details_of_younger_changes_stay(filled: AnyStore) -> None:
    edits(filled)
    assert [each.details for each in remove(filled)] == [0, 0]


def test_a_score_that_was_made_younger_meanwhile_stays(filled: AnyStore, database: Database) -> None:
    def rewrite(_seconds: float) -> None:
        with opened(database) as store:
            store.run(put(score("s10", "2026-02-01T00:00:00Z"), SECURE_SCORES))

    tamper(database, "UPDATE secure_scores SET created_date_time = 1 WHERE MINE AND id = 's30'")
    list(remove_old(filled, before_ticks=CUT, actor=OPERATOR, pause=rewrite))
    assert "s30" in score_ids(filled), "its body says that it is young, whatever its column says"
    with pytest.raises(OperatorError, match="columns that differ"):
        verify(filled, TENANT, head=None)


def test_a_day_is_claimed_once(filled: AnyStore, database: Database) -> None:
    with opened(database) as another:
        claims = [store.transact(lambda connection: claim(connection, day=7)) for store in (filled, another)]
        assert claims == [True, False]
        assert another.transact(lambda connection: claim(connection, day=8))
        assert not filled.transact(lambda connection: claim(connection, day=8))


def test_a_day_whose_commit_nobody_knows_of_is_still_ones_own(filled: AnyStore, database: Database) -> None:
    """Asked again, the database has what the first time wrote."""
    work, others = claiming(day=7), claiming(day=7)
    assert [filled.transact(work) for _ in range(2)] == [True, True]
    with opened(database) as another:
        assert not another.transact(others)


TODAY = now_ticks() // TICKS_PER_DAY


@pytest.mark.parametrize(
    ("last", "day", "believed"),
    [
        (TODAY, TODAY + 31, True),
        (TODAY, TODAY + 32, False),
        (TODAY - 1, TODAY + 27_000, False),
        (None, TODAY + 30, True),  # By its changes, which are of today.
        (None, TODAY + 40, False),
        (TODAY + 400, TODAY, False),  # Somebody else's was ahead.
    ],
)
def test_a_clock_that_is_far_ahead_has_nothing_removed(
    filled: AnyStore, last: int | None, day: int, *, believed: bool
) -> None:
    if last is not None:
        filled.transact(lambda connection: set_day(connection, day=last))
    if believed:
        assert filled.transact(lambda connection: claim(connection, day=day))
        return
    for _ in range(2):
        with pytest.raises(OperatorError, match=r"The clock says 2\d\d\d-.*`stanchion retention --apply`"):
            filled.transact(lambda connection: claim(connection, day=day))
    filled.transact(lambda connection: set_day(connection, day=day))
    assert filled.transact(lambda connection: claim(connection, day=day + 1))


def test_a_serving_process_whose_clock_is_far_ahead_says_so_once_and_removes_nothing(
    filled: AnyStore, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    from stanchion.app import open_store

    looked = threading.Semaphore(0)

    def look() -> AnyStore:
        looked.release()
        return open_store(database.settings)

    filled.transact(lambda connection: set_day(connection, day=TODAY - 60))
    begun = RetentionPass(look, days=1, first_seconds=0, every_seconds=0)
    begun.start()
    for _ in range(3):
        assert looked.acquire(timeout=60)
    begun.stop()
    assert len(score_ids(filled)) == 31
    assert [record.message[:40] for record in caplog.records if record.name == "stanchion.retention"] == [
        "Retention was not applied: The clock say"
    ]


def test_what_is_damaged_keeps_nothing_of_other_tenants(filled: AnyStore, database: Database) -> None:
    tamper(database, "UPDATE secure_scores SET body = TEXT('{') WHERE MINE AND id = 's03'")
    with pytest.raises(OperatorError, match=f"What is older was not all removed of {TENANT}"):
        remove(filled)
    assert overdue(filled, before_ticks=CUT) == {TENANT: 10, OTHER_TENANT: 0}


def test_a_serving_process_makes_the_pass_and_stops_when_it_stops(
    filled: AnyStore, database: Database
) -> None:
    from stanchion.app import open_store

    days = (dt.datetime.now(dt.UTC) - dt.datetime(2026, 1, 21, tzinfo=dt.UTC)).days
    begun = RetentionPass(lambda: open_store(database.settings), days=days, first_seconds=0)
    begun.start()
    waited = threading.Event()
    while "s20" in score_ids(filled) or score_ids(filled)[0] != "s21":
        waited.wait(0.02)
    begun.stop()
    assert score_ids(filled, OTHER_TENANT)[-1] == "undated"


@pytest.mark.anyio
async def test_writers_meanwhile_lose_nothing(filled: AnyStore, serving: AnyStore) -> None:
    removing = asyncio.create_task(asyncio.to_thread(remove, filled))
    written = 0
    while not removing.done():
        await serving.submit(put(control(f"w{written}")))
        written += 1
    await removing
    assert score_ids(filled)[0] == "s11"
    report = await asyncio.to_thread(verify, filled, TENANT, head=None)
    assert report.entities == 21 + 1 + 1 + written
