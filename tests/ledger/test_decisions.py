"""PATCH of a control profile: a command, not a merge."""

import pytest
from msgspec.structs import replace

from stanchion.errors import BadRequest, NotFound, PreconditionFailed, StanchionError
from stanchion.ledger.changes import Actor
from stanchion.ledger.controls import record, standing
from stanchion.ledger.decisions import Owner, Standing, Status, parse_request
from stanchion.ledger.draft import Draft
from stanchion.ledger.fold import Applied
from stanchion.model.edm import RootName
from stanchion.model.instant import parse_instant
from stanchion.model.json_text import JsonObject, JsonValue
from tests.ledger.memory import ACTOR, MICROSOFT, PROWLER, Do, Memory, bring, control, decide, update

UNTOUCHED: JsonObject = {
    "assignedTo": None,
    "comment": None,
    "state": "Default",
    "updatedBy": None,
    "updatedDateTime": None,
}


def kept(memory: Memory, control_id: str = "AdminMFA") -> Standing:
    """Return the newest decision as the ledger keeps it."""
    return Standing.read(memory.history(control_id)[-1].value)


def plan(memory: Memory, decision: Standing) -> None:
    """Put a decision that only the ledger's own surface can make."""

    def action(draft: Draft) -> Applied[None]:
        record(draft, "AdminMFA", decision, owner=Owner("Microsoft", "SecureScore"))
        return Applied(None, "test")

    memory.run(Do(action))
    memory.run(bring(control("AdminMFA", openProperty={"nested": [1]})))


@pytest.mark.parametrize(
    ("spelling", "shown", "status"),
    [
        ("Ignored", "Ignored", Status.RISK_ACCEPTED),
        ("ignored", "Ignored", Status.RISK_ACCEPTED),
        ("ignore", "Ignored", Status.RISK_ACCEPTED),
        ("IGNORE", "Ignored", Status.RISK_ACCEPTED),
        ("ThirdParty", "ThirdParty", Status.THIRD_PARTY),
        ("thirdParty", "ThirdParty", Status.THIRD_PARTY),
        ("Reviewed", "Reviewed", Status.REVIEWED),
        ("reviewed", "Reviewed", Status.REVIEWED),
        ("AlternateMitigation", "ThirdParty", Status.ALTERNATE_MITIGATION),
        ("alternatemitigation", "ThirdParty", Status.ALTERNATE_MITIGATION),
    ],
)
@pytest.mark.parametrize("name", ["state", "controlStateUpdates"])
def test_a_state_is_accepted_in_any_case_under_both_names(
    mfa: Memory, *, name: str, spelling: str, shown: str, status: Status
) -> None:
    mfa.run(decide("AdminMFA", {name: spelling}))
    assert mfa.shown("AdminMFA")["state"] == shown
    assert kept(mfa).status is status


def test_default_takes_a_decision_back(mfa: Memory) -> None:
    mfa.run(decide("AdminMFA", {"state": "Ignored"}))
    mfa.run(decide("AdminMFA", {"state": "default"}))
    assert kept(mfa).status is Status.TO_ADDRESS


@pytest.mark.parametrize("status", list(Status))
def test_each_of_the_seven_statuses_has_a_state(status: Status) -> None:
    assert status.state in {"Default", "Ignored", "ThirdParty", "Reviewed"}


@pytest.mark.parametrize("name", ["comment", "tenantNote"])
def test_the_comment_is_accepted_under_both_names(mfa: Memory, name: str) -> None:
    mfa.run(decide("AdminMFA", {name: "see ticket 7"}))
    assert mfa.shown("AdminMFA")["comment"] == "see ticket 7"


