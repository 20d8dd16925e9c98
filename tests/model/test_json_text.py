"""JSON text: what is read, and what is refused because readers disagree."""

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest
from stanchion.model.json_text import (
    MAX_VALUES,
    JsonValue,
    dump_canonical,
    dump_json,
    json_kind,
    parse_json,
    parse_object,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@given(VALUES)
def test_a_value_written_and_read_is_itself(value: JsonValue) -> None:
    assert parse_json(dump_json(value)) == value


@given(st.dictionaries(TEXT, NUMBERS, max_size=6))
def test_equal_objects_have_the_same_canonical_bytes(value: dict[str, int | float]) -> None:
    backwards = dict(reversed(value.items()))
    assert dump_canonical(value) == dump_canonical(backwards)
    assert parse_json(dump_canonical(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_json(data)
    except BadRequest as refusal:
        dump_json(refusal.message)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"{", "not JSON"),
        (b"{}x", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"\xc2\xa0{}", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"01", "not JSON"),
        (b'"\x01"', "not JSON"),
        (b'{"a":1,"a":2}', "The name a appears twice"),
        (b'{"b":[{"\\u0061":1,"a":2}]}', "appears twice"),
        (b"NaN", "NaN is not a JSON number"),
        (b'{"a":Infinity}', "Infinity is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"1e999", "too large"),
        (b'{"a":-1e999}', "too large"),
        (b"18446744073709551616", "64 bits"),
        (b"9223372036854775808", "64 bits"),
        (b"-9223372036854775809", "64 bits"),
        (b"1" * 10_000, "64 bits"),
        (b'"\\u0000"', "U\\+0000"),
        (b'{"\\u0000":1}', "U\\+0000"),
        (b'{"a":[1,{"b":"x\\u0000"}]}', "a/1/b contains U\\+0000"),
        (b'{"a":[1,{"b\\u0000":1}]}', "a/1 contains U\\+0000"),
        (b'{"\xc3\xa9":"\xc3\xa9\\u0000"}', "U\\+0000"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"a":{"\\udfff":1}}', "lone surrogate"),
        (b'{"a":["\\ud800x"]}', "a/0 contains a lone surrogate"),
        (b"\xff", "not UTF-8: byte 0"),
        (b'{"a":"\xc3"}', "not UTF-8: byte 6"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\xc0\x80"', "not UTF-8"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (nested(65), "nests deeper than 64"),
        (nested(1_000), "nests deeper than 64"),
        (nested(100_000), "nests deeper than 64"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nests deeper than 64"),
        (b"[" * 100_000, "nests deeper than 64|not JSON"),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_text_that_readers_disagree_about_is_refused(body: bytes, fault: str) -> None:
    with pytest.raises(BadRequest, match=fault) as refusal:
        parse_json(body)
    dump_json([refusal.value.message, refusal.value.target])


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xef\xbb\xbf{}", {}),
        (b" {} \n", {}),
        (nested(64), json.loads(nested(64))),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"-0", 0),
        (b"25.0", 25.0),
        (b"1e2", 100.0),
        (b"1e-999", 0.0),
        (b'{"a":1,"A":2}', {"a": 1, "A": 2}),
        (b"null", None),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_text_that_all_readers_agree_about_is_read(body: bytes, value: Any) -> None:  # noqa: ANN401 (any JSON)
    assert parse_json(body) == value


def test_a_float_stays_a_float_when_it_is_whole() -> None:
    assert isinstance(parse_json(b"25.0"), float)
    assert dump_json({"score": 53.0}) == b'{"score":53.0}'


@pytest.mark.parametrize("body", [b"[]", b"1", b'"a"', b"null", b"true"])
def test_only_an_object_is_an_object(body: bytes) -> None:
    kind = json_kind(parse_json(body))
    with pytest.raises(BadRequest, match=f"^The entity must be a JSON object, not {kind}\\.$"):
        parse_object(body, what="The entity")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        (True, "a Boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_each_kind_of_value_has_a_name(value: JsonValue, kind: str) -> None:
    assert json_kind(value) == kind


def test_the_shown_path_of_a_fault_stays_short() -> None:
    body = dump_json({"x" * 10_000: ["\x00"]})
    with pytest.raises(BadRequest) as refusal:
        parse_json(body)
    assert len(refusal.value.message) < 200


def test_as_many_values_as_allowed_are_read() -> None:
    for text in (b"[" + b"[]," * (MAX_VALUES - 1) + b"[]]", b"[" + b"1," * (MAX_VALUES - 1) + b"1]"):
        assert len(cast("list[object]", parse_json(text))) == MAX_VALUES


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"[]," * MAX_VALUES + b"[]]",
        b"[" + b"[1]," * (MAX_VALUES // 2) + b"[1]]",
        b"[" + (b"[" * 60 + b"]" * 60 + b",") * (MAX_VALUES // 60 + 1) + b"1]",
    ],
    ids=["side by side", "one in another", "deep"],
)
def test_more_values_than_allowed_are_refused_with_the_limit(text: bytes) -> None:
    with pytest.raises(BadRequest, match=f"{MAX_VALUES:,}"):
        parse_json(text)


def test_a_reader_may_allow_fewer_values() -> None:
    assert parse_json(b'{"a": [1, 2]}', max_values=3) == {"a": [1, 2]}
    for text in (b'{"a": [1, 2, 3]}', b"[" + b"1," * 9 + b"1]", b'{"a": 1, "b": 2, "c": 3, "d": 4}'):
        with pytest.raises(BadRequest, match="more than 3 values"):
            parse_json(text, max_values=3)


def test_commas_and_brackets_in_a_text_are_no_values() -> None:
    text = '",[{' * MAX_VALUES
    assert parse_json(dump_json({"html": text})) == {"html": text}
