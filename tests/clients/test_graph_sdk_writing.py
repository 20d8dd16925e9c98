"""`msgraph-sdk`, unmodified, over TLS, writes: PATCH with and without Prefer, POST and DELETE."""

import pytest

from tests.clients.sdk import (
    GraphServiceClient,
    ODataError,
    QueryParameters,
    RequestConfiguration,
    SecureScoreControlProfile,
    SecurityVendorInformation,
)
from tests.serving.place import TENANT, Place, control_id

pytestmark = [
    pytest.mark.clients,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
VENDOR = SecurityVendorInformation(provider="SecureScore", vendor="Microsoft")


def decided(**members: object) -> SecureScoreControlProfile:
    """Return the body of a PATCH: what the model lacks goes into additional_data."""
    return SecureScoreControlProfile(vendor_information=VENDOR, additional_data=dict(members))


async def test_a_patch_without_prefer_answers_nothing_and_is_done(graph: GraphServiceClient) -> None:
    control = graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(control_id(1))
    answered = await control.patch(decided(assignedTo="", comment="control is reviewed", state="Reviewed"))
    after = await control.get()

    assert answered is None
    assert after is not None
    assert after.control_state_updates is not None
    (update,) = after.control_state_updates
    assert (update.state, update.comment) == ("Reviewed", "control is reviewed")


async def test_a_patch_with_prefer_answers_the_control(graph: GraphServiceClient) -> None:
    control = graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(control_id(2))
    configuration = RequestConfiguration[QueryParameters]()
    configuration.headers.add("Prefer", "return=representation")
    answered = await control.patch(decided(comment="seen", state="Ignored"), configuration)

    assert answered is not None
    assert answered.id == control_id(2)
    assert answered.control_state_updates is not None
    assert answered.control_state_updates[0].state == "Ignored"
    assert answered.vendor_information is not None


async def test_what_a_patch_does_not_name_stays(graph: GraphServiceClient) -> None:
    control = graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(control_id(3))
    await control.patch(decided(assignedTo="keep@example.com", comment="first", state="ThirdParty"))
    await control.patch(decided(comment="second"))
    after = await control.get()

    assert after is not None
    assert after.control_state_updates is not None
    (update,) = after.control_state_updates
    assert (update.assigned_to, update.comment, update.state) == ("keep@example.com", "second", "ThirdParty")


async def test_a_control_of_ones_own_is_posted_and_deleted(graph: GraphServiceClient) -> None:
    controls = graph.security.secure_score_control_profiles
    made = await controls.post(
        SecureScoreControlProfile(
            id="Own-Backup", azure_tenant_id=TENANT, title="Backups are tested", max_score=3.0
        )
    )
    assert made is not None
    assert made.id is not None
    one = controls.by_secure_score_control_profile_id(made.id)
    read = await one.get()
    await one.delete()

    assert read is not None
    assert read.title == "Backups are tested"
    with pytest.raises(ODataError) as raised:
        await one.get()
    assert raised.value.response_status_code == 404


async def test_an_app_of_a_tenant_writes_for_itself(graph: GraphServiceClient, shared_place: Place) -> None:
    control = graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(control_id(4))
    await control.patch(decided(comment="x", state="Reviewed"))
    after = await control.get()

    assert after is not None
    assert after.control_state_updates is not None
    assert after.control_state_updates[0].updated_by == shared_place.client_id
