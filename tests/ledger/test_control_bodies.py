"""A control's body with another decision in it: the same bytes as if all of it had been read and written anew."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.ledger.control_bodies import ControlBody
from stanchion.ledger.decisions import Standing, Status, owner_of
from stanchion.ledger.edits import showing
from stanchion.ledger.working_set import Stored
from stanchion.model.json_text import JsonObject, JsonValue, dump_json, load_object
from tests.ledger.memory import MICROSOFT, control, update

DECISION = Standing(Status.REVIEWED, "ann", 'a "quoted" note', updated_by="bob")
SHOWN: JsonValue = [update("Default", None, None)]


def stored(value: JsonObject, body: bytes | None = None) -> Stored:
    return Stored("c", 1, dump_json(value) if body is None else body)


def assert_as_if_read_whole(entity: Stored) -> None:
    value = load_object(entity.body)
    body = ControlBody(entity)
    assert load_object(body.showing(DECISION)) == showing(value, DECISION)
    assert body.owner == owner_of(value)


@pytest.mark.parametrize(
    "value",
    [
        control("c", controlStateUpdates=SHOWN),
        control("c", controlStateUpdates=[]),
        control("c", controlStateUpdates=None),
        control("c"),
        {"open": {"controlStateUpdates": [1]}, "controlStateUpdates": SHOWN, **control("c")},
        {"open": {"controlStateUpdates": [1]}, **control("c")},
        control("c", remediation='a text with "controlStateUpdates":[] in it', controlStateUpdates=SHOWN),
        control("c", owner={"vendor": None, "provider": "P"}),
        control("c", owner={"vendor": "V", "provider": ""}),
        {**control("c"), "vendorInformation": None},
        {**control("c"), "vendorInformation": "of another type"},
    ],
)
def test_the_body_is_as_if_all_of_it_had_been_read(value: JsonObject) -> None:
    assert_as_if_read_whole(stored(value))


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "c", "controlStateUpdates" : [ {"state": "Default"} ], "title":null}',
        b'{"id":"c","controlStateUpdates": [],"title":null}',
        b'{"id":"c","control\\u0053tateUpdates":[],"title":null}',
    ],
)
def test_a_body_in_another_spelling_is_read_whole(body: bytes) -> None:
    assert_as_if_read_whole(stored({}, body))


def test_all_other_bytes_stay_as_they_are() -> None:
    entity = stored(control("c", controlStateUpdates=SHOWN, maxScore=5.0))
    assert ControlBody(entity).showing(DECISION) == dump_json(showing(load_object(entity.body), DECISION))


names = st.sampled_from(["controlStateUpdates", "vendorInformation", "title", "x"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(['"controlStateUpdates":', "é", "\\"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@given(members=st.dictionaries(names, values, max_size=4))
def test_whatever_else_is_in_the_body(members: dict[str, JsonValue]) -> None:
    assert_as_if_read_whole(stored({"vendorInformation": MICROSOFT, **members}))
