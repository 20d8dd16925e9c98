"""The invented tenants hold what Graph would send, add up, and tell their stories."""

import dataclasses
import datetime as dt
import json
import re
import sys
import time
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from stanchion.demo import DemoTenant, demo_tenants

TODAY = dt.date(2026, 3, 2)
TENANTS = demo_tenants(TODAY)
ALDER_QUAY, BRINEWOOD = TENANTS
SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "graph"

each_tenant = pytest.mark.parametrize("tenant", TENANTS, ids=lambda tenant: tenant.name)


def points(tenant: DemoTenant, day: int, control_id: str) -> float:
    """Look up what a control earned on a day, day 0 being the oldest."""
    entries = tenant.scores[day]["controlScores"]
    return float(next(entry["score"] for entry in entries if entry["controlName"] == control_id))


def current(tenant: DemoTenant, day: int) -> float:
    return float(tenant.scores[day]["currentScore"])


@each_tenant
def test_a_current_score_is_the_sum_of_its_control_scores(tenant: DemoTenant) -> None:
    for score in tenant.scores:
        assert sum(entry["score"] for entry in score["controlScores"]) == pytest.approx(
            score["currentScore"], abs=1e-9
        )
        assert all(round(entry["score"], 2) == entry["score"] for entry in score["controlScores"])


@each_tenant
def test_a_maximum_is_the_sum_of_the_maxima_of_the_controls_that_count(tenant: DemoTenant) -> None:
    maxima = {profile["id"]: profile["maxScore"] for profile in tenant.profiles}
    for score in tenant.scores:
        assert score["maxScore"] == sum(maxima[entry["controlName"]] for entry in score["controlScores"])
        assert all(0 <= entry["score"] <= maxima[entry["controlName"]] for entry in score["controlScores"])


@each_tenant
def test_the_days_are_a_year_without_gaps_that_ends_today(tenant: DemoTenant) -> None:
    days = [dt.date.fromisoformat(score["createdDateTime"][:10]) for score in tenant.scores]
    assert len(days) >= 365
    assert days[-1] == TODAY
    assert all(later - earlier == dt.timedelta(days=1) for earlier, later in pairwise(days))
    assert all(
        score["id"] == f"{tenant.tenant_id}_{day}" and score["createdDateTime"] == f"{day}T00:00:00Z"
        for day, score in zip(days, tenant.scores, strict=True)
    )


@each_tenant
def test_there_are_at_least_44_controls_of_each_sort(tenant: DemoTenant) -> None:
    profiles = tenant.profiles
    ids = {profile["id"] for profile in profiles}
    assert len(ids) == len(profiles) >= 44
    assert {"AdminMFAV2", "NonOwnerAccess", "11770.MDA_Ledgerly_RequireMfa"} <= ids
    assert sum(identifier.startswith("scid_") for identifier in ids) >= 3
    assert sum(profile["deprecated"] for profile in profiles) >= 2
    assert {profile["controlCategory"] for profile in profiles} == {"Identity", "Apps", "Data", "Device"}
    assert all(1 <= profile["maxScore"] <= 10 for profile in profiles)


@each_tenant
def test_no_deprecated_control_is_measured(tenant: DemoTenant) -> None:
    deprecated = {profile["id"] for profile in tenant.profiles if profile["deprecated"]}
    assert not deprecated & {
        entry["controlName"] for score in tenant.scores for entry in score["controlScores"]
    }


def test_no_two_controls_share_a_sentence() -> None:
    sentences = [
        profile[name]
        for profile in ALDER_QUAY.profiles
        for name in ("title", "remediation", "remediationImpact")
    ]
    assert len(set(sentences)) == len(sentences)


@each_tenant
def test_entities_have_every_declared_property(tenant: DemoTenant) -> None:
    assert {" ".join(sorted(score)) for score in tenant.scores} == {SCORE_PROPERTIES}
    assert {" ".join(sorted(profile)) for profile in tenant.profiles} == {PROFILE_PROPERTIES}
    assert {" ".join(sorted(user)) for user in tenant.users} == {USER_PROPERTIES}
    entities = [*tenant.scores, *tenant.profiles, *tenant.users]
    assert {entity["azureTenantId"] for entity in entities} == {tenant.tenant_id}
    assert len({entity["id"] for entity in entities}) == len(entities)


