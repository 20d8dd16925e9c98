"""Skip tokens and next links."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stanchion.errors import BadRequest
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.odata.options import parse_options
from stanchion.odata.paging import next_link, read_skip_token, resumed, skip_token
from stanchion.odata.query import IdKey, KeyValue, ListQuery

KEY = bytes(range(32))
TENANT = "b7f0c0de-0000-4000-8000-000000000001"
ORIGIN = "https://localhost:8443"
CHARACTERS = st.characters(exclude_categories=["Cs"])
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(CHARACTERS, max_size=20),
)
ROW: tuple[KeyValue, ...] = (17_000_000, 0, "SecureScore", "a/b'c é")


def ask(options: str = "$select=id,maxScore&$orderby=maxScore desc") -> ListQuery:
    return parse_options(options.encode(), SECURE_SCORES, root="v1.0")


def token_of(query: ListQuery, row: tuple[KeyValue, ...] = ROW) -> str:
    return skip_token(KEY, tenant_id=TENANT, query=query, last_key=row)


def read(query: ListQuery, token: str) -> tuple[KeyValue, ...]:
    return read_skip_token(KEY, tenant_id=TENANT, query=replace(query, skip_token=token))


@given(st.lists(VALUES, min_size=1, max_size=5).map(tuple))
def test_a_token_gives_back_what_was_put_in(row: tuple[KeyValue, ...]) -> None:
    found = read(ask(), token_of(ask(), row))
    assert found == row
    assert [type(value) for value in found] == [type(value) for value in row]


@given(st.data())
def test_a_token_with_any_other_character_is_refused(data: st.DataObject) -> None:
    token = token_of(ask())
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(exclude_characters=token[position], exclude_categories=["Cs"]))
    with pytest.raises(BadRequest):
        read(ask(), token[:position] + character + token[position + 1 :])


@given(st.text(CHARACTERS, max_size=40))
def test_any_text_that_was_never_issued_is_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        read(ask(), text)
    assert refusal.value.target == "$skiptoken"


def test_a_cut_or_padded_token_is_refused() -> None:
    token = token_of(ask())
    for changed in (token[:-1], token + "A", token + "=", token + "==", " " + token, token + "\n", ""):
        with pytest.raises(BadRequest):
            read(ask(), changed)


@pytest.mark.parametrize(
    "other",
    [
        replace(ask(), root="beta"),
        replace(ask(), entity_set=CONTROL_PROFILES),
        replace(ask(), order=(IdKey(),)),
        ask("$select=id,maxScore"),
        ask("$select=id,maxscore&$orderby=maxScore desc"),
        ask("$select=id,maxScore&$orderby=maxScore"),
        ask("$select=id,maxScore&$orderby=maxScore desc&$count=true"),
        ask(""),
    ],
)
def test_a_token_goes_on_with_its_own_query_only(other: ListQuery) -> None:
    with pytest.raises(BadRequest):
        read(other, token_of(ask()))


def test_a_token_of_another_tenant_or_store_is_refused() -> None:
    query = replace(ask(), skip_token=token_of(ask()))
    with pytest.raises(BadRequest):
        read_skip_token(KEY, tenant_id="other", query=query)
    with pytest.raises(BadRequest):
        read_skip_token(b"\x00" * 32, tenant_id=TENANT, query=query)


@pytest.mark.parametrize(
    "options",
    [
        "$orderby=maxScore desc&$select=id,maxScore",
        "%24select=id%2CmaxScore&%24orderby=maxScore+desc&$top=50",
        "$select=id,maxScore&$orderby=maxScore%20desc&$top=7&utm=1",
    ],
)
def test_a_token_accepts_its_query_in_another_spelling_and_with_another_top(options: str) -> None:
    first = ask("$select=id,maxScore&$orderby=maxScore desc&$top=3&$skip=2")
    assert read(ask(options), token_of(first)) == ROW


def test_a_link_is_absolute_and_reads_back_as_the_same_query() -> None:
    query = ask("%24SELECT=id,maxScore&$orderby=maxScore+desc&%24top=2&$skip=4&$count=true&x=1")
    link = next_link(ORIGIN, query, token=token_of(query))
    assert link.startswith(
        "https://localhost:8443/v1.0/security/secureScores"
        "?$select=id%2CmaxScore&$orderby=maxScore%20desc&$count=true&$top=2&$skiptoken="
    )
    again = parse_options(urlsplit(link).query.encode(), SECURE_SCORES, root="v1.0")
    assert resumed(again, KEY, tenant_id=TENANT) == replace(
        query, skip=0, skip_token=again.skip_token, after=ROW
    )


def test_a_link_repeats_top_only_if_the_caller_sent_it() -> None:
    link = next_link(ORIGIN, ask(""), token="T")
    assert link == "https://localhost:8443/v1.0/security/secureScores?$skiptoken=T"


def test_a_query_without_a_token_starts_at_the_first_row() -> None:
    assert resumed(ask(), KEY, tenant_id=TENANT).after is None