@pytest.mark.parametrize(
    "body",
    [
        {"comment": "a", "tenantNote": "a"},
        {"state": "Ignored", "controlStateUpdates": "ignore"},
        {"comment": None, "tenantNote": None},
    ],
)
def test_old_and_new_name_may_say_the_same(body: JsonObject) -> None:
    parse_request(body, root="beta")


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ({"comment": "a", "tenantNote": "b"}, "tenantNote"),
        ({"comment": "a", "tenantNote": None}, "tenantNote"),
        ({"state": "Ignored", "controlStateUpdates": "reviewed"}, "controlStateUpdates"),
        ({"state": "ThirdParty", "controlStateUpdates": "AlternateMitigation"}, "controlStateUpdates"),
        ({"state": None}, "state"),
        ({"state": "Done"}, "state"),
        ({"state": ""}, "state"),
        ({"state": 1}, "state"),
        ({"state": ["Ignored"]}, "state"),
        ({"controlStateUpdates": "controlStateUpdates-value"}, "controlStateUpdates"),
        ({"controlStateUpdates": 5}, "controlStateUpdates"),
        ({"controlStateUpdates": [{"state": 5}]}, "controlStateUpdates/0/state"),
        ({"assignedTo": 5}, "assignedTo"),
        ({"comment": {}}, "comment"),
        ({"tenantNote": True}, "tenantNote"),
        ({"maxScore": "5"}, "maxScore"),
        ({"id": None}, "id"),
        ({"secureScoreControlProfile": {"state": "Ignored"}}, "secureScoreControlProfile"),
        ({"vendorInformation": {"vendor": "Microsoft", "product": "x"}}, "vendorInformation/product"),
    ],
)
@pytest.mark.parametrize("root", ["v1.0", "beta"])
def test_a_body_at_fault_by_itself_is_refused_naming_the_place(
    body: JsonObject, target: str, root: RootName
) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse_request({"vendorInformation": dict(MICROSOFT), **body}, root=root)
    assert refusal.value.target == target
    assert target.partition("/")[0] in refusal.value.message


def test_an_unknown_state_is_told_the_states_allowed() -> None:
    with pytest.raises(
        BadRequest, match="Default, Ignored, ThirdParty, Reviewed, AlternateMitigation, not 'Done'"
    ):
        parse_request({"state": "Done"}, root="beta")


def test_a_state_of_many_lines_is_shown_on_one() -> None:
    with pytest.raises(BadRequest) as refusal:
        parse_request({"state": "a\nb" + "c" * 500}, root="beta")
    assert "\n" not in refusal.value.message
    assert len(refusal.value.message) < 300


def test_what_is_not_sent_stays(mfa: Memory) -> None:
    mfa.run(decide("AdminMFA", {"assignedTo": "eve", "comment": "why", "state": "Ignored"}))
    mfa.run(decide("AdminMFA", {"comment": "because"}))
    entry = mfa.shown("AdminMFA")
    assert (entry["assignedTo"], entry["comment"], entry["state"]) == ("eve", "because", "Ignored")


@pytest.mark.parametrize("name", ["assignedTo", "comment", "tenantNote"])
def test_null_clears(mfa: Memory, name: str) -> None:
    mfa.run(decide("AdminMFA", {"assignedTo": "eve", "comment": "why"}))
    mfa.run(decide("AdminMFA", {name: None}))
    assert mfa.shown("AdminMFA")["comment" if name == "tenantNote" else name] is None


def test_an_empty_assignee_is_a_value(mfa: Memory) -> None:
    mfa.run(decide("AdminMFA", {"assignedTo": ""}))
    assert mfa.shown("AdminMFA")["assignedTo"] == ""


def test_control_information_is_ignored_at_any_depth(mfa: Memory) -> None:
    body: JsonObject = {
        "@odata.type": "#microsoft.graph.secureScoreControlProfile",
        "assignedTo@odata.type": "String",
        "vendorInformation": {"@odata.type": "microsoft.graph.securityVendorInformation", **MICROSOFT},
        "openProperty": {"nested": [1], "@odata.type": "x"},
        "comment": "a",
    }
    mfa.run(decide("AdminMFA", body, root="v1.0"))
    assert mfa.shown("AdminMFA")["comment"] == "a"


