"""`$select`: paths in both spellings, what is cut to them, and what is refused."""

import json
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest, NotImplementedFeature, StanchionError
from stanchion.odata.select import MAX_CHARACTERS, cut, cut_value, parse_select

NAMES = st.sampled_from(["a", "b", "c", "d"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=2),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(NAMES, part, max_size=4),
    max_leaves=12,
)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), min_size=1, max_size=4)
PIECES = st.sampled_from(
    ["a", "b.c", "*", "/", ",", ";", "(", ")", "$select=", "select=", "$top=1", " ", "é", "1", "'", "$", "="]
)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("id", ("id",)),
        (" id , maxScore ", ("id", "maxScore")),
        ("vendorInformation/provider", ("vendorInformation/provider",)),
        ("vendorInformation($select=provider)", ("vendorInformation/provider",)),
        (
            "controlScores($select=score,controlName),id",
            ("controlScores/score", "controlScores/controlName", "id"),
        ),
        ("controlScores(select=score)", ("controlScores/score",)),
        ("controlScores( $SELECT = score )", ("controlScores/score",)),
        ("a($select=b($select=c/d,e),f)", ("a/b/c/d", "a/b/e", "a/f")),
        ("a/b,a", ("a",)),
        ("a,a/b,a/b/c", ("a",)),
        ("a/b,ab", ("a/b", "ab")),
        ("a/*", ("a",)),
        ("a($select=*)", ("a",)),
        ("*", None),
        ("*,id", None),
        ("id,*", None),
        ("a($select=b),*", None),
        ("microsoft.graph.secureScore/currentScore", ("currentScore",)),
        ("vendorInformation/graph.securityVendorInformation/vendor", ("vendorInformation/vendor",)),
        ("microsoft.graph.alert/id", ("microsoft.graph.alert/id",)),
        ("unheard-of.name", ("unheard-of.name",)),
    ],
)
def test_a_part_of_a_property_is_selected_by_a_path_or_in_parentheses(
    text: str, paths: tuple[str, ...] | None
) -> None:
    assert parse_select(text) == paths


@pytest.mark.parametrize(
    ("text", "failure", "message"),
    [
        ("", BadRequest, "'' in '$select' is not a property name"),
        ("a,,b", BadRequest, "'' in '$select' is not a property name"),
        ("a b", BadRequest, "'a b' in '$select' is not a property name"),
        ("a/", BadRequest, "'a/' in '$select'"),
        ("/a", BadRequest, "'/a' in '$select'"),
        ("**", BadRequest, "'**' in '$select'"),
        ("a(b)", BadRequest, "'a(b)' in '$select'"),
        ("a($select=b", BadRequest, "'a($select=b' in '$select'"),
        ("a($select=b;$top=1)", NotImplementedFeature, "The option '$top' of a property in '$select'"),
        ("a($select=b;select=c)", BadRequest, "'a($select=b;select=c)' in '$select'"),
        ("a($select=b;)", BadRequest, "'a($select=b;)' in '$select'"),
        ("a($foo=1)", BadRequest, "'a($foo=1)' in '$select'"),
        ("a($select=)", BadRequest, "')' in '$select'"),
        ("a)", BadRequest, "'a)' in '$select'"),
        ("a($top=1)", NotImplementedFeature, "The option '$top' of a property in '$select' is not offered"),
        ("a(filter=x eq 1)", NotImplementedFeature, "'$filter'"),
        ("a($select=" * 70 + "b" + ")" * 70, BadRequest, "deeper than 64"),
        ("/".join("a" * 70), BadRequest, "more than 64 names"),
    ],
)
def test_what_is_no_list_of_paths_is_refused(text: str, failure: type[StanchionError], message: str) -> None:
    with pytest.raises(failure) as refusal:
        parse_select(text)
    assert message in refusal.value.message
    assert refusal.value.target == "$select"


@given(st.lists(PIECES, max_size=14).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadRequest, NotImplementedFeature):
        parse_select(text)


def test_parentheses_cannot_multiply_what_is_selected() -> None:
    with pytest.raises(BadRequest, match="more than 16,384 characters"):
        parse_select(f"{'a' * 4000}($select={','.join(f'b{n}' for n in range(900))})")
    longest = parse_select(",".join(f"b{n}" for n in range(1200)))
    assert longest is not None
    assert sum(map(len, longest)) <= MAX_CHARACTERS


def reference(value: object, paths: list[list[str]]) -> object:
    """Cut a value as the rules say, without the code under test; `...` for what has no parts."""
    if any(path == [] for path in paths) or value is None:
        return value
    if isinstance(value, list):
        parts = [reference(item, paths) for item in value]
        return [part for part in parts if part is not ...]
    if not isinstance(value, dict):
        return ...
    found = {}
    for name, member in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        part = reference(member, below) if below else ...
        if part is not ...:
            found[name] = part
    return found


@given(value=st.dictionaries(NAMES, VALUES, max_size=4), paths=PATHS)
def test_an_entity_is_cut_to_its_paths_at_any_depth(value: dict[str, object], paths: list[str]) -> None:
    select = parse_select(",".join(paths))
    assert select is not None
    expected = reference(value, [path.split("/") for path in paths])
    assert json.loads(cut(json.dumps(value).encode(), select)) == expected


def test_each_item_of_a_list_is_cut_by_itself() -> None:
    value = msgspec.Raw(b'[{"a":1,"b":2},{"b":3},5,null]')
    assert cut_value(value, ("a",)) == msgspec.Raw(b'[{"a":1},{},null]')
    assert cut_value(msgspec.Raw(b"5"), ("a",)) is None


def test_a_cut_keeps_numbers_and_text_as_they_are_spelt() -> None:
    body = b'{"a":{"b":5.00,"c":"\\u00e9"},"d":1E2}'
    assert cut(body, ("a/b", "d")) == b'{"a":{"b":5.00},"d":1E2}'
