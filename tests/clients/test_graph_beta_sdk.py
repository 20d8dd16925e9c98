"""`msgraph-beta-sdk`, unmodified, over TLS: the sets of v1.0, and the users' security profiles that only beta has."""

import pytest

from tests.clients.beta_sdk import (
    BetaODataError,
    BetaSecureScoreControlProfile,
    BetaSecureScoresRequestBuilder,
    BetaSecurityVendorInformation,
    BetaServiceClient,
    UserSecurityProfile,
    UserSecurityProfilesRequestBuilder,
)
from tests.clients.connecting import Connect, ids_of_all_pages
from tests.clients.estate import USERS, all_control_ids, user_id
from tests.clients.sdk import BatchRequestBuilder, BatchRequestItem, QueryParameters, RequestConfiguration
from tests.clients.test_graph_sdk_batch import getting, posted
from tests.clients.test_graph_sdk_failures import code_of
from tests.serving.place import Place, control_id, score_id

pytestmark = [
    pytest.mark.clients,
    pytest.mark.anyio,
    # The whole SDK is imported by the first test.
    pytest.mark.timeout(300),
    # The SDK warns that Microsoft gives the users' security profiles up.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
Users = UserSecurityProfilesRequestBuilder.UserSecurityProfilesRequestBuilderGetQueryParameters
Scores = BetaSecureScoresRequestBuilder.SecureScoresRequestBuilderGetQueryParameters
VENDOR = BetaSecurityVendorInformation(provider="SecureScore", vendor="Microsoft")


@pytest.fixture
def beta(connect: Connect, shared_place: Place) -> BetaServiceClient:
    return connect.beta(shared_place.client_id, shared_place.secret)


async def user_ids(beta: BetaServiceClient, parameters: object) -> list[str]:
    """Return the ids of all users that the parameters leave, through every page."""
    page = await beta.security.user_security_profiles.get(RequestConfiguration(query_parameters=parameters))
    return await ids_of_all_pages(page, beta.request_adapter)


async def test_it_lists_scores_and_controls_to_the_end(beta: BetaServiceClient) -> None:
    scores = await beta.security.secure_scores.get(RequestConfiguration(query_parameters=Scores(top=5)))
    controls = await beta.security.secure_score_control_profiles.get()

    assert await ids_of_all_pages(scores, beta.request_adapter) == [score_id(day) for day in range(12, 0, -1)]
    assert await ids_of_all_pages(controls, beta.request_adapter) == all_control_ids()


async def test_it_lists_users_through_several_pages(beta: BetaServiceClient) -> None:
    assert await user_ids(beta, Users(top=3)) == [user_id(number) for number in range(USERS)]


async def test_it_counts_users(beta: BetaServiceClient) -> None:
    assert await beta.security.user_security_profiles.count.get() == USERS


async def test_it_gets_a_user_with_accounts_and_status(beta: BetaServiceClient) -> None:
    user = await beta.security.user_security_profiles.by_user_security_profile_id(user_id(0)).get()

    assert user is not None
    assert user.display_name == "User 0"
    assert user.accounts is not None
    (account,) = user.accounts
    assert account.signin_name == "user0@example.com"
    assert account.status is not None
    assert account.status.value == "active"


@pytest.mark.parametrize(
    ("clause", "numbers"),
    [
        ("userPrincipalName eq 'user0@example.com'", [0]),
        ("userPrincipalName eq 'nobody@invalid'", []),
        ("tags/any(t:t eq 'VIP')", [1, 3, 5, 7]),
        ("accounts/any(a:a/signinName eq 'user6@example.com')", [6]),
    ],
)
async def test_it_filters_users(beta: BetaServiceClient, clause: str, numbers: list[int]) -> None:
    assert await user_ids(beta, Users(filter=clause)) == [user_id(number) for number in numbers]


async def test_it_orders_and_selects(beta: BetaServiceClient) -> None:
    parameters = Users(orderby=["displayName desc"], select=["id", "displayName"])
    page = await beta.security.user_security_profiles.get(RequestConfiguration(query_parameters=parameters))

    assert page is not None
    assert page.value is not None
    assert [user.display_name for user in page.value] == [f"User {n}" for n in reversed(range(USERS))]
    assert page.value[0].user_principal_name is None


async def test_the_tags_of_a_user_are_patched_with_and_without_prefer(beta: BetaServiceClient) -> None:
    user = beta.security.user_security_profiles.by_user_security_profile_id(user_id(2))
    first = await user.patch(UserSecurityProfile(tags=["first"], vendor_information=VENDOR))
    asking = RequestConfiguration[QueryParameters]()
    asking.headers.add("Prefer", "return=representation")
    second = await user.patch(
        UserSecurityProfile(tags=["first", "second"], vendor_information=VENDOR), asking
    )
    after = await user.get()

    # Unlike a control, a user is answered in either case, as the newer edition of Graph's documentation says.
    assert first is not None
    assert first.tags == ["first"]
    assert second is not None
    assert second.tags == ["first", "second"]
    assert after is not None
    assert after.tags == ["first", "second"]


async def test_the_note_of_the_older_generation_is_the_comment(beta: BetaServiceClient) -> None:
    control = beta.security.secure_score_control_profiles.by_secure_score_control_profile_id(control_id(5))
    await control.patch(
        BetaSecureScoreControlProfile(
            vendor_information=VENDOR,
            additional_data={"assignedTo": "beta@example.com", "tenantNote": "the older name"},
        )
    )
    after = await control.get()

    assert after is not None
    assert after.control_state_updates is not None
    (update,) = after.control_state_updates
    assert (update.assigned_to, update.comment) == ("beta@example.com", "the older name")


async def test_the_states_of_the_older_generation_are_understood(beta: BetaServiceClient) -> None:
    control = beta.security.secure_score_control_profiles.by_secure_score_control_profile_id(control_id(6))
    await control.patch(BetaSecureScoreControlProfile(additional_data={"controlStateUpdates": "thirdParty"}))
    after = await control.get()

    assert after is not None
    assert after.control_state_updates is not None
    assert after.control_state_updates[0].state == "ThirdParty"


def decided(**members: object) -> BetaSecureScoreControlProfile:
    """Return the body of a PATCH: what the model lacks goes into additional_data."""
    return BetaSecureScoreControlProfile(vendor_information=VENDOR, additional_data=dict(members))


def patching(beta: BetaServiceClient, number: int) -> BatchRequestItem:
    """Return a PATCH of a control, as the SDK's builder makes it, for a batch."""
    controls = beta.security.secure_score_control_profiles
    control = controls.by_secure_score_control_profile_id(control_id(number))
    made = control.to_patch_request_information(decided(comment=f"{number}", state="Reviewed"))
    return BatchRequestItem(made, id=f"p{number}")


async def state_of(beta: BetaServiceClient, number: int) -> str | None:
    """Return the state of a control."""
    controls = beta.security.secure_score_control_profiles
    control = await controls.by_secure_score_control_profile_id(control_id(number)).get()
    assert isinstance(control, BetaSecureScoreControlProfile)
    assert control.control_state_updates is not None
    state: str | None = control.control_state_updates[0].state
    return state


async def test_a_batch_of_twenty_is_answered_in_its_order(beta: BetaServiceClient) -> None:
    numbers = range(20, 30)
    gets = [BatchRequestItem(getting(beta, control_id(number)), id=f"g{number}") for number in numbers]
    patches = [patching(beta, number) for number in numbers]
    # Unlike that of v1.0, this SDK's client has no `batch` of its own; its parts are those of msgraph-core.
    batch = BatchRequestBuilder(beta.request_adapter)
    statuses = await posted(batch, [item for pair in zip(patches, gets, strict=True) for item in pair])

    assert list(statuses) == [f"{kind}{number}" for number in numbers for kind in ("p", "g")]
    assert list(statuses.values()) == [204, 200] * 10
    assert [await state_of(beta, number) for number in numbers] == ["Reviewed"] * 10


async def test_an_app_that_may_only_read_is_forbidden_to_patch(
    connect: Connect, reader: tuple[str, str]
) -> None:
    beta = connect.beta(*reader)
    controls = beta.security.secure_score_control_profiles
    control = controls.by_secure_score_control_profile_id(control_id(4))

    assert await control.get() is not None
    with pytest.raises(BetaODataError) as raised:
        await control.patch(decided(comment="x"))
    assert code_of(raised.value) == (403, "Forbidden")
    assert raised.value.error.message
    assert await state_of(beta, 4) == "Default"


async def test_an_unknown_user_is_an_error_with_every_field_filled(beta: BetaServiceClient) -> None:
    with pytest.raises(BetaODataError) as raised:
        await beta.security.user_security_profiles.by_user_security_profile_id("no-such").get()
    failure = raised.value

    assert failure.response_status_code == 404
    assert failure.error is not None
    assert failure.error.code == "ResourceNotFound"
    assert failure.error.inner_error is not None
    assert failure.error.inner_error.request_id == (failure.response_headers or {})["request-id"]