@each_tenant
def test_control_scores_say_their_facts_as_strings(tenant: DemoTenant) -> None:
    for entry in tenant.scores[-1]["controlScores"]:
        if "on" in entry:
            assert entry["on"] in {"true", "false"}
        else:
            assert 0 <= int(entry["count"]) <= int(entry["total"])
        assert entry["implementationStatus"]
        assert "{" not in entry["implementationStatus"]
        assert 0 <= entry["scoreInPercentage"] <= 100


@each_tenant
def test_comparatives_are_all_tenants_and_then_those_of_like_size(tenant: DemoTenant) -> None:
    for score in tenant.scores:
        everyone, peers = score["averageComparativeScores"]
        assert (everyone["basis"], peers["basis"]) == ("AllTenants", "TotalSeats")
        assert int(peers["SeatSizeRangeLowerValue"]) <= int(peers["SeatSizeRangeUpperValue"])
        assert 0 < score["activeUserCount"] <= score["licensedUserCount"]


@pytest.mark.parametrize(("tenant", "day"), [(ALDER_QUAY, 147), (BRINEWOOD, 205)], ids=["alder", "brinewood"])
def test_a_licence_change_adds_services_controls_and_points_to_win(tenant: DemoTenant, day: int) -> None:
    before, after = tenant.scores[day - 1], tenant.scores[day]
    assert set(before["enabledServices"]) < set(after["enabledServices"])
    assert len(after["controlScores"]) >= len(before["controlScores"]) + 10
    assert after["maxScore"] > 1.5 * before["maxScore"]
    changes = [earlier["maxScore"] != later["maxScore"] for earlier, later in pairwise(tenant.scores)]
    assert sum(changes) == 1


@pytest.mark.parametrize(
    ("tenant", "lost", "regained", "control_ids"),
    [
        (ALDER_QUAY, 212, 240, ("BlockLegacyAuthentication", "SigninRiskPolicy")),
        (BRINEWOOD, 96, 131, ("exo_mailboxaudit", "mdo_autoforwardingmode")),
    ],
    ids=["alder", "brinewood"],
)
def test_a_regression_costs_its_points_for_weeks_until_they_are_won_back(
    tenant: DemoTenant, lost: int, regained: int, control_ids: tuple[str, ...]
) -> None:
    whole = sum(points(tenant, lost - 1, control_id) for control_id in control_ids)
    assert current(tenant, lost) < current(tenant, lost - 1) - 10
    assert all(points(tenant, day, name) == 0 for day in range(lost, regained) for name in control_ids)
    assert sum(points(tenant, regained, control_id) for control_id in control_ids) == whole > 10
    assert current(tenant, regained) > current(tenant, regained - 1) + 10


@pytest.mark.parametrize(
    ("tenant", "first"), [(ALDER_QUAY, 301), (BRINEWOOD, 258)], ids=["alder", "brinewood"]
)
def test_a_triage_week_holds_several_decisions(tenant: DemoTenant, first: int) -> None:
    start = TODAY - dt.timedelta(days=len(tenant.scores) - 1 - first)
    week = [
        decision
        for decision in tenant.decisions
        if start <= decision.updated_date_time.date() < start + dt.timedelta(days=5)
    ]
    assert len({decision.control_id for decision in week}) >= 5
    assert len(week) > len({decision.control_id for decision in week})


@each_tenant
def test_registration_for_a_second_factor_grows_by_a_few_users_a_day(tenant: DemoTenant) -> None:
    registered = [
        int(entry["count"])
        for score in tenant.scores
        for entry in score["controlScores"]
        if entry["controlName"] == "MFARegistrationV2"
    ]
    assert all(0 <= later - earlier <= 6 for earlier, later in pairwise(registered))
    assert registered[-1] > 5 * registered[0]


@each_tenant
def test_profiles_hold_the_decisions_as_a_history(tenant: DemoTenant) -> None:
    history = [
        (profile["id"], *(update[name] for name in ("state", "assignedTo", "comment", "updatedBy")), when)
        for profile in tenant.profiles
        for update in profile["controlStateUpdates"]
        if (when := update["updatedDateTime"]) is not None
    ]
    decided = [
        (*dataclasses.astuple(decision)[:-1], decision.updated_date_time.isoformat().replace("+00:00", "Z"))
        for decision in tenant.decisions
    ]
    assert sorted(map(str, history)) == sorted(map(str, decided))
    assert any(len(profile["controlStateUpdates"]) > 1 for profile in tenant.profiles)
    assert {"Default", "Ignored", "ThirdParty", "Reviewed"} == {
        decision.state for decision in tenant.decisions
    }


