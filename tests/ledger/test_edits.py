"""POST, PATCH and DELETE of entities, and what the change keeps of them."""

import pytest

from stanchion.errors import BadRequest, Conflict, NotFound, PreconditionFailed, StanchionError
from stanchion.ledger.edits import refuse_other_id, refuse_other_tenant, snapshot_id
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES, USER_PROFILES
from stanchion.model.json_text import JsonObject, JsonValue
from tests.ledger.memory import (
    MICROSOFT,
    PROWLER,
    TENANT,
    Memory,
    control,
    create,
    decide,
    delete,
    merge,
    score,
    update,
)

SCORE_ID = f"{TENANT}_2026-03-10"


@pytest.fixture
def scored(memory: Memory) -> Memory:
    """A tenant with one score."""
    memory.run(create(score(extra={"kept": True})))
    return memory


def stored(memory: Memory) -> JsonObject:
    return memory.get(SCORE_ID, SECURE_SCORES).value


def test_a_new_entity_is_created_with_what_it_lacks_as_null_or_empty(memory: Memory) -> None:
    outcome = memory.run(create({"id": "u", "displayName": "Ann"}, USER_PROFILES))
    assert outcome.created
    value = outcome.stored.value
    assert (value["azureTenantId"], value["riskScore"], value["tags"]) == (TENANT, None, [])
    assert set(value) == set(USER_PROFILES.type.by_name)
    assert list(value)[:2] == ["id", "displayName"]


@pytest.mark.parametrize(
    "again",
    [
        {},
        {"maxScore": 50.0},
        {"createdDateTime": "2026-03-10T01:00:00+01:00"},
        {"azureTenantId": TENANT.upper()},
        {"activeUserCount": None},
        {"averageComparativeScores": []},
    ],
)
def test_the_same_content_again_is_no_error_and_writes_nothing(scored: Memory, again: JsonObject) -> None:
    outcome = scored.run(create({**score(extra={"kept": True}), **again}))
    assert (outcome.created, outcome.changed, outcome.stored.version) == (False, False, 1)
    assert len(scored.changes) == 1


@pytest.mark.parametrize(
    "other",
    [{"maxScore": 51}, {"extra": None}, {"enabledServices": []}, {"more": 1}, {"vendorInformation": None}],
)
def test_other_content_under_the_id_is_a_conflict(scored: Memory, other: JsonObject) -> None:
    with pytest.raises(Conflict, match="other content") as refusal:
        scored.run(create({**score(extra={"kept": True}), **other}))
    assert refusal.value.target == "id"
    assert len(scored.changes) == 1


def test_a_control_posted_as_it_came_is_the_same_after_a_decision(memory: Memory) -> None:
    memory.run(create(control("A"), CONTROL_PROFILES))
    memory.run(decide("A", {"state": "Ignored"}))
    untouched = control("A", controlStateUpdates=[update("Default", None, by=None)])
    assert not memory.run(create(untouched, CONTROL_PROFILES)).changed
    assert memory.shown("A")["state"] == "Ignored"


@pytest.mark.parametrize("when", ["2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"])
def test_a_control_posted_with_a_decision_that_the_ledger_lacks_is_a_conflict(
    memory: Memory, when: str
) -> None:
    memory.run(create(control("A"), CONTROL_PROFILES))
    memory.run(decide("A", {"state": "Ignored"}))
    with pytest.raises(Conflict):
        memory.run(create(control("A", controlStateUpdates=[update("Reviewed", when)]), CONTROL_PROFILES))
    assert len(memory.changes) == 2


def test_a_control_is_created_with_the_decision_it_brings(memory: Memory) -> None:
    entry = update("Reviewed", "2026-01-02T00:00:00.1234567Z", comment="seen")
    memory.run(create(control("A", controlStateUpdates=[entry]), CONTROL_PROFILES))
    assert memory.shown("A") == entry
    assert len(memory.history("A")) == 1


def test_complex_values_merge(scored: Memory) -> None:
    scored.run(merge(SCORE_ID, {"vendorInformation": {"providerVersion": "2"}}))
    assert stored(scored)["vendorInformation"] == {**MICROSOFT, "providerVersion": "2"}


