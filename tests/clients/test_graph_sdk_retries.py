"""Microsoft's SDKs for Python, v1.0 and beta, and for JavaScript, unmodified, over TLS, against limits like Graph's.

Each comes again after the seconds of `Retry-After`, so that its user notices nothing but time.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest

from tests.clients.beta_sdk import BetaODataError
from tests.clients.connecting import Connect
from tests.clients.crowding import crowded
from tests.clients.node_tests import check, names_in, need_node, outcomes
from tests.clients.sdk import (
    GraphServiceClient,
    ODataError,
    RequestConfiguration,
    RetryHandlerOption,
    SecureScoreControlProfileItemRequestBuilder,
)
from tests.serving.place import TENANT, Place, control_id
from tests.serving.process import Certificates, Server, running

pytestmark = [
    pytest.mark.clients,
    pytest.mark.anyio,
    # Both SDKs are imported whole by the first tests.
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
# As `Retry-After` says where too many requests are under way.
TOLD_SECONDS = 1
PATIENCE_SECONDS = 60
Options = (
    SecureScoreControlProfileItemRequestBuilder.SecureScoreControlProfileItemRequestBuilderGetQueryParameters
)
THROTTLED = "throttled.test.mjs"


@pytest.fixture(scope="module")
def limited(shared_place: Place, certificates: Certificates) -> Iterator[Server]:
    """A server that counts as Graph does."""
    with running(shared_place, "--throttle", "graph", tls=certificates) as server:
        yield server


@pytest.fixture(params=["v1.0", "beta"])
async def graph(
    request: pytest.FixtureRequest, limited: Server, shared_place: Place
) -> AsyncIterator[GraphServiceClient]:
    """A client of either SDK for Python."""
    connect = Connect(limited)
    make = connect.beta if request.param == "beta" else connect
    yield make(shared_place.client_id, shared_place.secret)
    await connect.close()


async def get_one(graph: GraphServiceClient, option: RetryHandlerOption | None = None) -> None:
    """Get one control, which is the one that was asked for."""
    configuration = RequestConfiguration[Options](options=[option] if option else None)
    controls = graph.security.secure_score_control_profiles
    one = await controls.by_secure_score_control_profile_id(control_id(1)).get(configuration)
    assert one is not None
    assert one.id == control_id(1)


async def test_the_sdk_comes_again_after_what_it_was_told_and_succeeds(
    graph: GraphServiceClient, limited: Server, shared_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def seen(seconds: float) -> None:
        waits.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", seen)

    async with anyio.create_task_group() as group:
        with crowded(limited, shared_place.token):
            group.start_soon(get_one, graph)
            with anyio.fail_after(PATIENCE_SECONDS):
                while TOLD_SECONDS not in waits:
                    await sleep(0.01)

    # Where nobody tells it, the SDK waits for three seconds at the least.
    assert {seconds for seconds in waits if seconds >= 1} == {TOLD_SECONDS}


async def test_a_sdk_that_may_not_retry_is_told_when_to_come_again(
    graph: GraphServiceClient, limited: Server, shared_place: Place
) -> None:
    with (
        crowded(limited, shared_place.token),
        pytest.raises((ODataError, BetaODataError)) as raised,
    ):
        await get_one(graph, RetryHandlerOption(max_retries=0))

    failure = raised.value
    assert failure.response_status_code == 429
    assert failure.error is not None
    assert failure.error.code == "TooManyRequests"
    assert failure.response_headers is not None
    assert failure.response_headers["Retry-After"] == "1"


@pytest.fixture(scope="module")
def javascript(limited: Server, shared_place: Place, certificates: Certificates) -> dict[str, str | None]:
    need_node()
    return outcomes(
        THROTTLED,
        {
            "ORIGIN": limited.origin,
            "TENANT": TENANT,
            "CLIENT_ID": shared_place.client_id,
            "CLIENT_SECRET": shared_place.secret,
            "TOKEN": shared_place.token,
            "NODE_EXTRA_CA_CERTS": str(certificates.authority),
        },
    )


@pytest.mark.parametrize("name", names_in(THROTTLED))
def test_the_sdk_for_javascript(name: str, javascript: dict[str, str | None]) -> None:
    check(name, javascript)
