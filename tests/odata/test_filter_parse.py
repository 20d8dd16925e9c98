"""The text of a filter: its tokens, what binds tighter, and how what cannot be read is refused, with its place."""

import math
from collections.abc import Mapping

import pytest

from stanchion.errors import BadRequest, NotImplementedFeature
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.odata.filter import MAX_BYTES, MAX_DEPTH, MAX_TESTS, parse_filter
from stanchion.odata.filter.parse import parse
from stanchion.odata.filter.syntax import (
    Binary,
    Call,
    Constant,
    Constants,
    Expression,
    Logic,
    Membership,
    Minus,
    Negation,
    Path,
    Quantified,
    Size,
)


def said(text: str, aliases: Mapping[str, str] | None = None) -> str:
    """Parse a filter and write it down again with every bracket."""
    return written(parse(text, aliases or {}))


def written(phrase: Expression | Constants) -> str:
    match phrase:
        case Negation(_, operand):
            return f"(not {written(operand)})"
        case Minus(_, operand):
            return f"(- {written(operand)})"
        case Binary(_, operator, left, right):
            return f"({written(left)} {operator} {written(right)})"
        case Membership(_, left, right):
            return f"({written(left)} in {written(right)})"
        case Logic(_, operator, terms):
            return f"({f' {operator} '.join(map(written, terms))})"
        case _:
            return written_primary(phrase)


def written_primary(phrase: Constant | Constants | Path | Size | Call | Quantified) -> str:
    match phrase:
        case Constant():
            return f"{phrase.prefix if phrase.kind == 'enumeration' else ''}{phrase.value!r}"
        case Constants(_, items):
            return f"[{' '.join(map(written, items))}]"
        case Path():
            return phrase.text
        case Size(_, path):
            return f"{path.text}/$count"
        case Call(_, name, arguments):
            return f"{name}({' '.join(map(written, arguments))})"
        case Quantified(_, quantifier, path, variable, condition):
            inside = "" if variable is None or condition is None else f"{variable.text}:{written(condition)}"
            return f"{path.text}/{quantifier}({inside})"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a eq 1 or b eq 2 and c eq 3", "((a eq 1) or ((b eq 2) and (c eq 3)))"),
        ("(a eq 1 or b eq 2) and c eq 3", "(((a eq 1) or (b eq 2)) and (c eq 3))"),
        ("a and b and c or d or e", "((a and b and c) or d or e)"),
        ("not a and b", "((not a) and b)"),
        ("not a eq true", "((not a) eq True)"),
        ("not(a eq 1)", "(not (a eq 1))"),
        ("not a in (1,2)", "(not (a in [1 2]))"),
        ("not startswith(a,'x')", "(not startswith(a 'x'))"),
        ("a gt 1 eq true", "((a gt 1) eq True)"),
        ("a eq b gt c", "(a eq (b gt c))"),
        ("a add 1 mul 2 sub 3 div 4", "((a add (1 mul 2)) sub (3 div 4))"),
        ("a sub b sub c", "((a sub b) sub c)"),
        ("-a add -1 eq -(2)", "(((- a) add -1) eq (- 2))"),
        ("a EQ 1 Or NOT b", "((a eq 1) or (not b))"),
        ("TOLOWER(a) eq 'X'", "(tolower(a) eq 'X')"),
        ("  a\teq\n1 ", "(a eq 1)"),
        ("a/b/c eq 1", "(a/b/c eq 1)"),
        ("a/any()", "a/any()"),
        ("a/Any(x:x/b eq 1)", "a/any(x:(x/b eq 1))"),
        ("a/all( x : x ne 1 and b )", "a/all(x:((x ne 1) and b))"),
        ("a/any(x:x/b/any(y:y eq x/c))", "a/any(x:x/b/any(y:(y eq x/c)))"),
        ("a/$count gt 1", "(a/$count gt 1)"),
        ("a in ('x', 'it''s',null)", "(a in ['x' \"it's\" None])"),
        ("'x' in a", "('x' in a)"),
        ('a in ["x", "it\'s", 5]', "(a in ['x' \"it's\" 5])"),
        ("a eq microsoft.graph.accountStatus'active'", "(a eq microsoft.graph.accountStatus'active')"),
        ("a eq ''", "(a eq '')"),
        ("a eq ''''", '(a eq "\'")'),
        ("a eq 'eq or ('", "(a eq 'eq or (')"),
        ("now() gt a", "(now() gt a)"),
        ("a eq TRUE and b eq False and c ne NULL", "((a eq True) and (b eq False) and (c ne None))"),
        ("a gt -INF and a lt INF", "((a gt -inf) and (a lt inf))"),
        ("null/a eq 1", "(null/a eq 1)"),
    ],
)
def test_operators_bind_as_the_standard_says(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("literal", "kind", "value"),
    [
        ("0", "integer", 0),
        ("-5", "integer", -5),
        ("9223372036854775807", "integer", 2**63 - 1),
        ("-9223372036854775808", "integer", -(2**63)),
        ("9223372036854775808", "double", float(2**63)),
        ("1.5", "double", 1.5),
        ("1e3", "double", 1000.0),
        ("-1.5E-3", "double", -0.0015),
        ("1e+3", "double", 1000.0),
        ("1e-400", "double", 0.0),
        ("INF", "double", math.inf),
        ("1970-01-02", "date", 1),
        ("1969-12-31", "date", -1),
        ("1970-01-01T00:00:00Z", "instant", 0),
        ("1970-01-01T00:00Z", "instant", 0),
        ("1970-01-01t00:00:00.12345678z", "instant", 1234567),
        ("1970-01-01T02:00:00+02:00", "instant", 0),
        ("1970-01-01T02:00:00 02:00", "instant", 0),  # The plus sign came as a blank.
        ("1970-01-01T00:00:00-00:30", "instant", 18_000_000_000),
        ("11111111-1111-4111-8111-aAaAaAaAaAaA", "guid", "11111111-1111-4111-8111-aAaAaAaAaAaA"),
    ],
)
def test_literals_mean_what_they_say(literal: str, kind: str, value: object) -> None:
    phrase = parse(f"a eq {literal}", {})
    assert isinstance(phrase, Binary)
    assert isinstance(phrase.right, Constant)
    assert (phrase.right.kind, phrase.right.value) == (kind, value)


