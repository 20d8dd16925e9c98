"""`stanchion retention`: what is older than scores are kept is told, and removed when asked."""

import datetime as dt
import json
import time

import pytest

from stanchion.errors import OperatorError
from stanchion.ledger.imports import Incoming
from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import JsonObject
from stanchion.store.retention_pass import claim, set_day
from tests.cli.checking import check
from tests.cli.conftest import Run
from tests.cli.invoking import printed, refusal
from tests.serving.place import OTHER_TENANT, TENANT, Place, bringing_in, score, score_id
from tests.store.tampering import tamper

# Scores of before it are to go: the first seven of the place.
OLDEST = dt.date(2026, 1, 8)


@pytest.fixture
def kept() -> str:
    """For how many days scores are to be kept, so that those of OLDEST are the oldest."""
    now = dt.datetime.now(dt.UTC)
    midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), dt.UTC)
    left_seconds = (midnight - now).total_seconds()
    if left_seconds < 60:
        # No other day begins while the test runs.
        time.sleep(left_seconds + 1)
    return str((dt.datetime.now(dt.UTC).date() - OLDEST).days)


def test_scores_are_kept_for_ever_by_default(run: Run) -> None:
    assert run("retention").stderr == "Scores are kept for ever.\n"
    assert "--retention-days" in refusal(run("retention", "--apply"))


def test_without_apply_it_only_counts(run: Run, kept: str) -> None:
    for _ in range(2):
        told = printed(run("retention", "--retention-days", kept, "--json"))
        assert told["tenants"] == [{"tenant": TENANT, "scores": 7}, {"tenant": OTHER_TENANT, "scores": 0}]
    assert "Nothing was removed." in run("retention", "--retention-days", kept).stderr


def test_with_apply_they_are_removed_and_the_history_verifies(run: Run, kept: str) -> None:
    told = printed(run("retention", "--retention-days", kept, "--apply", "--json"))
    assert [(row["tenant"], row["scores"]) for row in told["tenants"]] == [(TENANT, 7), (OTHER_TENANT, 0)]
    assert printed(run("verify", "--tenant", TENANT, "--json"))["unchecked"] == 0
    assert "They are removed." in run("retention", "--retention-days", kept, "--apply").stderr


def test_what_was_removed_is_told_though_a_tenant_is_damaged(run: Run, place: Place, kept: str) -> None:
    tamper(place.at, "UPDATE secure_scores SET body = TEXT('{') WHERE id = $1", values=(score_id(1),))
    other: JsonObject = {**score(2), "id": "theirs", "azureTenantId": OTHER_TENANT}
    with place.opened() as store:
        store.run(bringing_in(Incoming.of(SECURE_SCORES, other), tenant_id=OTHER_TENANT))
    ran = run("retention", "--retention-days", kept, "--apply", "--json")
    assert ran.exit_code == 1
    assert json.loads(ran.stdout)["tenants"] == [{"tenant": OTHER_TENANT, "scores": 1, "details": 0}]
    assert f"What is older was not all removed of {TENANT}" in ran.stderr


def test_whoever_applies_it_says_that_the_day_is_right(run: Run, place: Place, kept: str) -> None:
    """A server whose clock is far ahead of what it knows waits for that."""
    today = dt.datetime.now(dt.UTC).date().toordinal() - dt.date(1970, 1, 1).toordinal()
    with place.opened() as store:
        store.transact(lambda connection: set_day(connection, day=today - 60))
        with pytest.raises(OperatorError, match="The clock says"):
            store.transact(lambda connection: claim(connection, day=today))
        run("retention", "--retention-days", kept, "--apply")
        assert not store.transact(lambda connection: claim(connection, day=today))
        assert store.transact(lambda connection: claim(connection, day=today + 1))


@pytest.mark.parametrize(
    ("days", "status", "said"),
    [
        ("0", "ok", "Scores are kept for ever."),
        (None, "warning", "still there; a server with this setting removes them once a day"),
        ("36500", "ok", "Scores are kept for 36,500 days; none is older."),
    ],
    ids=["for ever", "less long", "longer"],
)
def test_check_tells_for_how_long_scores_are_kept(
    place: Place, kept: str, *, days: str | None, status: str, said: str
) -> None:
    _, lines = check(place, "--retention-days", days or kept)
    (finding,) = [line for line in lines if line.check == "retention"]
    assert finding.status == status
    assert said in finding.finding