@pytest.mark.parametrize(
    "echo",
    [
        {"maxScore": 5},
        {"maxScore": 5.0},
        {"rank": 3},
        {"lastModifiedDateTime": "2026-01-01T01:00:00.000+01:00"},
        {"lastModifiedDateTime": "2026-01-01T00:00:00Z"},
        {"threats": ["Account Breach"]},
        {"complianceInformation": []},
        {"complianceInformation": None},
        {"tier": None},
        {"id": "AdminMFA"},
        {"openProperty": {"nested": [1.0]}},
        {"controlStateUpdates": [UNTOUCHED]},
        {"controlStateUpdates": [{"state": "Default"}]},
        {"azureTenantId": "11111111-1111-4111-8111-111111111111"},
    ],
)
def test_a_present_value_sent_back_is_ignored(mfa: Memory, echo: JsonObject) -> None:
    outcome = mfa.run(decide("AdminMFA", echo))
    assert not outcome.changed
    assert len(mfa.changes) == 1


def test_the_tenant_is_the_same_in_any_case(memory: Memory) -> None:
    memory.run(bring(control("A", azureTenantId="11111111-1111-4111-8111-111111111111")))
    assert not memory.run(
        decide("A", {"azureTenantId": "11111111-1111-4111-8111-111111111111".upper()})
    ).changed


def test_the_entity_as_it_was_read_may_be_sent_back_whole(mfa: Memory) -> None:
    whole = dict(mfa.get("AdminMFA").value)
    mfa.run(decide("AdminMFA", {**whole, "state": "Reviewed"}, root="v1.0"))
    assert mfa.shown("AdminMFA")["state"] == "Reviewed"


@pytest.mark.parametrize(
    "other",
    [
        {"maxScore": 6},
        {"maxScore": None},
        {"lastModifiedDateTime": "2026-01-01T00:00:01Z"},
        {"threats": []},
        {"threats": None},
        {"id": "adminmfa"},
        {"title": "control adminmfa"},
        {"openProperty": {"nested": [True]}},
        {"controlStateUpdates": []},
        {"controlStateUpdates": None},
        {"controlStateUpdates": [{"state": "Ignored"}]},
    ],
)
def test_another_value_of_a_property_is_refused_as_read_only(mfa: Memory, other: JsonObject) -> None:
    with pytest.raises(BadRequest, match="read-only") as refusal:
        mfa.run(decide("AdminMFA", {**other, "state": "Ignored"}))
    assert refusal.value.target == next(iter(other))


def test_a_name_that_nobody_knows_is_refused_naming_the_nearest(mfa: Memory) -> None:
    with pytest.raises(BadRequest, match=r"'asignedTo'.*Did you mean 'assignedTo'") as refusal:
        mfa.run(decide("AdminMFA", {"asignedTo": "eve"}))
    assert refusal.value.target == "asignedTo"


@pytest.mark.parametrize(
    "information",
    [
        None,
        {},
        {"vendor": "Microsoft"},
        {"provider": "SecureScore"},
        {"vendor": "", "provider": "SecureScore"},
        {"vendor": "Microsoft", "provider": None},
    ],
)
def test_v1_needs_the_vendor_and_the_provider(information: JsonValue) -> None:
    with pytest.raises(BadRequest, match="vendorInformation/") as refusal:
        parse_request({"state": "Ignored", "vendorInformation": information}, root="v1.0")
    assert refusal.value.target == "vendorInformation"


def test_v1_refuses_a_body_without_vendor_information() -> None:
    with pytest.raises(BadRequest, match="'vendorInformation/provider' and 'vendorInformation/vendor'"):
        parse_request({"state": "Ignored"}, root="v1.0")


@pytest.mark.parametrize("body", [{}, {"vendorInformation": None}])
def test_beta_needs_no_vendor_information(body: JsonObject) -> None:
    assert parse_request(body, root="beta").owner is None


@pytest.mark.parametrize("root", ["v1.0", "beta"])
def test_the_owner_matches_without_regard_to_case(mfa: Memory, root: RootName) -> None:
    owner: JsonObject = {
        "vendor": "MICROSOFT",
        "provider": "securescore",
        "providerVersion": None,
        "subProvider": None,
    }
    assert mfa.run(decide("AdminMFA", {"state": "Ignored", "vendorInformation": owner}, root=root)).changed


def test_only_a_to_z_are_folded_in_an_owner() -> None:
    assert Owner("ACME", "Kernel").matches(Owner("acme", "kERNEL"))
    assert not Owner("acme", "\u212aernel").matches(Owner("acme", "kernel"))