@pytest.mark.parametrize(
    ("cast", "kind", "value"),
    [
        ("CAST('1970-01-02',Edm.Date)", "date", 1),
        ("cast('1970-01-01T00:00:00Z',Edm.DateTimeOffset)", "instant", 0),
        ("cast('1970-01-02',Edm.DateTimeOffset)", "date", 1),
        ("cast('5',Edm.Int32)", "integer", 5),
        ("cast('-5',Edm.Int64)", "integer", -5),
        ("cast('5',Edm.Double)", "integer", 5),
        ("cast('1e3',Edm.Double)", "double", 1000.0),
        ("cast('INF',Edm.Double)", "double", math.inf),
        ("cast(5,Edm.Double)", "integer", 5),
        ("cast('TRUE',Edm.Boolean)", "boolean", True),
        ("cast(true,Edm.Boolean)", "boolean", True),
        ("cast('it''s',Edm.String)", "string", "it's"),
        ("cast(5,Edm.String)", "string", "5"),
        ("cast(1970-01-01T00:00:00Z,Edm.String)", "string", "1970-01-01T00:00:00Z"),
        ("cast(null,Edm.Date)", "null", None),
        ("cast(null,Edm.Int32)", "null", None),
        ("cast(@p,Edm.Date)", "date", 1),
        ("cast('255',Edm.Byte)", "integer", 255),
        ("cast('-2147483648',Edm.Int32)", "integer", -(2**31)),
        ("cast('9223372036854775807',Edm.Int64)", "integer", 2**63 - 1),
    ],
)
def test_a_literal_is_cast_to_a_primitive_type(cast: str, kind: str, value: object) -> None:
    phrase = parse(f"a eq {cast}", {"@p": "'1970-01-02'"})
    assert isinstance(phrase, Binary)
    assert isinstance(phrase.right, Constant)
    assert (phrase.right.kind, phrase.right.value) == (kind, value)


