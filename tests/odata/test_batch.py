"""The body of a batch read into its requests, where each leads, and the answers written."""

import json
from base64 import b64encode, urlsafe_b64encode
from contextlib import suppress
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stanchion.errors import BadRequest, NotImplementedFeature, StanchionError
from stanchion.model.json_text import JsonObject, JsonValue, dump_json
from stanchion.odata.batch import (
    MAX_HEADERS,
    MAX_ID_CHARACTERS,
    MAX_REQUESTS,
    BatchAnswer,
    BatchItem,
    batch_body,
    in_json,
    parse_batch,
)

SETS = "/security/secureScores"


def request(id: JsonValue = "1", **more: JsonValue) -> JsonObject:
    return {"id": id, "method": "GET", "url": SETS, **more}


def parsed(*requests: JsonValue) -> tuple[BatchItem, ...]:
    return parse_batch(dump_json({"requests": list(requests)}))


def one(**more: JsonValue) -> BatchItem:
    (item,) = parsed(request(**more))
    return item


def test_requests_keep_their_order_and_what_they_say() -> None:
    items = parsed(
        request("b", method="patch", url="a?b=c", headers={"If-Match": "*"}, body={"a": [1.5, None]}),
        request("a", dependsOn=["B"], unheard="of"),
    )
    assert items == (
        BatchItem("b", "PATCH", "a?b=c", {"if-match": "*"}, {"a": [1.5, None]}, ()),
        BatchItem("a", "GET", SETS, {}, None, (0,)),
    )


@pytest.mark.parametrize(("id", "text"), [(1, "1"), (-7, "-7"), (0, "0"), (2**63 - 1, "9223372036854775807")])
def test_a_whole_number_is_an_id_as_text(id: int, text: str) -> None:
    assert one(id=id).id == text


def test_a_number_is_found_by_its_text_and_the_other_way_round() -> None:
    items = parsed(request(1), request("2", dependsOn=["1"]), request(3, depends_on=[2, 1, "2"]))
    assert [item.after for item in items] == [(), (0,), (1, 0)]


@pytest.mark.parametrize("nothing", [None, []])
@pytest.mark.parametrize("name", ["dependsOn", "depends_on"])
def test_a_request_may_depend_on_nothing(name: str, nothing: JsonValue) -> None:
    assert one(**{name: nothing}).after == ()


def test_both_spellings_of_depends_on_count() -> None:
    *_, last = parsed(request("a"), request("b"), request("c", dependsOn=["b"], depends_on=["a"]))
    assert last.after == (1, 0)


def test_header_names_match_in_any_case_and_their_values_are_joined() -> None:
    headers: JsonObject = {"PREFER": " return=minimal\t", "prefer": "a", "X-Y": ""}
    assert one(headers=headers).headers == {"prefer": "return=minimal, a", "x-y": ""}


@pytest.mark.parametrize("count", [1, MAX_REQUESTS])
def test_a_batch_holds_up_to_twenty_requests(count: int) -> None:
    assert len(parsed(*(request(id) for id in range(count)))) == count


