"""`msgraph-sdk`, unmodified, over TLS, fails: each refusal reaches its user as an ODataError with every field."""

import pytest

from tests.clients.connecting import Connect
from tests.clients.sdk import (
    ClientAuthenticationError,
    GraphServiceClient,
    ODataError,
    QueryParameters,
    RequestConfiguration,
    SecureScoresRequestBuilder,
)
from tests.clients.test_graph_sdk_writing import decided
from tests.serving.place import Place, control_id

pytestmark = [
    pytest.mark.clients,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
Scores = SecureScoresRequestBuilder.SecureScoresRequestBuilderGetQueryParameters


def header(failure: ODataError, name: str) -> str:
    """Return a header of the answer that the failure came with."""
    assert failure.response_headers is not None
    return failure.response_headers[name]


def code_of(failure: ODataError) -> tuple[int | None, str | None]:
    """Return the status and the code of a failure."""
    assert failure.error is not None
    return failure.response_status_code, failure.error.code


async def test_an_unknown_control_is_an_error_with_every_field_filled(graph: GraphServiceClient) -> None:
    configuration = RequestConfiguration[QueryParameters]()
    configuration.headers.add("client-request-id", "0f0f0f0f-1111-4222-8333-444444444444")
    control = graph.security.secure_score_control_profiles.by_secure_score_control_profile_id("no-such")
    with pytest.raises(ODataError) as raised:
        await control.patch(decided(comment="x"), configuration)
    failure = raised.value

    assert code_of(failure) == (404, "ResourceNotFound")
    assert failure.error is not None
    assert failure.error.message is not None
    assert "no-such" in failure.error.message
    inner = failure.error.inner_error
    assert inner is not None
    assert inner.request_id == header(failure, "request-id")
    assert inner.client_request_id == "0f0f0f0f-1111-4222-8333-444444444444"
    assert header(failure, "client-request-id") == inner.client_request_id
    assert inner.date is not None


@pytest.mark.parametrize(
    "id", ["a/b", "it's", "100%", "é ü", "a b", "x?y=z#w", "a\nb"], ids=lambda id: id.encode().hex()
)
async def test_an_unknown_id_is_404_whatever_it_is_made_of(graph: GraphServiceClient, id: str) -> None:
    with pytest.raises(ODataError) as raised:
        await graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(id).get()

    assert code_of(raised.value) == (404, "ResourceNotFound")


async def test_a_state_that_does_not_exist_is_an_error_naming_what_is_allowed(
    graph: GraphServiceClient,
) -> None:
    control = graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(control_id(3))
    with pytest.raises(ODataError) as raised:
        await control.patch(decided(state="Bogus"))

    assert raised.value.response_status_code == 400
    assert raised.value.error is not None
    assert raised.value.error.target == "state"
    assert "ThirdParty" in (raised.value.error.message or "")


@pytest.mark.parametrize(
    "parameters",
    [
        Scores(filter="noSuchProperty eq 1"),
        Scores(filter="createdDateTime ge '2026-01-01T00:00:00Z'"),
        Scores(orderby=["noSuchProperty desc"]),
        Scores(expand=["controlScores"]),
        Scores(top=-1),
    ],
    ids=lambda parameters: repr(parameters.filter or parameters.orderby or parameters.expand or "top"),
)
async def test_a_query_that_cannot_be_answered_is_400_with_the_reason(
    graph: GraphServiceClient, parameters: Scores
) -> None:
    with pytest.raises(ODataError) as raised:
        await graph.security.secure_scores.get(RequestConfiguration(query_parameters=parameters))

    assert raised.value.response_status_code == 400
    assert raised.value.error is not None
    assert raised.value.error.message


async def test_an_app_that_may_only_read_is_forbidden_to_patch(reading: GraphServiceClient) -> None:
    control = reading.security.secure_score_control_profiles.by_secure_score_control_profile_id(control_id(4))

    assert await control.get() is not None
    with pytest.raises(ODataError) as raised:
        await control.patch(decided(comment="x"))
    assert code_of(raised.value) == (403, "Forbidden")


async def test_a_token_that_is_none_is_unauthenticated(connect: Connect) -> None:
    stranger = connect.with_token("not-a-token")
    with pytest.raises(ODataError) as raised:
        await stranger.security.secure_scores.get()

    assert code_of(raised.value) == (401, "InvalidAuthenticationToken")
    assert header(raised.value, "WWW-Authenticate").startswith("Bearer ")


async def test_a_wrong_secret_is_told_by_the_issuer_to_the_user(
    connect: Connect, shared_place: Place
) -> None:
    stranger = connect(shared_place.client_id, "stn_wrong")

    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        await stranger.security.secure_scores.get()


async def test_user_security_profiles_are_not_in_v1_0(graph: GraphServiceClient) -> None:
    assert not hasattr(graph.security, "user_security_profiles")
    with pytest.raises(ODataError) as raised:
        await graph.security.secure_scores.with_url(
            f"{graph.request_adapter.base_url}/security/userSecurityProfiles"
        ).get()

    assert raised.value.response_status_code == 400
    assert raised.value.error is not None
    assert "userSecurityProfiles" in (raised.value.error.message or "")
