"""Microsoft's own client, `msgraph-sdk`, unmodified, over TLS: it gets its token from our issuer.

Base address, authority and the trusted CA are all that its user changes; no other host is reached.
"""

import socket
from collections.abc import AsyncIterator, Iterator
from typing import cast

import anyio
import pytest

from stanchion.access.operator import AppWish, add_app, revoke_app
from stanchion.store import SQLiteStore
from tests.clients.sdk import (
    AsyncGraphTransport,
    ClientAuthenticationError,
    ClientSecretCredential,
    GraphServiceClient,
    HttpxRequestAdapter,
    ODataError,
    PageIterator,
    QueryParameters,
    RequestConfiguration,
    SecureScore,
    SecureScoreControlProfile,
    SecureScoresRequestBuilder,
    SecurityVendorInformation,
)
from tests.serving.place import CONTROLS, OPERATOR, TENANT, Place, control_id, score_id
from tests.serving.process import Certificates, Server, running

pytestmark = [
    pytest.mark.clients,
    pytest.mark.anyio,
    # Most of the SDK is imported when it is first used, and warns of its own parts then.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
_LOOPBACK = {"localhost", "127.0.0.1", "::1", None}
Listing = RequestConfiguration[SecureScoresRequestBuilder.SecureScoresRequestBuilderGetQueryParameters]


@pytest.fixture(scope="module")
def secured(shared_place: Place, certificates: Certificates) -> Iterator[Server]:
    with running(shared_place, tls=certificates) as server:
        yield server


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every name but the loopback's."""
    resolve = socket.getaddrinfo

    def loopback_only(host: str | bytes | None, *arguments: object, **options: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        assert name in _LOOPBACK, f"The client asked for {name}."
        return resolve(host, *arguments, **options)  # type: ignore[arg-type] # Whatever the caller gave.

    monkeypatch.setattr(socket, "getaddrinfo", loopback_only)


class Connect:
    """Makes the SDK's client as its documentation does, with our addresses; closes what it made."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: list[tuple[GraphServiceClient, ClientSecretCredential]] = []

    def __call__(self, client_id: str, secret: str, *, root: str = "v1.0") -> GraphServiceClient:
        """Return a client."""
        credential = ClientSecretCredential(
            TENANT, client_id, secret, authority=self._server.origin, disable_instance_discovery=True
        )
        client = GraphServiceClient(credential)
        client.request_adapter.base_url = f"{self._server.origin}/{root}"
        self._made.append((client, credential))
        return client

    async def close(self) -> None:
        """Close the connections, for which the SDK has no way: its transport does not pass `aclose` on."""
        for client, credential in self._made:
            adapter = cast("HttpxRequestAdapter", client.request_adapter)
            await cast("AsyncGraphTransport", adapter._http_client._transport).transport.aclose()
            credential.close()


@pytest.fixture
async def connect(
    secured: Server, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Connect]:
    # Both HTTP libraries, that of the SDK and that of the credential, trust the private authority.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.authority))
    connecting = Connect(secured)
    yield connecting
    await connecting.close()


@pytest.fixture
def graph(connect: Connect, shared_place: Place) -> GraphServiceClient:
    return connect(shared_place.client_id, shared_place.secret)


def decided(**members: object) -> SecureScoreControlProfile:
    """Return the body of a PATCH: what the model lacks goes into additional_data."""
    return SecureScoreControlProfile(
        vendor_information=SecurityVendorInformation(provider="SecureScore", vendor="Microsoft"),
        additional_data=dict(members),
    )


async def test_it_gets_a_score(graph: GraphServiceClient) -> None:
    score = await graph.security.secure_scores.by_secure_score_id(score_id(3)).get()

    assert score is not None
    assert score.current_score == 13.0
    assert score.azure_tenant_id == TENANT
    assert score.created_date_time is not None
    assert score.created_date_time.day == 3
    assert score.control_scores is not None
    assert score.control_scores[0].control_name == control_id(0)
    assert score.vendor_information is not None
    assert score.vendor_information.provider == "SecureScore"


async def test_its_page_iterator_goes_through_several_pages_newest_first(graph: GraphServiceClient) -> None:
    parameters = SecureScoresRequestBuilder.SecureScoresRequestBuilderGetQueryParameters(top=5, count=True)
    page = await graph.security.secure_scores.get(Listing(query_parameters=parameters))
    assert page is not None
    assert page.value is not None
    assert len(page.value) == 5
    assert page.odata_count == 12
    assert page.odata_next_link is not None

    seen: list[str | None] = []

    def keep(score: SecureScore) -> bool:
        seen.append(score.id)
        return True

    await PageIterator(page, graph.request_adapter).iterate(keep)

    assert seen == [score_id(day) for day in range(12, 0, -1)]


async def test_it_lists_every_control(graph: GraphServiceClient) -> None:
    page = await graph.security.secure_score_control_profiles.get()
    assert page is not None
    ids: list[str | None] = []

    def keep(control: SecureScoreControlProfile) -> bool:
        ids.append(control.id)
        return True

    await PageIterator(page, graph.request_adapter).iterate(keep)

    assert ids == [control_id(number) for number in range(CONTROLS)]


async def test_it_counts(graph: GraphServiceClient) -> None:
    assert await graph.security.secure_scores.count.get() == 12


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


async def test_an_unknown_control_is_an_error_with_every_field_filled(graph: GraphServiceClient) -> None:
    configuration = RequestConfiguration[QueryParameters]()
    configuration.headers.add("client-request-id", "0f0f0f0f-1111-4222-8333-444444444444")
    control = graph.security.secure_score_control_profiles.by_secure_score_control_profile_id("no-such")
    with pytest.raises(ODataError) as raised:
        await control.patch(decided(comment="x"), configuration)
    failure = raised.value

    assert failure.response_status_code == 404
    assert failure.error is not None
    assert failure.error.code == "ResourceNotFound"
    assert failure.error.message is not None
    assert "no-such" in failure.error.message
    inner = failure.error.inner_error
    assert inner is not None
    assert inner.request_id == header(failure, "request-id")
    assert inner.client_request_id == "0f0f0f0f-1111-4222-8333-444444444444"
    assert header(failure, "client-request-id") == inner.client_request_id
    assert inner.date is not None


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


async def test_an_app_that_may_only_read_is_forbidden_to_patch(connect: Connect, shared_place: Place) -> None:
    with_read = AppWish(TENANT, "reads", ("SecurityEvents.Read.All",))
    store = SQLiteStore.open(shared_place.database)
    added = add_app(store, with_read, actor=OPERATOR)
    store.close_now()
    reading = connect(added.app.client_id, added.secret)
    control = reading.security.secure_score_control_profiles.by_secure_score_control_profile_id(control_id(4))

    assert await control.get() is not None
    with pytest.raises(ODataError) as raised:
        await control.patch(decided(comment="x"))
    assert raised.value.response_status_code == 403
    assert raised.value.error is not None
    assert raised.value.error.code == "Forbidden"


async def test_a_token_of_a_revoked_app_is_unauthenticated(connect: Connect, shared_place: Place) -> None:
    store = SQLiteStore.open(shared_place.database)
    added = add_app(store, AppWish(TENANT, "leaves", ("SecurityEvents.Read.All",)), actor=OPERATOR)
    leaving = connect(added.app.client_id, added.secret)
    assert await leaving.security.secure_scores.count.get() == 12
    revoke_app(store, added.app.client_id, actor=OPERATOR)
    store.close_now()

    # Whether an app still stands is read again within a second or so.
    await anyio.sleep(2)
    with pytest.raises(ODataError) as raised:
        await leaving.security.secure_scores.get()
    assert raised.value.response_status_code == 401
    assert raised.value.error is not None
    assert raised.value.error.code == "InvalidAuthenticationToken"


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

    assert raised.value.response_status_code == 404


async def test_the_same_client_speaks_to_beta(connect: Connect, shared_place: Place) -> None:
    beta = connect(shared_place.client_id, shared_place.secret, root="beta")
    page = await beta.security.secure_scores.get()

    assert page is not None
    assert page.value is not None
    assert len(page.value) == 12


def header(failure: ODataError, name: str) -> str:
    """Return a header of the answer that the failure came with."""
    assert failure.response_headers is not None
    return failure.response_headers[name]
