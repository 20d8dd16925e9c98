"""The links of rounds of changes: what is put into a token comes back, and nothing else is taken for one."""

from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stanchion.errors import BadRequest, StanchionError, SyncStateNotFound
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from stanchion.odata.delta import Changes, DeltaLinks, DeltaQuery, Everything, Place, parse_delta_options

KEY = bytes(range(32))
ORIGIN = "https://localhost:8443"
LINKS = DeltaLinks(KEY, "e1", "b7f0c0de-0000-4000-8000-000000000001", ORIGIN)
CHARACTERS = st.characters(exclude_categories=["Cs"])
SEQUENCES = st.integers(0, 2**63 - 1)
IDS = st.text(CHARACTERS, min_size=1, max_size=20)
PLACES = st.one_of(
    st.builds(Everything, SEQUENCES, IDS),
    st.builds(Changes, SEQUENCES, st.none() | IDS, st.none() | SEQUENCES),
)
PLACE = Changes(7, "a/b'c é", 9)


def ask(options: str = "$select=title") -> DeltaQuery:
    return parse_delta_options(options.encode(), CONTROL_PROFILES, root="v1.0")


def followed(link: str) -> DeltaQuery:
    return ask(urlsplit(link).query)


@given(PLACES)
def test_a_link_leads_back_to_its_place(place: Place) -> None:
    assert LINKS.resumed(followed(LINKS.next(ask(), place))).place == place


@given(SEQUENCES)
def test_the_link_to_the_next_round_leads_to_what_follows_a_change(version: int) -> None:
    assert LINKS.resumed(followed(LINKS.delta(ask(), version=version))).place == Changes(version)


@given(st.data())
def test_a_token_with_any_other_character_is_an_order_to_start_over(data: st.DataObject) -> None:
    query = followed(LINKS.next(ask(), PLACE))
    assert query.token is not None
    name, token = query.token
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(exclude_characters=token[position], exclude_categories=["Cs"]))
    changed = token[:position] + character + token[position + 1 :]
    with pytest.raises(SyncStateNotFound):
        LINKS.resumed(replace(query, token=(name, changed)))


@pytest.mark.parametrize("name", ["$deltatoken", "$skiptoken"])
@given(text=st.text(CHARACTERS, min_size=1, max_size=40))
def test_any_text_that_was_never_issued_is_an_order_to_start_over(name: str, text: str) -> None:
    with pytest.raises(SyncStateNotFound) as refusal:
        LINKS.resumed(replace(ask("$select=title&$top=3"), token=(name, text)))
    assert refusal.value.target == name
    location = f"{ORIGIN}/v1.0/security/secureScoreControlProfiles/delta?$select=title&$top=3&$deltatoken="
    assert refusal.value.headers == {"Location": location}
    assert followed(location).token is None


@pytest.mark.parametrize(
    "links",
    [
        DeltaLinks(KEY[::-1], LINKS.epoch, LINKS.tenant_id, ORIGIN),
        DeltaLinks(KEY, "e2", LINKS.tenant_id, ORIGIN),
        DeltaLinks(KEY, LINKS.epoch, "other", ORIGIN),
    ],
)
def test_a_token_is_good_in_its_store_its_epoch_and_its_tenant_only(links: DeltaLinks) -> None:
    with pytest.raises(SyncStateNotFound):
        links.resumed(followed(LINKS.next(ask(), PLACE)))


@pytest.mark.parametrize(
    "other",
    [
        replace(ask(), root="beta"),
        replace(ask(), entity_set=SECURE_SCORES),
        replace(ask(), provider="ScubaGear"),
        ask("$select=title,id"),
        ask(""),
    ],
)
def test_a_token_goes_on_with_its_own_query_only(other: DeltaQuery) -> None:
    token = followed(LINKS.next(ask(), PLACE)).token
    with pytest.raises(SyncStateNotFound):
        LINKS.resumed(replace(other, token=token))


def test_a_token_is_taken_whatever_the_size_of_the_pages_and_the_case_of_the_provider() -> None:
    limited = replace(ask("$select=title&$top=3"), provider="ScubaGear")
    token = followed(LINKS.next(limited, PLACE)).token
    again = replace(ask("$top=50&$select=title"), provider="SCUBAGEAR", token=token)
    assert LINKS.resumed(again).place == PLACE


def test_the_id_is_always_selected() -> None:
    assert ask("$select=title,maxScore").select == ("id", "title", "maxScore")
    assert ask("$select=title,id").select == ("title", "id")
    assert ask("$select=*").select is None


@pytest.mark.parametrize("option", ["$filter=id eq 'a'", "$orderby=id", "$count=true", "$skip=1", "$top=0"])
def test_an_option_that_rounds_do_not_know_is_refused(option: str) -> None:
    with pytest.raises(BadRequest):
        ask(option.replace(" ", "%20"))


@given(st.binary(max_size=60))
def test_any_query_string_is_read_or_refused(query: bytes) -> None:
    with suppress(StanchionError):
        parse_delta_options(query, CONTROL_PROFILES, root="v1.0")
