"""Callers limited to one provider: what they may see, and as whom they may write."""

import pytest

from stanchion.access.caller import Caller
from stanchion.errors import Forbidden
from stanchion.ledger.changes import Actor
from stanchion.ledger.working_set import Stored
from stanchion.model.json_text import JsonObject, JsonValue


def caller(provider: str | None = None) -> Caller:
    return Caller(
        tenant_id="t",
        actor=Actor("urn:test", "t", "an app", appid="a"),
        app_id="a",
        permissions=frozenset(),
        delegated=False,
        provider=provider,
    )


def of(information: JsonValue) -> JsonObject:
    return {"id": "x", "vendorInformation": information}


def test_for_a_caller_without_a_limit_no_body_is_read() -> None:
    assert caller().may_see(Stored("x", 1, b"not even JSON"))


@pytest.mark.parametrize("provider", ["Prowler", "prowler", "PROWLER"])
def test_a_limited_caller_sees_its_provider_in_any_case(provider: str) -> None:
    assert caller("Prowler").may_see(Stored.of(of({"provider": provider}), version=1))


@pytest.mark.parametrize("information", [None, {}, {"provider": None}, {"provider": "SecureScore"}])
def test_a_limited_caller_neither_sees_nor_writes_what_is_of_others(information: JsonValue) -> None:
    assert not caller("Prowler").may_see(Stored.of(of(information), version=1))
    with pytest.raises(Forbidden, match="Prowler"):
        caller("Prowler").require_own_provider(of(information))


@pytest.mark.parametrize(
    "part", [{"id": "x"}, of({}), of({"providerVersion": "2"}), of({"provider": "prowler"})]
)
def test_a_patch_that_gives_nothing_away_may_be_written(part: JsonObject) -> None:
    caller("Prowler").require_own_provider_if_named(part)


@pytest.mark.parametrize("information", [None, {"provider": None}, {"provider": "SecureScore"}])
def test_a_patch_that_would_give_an_entity_away_is_refused(information: JsonValue) -> None:
    with pytest.raises(Forbidden, match="Prowler"):
        caller("Prowler").require_own_provider_if_named(of(information))
