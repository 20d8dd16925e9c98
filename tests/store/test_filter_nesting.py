"""Whatever may nest by our limits is answered, by every database: each phrase by itself, and all of them mixed."""

import random
from itertools import count, takewhile

import pytest

from stanchion.errors import BadRequest
from stanchion.model.edm import CONTROL_PROFILES
from stanchion.odata.filter import parse_filter
from stanchion.store.compile import DialectName
from stanchion.store.pages import page_statement
from tests.databases import DIALECTS, AnyStore
from tests.store.commands import control, put_all
from tests.store.filtering import asked, ids_found

# What is put around a phrase: the kind of phrase it takes, the kind it makes, and its two halves.
Wrapping = tuple[str, str, str, str]
WRAPPINGS: list[Wrapping] = [
    *(("text", "text", f"{name}(", ")") for name in ("tolower", "toupper", "trim")),
    ("text", "text", "concat(remediation,", ")"),
    ("text", "text", "concat(", ",title)"),
    ("text", "text", "substring(", ",1)"),
    ("text", "text", "substring(", ",1,2)"),
    ("number", "text", "substring(title,", ")"),
    ("number", "text", "substring(title,0,", ")"),
    ("text", "number", "length(", ")"),
    ("text", "number", "indexof(", ",'a')"),
    ("text", "number", "indexof(title,", ")"),
    *(("number", "number", "(", f" {word} 7)") for word in ("add", "sub", "mul", "div", "mod")),
    *(("number", "number", f"(7 {word} ", ")") for word in ("add", "sub", "mul", "div", "mod")),
    *(("fraction", "fraction", "(", f" {word} 7)") for word in ("add", "div", "divby", "mod")),
    *(("fraction", "fraction", f"(7 {word} ", ")") for word in ("add", "div", "divby", "mod")),
    ("number", "fraction", "(", " divby 7)"),
    ("fraction", "truth", "(7 le ", ")"),
    ("number", "number", "-(", ")"),
    *(("text", "truth", f"{name}(", ",'a')") for name in ("contains", "startswith", "endswith")),
    *(("text", "truth", f"{name}(title,", ")") for name in ("contains", "startswith", "endswith")),
    *(("number", "truth", "(", f" {word} rank)") for word in ("eq", "ne", "lt", "ge")),
    *(("text", "truth", f"(remediation {word} ", ")") for word in ("eq", "ne", "gt")),
    ("text", "truth", "(", " in ('a',null))"),
    ("number", "truth", "(", " eq null)"),
    *(("truth", "truth", "(", f" {word} deprecated)") for word in ("eq", "ne", "gt", "and", "or")),
    *(("truth", "truth", f"(deprecated {word} ", ")") for word in ("eq", "ne", "gt", "and", "or")),
    ("truth", "truth", "not (", ")"),
    ("truth", "truth", "((", ") in (true,null))"),
    ("truth", "truth", "complianceInformation/any(x#:x#/a/b eq 5 or ", ")"),
    ("truth", "truth", "complianceInformation/all(x#:", ")"),
    ("truth", "truth", "complianceInformation/any(x#:x#/a eq 2026-01-01T00:00:00Z or ", ")"),
]
LEAVES = {
    "text": ("title", "remediation", "vendorInformation/provider"),
    "fraction": ("maxScore", "rank divby 7"),
    "number": ("rank", "complianceInformation/$count", "year(lastModifiedDateTime)"),
    "truth": ("deprecated", "complianceInformation/any(y:y/a eq 5)", "(title eq null)"),
}
LAST = {"text": " ge 'a'", "number": " ge 1", "fraction": " ge 1", "truth": ""}


def is_allowed(text: str) -> bool:
    try:
        parse_filter(text, CONTROL_PROFILES, aliases={})
    except BadRequest as refusal:
        if "nests" in str(refusal):
            return False
        raise
    return True


def wrapped(wrapping: Wrapping, inner: str, level: int) -> str:
    _, _, before, after = wrapping
    return f"{before}{inner}{after}".replace("x#", f"x{level}")


def mixed(seed: int) -> str:
    """Return a filter that nests as deep as it may, of phrases by lot."""
    lot = random.Random(seed)
    kind = lot.choice(list(LEAVES))
    phrase, allowed = lot.choice(LEAVES[kind]), ""
    for level in count():
        whole = phrase + LAST[kind]
        if not is_allowed(whole):
            return allowed
        allowed = whole
        wrapping = lot.choice([each for each in WRAPPINGS if each[0] == kind])
        phrase, kind = wrapped(wrapping, phrase, level), wrapping[1]
    raise AssertionError


def repeated(wrapping: Wrapping, leaf: str, times: int) -> str:
    phrase = leaf
    for level in range(times):
        phrase = wrapped(wrapping, phrase, level)
    return phrase + LAST[wrapping[1]]


REPEATED = [wrapping for wrapping in WRAPPINGS if wrapping[0] == wrapping[1]]


@pytest.mark.parametrize(
    "wrapping", REPEATED, ids=[f"{before}...{after}" for _, _, before, after in REPEATED]
)
def test_a_phrase_within_itself_is_answered_as_deep_as_it_is_allowed(
    store: AnyStore, wrapping: Wrapping
) -> None:
    store.run(put_all([control("c", rank=1)], CONTROL_PROFILES))
    for leaf in LEAVES[wrapping[0]]:
        nested = (repeated(wrapping, leaf, times) for times in count(1))
        allowed = list(takewhile(is_allowed, nested))
        assert len(allowed) >= 2
        ids_found(store, asked(CONTROL_PROFILES, allowed[-1]))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "wrapping", REPEATED, ids=[f"{before}...{after}" for _, _, before, after in REPEATED]
)
def test_a_phrase_within_itself_makes_a_statement_longer_by_so_much_each_time(
    wrapping: Wrapping, dialect: DialectName
) -> None:
    for leaf in LEAVES[wrapping[0]]:
        nested = (repeated(wrapping, leaf, times) for times in count(1))
        texts = list(takewhile(is_allowed, nested))
        lengths = [len(page_statement(asked(CONTROL_PROFILES, text), dialect=dialect).sql) for text in texts]
        assert lengths[-1] <= len(lengths) * lengths[0]


@pytest.mark.slow
def test_phrases_within_each_other_are_answered_as_deep_as_they_are_allowed(store: AnyStore) -> None:
    store.run(put_all([control("c", rank=1)], CONTROL_PROFILES))
    for seed in range(100):
        ids_found(store, asked(CONTROL_PROFILES, mixed(seed)))