@each_tenant
def test_an_undecided_control_shows_default_and_nulls(tenant: DemoTenant) -> None:
    decided = {decision.control_id for decision in tenant.decisions}
    untouched = {
        "assignedTo": None,
        "comment": None,
        "state": "Default",
        "updatedBy": None,
        "updatedDateTime": None,
    }
    others = [profile for profile in tenant.profiles if profile["id"] not in decided]
    assert all(profile["controlStateUpdates"] == [untouched] for profile in others)


def test_a_third_party_decision_earns_full_points_from_its_day_on() -> None:
    assert points(ALDER_QUAY, 301, "mdo_safelinksforemail") == 0
    assert {points(ALDER_QUAY, day, "mdo_safelinksforemail") for day in range(302, 366)} == {9}


def test_an_ignored_control_earns_nothing_until_it_is_taken_up_again() -> None:
    earned = [points(ALDER_QUAY, day, "SelfServicePasswordReset") for day in range(300, 306)]
    assert earned[0] > 0.8
    assert earned[1:4] == [0, 0, 0]
    assert earned[4] >= earned[0]


def test_the_second_tenant_is_smaller_and_licensed_otherwise() -> None:
    assert BRINEWOOD.scores[-1]["licensedUserCount"] < ALDER_QUAY.scores[-1]["licensedUserCount"] / 10
    assert BRINEWOOD.scores[-1]["enabledServices"] != ALDER_QUAY.scores[-1]["enabledServices"]


def test_the_same_day_gives_equal_data() -> None:
    assert demo_tenants(TODAY) == TENANTS


def test_the_data_is_made_quickly() -> None:
    calls, profiler, began = 0, sys.getprofile(), time.process_time()

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        demo_tenants(TODAY)
    finally:
        sys.setprofile(profiler)
    # Some 840,000 calls take 0.4 seconds. They are counted because they are as many on every machine.
    assert calls < 2_000_000
    # What a call does is not counted.
    assert time.process_time() - began < 20


def test_a_story_takes_the_same_course_whatever_day_it_is_told() -> None:
    later = demo_tenants(TODAY + dt.timedelta(days=400))
    for one, other in zip(TENANTS, later, strict=True):
        assert [score["currentScore"] for score in one.scores] == [
            score["currentScore"] for score in other.scores
        ]


@each_tenant
def test_everything_is_json(tenant: DemoTenant) -> None:
    for entities in (tenant.profiles, tenant.scores, tenant.users):
        assert json.loads(json.dumps(entities, allow_nan=False)) == entities


@each_tenant
def test_hosts_and_domains_are_those_reserved_for_examples(tenant: DemoTenant) -> None:
    text = json.dumps([tenant.profiles, tenant.users])
    hosts = re.findall(r'(?:https?://|@)([^/"\s<]+)', text)
    assert hosts
    assert all(host.endswith((".example", "example.com")) for host in hosts)


@each_tenant
def test_no_sentence_is_taken_from_a_real_answer(tenant: DemoTenant) -> None:
    if not SAMPLES.is_dir():
        pytest.skip(f"the real answers are not at {SAMPLES}")
    real = set(
        chain.from_iterable(sentences(json.loads(path.read_text())) for path in SAMPLES.glob("*.json"))
    )
    assert real
    assert not real & set(sentences([tenant.profiles, tenant.scores[-1], tenant.scores[0]]))


def sentences(value: Any) -> Iterator[str]:  # noqa: ANN401  (any JSON value)
    """Find the texts of a JSON value, whole and by sentence, that are long enough to be somebody's words."""
    match value:
        case dict():
            yield from chain.from_iterable(map(sentences, value.values()))
        case list():
            yield from chain.from_iterable(map(sentences, value))
        case str():
            plain = re.sub(r"<[^>]*>", ".", value)
            for part in (value, *re.split(r"[.!?:;]", plain)):
                if len(words := part.lower().split()) > 3:
                    yield " ".join(words)


SCORE_PROPERTIES = (
    "activeUserCount averageComparativeScores azureTenantId controlScores createdDateTime currentScore "
    "enabledServices id licensedUserCount maxScore vendorInformation"
)
PROFILE_PROPERTIES = (
    "actionType actionUrl azureTenantId complianceInformation controlCategory controlStateUpdates "
    "deprecated id implementationCost lastModifiedDateTime maxScore rank remediation remediationImpact "
    "service threats tier title userImpact vendorInformation"
)
USER_PROPERTIES = (
    "accounts azureSubscriptionId azureTenantId createdDateTime displayName id lastModifiedDateTime "
    "riskScore tags userPrincipalName vendorInformation"
)