@pytest.mark.parametrize(
    ("body", "target", "said"),
    [
        (b"", None, "empty"),
        (b"nonsense", None, "not JSON"),
        (b"\xff\xfe", None, "UTF-8"),
        (b"[]", None, "an array"),
        (b'"requests"', None, "a string"),
        (b"{}", "requests", "an array of requests"),
        (b'{"requests":null}', "requests", "an array of requests"),
        (b'{"requests":{}}', "requests", "an array of requests"),
        (b'{"requests":[]}', "requests", "0 requests"),
        (b'{"requests":[{}],"requests":[]}', "requests", "twice"),
        (b'{"requests":[' + b"[" * 100_000, None, "deep"),
        (b'{"requests":[' + b"[" * 70 + b"]" * 70 + b"]}", None, "deep"),
        (dump_json({"requests": [request(id) for id in range(21)]}), "requests", "21 requests; allowed: 1 to 20"),
        (dump_json({"requests": [{}] * 20_000}), "requests", "20,000 requests"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_batch_is_refused(body: bytes, target: str | None, said: str) -> None:
    with pytest.raises(BadRequest, match=said) as refusal:
        parse_batch(body)
    assert refusal.value.target == target


@pytest.mark.parametrize(
    ("value", "target"),
    [
        (None, "requests/1"),
        ([], "requests/1"),
        ("GET /", "requests/1"),
        ({}, "requests/1/id"),
        (request(None), "requests/1/id"),
        (request(""), "requests/1/id"),
        (request(1.0), "requests/1/id"),
        (request(id=True), "requests/1/id"),
        (request(["1"]), "requests/1/id"),
        (request("x" * (MAX_ID_CHARACTERS + 1)), "requests/1/id"),
        (request("FIRST"), "requests/1/id"),
        (request("ﬁrst"), "requests/1/id"),
        (request(method=None), "requests/1/method"),
        (request(method=""), "requests/1/method"),
        (request(method="GET\r\n"), "requests/1/method"),
        (request(method="GET /x"), "requests/1/method"),
        (request(method="G" * 17), "requests/1/method"),
        (request(method="\uff27\uff25\uff34"), "requests/1/method"),
        (request(method=1), "requests/1/method"),
        (request(url=None), "requests/1/url"),
        (request(url=""), "requests/1/url"),
        (request(url=["/a"]), "requests/1/url"),
        (request(headers=[]), "requests/1/headers"),
        (request(headers="a: b"), "requests/1/headers"),
        (request(headers={"": "b"}), "requests/1/headers"),
        (request(headers={"a b": "c"}), "requests/1/headers"),
        (request(headers={"a:": "c"}), "requests/1/headers"),
        (request(headers={"a\r\nb": "c"}), "requests/1/headers"),
        (request(headers={"ä": "c"}), "requests/1/headers"),
        (request(headers={f"a{n}": "b" for n in range(MAX_HEADERS + 1)}), "requests/1/headers"),
        (request(headers={"a": 1}), "requests/1/headers/a"),
        (request(headers={"a": None}), "requests/1/headers/a"),
        (request(headers={"a": ["b"]}), "requests/1/headers/a"),
        (request(headers={"a": "b\r\nc: d"}), "requests/1/headers/a"),
        (request(headers={"a": "b\n"}), "requests/1/headers/a"),
        (request(headers={"a": "\x7f"}), "requests/1/headers/a"),
        (request(headers={"a": "\u2028"}), "requests/1/headers/a"),
        (request(dependsOn="first"), "requests/1/dependsOn"),
        (request(dependsOn={"first": 1}), "requests/1/dependsOn"),
        (request(dependsOn=[None]), "requests/1/dependsOn"),
        (request(dependsOn=[["first"]]), "requests/1/dependsOn"),
        (request(dependsOn=["unknown"]), "requests/1/dependsOn"),
        (request(dependsOn=["1"]), "requests/1/dependsOn"),
        (request(dependsOn=["last"]), "requests/1/dependsOn"),
        (request(depends_on=["last"]), "requests/1/depends_on"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_read_refuses_the_batch_and_says_where(
    value: JsonValue, target: str
) -> None:
    with pytest.raises(BadRequest) as refusal:
        parsed(request("first"), value, request("last"))
    assert refusal.value.target == target
    assert refusal.value.message.isprintable()


@pytest.mark.parametrize(
    ("more", "target"),
    [
        ({"atomicityGroup": "g"}, "requests/1/atomicityGroup"),
        ({"if": "$first/$succeeded"}, "requests/1/if"),
        ({"url": "$first/controlScores"}, "requests/1/url"),
        ({"url": "$FIRST"}, "requests/1/url"),
        ({"url": "$first?$select=id"}, "requests/1/url"),
    ],
)
def test_what_is_not_offered_refuses_the_batch(more: JsonObject, target: str) -> None:
    with pytest.raises(NotImplementedFeature) as refusal:
        parsed(request("first"), request("second", **more))
    assert refusal.value.target == target


def test_what_is_not_offered_may_be_null() -> None:
    assert one(**{"atomicityGroup": None, "if": None, "headers": None, "body": None}).body is None


def test_a_resource_of_the_system_is_no_reference() -> None:
    items = parsed(request("metadata"), request("all", url="$metadata"), request("3", url="$All"))
    assert len(items) == 3


VALUE = {"comment": "wörds / and +", "n": [1, 2.5, True]}
ENCODED = dump_json(VALUE)


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (None, b""),
        ({}, b"{}"),
        (VALUE, ENCODED),
        ([1], b"[1]"),
        (5, b"5"),
        (False, b"false"),
        ("", b""),
        (urlsafe_b64encode(ENCODED).decode(), ENCODED),
        (urlsafe_b64encode(ENCODED).decode().rstrip("="), ENCODED),
        (b64encode(ENCODED).decode(), ENCODED),
        ("-_-_", b"\xfb\xff\xbf"),
        ("+/+/", b"\xfb\xff\xbf"),
    ],
)
def test_a_body_is_a_value_or_one_in_base64url(body: JsonValue, content: bytes) -> None:
    assert one(body=body).content() == content


@pytest.mark.parametrize("body", ["{}", "a", "abcde", "ab cd", "ab\ncd", "a=b=", "äääö", '{"comment":"x"}'])
def test_text_that_is_no_base64url_is_refused_when_it_is_read(body: str) -> None:
    item = one(body=body)
    with pytest.raises(BadRequest, match="base64url"):
        item.content()


def answer(body: bytes = b"", content_type: str | None = None, *, status: int = 200) -> BatchAnswer:
    return BatchAnswer("an id", status, {"ETag": 'W/"1"'}, content_type, in_json(body, content_type))


@pytest.mark.parametrize(
    ("body", "content_type", "written"),
    [
        (b'{"a":1.0}', "application/json;odata.metadata=minimal;charset=utf-8", {"a": 1.0}),
        (b"{}", "APPLICATION/JSON", {}),
        (b"42", "text/plain;charset=utf-8", "42"),
        ("ä".encode(), "text/html", "ä"),
        (b"", "text/plain;charset=utf-8", ""),
        (b"<a/>", "application/xml;charset=utf-8", "PGEvPg"),
        (b"\xfb\xff", "application/octet-stream", "-_8"),
    ],
)
def test_an_answer_s_body_is_json_text_or_base64url(
    body: bytes, content_type: str, written: JsonValue
) -> None:
    assert json.loads(batch_body([answer(body, content_type)])) == {
        "responses": [
            {
                "id": "an id",
                "status": 200,
                "headers": {"ETag": 'W/"1"', "Content-Type": content_type},
                "body": written,
            }
        ]
    }


def test_an_answer_without_a_body_has_none() -> None:
    (written,) = json.loads(batch_body([answer(status=204)]))["responses"]
    assert written == {"id": "an id", "status": 204, "headers": {"ETag": 'W/"1"'}}


def test_the_bytes_of_json_are_kept() -> None:
    body = b'{ "b": 1.50, "a": "\\u00e4" }'
    assert batch_body([answer(body, "application/json"), answer()]).count(body) == 1


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=5,
)
NAMES = ["id", "method", "url", "headers", "body", "dependsOn", "depends_on", "atomicityGroup", "if"]
IDS = st.sampled_from(["1", "2", "a", "A", 1, 2]) | JSON_VALUES
REQUESTS = st.fixed_dictionaries(
    {"id": IDS, "method": st.sampled_from(["GET", "patch", "1"]), "url": st.sampled_from(["/a", "$1", "x"])},
    optional={
        "headers": st.dictionaries(st.text(max_size=5), st.text(max_size=5) | JSON_VALUES, max_size=2),
        "body": JSON_VALUES,
        "dependsOn": st.lists(IDS, max_size=2) | JSON_VALUES,
        "depends_on": st.lists(IDS, max_size=2),
    },
)


def read_or_refused(requests: list[JsonValue]) -> tuple[BatchItem, ...] | None:
    """Return the requests read, or None where they are refused as they should be."""
    with suppress(BadRequest, NotImplementedFeature):
        return parsed(*requests)
    with pytest.raises((BadRequest, NotImplementedFeature)) as refusal:
        parsed(*requests)
    assert refusal.value.message.isprintable()
    return None


# What is slow is a machine that has much else to do.
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(REQUESTS | st.dictionaries(st.sampled_from(NAMES), JSON_VALUES) | JSON_VALUES, max_size=5))
def test_whatever_is_sent_is_read_or_refused(requests: list[JsonValue]) -> None:
    items = read_or_refused(requests)
    if items is None:
        return
    assert len(items) == len(requests)
    assert len({item.id.casefold() for item in items}) == len(items)
    for place, item in enumerate(items):
        assert all(earlier < place for earlier in item.after)
        assert item.body == cast("JsonObject", requests[place]).get("body")


@given(st.binary(max_size=80) | JSON_VALUES.map(dump_json))
def test_no_bytes_are_too_odd(data: bytes) -> None:
    with pytest.raises(StanchionError):
        parse_batch(data)
