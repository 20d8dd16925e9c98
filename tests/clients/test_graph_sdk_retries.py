"""Microsoft's SDKs for Python, v1.0 and beta, and for JavaScript, unmodified, over TLS, against limits like Graph's.

Each comes again after the seconds of `Retry-After`, so that its user notices nothing but time.
"""

import time
from collections.abc import AsyncIterator, Iterator

import anyio
import pytest

from tests.clients.beta_sdk import BetaODataError
from tests.clients.connecting import Connect
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
# Graph lets four run at once. Of twice as many, those refused all find room the second time.
AT_ONCE = 8
ROUNDS = 60
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


def refusals(server: Server) -> int:
    """Count the requests that were one too many so far."""
    return server.log.count(" 429")


async def some_at_once(graph: GraphServiceClient, option: RetryHandlerOption | None = None) -> list[float]:
    """Get several controls side by side and return how many seconds each took."""
    taken: list[float] = []
    configuration = RequestConfiguration[Options](options=[option] if option else None)

    async def get(number: int) -> None:
        began = time.monotonic()
        controls = graph.security.secure_score_control_profiles
        one = await controls.by_secure_score_control_profile_id(control_id(number)).get(configuration)
        taken.append(time.monotonic() - began)
        assert one is not None
        assert one.id == control_id(number)

    async with anyio.create_task_group() as group:
        for number in range(AT_ONCE):
            group.start_soon(get, number)
    return taken


async def test_the_sdk_comes_again_after_what_it_was_told_and_succeeds(
    graph: GraphServiceClient, limited: Server
) -> None:
    longest: list[tuple[int, float]] = []
    for _ in range(ROUNDS):
        before = refusals(limited)
        taken = await some_at_once(graph)
        refused = refusals(limited) - before
        # Where nobody tells it, the SDK takes three seconds at the least.
        if refused and any(1 <= seconds < 3 for seconds in taken):
            break
        longest.append((refused, round(max(taken), 1)))
    else:
        pytest.fail(f"It was never refused, or never came again in time: refusals and seconds {longest}.")


async def test_a_sdk_that_may_not_retry_is_told_when_to_come_again(
    graph: GraphServiceClient,
) -> None:
    async def until_refused() -> None:
        for _ in range(ROUNDS):
            await some_at_once(graph, RetryHandlerOption(max_retries=0))

    with pytest.raises(ExceptionGroup) as raised:
        await until_refused()

    failure = raised.value.exceptions[0]
    assert isinstance(failure, ODataError | BetaODataError)
    assert failure.response_status_code == 429
    assert failure.error is not None
    assert failure.error.code == "TooManyRequests"
    assert failure.response_headers is not None
    assert int(failure.response_headers["Retry-After"]) >= 1


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
            "NODE_EXTRA_CA_CERTS": str(certificates.authority),
        },
    )


@pytest.mark.parametrize("name", names_in(THROTTLED))
def test_the_sdk_for_javascript(name: str, javascript: dict[str, str | None]) -> None:
    check(name, javascript)