def test_a_complex_value_can_be_cleared_and_set_again(scored: Memory) -> None:
    scored.run(merge(SCORE_ID, {"vendorInformation": None}))
    assert stored(scored)["vendorInformation"] is None
    scored.run(merge(SCORE_ID, {"vendorInformation": {"vendor": "Acme"}}))
    assert stored(scored)["vendorInformation"] == {"vendor": "Acme"}


def test_collections_are_replaced(scored: Memory) -> None:
    scored.run(merge(SCORE_ID, {"controlScores": [{"controlName": "B"}], "enabledServices": None}))
    assert stored(scored)["controlScores"] == [{"controlName": "B"}]
    assert stored(scored)["enabledServices"] == []


def test_open_properties_are_kept_and_added(scored: Memory) -> None:
    scored.run(merge(SCORE_ID, {"another": [1]}))
    assert (stored(scored)["extra"], stored(scored)["another"]) == ({"kept": True}, [1])


def test_null_sets_null(scored: Memory) -> None:
    scored.run(merge(SCORE_ID, {"currentScore": None, "extra": None}))
    assert (stored(scored)["currentScore"], stored(scored)["extra"]) == (None, None)
    assert "extra" in stored(scored)


def test_what_is_not_sent_stays(scored: Memory) -> None:
    before = stored(scored)
    scored.run(merge(SCORE_ID, {"licensedUserCount": 4}))
    assert stored(scored) == {**before, "licensedUserCount": 4}
    assert list(stored(scored)) == list(before)


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"maxScore": 50.0},
        {"id": SCORE_ID, "azureTenantId": TENANT.upper()},
        {"createdDateTime": "2026-03-09T23:00:00-01:00"},
        {"vendorInformation": {"vendor": "Microsoft", "subProvider": None}},
        {"extra": {"kept": True}},
    ],
)
def test_a_patch_that_changes_nothing_adds_no_entry(scored: Memory, patch: JsonObject) -> None:
    before = scored.get(SCORE_ID, SECURE_SCORES)
    outcome = scored.run(merge(SCORE_ID, patch))
    assert (outcome.changed, outcome.stored) == (False, before)
    assert len(scored.changes) == 1


def test_a_patch_keeps_the_spelling_of_the_tenant(scored: Memory) -> None:
    scored.run(merge(SCORE_ID, {"azureTenantId": TENANT.upper(), "currentScore": 11}))
    assert stored(scored)["azureTenantId"] == TENANT