@pytest.mark.parametrize(
    "cast",
    [
        "cast('x',Edm.Date)",
        "cast('2026-02-30',Edm.Date)",
        "cast('2026-01-01T00:00:00',Edm.DateTimeOffset)",
        "cast('1.5',Edm.Int32)",
        "cast('',Edm.Int32)",
        "cast(' 1',Edm.Int32)",
        "cast('1',Edm.Boolean)",
        "cast('true',Edm.Double)",
        "cast('1e999',Edm.Double)",
        "cast('256',Edm.Byte)",
        "cast('-129',Edm.SByte)",
        "cast(32768,Edm.Int16)",
        "cast('2147483648',Edm.Int32)",
        "cast('9223372036854775808',Edm.Int64)",
        "cast(@p,Edm.Date)",
    ],
)
def test_a_cast_that_fails_is_null(cast: str) -> None:
    phrase = parse(f"a eq {cast}", {"@p": "'1970-02-30'"})
    assert isinstance(phrase, Binary)
    assert isinstance(phrase.right, Constant)
    assert (phrase.right.kind, phrase.right.value) == ("null", None)


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        ("'it''s'", '(a eq "it\'s")'),
        ("5", "(a eq 5)"),
        (" null ", "(a eq None)"),
        ('"x"', "(a eq 'x')"),
        ("graph.accountStatus'active'", "(a eq graph.accountStatus'active')"),
        (None, "(a eq None)"),
    ],
)
def test_an_alias_stands_for_its_literal(alias: str | None, expected: str) -> None:
    assert said("a eq @p", {} if alias is None else {"@p": alias}) == expected


def test_an_alias_stands_in_a_list() -> None:
    assert said("a in (1,@p)", {"@p": "2"}) == "(a in [1 2])"


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        ("['a','b']", "(a in ['a' 'b'])"),
        ('["a", "b"]', "(a in ['a' 'b'])"),
        ("(1,2,null)", "(a in [1 2 None])"),
        ("'a'", "(a in ['a'])"),
    ],
)
def test_an_alias_stands_for_a_list_behind_in(alias: str, expected: str) -> None:
    assert said("a in @p", {"@p": alias}) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a eq",
            "A property, a literal or a function is expected, not the end, at character 5 of '$filter'.",
        ),
        ("a eq eq 1", "An operator is expected, not '1', at character 9"),
        ("a 1", "An operator is expected, not '1', at character 3"),
        ("a = 1", "An operator is expected, not '=', at character 3"),
        ("a eq 'x", "A string has no closing quote; a quote inside a string is doubled, at character 6"),
        ('a eq "x"', "Strings stand in single quotes, at character 6"),
        ("(a eq 1", "')' is expected, not the end, at character 8"),
        ("a eq 1)", "An operator is expected, not ')', at character 7"),
        ("() eq 1", "not ')', at character 2"),
        ("a/ eq 1", "An operator is expected, not '1', at character 7"),
        ("a/'b' eq 1", "A name is expected after '/', not ''b'', at character 3"),
        ("a/any(1:1 eq 1)", "The name of a variable is expected, not '1:1', at character 7"),
        ("a/any(x x eq 1)", "':' is expected, not 'x', at character 9"),
        ("a/all()", "'all' needs a variable and a condition, as in all(x:x ne 'a'), at character 3"),
        ('a in ("x")', "Strings stand in single quotes, at character 7"),
        ("a in ()", "A literal is expected in the list behind 'in', not ')', at character 7"),
        ("a in (1 2)", "')' is expected, not '2', at character 9"),
        ("a in (b)", "A literal is expected in the list behind 'in', not 'b', at character 7"),
        ("a in 5", "A list of literals in parentheses is expected, not '5', at character 6"),
        ("a eq 1x", "'1x' is neither a number nor a date, at character 6"),
        ("a eq 1.", "'1.' is neither a number nor a date"),
        ("a eq \u0661", "means nothing here, at character 6"),
        ("a eq 1e999", "The number 1e999 is too large for a double, at character 6"),
        ("a eq 2026-02-30", "'2026-02-30' is not a day of the calendar, at character 6"),
        (
            "a eq 2026-01-01T00:00:00",
            "'2026-01-01T00:00:00' is not an instant with its zone, such as 2026-01-31T00:00:00Z",
        ),
        ("a eq 2026-02-30T00:00:00Z", "is not an instant with its zone"),
        ("f(1,)", "not ')', at character 5"),
        ("f(1 2)", "')' is expected, not '2', at character 5"),
        ("a eq \U0001f600", "'\U0001f600' means nothing here, at character 6"),
        ("a in (1,@l)", "'@l' is a list within a list, at character 9"),
        ("a eq cast('1',Edm.Dat)", "'Edm.Dat' is not a primitive type, such as Edm.Date, at character 15"),
        ("a eq cast('1','Edm.Date')", "''Edm.Date'' is not a primitive type"),
        ("a eq cast('1' Edm.Date)", "',' is expected, not 'Edm.Date'"),
        ("a eq cast('1',)", "')' is expected, not the end"),
        ("a in @broken", "']' is expected, not the end, at character 3 of '@broken'."),
        ("a eq @two", "Nothing more is expected, not '2', at character 3 of '@two'."),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse(text, {"@l": "[1,2]", "@broken": "[1", "@two": "1 2"})
    assert refusal.value.target == "$filter"
    assert message in refusal.value.message


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a has 1", "'has' is not offered, at character 3"),
        ("a eq NaN", "NaN is not offered, at character 6"),
        (
            "a eq duration'PT1H'",
            "A literal such as duration'...' (an instant is written 2026-01-31T00:00:00Z",
        ),
        ("a eq datetime'2026-01-01T00:00:00'", "A literal such as datetime'...'"),
        ("a eq 12:30:00", "A time of day is not offered, at character 6"),
        ("cast(a,Edm.String) eq '1'", "'cast' of anything but a literal is not offered, at character 1"),
        ("cast(Edm.String) eq '1'", "'cast' of the entity itself is not offered, at character 1"),
        (
            "a eq cast(2026-01-01,Edm.Int64)",
            "'cast' of 2026-01-01 to Edm.Int64 is not offered, at character 6",
        ),
        ("a eq cast(1.5,Edm.Int32)", "'cast' of 1.5 to Edm.Int32 is not offered, at character 6"),
        ("a eq cast(2026-01-01T00:00:00Z,Edm.Date)", "to Edm.Date is not offered, at character 6"),
        ("a eq cast('PT1H',Edm.Duration)", "'cast' to Edm.Duration is not offered, at character 6"),
        ("case(a eq 1:2,true:3) eq 2", "The function 'case' is not offered, at character 1"),
        ("a/$count($filter=b gt 1) gt 2", "A filter within a path is not offered, at character 3"),
        ("a/$filter(b gt 1)/$count gt 2", "A filter within a path is not offered, at character 3"),
        ("a eq [1,2]", "A list anywhere but behind 'in' is not offered, at character 6"),
        ("a eq @list", "A list anywhere but behind 'in' is not offered, at character 6"),
        ('a eq {"b":1}', "An object in JSON is not offered, at character 6 of '$filter'"),
        ("a eq @object", "An object in JSON is not offered, at character 1 of '@object'"),
        ("a eq @path", "An alias of anything but literals is not offered, at character 1 of '@path'"),
    ],
)
def test_parts_of_odata_that_are_left_out_say_so(text: str, what: str) -> None:
    with pytest.raises(NotImplementedFeature) as refusal:
        parse(text, {"@list": "[1,2]", "@object": '{"b":1}', "@path": "b/c"})
    assert what in refusal.value.message


