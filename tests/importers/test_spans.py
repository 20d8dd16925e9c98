"""Where values begin and end, against Python's own reader of JSON."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest
from stanchion.importers import spans
from stanchion.importers.spans import Span, elements, members, next_value, value
from stanchion.model.json_text import JsonValue

names = st.text(max_size=20)
json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
layouts = st.sampled_from([None, 0, 2, "\t"])


def cut(text: bytes, part: Span) -> JsonValue:
    found: JsonValue = json.loads(text[part.start : part.end])
    return found


@given(st.lists(json_values, max_size=5), layouts)
def test_the_elements_of_an_array_are_found(found: list[JsonValue], indent: "int | str | None") -> None:
    text = json.dumps(found, indent=indent).encode()
    found_spans, end = elements(text, 0)
    assert [cut(text, part) for part in found_spans] == found
    assert end == len(text)


@given(st.dictionaries(names, json_values, max_size=5), layouts)
def test_the_members_of_an_object_are_found(found: dict[str, JsonValue], indent: "int | str | None") -> None:
    text = json.dumps(found, indent=indent).encode()
    walked = members(text, 0, arrays=lambda _: True)
    assert {name: cut(text, part) for name, part in walked.spans.items()} == found
    assert walked.end == len(text)
    arrays = {name: [cut(text, part) for part in spans] for name, spans in walked.elements.items()}
    assert arrays == {name: member for name, member in found.items() if isinstance(member, list)}


@given(st.dictionaries(names, json_values, min_size=1, max_size=5), st.data())
def test_members_up_to_a_name_are_found_and_the_end_of_all(
    found: dict[str, JsonValue], data: st.DataObject
) -> None:
    text = json.dumps(found).encode()
    last = data.draw(st.sampled_from(list(found)))
    walked = members(text, 0, ends=[last])
    assert list(walked.spans) == list(found)[: list(found).index(last) + 1]
    assert walked.end == len(text)


@given(st.lists(json_values, max_size=5), st.sampled_from(["\n", " ", "\r\n\n"]))
def test_texts_one_after_another_are_found(found: list[JsonValue], separator: str) -> None:
    text = separator.join(map(json.dumps, found)).encode()
    assert [cut(text, part) for part in all_values(text)] == found


def all_values(text: bytes) -> Iterator[Span]:
    """Give the values that stand one after another."""
    start = next_value(text, 0)
    while start < len(text):
        span = value(text, start)
        yield span
        start = next_value(text, span.end)


def walk(text: bytes) -> None:
    """Look into every text of a file as deep as an import does."""
    for part in all_values(text):
        match text[part.start : part.start + 1]:
            case b"[":
                elements(text, part.start)
            case b"{":
                members(text, part.start)
            case _:
                pass


@given(st.text(alphabet='[]{}",:1a\\ \n', max_size=30))
def test_any_text_is_walked_or_refused(text: str) -> None:
    with suppress(BadRequest):
        walk(text.encode())


def test_more_elements_than_any_export_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MAX_ELEMENTS", 3)
    assert len(elements(b"[1,2,3]", 0)[0]) == 3
    with pytest.raises(BadRequest, match="more than 3 entities"):
        elements(b"[1,2,3,4]", 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"[1 2]", "line 1, column 4"),
        (b"[1,\n,2]", "line 2, column 1"),
        (b"[1,]", "line 1, column 4"),
        (b"[1}", "line 1, column 3"),
        (b'{"a" 1}', "line 1, column 6"),
        (b'{"a":1,}', "line 1, column 8"),
        (b"{a:1}", "line 1, column 2"),
        (b'{"a":}', "line 1, column 6"),
        (b'{"\xff":1}', "line 1, column 2"),
        (b'\n\n {"a": [1', "line 3, column 2 has no end"),
        (b'["a', "line 1, column 1 has no end"),
        (b"[" * 65 + b"]" * 65, "deeper than 64 levels at line 1, column 65"),
        (b'{"a": 1, "b": {}, "a": 2}', "'a' appears twice"),
        (b'{"a": 1, "\\u0061": 2}', "'a' appears twice"),
    ],
)
def test_a_fault_is_told_with_its_place(text: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        walk(text)