@pytest.mark.parametrize("root", ["v1.0", "beta"])
def test_another_owner_is_not_found_and_told_who_owns_it(mfa: Memory, root: RootName) -> None:
    with pytest.raises(NotFound, match="'Prowler/Prowler'; it belongs to Microsoft/SecureScore"):
        mfa.run(decide("AdminMFA", {"vendorInformation": dict(PROWLER)}, root=root))


def test_a_control_without_owner_says_so(memory: Memory) -> None:
    memory.run(bring(control("C", {"vendor": None, "provider": "P"})))
    with pytest.raises(NotFound, match="belongs to no provider"):
        memory.run(decide("C", {"vendorInformation": dict(MICROSOFT)}))


@pytest.mark.parametrize("state", ["Default", "default"])
def test_an_equal_state_keeps_status_approver_and_expiry(mfa: Memory, state: str) -> None:
    planned = Standing(
        Status.PLANNED, "eve", "soon", "boss", "2027-01-01T00:00:00Z", "eve", "2026-02-01T00:00:00Z"
    )
    plan(mfa, planned)
    before = len(mfa.changes)
    assert not mfa.run(decide("AdminMFA", {"state": state})).changed
    assert len(mfa.changes) == before
    mfa.run(decide("AdminMFA", {"state": state, "comment": "sooner"}))
    assert replace(kept(mfa), updated_by="eve", updated="2026-02-01T00:00:00Z") == replace(
        planned, comment="sooner"
    )


@pytest.mark.parametrize("state", ["Ignored", "ThirdParty", "Reviewed", "AlternateMitigation"])
def test_a_different_state_clears_approver_and_expiry(mfa: Memory, state: str) -> None:
    plan(
        mfa,
        Standing(
            Status.PLANNED, "eve", "soon", "boss", "2027-01-01T00:00:00Z", "eve", "2026-02-01T00:00:00Z"
        ),
    )
    mfa.run(decide("AdminMFA", {"state": state}))
    decision = kept(mfa)
    assert (decision.approver, decision.expires) == (None, None)
    assert (decision.assigned_to, decision.comment) == ("eve", "soon")


def test_the_change_keeps_what_a_decision_replaced(mfa: Memory) -> None:
    planned = Standing(
        Status.PLANNED, "eve", "soon", "boss", "2027-01-01T00:00:00Z", "eve", "2026-02-01T00:00:00Z"
    )
    plan(mfa, planned)
    mfa.run(decide("AdminMFA", {"state": "Reviewed"}))
    assert mfa.detail() == {"control": "AdminMFA", "before": planned.kept(), "after": kept(mfa).kept()}


def test_a_decision_names_who_and_when_in_microseconds(mfa: Memory) -> None:
    mfa.now = parse_instant("2026-03-10T12:00:00.1234567Z")
    mfa.run(decide("AdminMFA", {"state": "Ignored"}))
    entry = mfa.shown("AdminMFA")
    assert entry["updatedBy"] == ACTOR.name
    assert entry["updatedDateTime"] == "2026-03-10T12:00:00.123456Z"


def test_a_decision_leaves_the_providers_own_properties_alone(mfa: Memory) -> None:
    before = mfa.get("AdminMFA").value
    mfa.run(decide("AdminMFA", {"state": "Ignored"}))
    after = mfa.get("AdminMFA").value
    assert {**after, "controlStateUpdates": None} == {**before, "controlStateUpdates": None}
    assert list(after) == list(before)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"state": "Ignored"},
        {"comment": "why"},
        {"assignedTo": "eve", "tenantNote": "why", "controlStateUpdates": "ignore"},
        {"vendorInformation": dict(MICROSOFT)},
    ],
)
def test_a_patch_that_changes_nothing_writes_nothing(mfa: Memory, body: JsonObject) -> None:
    mfa.run(decide("AdminMFA", {"assignedTo": "eve", "comment": "why", "state": "Ignored"}))
    before = mfa.get("AdminMFA")
    other = Actor("urn:test", ACTOR.tenant_id, "zoe@example.com", oid="zoe")
    outcome = mfa.run(decide("AdminMFA", body, by=other))
    assert (outcome.changed, outcome.stored) == (False, before)
    assert mfa.get("AdminMFA") == before
    assert len(mfa.changes) == 2


