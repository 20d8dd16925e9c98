"""Commands limited to one provider: in the transaction itself, another's entity is as if absent."""

import pytest
from msgspec.structs import replace

from stanchion.errors import Forbidden, NotFound
from stanchion.ledger.commands import CreateEntity, DecideControl, DeleteEntity, MergeEntity
from stanchion.ledger.decisions import parse_request
from stanchion.model.edm import CONTROL_PROFILES, SECURE_SCORES
from tests.ledger.memory import ACTOR, MICROSOFT, PROWLER, TENANT, Memory, command_id

MERGE = MergeEntity(
    tenant_id=TENANT,
    command_id="m",
    actor=ACTOR,
    entity_set=SECURE_SCORES,
    entity_id="theirs",
    patch={"currentScore": 1.0},
    only_provider="prowler",
)
DELETE = DeleteEntity(
    tenant_id=TENANT,
    command_id="d",
    actor=ACTOR,
    entity_set=SECURE_SCORES,
    entity_id="theirs",
    only_provider="prowler",
)
DECIDE = DecideControl(
    tenant_id=TENANT,
    command_id="c",
    actor=ACTOR,
    control_id="theirs",
    request=parse_request({"comment": "x"}, root="beta"),
    only_provider="prowler",
)


@pytest.fixture
def theirs(memory: Memory) -> Memory:
    """A store with a control and a score of Microsoft's, both named `theirs`."""
    for entity_set in (CONTROL_PROFILES, SECURE_SCORES):
        memory.run(
            CreateEntity(
                tenant_id=TENANT,
                command_id=command_id(),
                actor=ACTOR,
                entity_set=entity_set,
                value={"id": "theirs", "vendorInformation": MICROSOFT},
            )
        )
    return memory


@pytest.mark.parametrize("command", [MERGE, DELETE, DECIDE], ids=["merge", "delete", "decide"])
def test_another_provider_s_entity_is_not_found_and_not_written(
    theirs: Memory, command: MergeEntity | DeleteEntity | DecideControl
) -> None:
    before = theirs.head
    with pytest.raises(NotFound) as hidden:
        theirs.run(command)
    assert theirs.head == before
    theirs.run(replace(DELETE, only_provider=None))
    theirs.run(replace(DELETE, entity_set=CONTROL_PROFILES, only_provider=None))
    with pytest.raises(NotFound) as absent:
        theirs.run(command)
    assert hidden.value.message == absent.value.message


def test_the_owner_is_found_in_any_case(theirs: Memory) -> None:
    theirs.run(replace(MERGE, only_provider="SECUREscore"))


def test_an_id_that_another_provider_holds_is_refused_without_a_word_on_its_content(theirs: Memory) -> None:
    create = CreateEntity(
        tenant_id=TENANT,
        command_id="p",
        actor=ACTOR,
        entity_set=SECURE_SCORES,
        value={"id": "theirs", "vendorInformation": PROWLER},
        only_provider="prowler",
    )
    with pytest.raises(Forbidden) as refusal:
        theirs.run(create)
    assert "exists" not in refusal.value.message
