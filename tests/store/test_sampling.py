"""Verifying a sample: what damage it notices, and that its cost is bounded."""

from random import Random

import pytest

from stanchion.errors import OperatorError
from stanchion.model.edm import DECISIONS, SECURE_SCORES
from stanchion.store import STORE_CHAIN
from stanchion.store.sampling import ENTITIES, NEWEST_CHANGES, OLDER_CHANGES, SampleReport, sample_rows
from tests.databases import AnyStore, Database
from tests.store.commands import TENANT, control, decision, delete, put, put_all, score
from tests.store.tampering import tamper


@pytest.fixture
def history(store: AnyStore) -> AnyStore:
    """A store with seven changes: controls written twice, deleted and made anew, scores, a decision."""
    store.run(put(control("c1")))  # change 2
    store.run(put(control("c1", rank=7)))
    store.run(put(control("gone")))
    store.run(delete("gone"))
    store.run(put_all([score("s1", "2026-01-01T00:00:00Z"), score("s2", None)], SECURE_SCORES))
    store.run(put(decision("d1", "c1", "2026-01-02T00:00:00Z"), DECISIONS))
    return store


def sample(store: AnyStore, tenant_id: str = TENANT, *, seed: int = 1) -> SampleReport:
    with store.reading() as connection:
        return sample_rows(connection, tenant_id, random=Random(seed))


def test_a_short_history_is_verified_whole(history: AnyStore) -> None:
    assert sample(history) == SampleReport(changes=7, entities=5, of_changes=7)
    assert sample(history, STORE_CHAIN) == SampleReport(changes=1, entities=0, of_changes=1)


def test_a_tenant_that_nobody_added_has_no_history(history: AnyStore) -> None:
    with pytest.raises(OperatorError, match="does not exist"):
        sample(history, "33333333-3333-4333-8333-333333333333")


TAMPERED = {
    "an edited record": (
        ("UPDATE changes SET record = EDITED(record, 'tester', 'nobody') WHERE MINE AND sequence = 4"),
        "Change 4 of .* does not match its hash",
    ),
    "an edited time": (
        "UPDATE changes SET time_ticks = time_ticks + 10 WHERE MINE AND sequence = 4",
        "Change 4 of .* does not say what its columns say",
    ),
    "an edited detail": (
        "UPDATE change_details SET detail = BYTES(7b7d) WHERE MINE AND sequence = 4",
        "Change 4 of .* has another detail",
    ),
    "a change that is missing": (
        "DELETE FROM changes WHERE MINE AND sequence = 4",
        "Change 4 of .* is missing",
    ),
    "an edited head": (
        "UPDATE tenants SET head_hash = NOUGHTS WHERE MINE",
        "The chain of .* ends at change 7, but its head says 7",
    ),
    "a head set back": (
        (
            "UPDATE tenants SET sequence = 6, head_hash ="
            " (SELECT hash FROM changes WHERE MINE AND sequence = 5) WHERE MINE"
        ),
        "The chain of .* ends at change 6",
    ),
    "an edited body": (
        ("UPDATE secure_score_control_profiles SET body = BODY(body, '7', '8') WHERE MINE AND id = 'c1'"),
        "secureScoreControlProfiles/c1 of .* differs from what change 3 wrote",
    ),
    "an edited column": (
        "UPDATE secure_scores SET created_date_time = 1 WHERE MINE AND id = 's1'",
        "secureScores/s1 of .* has columns that differ",
    ),
    "a deleted entity": (
        "DELETE FROM secure_scores WHERE MINE AND id = 's2'",
        "secureScores/s2 of .* is missing, though change 6 wrote it",
    ),
    "a lost tombstone": (
        "DELETE FROM tombstones WHERE MINE",
        "secureScoreControlProfiles/gone of .* is missing, though change 5 wrote it",
    ),
    "a version set back": (
        "UPDATE secure_score_control_profiles SET version = 2 WHERE MINE AND id = 'c1'",
        "secureScoreControlProfiles/c1 of .* has version 2, but change 3 wrote it later",
    ),
    "a version that no change has": (
        "UPDATE secure_score_control_profiles SET version = 900 WHERE MINE AND id = 'c1'",
        "Change 899 of .* is missing",
    ),
    "a version of a change of another": (
        "UPDATE secure_score_control_profiles SET version = 7 WHERE MINE AND id = 'c1'",
        "secureScoreControlProfiles/c1 of .* is stored, but no change wrote it",
    ),
}


@pytest.mark.parametrize(("statement", "fault"), TAMPERED.values(), ids=TAMPERED)
def test_damage_within_the_sample_is_found_and_its_place_named(
    history: AnyStore, database: Database, statement: str, fault: str
) -> None:
    tamper(database, statement)

    with pytest.raises(OperatorError, match=fault):
        sample(history)


def test_what_was_deleted_after_the_sampled_change_is_not_missed(history: AnyStore) -> None:
    history.run(put(control("gone")))
    history.run(delete("gone"))

    assert sample(history).changes == 9


def test_erased_details_do_no_harm(history: AnyStore, database: Database) -> None:
    tamper(database, "DELETE FROM change_details WHERE MINE")

    assert sample(history).entities == 5


@pytest.fixture
def long_history(store: AnyStore) -> AnyStore:
    """A history several times as long as a sample."""
    for number in range(400):
        store.run(put(control(f"c{number}")))
    return store


def test_a_long_history_costs_no_more_than_a_sample(long_history: AnyStore) -> None:
    report = sample(long_history)

    assert report.of_changes == 401
    assert report.changes == NEWEST_CHANGES + OLDER_CHANGES
    assert report.entities <= ENTITIES


def test_the_newest_changes_are_always_in_the_sample(long_history: AnyStore, database: Database) -> None:
    tamper(database, "UPDATE changes SET hash = NOUGHTS WHERE MINE AND sequence = 360")

    for seed in range(3):
        with pytest.raises(OperatorError, match="Change 360"):
            sample(long_history, seed=seed)


def test_the_older_changes_of_a_sample_differ_from_time_to_time(
    long_history: AnyStore, database: Database
) -> None:
    tamper(database, "UPDATE changes SET record = BYTES(7b7d) WHERE MINE AND sequence <= 20")
    found = 0
    for seed in range(10):
        try:
            sample(long_history, seed=seed)
        except OperatorError:
            found += 1

    assert found > 0