@pytest.mark.parametrize(
    ("patch", "target"), [({"id": "other"}, "id"), ({"azureTenantId": "2" + TENANT[1:]}, "azureTenantId")]
)
def test_a_patch_of_another_id_or_tenant_is_refused(scored: Memory, patch: JsonObject, target: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        scored.run(merge(SCORE_ID, {**patch, "currentScore": 11}))
    assert refusal.value.target == target
    assert len(scored.changes) == 1


@pytest.mark.parametrize(
    ("entity_id", "if_match", "refusal"),
    [
        ("none", frozenset({9}), NotFound),
        (SCORE_ID, frozenset({9}), PreconditionFailed),
        (SCORE_ID, "any", BadRequest),
    ],
)
def test_the_entity_comes_before_if_match_and_the_body_last(
    scored: Memory, entity_id: str, if_match: frozenset[int], refusal: type[StanchionError]
) -> None:
    with pytest.raises(refusal):
        scored.run(merge(entity_id, {"id": "other"}, if_match=if_match))


def test_the_detail_holds_what_differs_before_and_after(scored: Memory) -> None:
    patch: JsonObject = {
        "currentScore": 11,
        "maxScore": 50.0,
        "new": 1,
        "vendorInformation": {"vendor": "Acme"},
    }
    scored.run(merge(SCORE_ID, patch))
    assert scored.detail() == {
        "set": "secureScores",
        "id": SCORE_ID,
        "before": {"currentScore": 10.0, "vendorInformation": MICROSOFT},
        "after": {"currentScore": 11, "vendorInformation": {**MICROSOFT, "vendor": "Acme"}, "new": 1},
    }


def test_a_delete_removes_the_entity_and_its_change_keeps_the_former_value(scored: Memory) -> None:
    before = stored(scored)
    scored.run(delete(SCORE_ID, if_match=frozenset({1})))
    assert scored.ids(SECURE_SCORES) == set()
    assert scored.detail() == {"set": "secureScores", "id": SCORE_ID, "before": before}


@pytest.mark.parametrize(
    ("entity_id", "if_match", "refusal"),
    [("none", frozenset({9}), NotFound), (SCORE_ID, frozenset({9}), PreconditionFailed)],
)
def test_a_delete_is_refused_where_it_does_not_hold(
    scored: Memory, entity_id: str, if_match: frozenset[int], refusal: type[StanchionError]
) -> None:
    with pytest.raises(refusal):
        scored.run(delete(entity_id, if_match=if_match))


def test_a_deleted_control_comes_back_with_its_decision(memory: Memory) -> None:
    memory.run(create(control("A"), CONTROL_PROFILES))
    memory.run(decide("A", {"state": "Ignored"}))
    memory.run(delete("A", entity_set=CONTROL_PROFILES))
    memory.run(create(control("A"), CONTROL_PROFILES))
    assert memory.shown("A")["state"] == "Ignored"


def test_an_id_in_a_refusal_stays_on_one_line() -> None:
    with pytest.raises(BadRequest) as refusal:
        refuse_other_id({"id": "a\nb" * 200}, key="c\nd")
    assert "\n" not in refusal.value.message
    assert len(refusal.value.message) < 300


def test_a_tenant_in_a_refusal_stays_on_one_line() -> None:
    with pytest.raises(BadRequest) as refusal:
        refuse_other_tenant({"azureTenantId": "a\nb" * 200}, tenant_id=TENANT)
    assert "\n" not in refusal.value.message
    assert len(refusal.value.message) < 300


@pytest.mark.parametrize(
    ("information", "suffix"),
    [
        (MICROSOFT, ""),
        ({"vendor": "microsoft", "provider": "SECURESCORE"}, ""),
        (None, ""),
        ({"vendor": "Microsoft", "provider": None}, ""),
        (PROWLER, "_Prowler"),
        ({"vendor": "Acme", "provider": "SecureScore"}, "_SecureScore"),
        ({"vendor": None, "provider": "Scan"}, "_Scan"),
    ],
)
def test_a_snapshot_is_named_by_its_utc_day_and_provider(information: JsonValue, suffix: str) -> None:
    value: JsonObject = {"createdDateTime": "2026-03-11T00:30:00+01:00", "vendorInformation": information}
    assert snapshot_id(value, tenant_id=TENANT) == f"{TENANT}_2026-03-10{suffix}"


@pytest.mark.parametrize("provider", ["a" * 209, "a\nb"])
def test_a_provider_of_which_no_id_can_be_made_asks_for_one(provider: str) -> None:
    information: JsonObject = {"vendor": "Acme", "provider": provider}
    value: JsonObject = {"createdDateTime": "2026-03-11T00:30:00Z", "vendorInformation": information}
    with pytest.raises(BadRequest, match=rf"kept as '{TENANT}_2026-03-11_a.*Send an 'id'") as raised:
        snapshot_id(value, tenant_id=TENANT)
    assert raised.value.target == "id"


def test_the_longest_provider_of_which_an_id_can_be_made_is_used() -> None:
    information: JsonObject = {"vendor": "Acme", "provider": "a" * 208}
    value: JsonObject = {"createdDateTime": "2026-03-11T00:30:00Z", "vendorInformation": information}
    assert len(snapshot_id(value, tenant_id=TENANT)) == 256


@pytest.mark.parametrize("value", [{}, {"createdDateTime": None}])
def test_a_score_without_id_and_day_is_refused(value: JsonObject) -> None:
    with pytest.raises(BadRequest, match="createdDateTime"):
        snapshot_id(value, tenant_id=TENANT)
