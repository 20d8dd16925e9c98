"""`msgraph-sdk`'s own batches, unmodified, over TLS.

It writes each request's own address in full and calls the ids waited for `depends_on`. From kiota 1.13 on it drops
the bodies of the answers by itself, so what was done is asked for again.
"""

import pytest

from tests.clients.sdk import (
    BatchRequestBuilder,
    BatchRequestContent,
    BatchRequestItem,
    BatchResponseContent,
    GraphServiceClient,
    ODataError,
    RequestInformation,
    SecureScoreControlProfile,
)
from tests.clients.test_graph_sdk_writing import decided
from tests.serving.place import control_id

pytestmark = [
    pytest.mark.clients,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def getting(graph: GraphServiceClient, id: str) -> RequestInformation:
    """Return a GET of a control, as the SDK's builder makes it."""
    control = graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(id)
    return control.to_get_request_information()


def patching(graph: GraphServiceClient, id: str, **members: object) -> RequestInformation:
    """Return a PATCH of a control, as the SDK's builder makes it."""
    control = graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(id)
    return control.to_patch_request_information(decided(**members))


async def posted(batch: BatchRequestBuilder, items: list[BatchRequestItem]) -> dict[str, int]:
    """Post a batch and return the status of each of its requests, by id and in the order of the answers."""
    content = BatchRequestContent()
    for item in items:
        content.add_request(item.id, item)
    answered: BatchResponseContent = await batch.post(content, {"XXX": ODataError})
    return dict(answered.get_response_status_codes())


async def state_of(graph: GraphServiceClient, id: str) -> str | None:
    """Return the state of a control."""
    control = await graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(id).get()
    assert isinstance(control, SecureScoreControlProfile)
    assert control.control_state_updates is not None
    return control.control_state_updates[0].state


async def test_twenty_requests_are_answered_in_their_order(graph: GraphServiceClient) -> None:
    patches = [
        BatchRequestItem(patching(graph, control_id(20 + n), comment=f"{n}", state="Reviewed"), id=f"p{n}")
        for n in range(10)
    ]
    gets = [BatchRequestItem(getting(graph, control_id(40 + n)), id=f"g{n}") for n in range(10)]
    statuses = await posted(graph.batch, [item for pair in zip(patches, gets, strict=True) for item in pair])

    assert list(statuses) == [f"{kind}{n}" for n in range(10) for kind in ("p", "g")]
    assert list(statuses.values()) == [204, 200] * 10
    assert [await state_of(graph, control_id(20 + n)) for n in range(10)] == ["Reviewed"] * 10


async def test_each_request_fails_by_itself(graph: GraphServiceClient) -> None:
    statuses = await posted(
        graph.batch,
        [
            BatchRequestItem(getting(graph, "no-such"), id="absent"),
            BatchRequestItem(patching(graph, control_id(31), state="Bogus"), id="bogus"),
            BatchRequestItem(patching(graph, control_id(32), state="Ignored"), id="good"),
        ],
    )

    assert statuses == {"absent": 404, "bogus": 400, "good": 204}
    assert await state_of(graph, control_id(32)) == "Ignored"


async def test_what_depends_on_a_failure_is_not_done(graph: GraphServiceClient) -> None:
    statuses = await posted(
        graph.batch,
        [
            BatchRequestItem(getting(graph, "no-such"), id="1"),
            BatchRequestItem(patching(graph, control_id(33), state="Ignored"), id="2", depends_on=["1"]),
            BatchRequestItem(patching(graph, control_id(34), state="Ignored"), id="3"),
            BatchRequestItem(getting(graph, control_id(34)), id="4", depends_on=["3"]),
        ],
    )

    assert statuses == {"1": 404, "2": 424, "3": 204, "4": 200}
    assert await state_of(graph, control_id(33)) == "Default"


async def test_each_request_is_authorised_by_itself(reading: GraphServiceClient) -> None:
    statuses = await posted(
        reading.batch,
        [
            BatchRequestItem(getting(reading, control_id(35)), id="1"),
            BatchRequestItem(patching(reading, control_id(35), state="Ignored"), id="2"),
        ],
    )

    assert statuses == {"1": 200, "2": 403}
    assert await state_of(reading, control_id(35)) == "Default"


async def test_a_batch_of_too_many_is_refused_as_a_whole(graph: GraphServiceClient) -> None:
    content = BatchRequestContent()
    for number in range(20):
        content.add_request_information(getting(graph, control_id(number)), f"{number}")
    # The client itself holds back the 21st.
    content._requests["20"] = BatchRequestItem(getting(graph, control_id(20)), id="20")
    with pytest.raises(ODataError) as raised:
        await graph.batch.post(content, {"XXX": ODataError})

    assert raised.value.response_status_code == 400
    assert raised.value.error is not None
    assert "20" in (raised.value.error.message or "")