WRONG_OWNER: JsonObject = {"vendorInformation": dict(PROWLER)}
WRONG_BODY: JsonObject = {"maxScore": 6}


@pytest.mark.parametrize(
    ("control_id", "body", "if_match", "refusal"),
    [
        ("None", {**WRONG_OWNER, **WRONG_BODY}, frozenset({9}), NotFound),
        ("AdminMFA", {**WRONG_OWNER, **WRONG_BODY}, frozenset({9}), NotFound),
        ("AdminMFA", WRONG_BODY, frozenset({9}), PreconditionFailed),
        ("AdminMFA", WRONG_BODY, frozenset({1}), BadRequest),
        ("AdminMFA", {}, frozenset({9}), PreconditionFailed),
    ],
)
def test_the_first_fault_in_the_order_of_checks_is_told(
    mfa: Memory, *, control_id: str, body: JsonObject, if_match: frozenset[int], refusal: type[StanchionError]
) -> None:
    with pytest.raises(refusal) as raised:
        mfa.run(decide(control_id, body, if_match=if_match))
    assert ("exist" in raised.value.message) == (control_id == "None")
    assert len(mfa.changes) == 1


def test_a_control_that_is_not_there_is_named_by_one_line(memory: Memory) -> None:
    with pytest.raises(NotFound) as refusal:
        memory.run(decide("a\nb", {}))
    assert "\n" not in refusal.value.message


@pytest.mark.parametrize("if_match", [None, "any", frozenset({1}), frozenset({1, 7})])
def test_if_match_lets_the_present_version_through(mfa: Memory, if_match: frozenset[int] | None) -> None:
    assert mfa.run(decide("AdminMFA", {"state": "Ignored"}, if_match=if_match)).stored.version == 2


def test_asking_for_no_entity_is_refused_where_there_is_one(mfa: Memory) -> None:
    with pytest.raises(PreconditionFailed, match="If-None-Match") as refusal:
        mfa.run(decide("AdminMFA", {"state": "Ignored"}, if_match="none"))
    assert refusal.value.target == "If-None-Match"
    with pytest.raises(NotFound):
        mfa.run(decide("None", {"state": "Ignored"}, if_match="none"))


def test_if_match_with_no_version_lets_nothing_through(mfa: Memory) -> None:
    with pytest.raises(PreconditionFailed):
        mfa.run(decide("AdminMFA", {"state": "Ignored"}, if_match=frozenset()))


def test_decisions_of_one_moment_follow_each_other(mfa: Memory) -> None:
    for comment in ("one", "two", "three"):
        mfa.run(decide("AdminMFA", {"comment": comment}))
    times = [entry.value["updatedDateTime"] for entry in mfa.history("AdminMFA")]
    assert times == sorted(set(map(str, times)))
    assert mfa.shown("AdminMFA")["comment"] == "three"


@pytest.mark.parametrize("ahead", ["2031-01-01T00:00:00.1234567Z", "9999-12-31T23:59:59.999999Z"])
def test_a_decision_replaces_one_from_a_clock_ahead_of_ours(memory: Memory, ahead: str) -> None:
    file = control("A", controlStateUpdates=[update("Ignored", ahead)])
    memory.run(bring(file))
    memory.run(decide("A", {"state": "Reviewed"}))
    assert memory.shown("A")["state"] == "Reviewed"
    memory.run(bring(file))
    assert memory.shown("A")["state"] == "Reviewed"


def test_a_control_that_nobody_touched_shows_default(mfa: Memory) -> None:
    assert mfa.shown("AdminMFA") == UNTOUCHED


def test_the_standing_decision_is_what_the_control_shows(mfa: Memory) -> None:
    mfa.run(decide("AdminMFA", {"state": "Ignored", "comment": "why"}))

    def read(draft: Draft) -> Applied[Standing]:
        return Applied(standing(draft, "AdminMFA"), "test")

    assert mfa.run(Do(read)).shown() == mfa.shown("AdminMFA")
