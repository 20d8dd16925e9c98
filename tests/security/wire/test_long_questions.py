"""The longest questions that fit into a URL or its headers: answered or refused in time."""

import urllib.parse

import pytest

from tests.security.wire.raw import converse, cpu_seconds, request
from tests.serving.place import Place
from tests.serving.process import Server

pytestmark = pytest.mark.sqlite("is about the socket, before anything is stored")

_LONGEST = 8 * 1024
_MOST_CPU_SECONDS = 3.0
SCORES = "/v1.0/security/secureScores"


def repeated(piece: str, joint: str, size: int = 7_900) -> str:
    """Return a piece again and again; as it stands in a URL it has about this size."""
    number = size // len(urllib.parse.quote(piece + joint, safe=_AS_IT_IS))
    return joint.join([piece] * number)


_AS_IT_IS = "()/:,$'=*"
QUESTIONS = {
    "$filter of ors": ("$filter", repeated("id eq 'a'", " or ")),
    "$filter of ands": ("$filter", repeated("maxScore gt 1", " and ")),
    "$filter of nots": ("$filter", repeated("not", " ") + " true"),
    "$filter of parentheses": ("$filter", "(" * 3900 + "true" + ")" * 3900),
    "$filter of open parentheses": ("$filter", "(" * 7900),
    "$filter of functions": ("$filter", "tolower(" * 900 + "id" + ")" * 900),
    "$filter of lambdas": ("$filter", repeated("controlScores/any(c:c/score gt 1)", " or ")),
    "$filter of lambdas in lambdas": ("$filter", "controlScores/any(c:" * 300 + "true" + ")" * 300),
    "$filter of sums": ("$filter", repeated("maxScore", " add ") + " gt 1"),
    "$filter of minus signs": ("$filter", "maxScore gt " + "-" * 7900 + "1"),
    "$filter of a long text": ("$filter", f"id eq '{'a' * 7800}'"),
    "$filter of apostrophes": ("$filter", f"id eq '{chr(39) * 7800}'"),
    "$filter of a text without end": ("$filter", "id eq '" + "a" * 7800),
    "$filter of a long number": ("$filter", "maxScore gt " + "9" * 7800),
    "$filter of a long exponent": ("$filter", "maxScore gt 1e" + "9" * 7800),
    "$filter of a list": ("$filter", f"id in ({repeated(chr(39) + 'a' + chr(39), ',')})"),
    "$filter of contains": ("$filter", repeated("contains(id,'aaaaaaaaaaaaaaaaaaaaaaaaaaab')", " or ")),
    "$filter of a long name": ("$filter", "a" * 7800 + " eq 1"),
    "$filter of a long path": ("$filter", repeated("vendorInformation", "/") + " eq 1"),
    "$filter of blanks": ("$filter", "id eq" + " " * 2500 + "'a'"),
    "$orderby of keys": ("$orderby", repeated("createdDateTime", ",")),
    "$orderby of blanks": ("$orderby", "id asc" + " " * 2500 + "x"),
    "$orderby of directions": ("$orderby", repeated("desc", " ")),
    "$orderby of a long name": ("$orderby", "a" * 7800),
    "$select of names": ("$select", repeated("id", ",")),
    "$select of undeclared names": ("$select", ",".join(f"n{number}" for number in range(1300))),
    "$select of a long path": ("$select", repeated("vendorInformation", "/")),
    "$select of commas": ("$select", "," * 7800),
    "$expand": ("$expand", repeated("a($expand=b)", ",")),
    "$search": ("$search", repeated("a", " OR ")),
    "$skiptoken": ("$skiptoken", "A" * 7800),
    "$top of digits": ("$top", "9" * 7800),
    "$skip of digits": ("$skip", "9" * 7800),
    "$count of anything": ("$count", "true" * 1900),
}


@pytest.mark.parametrize(("option", "text"), QUESTIONS.values(), ids=QUESTIONS)
def test_a_long_question_is_answered_or_refused_in_time(
    plain_server: Server, attacked_place: Place, option: str, text: str
) -> None:
    target = f"{SCORES}?{option}={urllib.parse.quote(text, safe=_AS_IT_IS)}".encode()
    used = cpu_seconds(plain_server)
    heard = converse(plain_server, request(b"Connection: close", token=attacked_place.token, target=target))

    assert len(target) <= _LONGEST
    assert heard.statuses[0] in {200, 400, 501}
    assert cpu_seconds(plain_server) - used < _MOST_CPU_SECONDS


@pytest.mark.parametrize(
    "target",
    [
        SCORES + "?" + "&" * 7900,
        SCORES + "?" + "&".join(f"a{number}=b" for number in range(900)),
        SCORES + "?" + "$top=1&" * 1000,
        SCORES + "?" + "%24top=%31" * 700,
        "/v1.0" + "/a" * 3900,
        "/" * 8000,
        "/v1.0/security/secureScores('" + "%27" * 2600 + "')",
        "/v1.0/" + "../" * 2600,
        "/v1.0/" + "%2e%2e%2f" * 880,
        "/v1.0/" + "(" * 8000,
        "/v1.0/security/secureScores" + "(a)" * 2600,
    ],
)
def test_a_long_path_leads_somewhere_or_nowhere_in_time(
    plain_server: Server, attacked_place: Place, target: str
) -> None:
    used = cpu_seconds(plain_server)
    sent = request(b"Connection: close", token=attacked_place.token, target=target.encode())

    assert converse(plain_server, sent).statuses[0] in {200, 400, 404}
    assert cpu_seconds(plain_server) - used < _MOST_CPU_SECONDS


@pytest.mark.parametrize("size", [_LONGEST + 2, 20_000, 65_000, 70_000, 1_000_000])
def test_a_longer_url_is_refused(attacked: Server, size: int) -> None:
    target = (SCORES + "?").ljust(size, "a").encode()

    # What is beyond its own buffer the HTTP layer refuses as malformed.
    heard = converse(attacked, request(b"Connection: close", target=target))
    assert heard.statuses in ([414], [400], [431]) if size > 400_000 else heard.statuses == [414]


@pytest.mark.parametrize(
    "fields",
    [
        [b"X-Long: " + b"a" * 33_000],
        [b"X" * 33_000 + b": a"],
        [b"X-%d: a" % number for number in range(101)],
        [b"X-%d: a" % number for number in range(10_000)],
        [b"X: a"] * 5_000,
        [b"X: " + b"a" * 1000] * 40,
        [b"Cookie: " + b"a=b; " * 7_000],
    ],
    ids=["a value", "a name", "101 fields", "10,000 fields", "the same field", "many values", "cookies"],
)
def test_larger_headers_are_refused(attacked: Server, attacked_place: Place, fields: list[bytes]) -> None:
    heard = converse(attacked, request(b"Connection: close", *fields, token=attacked_place.token))

    assert heard.statuses == [431]


def test_a_method_that_nobody_knows_is_not_told_at_length(attacked: Server, attacked_place: Place) -> None:
    sent = request(b"Connection: close", token=attacked_place.token, method=b"A" * 100_000)
    heard = converse(attacked, sent)

    assert heard.statuses == [400]
    assert len(heard.answers[0].body) < 1000
    assert "A" * 100 not in attacked.log
