"""Microsoft's own client, `msgraph-sdk`, unmodified, over TLS, reads: it gets its token from our issuer.

Base address, authority and the trusted CA are all that its user changes; no other host is reached.
"""

import pytest

from tests.clients.connecting import ids_of_all_pages
from tests.clients.estate import ODD_IDS, all_control_ids
from tests.clients.sdk import (
    GraphServiceClient,
    RequestConfiguration,
    SecureScoreControlProfilesRequestBuilder,
    SecureScoresRequestBuilder,
)
from tests.serving.place import CONTROLS, TENANT, control_id, score_id

pytestmark = [
    pytest.mark.clients,
    pytest.mark.anyio,
    # Most of the SDK is imported when it is first used, and warns of its own parts then.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
Scores = SecureScoresRequestBuilder.SecureScoresRequestBuilderGetQueryParameters
Controls = SecureScoreControlProfilesRequestBuilder.SecureScoreControlProfilesRequestBuilderGetQueryParameters


async def score_ids(graph: GraphServiceClient, parameters: Scores) -> list[str]:
    """Return the ids of all scores that the parameters leave, through every page."""
    page = await graph.security.secure_scores.get(RequestConfiguration(query_parameters=parameters))
    return await ids_of_all_pages(page, graph.request_adapter)


async def control_ids(graph: GraphServiceClient, parameters: Controls) -> list[str]:
    """The same for controls."""
    page = await graph.security.secure_score_control_profiles.get(
        RequestConfiguration(query_parameters=parameters)
    )
    return await ids_of_all_pages(page, graph.request_adapter)


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
    configuration = RequestConfiguration(query_parameters=Scores(top=5, count=True))
    page = await graph.security.secure_scores.get(configuration)
    assert page is not None
    assert page.value is not None
    assert len(page.value) == 5
    assert page.odata_count == 12
    assert page.odata_next_link is not None

    assert await ids_of_all_pages(page, graph.request_adapter) == [score_id(day) for day in range(12, 0, -1)]


async def test_it_lists_every_control(graph: GraphServiceClient) -> None:
    page = await graph.security.secure_score_control_profiles.get()

    assert page is not None
    assert page.odata_next_link is not None
    assert await ids_of_all_pages(page, graph.request_adapter) == all_control_ids()


async def test_it_counts(graph: GraphServiceClient) -> None:
    assert await graph.security.secure_scores.count.get() == 12
    assert await graph.security.secure_score_control_profiles.count.get() == CONTROLS + len(ODD_IDS)


@pytest.mark.parametrize(
    ("clause", "days"),
    [
        ("createdDateTime ge 2026-01-09T00:00:00Z", range(12, 8, -1)),
        ("createdDateTime lt 2026-01-03T02:00:00+02:00", [2, 1]),
        ("currentScore gt 14.5 and currentScore le 17", [7, 6, 5]),
        (f"(id eq '{score_id(2)}' or id eq '{score_id(4)}') and not (id eq '{score_id(4)}')", [2]),
        ("vendorInformation/provider eq 'no such provider'", []),
        ("azureTenantId eq 'it''s & 100% #1+1?'", []),
        ("controlScores/any(c:c/controlName eq 'control-003') and currentScore eq 13", [3]),
    ],
)
async def test_it_filters_scores(graph: GraphServiceClient, clause: str, days: list[int]) -> None:
    assert await score_ids(graph, Scores(filter=clause, top=2)) == [score_id(day) for day in days]


@pytest.mark.parametrize(
    ("clause", "numbers"),
    [
        ("controlCategory eq 'Identity' and maxScore ge 8 and rank le 60", [8, 28, 48]),
        ("startswith(id,'control-01') and contains(title,'le 1') and service eq 'MDATP'", [10]),
        ("threats/any(t:t eq 'Account breach') and rank in (1,2,3,4)", [0, 3]),
        ("service eq 'MDATP' and (id eq 'control-010' or id eq 'control-011')", [10]),
        ("controlCategory eq 'no such category'", []),
    ],
)
async def test_it_filters_controls(graph: GraphServiceClient, clause: str, numbers: list[int]) -> None:
    assert await control_ids(graph, Controls(filter=clause)) == [control_id(number) for number in numbers]


async def test_it_orders_by_two_keys(graph: GraphServiceClient) -> None:
    parameters = Controls(filter="rank le 20", orderby=["maxScore desc", "rank asc"], top=3)

    assert (await control_ids(graph, parameters))[:5] == [control_id(number) for number in (9, 19, 8, 18, 7)]


async def test_it_skips_and_takes_pages(graph: GraphServiceClient) -> None:
    assert await score_ids(graph, Scores(skip=7, top=2)) == [score_id(day) for day in range(5, 0, -1)]


async def test_it_selects_properties(graph: GraphServiceClient) -> None:
    configuration = RequestConfiguration(query_parameters=Scores(select=["id", "currentScore"], top=1))
    page = await graph.security.secure_scores.get(configuration)

    assert page is not None
    assert page.value is not None
    (score,) = page.value
    assert (score.id, score.current_score) == (score_id(12), 22.0)
    assert (score.max_score, score.control_scores, score.azure_tenant_id) == (None, None, None)


@pytest.mark.parametrize("odd_id", ODD_IDS)
async def test_it_gets_a_control_whatever_its_id_is_made_of(graph: GraphServiceClient, odd_id: str) -> None:
    control = await graph.security.secure_score_control_profiles.by_secure_score_control_profile_id(
        odd_id
    ).get()

    assert control is not None
    assert control.id == odd_id


async def test_a_delta_is_followed_by_its_links(graph: GraphServiceClient) -> None:
    scores = graph.security.secure_scores
    address = f"{graph.request_adapter.base_url}/security/secureScores/delta()?$select=id"
    seen: list[str | None] = []
    delta_link: object = None
    while delta_link is None:
        page = await scores.with_url(address).get()
        assert page is not None
        assert page.value is not None
        seen += [score.id for score in page.value]
        delta_link = page.additional_data.get("@odata.deltaLink")
        address = page.odata_next_link or address
    news = await scores.with_url(str(delta_link)).get()

    assert sorted(id for id in seen if id) == [score_id(day) for day in range(1, 13)]
    assert news is not None
    assert news.value == []
