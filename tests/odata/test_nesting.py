"""How deep phrases may stand within each other, and what is said to whoever goes beyond."""

import pytest

from stanchion.errors import BadRequest
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.odata.filter import parse_filter

# Each with the number of times that it may stand within itself.
PHRASES = [
    ("tolower(", "title", ")", " eq 'a'", 20),
    ("concat(title,", "title", ")", " eq 'a'", 20),
    ("-(", "rank", ")", " eq 1", 10),
    ("substring(", "title", ",1)", " eq 'a'", 4),
    ("substring(title,length(", "title", "))", " eq 'a'", 3),
    ("(", "rank", " mod 2)", " eq 1", 4),
    ("(7 div ", "rank", ")", " eq 1", 10),
    ("not (", "title eq 'a'", ")", "", 10),
    ("(rank eq 1 or ", "title eq 'a'", ")", "", 20),
    ("(deprecated ne ", "deprecated", ")", "", 14),
]


@pytest.mark.parametrize("phrase", PHRASES, ids=[before for before, *_ in PHRASES])
def test_a_phrase_stands_within_itself_so_often_and_no_more(phrase: tuple[str, str, str, str, int]) -> None:
    before, inner, after, end, times = phrase
    parse_filter(before * times + inner + after * times + end, CONTROL_PROFILES, aliases={})
    with pytest.raises(BadRequest, match="filter nests") as refusal:
        parse_filter(before * (times + 1) + inner + after * (times + 1) + end, CONTROL_PROFILES, aliases={})
    assert refusal.value.target == "$filter"


def test_lambdas_stand_within_each_other_three_deep() -> None:
    def lambdas(levels: int) -> str:
        inner = "".join(f"x{level}/items/any(x{level + 1}:" for level in range(levels - 1))
        return f"complianceInformation/any(x0:{inner}x{levels - 1}/name eq 'a'" + ")" * levels

    parse_filter(lambdas(3), CONTROL_PROFILES, aliases={})
    with pytest.raises(BadRequest, match=r"nests 79 steps deep, and 72 are allowed: .*a lambda 16"):
        parse_filter(lambdas(4), CONTROL_PROFILES, aliases={})


def test_what_stands_beside_each_other_nests_no_deeper() -> None:
    text = " and ".join(["substring(substring(substring(title,1),1),1) eq 'a'"] * 50)
    parse_filter(text, CONTROL_PROFILES, aliases={})