NESTS = {
    "parentheses": ("(", "deprecated", ")"),
    "not": ("not ", "deprecated", ""),
    "minus": ("-", "rank", ""),
    "functions": ("tolower(", "title", ")"),
    "calculations": ("", "rank add 1", " add 1"),
    "comparisons": ("", "deprecated eq true", " eq true"),
    "parentheses around a test": ("(", "rank eq 1", ")"),
}


@pytest.mark.parametrize(("before", "inner", "after"), NESTS.values(), ids=NESTS)
def test_a_filter_nests_twenty_levels_deep_and_no_deeper(before: str, inner: str, after: str) -> None:
    parse(before * MAX_DEPTH + inner + after * MAX_DEPTH, {})
    with pytest.raises(BadRequest, match="The filter nests deeper than 20 levels, at character"):
        parse(before * (MAX_DEPTH + 1) + inner + after * (MAX_DEPTH + 1), {})


@pytest.mark.parametrize(
    "test", ["rank eq 1", "deprecated", "contains(title,'a')", "not deprecated", "rank in (1,2)"]
)
def test_a_filter_has_a_hundred_tests_and_no_more(test: str) -> None:
    parse_filter(" or ".join([test] * MAX_TESTS), CONTROL_PROFILES, aliases={})
    with pytest.raises(BadRequest, match="The filter has more than 100 tests, at character"):
        parse_filter(" or ".join([test] * (MAX_TESTS + 1)), CONTROL_PROFILES, aliases={})


def test_a_filter_has_four_kibibytes_and_no_more() -> None:
    frame = "title eq ''"
    for filler in ("x", "\U0001f600"):
        room = (MAX_BYTES - len(frame)) // len(filler.encode())
        parse_filter(frame[:-1] + filler * room + "'", CONTROL_PROFILES, aliases={})
        with pytest.raises(BadRequest, match="The value of '\\$filter' is longer than 4096 bytes"):
            parse_filter(frame[:-1] + filler * (room + 1) + "'", CONTROL_PROFILES, aliases={})
