"""Answers spliced from stored bytes."""

import json

import msgspec
import pytest

from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.odata.render import entity_body, page_body, singleton_body
from stanchion.odata.select import cut

ORIGIN = "https://localhost:8443"
ONE = b'{"id":"1","maxScore":5.0,"SeatSize":"1","createdDateTime":"2026-01-31T00:00:00.0000000Z"}'
TWO = '{"id":"é/\\"2\\"","maxScore":53.0}'.encode()


def test_a_page_holds_its_bodies_byte_for_byte() -> None:
    body = page_body(ORIGIN, "v1.0", entity_set=SECURE_SCORES, runs=[ONE, TWO])
    context = b'{"@odata.context":"https://localhost:8443/v1.0/$metadata#security/secureScores","value":['
    assert body == context + ONE + b"," + TWO + b"]}"


def test_a_page_has_its_parts_in_graphs_order() -> None:
    body = page_body(
        ORIGIN, "beta", entity_set=CONTROL_PROFILES, runs=[ONE], count=250, next_link=ORIGIN + '/x?$top=1&"'
    )
    page = json.loads(body)
    assert list(page) == ["@odata.context", "@odata.count", "@odata.nextLink", "value"]
    assert page["@odata.context"] == ORIGIN + "/beta/$metadata#security/secureScoreControlProfiles"
    assert page["@odata.count"] == 250
    assert page["@odata.nextLink"] == ORIGIN + '/x?$top=1&"'


@pytest.mark.parametrize("count", [None, 0])
def test_a_page_may_be_empty(count: int | None) -> None:
    page = json.loads(page_body(ORIGIN, "v1.0", entity_set=SECURE_SCORES, runs=[], count=count))
    assert page["value"] == []
    assert page.get("@odata.count") == count


def test_a_page_is_cut_to_what_was_selected() -> None:
    select = ("maxScore", "SeatSize", "nothing")
    page = json.loads(page_body(ORIGIN, "v1.0", entity_set=SECURE_SCORES, runs=[ONE, TWO], select=select))
    assert page["value"] == [{"maxScore": 5.0, "SeatSize": "1"}, {"maxScore": 53.0}]
    assert page["@odata.context"].endswith("#security/secureScores(maxScore,SeatSize,nothing)")


def test_an_entity_has_its_context_in_front() -> None:
    body = entity_body(ORIGIN, "v1.0", entity_set=SECURE_SCORES, body=ONE)
    context = b'{"@odata.context":"https://localhost:8443/v1.0/$metadata#security/secureScores/$entity",'
    assert body == context + ONE[1:]


def test_an_entity_is_cut_to_what_was_selected() -> None:
    body = entity_body(ORIGIN, "v1.0", entity_set=SECURE_SCORES, body=ONE, select=("id", "maxScore"))
    assert json.loads(body) == {
        "@odata.context": ORIGIN + "/v1.0/$metadata#security/secureScores(id,maxScore)/$entity",
        "id": "1",
        "maxScore": 5.0,
    }


def test_an_entity_of_which_nothing_was_selected_is_still_an_object() -> None:
    body = entity_body(ORIGIN, "v1.0", entity_set=SECURE_SCORES, body=ONE, select=("nothing",))
    assert list(json.loads(body)) == ["@odata.context"]


def test_a_cut_keeps_numbers_and_text_as_they_are_spelt() -> None:
    body = b'{"a":5.00,"b":1E2,"c":"\\u00e9","d":[1, 2]}'
    assert cut(body, ("a", "b", "c", "d")) == body
    assert msgspec.json.decode(cut(body, ("a",))) == {"a": 5.0}


def test_the_singleton_is_an_object_without_properties() -> None:
    assert json.loads(singleton_body(ORIGIN, "beta")) == {
        "@odata.context": "https://localhost:8443/beta/$metadata#security"
    }
