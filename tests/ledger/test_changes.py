"""The record of a change and the chain that holds the records together."""

import hashlib
import json

import msgspec
import pytest

from stanchion.ledger.changes import Actor, Change, Operator, decode_record, first_head, link, salted_digest
from stanchion.model.edm import SECURE_SCORES
from stanchion.model.json_text import dump_canonical
from tests.ledger.memory import ACTOR, TENANT, Memory, bring, control, create, decide, delete, score


def verify(changes: list[Change]) -> None:
    """Walk a chain from its beginning."""
    head = first_head(TENANT)
    for change in changes:
        assert change.sequence == head.sequence + 1
        assert (
            change.hash
            == link(head.hash, change.record)
            == hashlib.sha256(head.hash + change.record).digest()
        )
        record = decode_record(change.record)
        assert (record.tenant, record.sequence) == (TENANT, change.sequence)
        assert record.command == change.command_id
        assert {touched.version for touched in record.entities} <= {change.sequence}
        assert record.detail == salted_digest(change.salt, change.detail)
        head = change.head


def test_the_chain_starts_from_the_digest_of_the_tenant_id() -> None:
    head = first_head(TENANT)
    assert (head.sequence, head.hash) == (0, hashlib.sha256(TENANT.encode()).digest())


def test_each_change_links_to_the_one_before(memory: Memory) -> None:
    memory.run(bring(control("a"), control("b")))
    memory.run(decide("a", {"state": "Ignored"}))
    memory.run(create(score()))
    memory.run(delete(str(score()["id"])))
    verify(memory.changes)
    assert memory.head == memory.changes[-1].head


def test_a_record_that_was_altered_breaks_the_chain(memory: Memory) -> None:
    memory.run(bring(control("a")))
    memory.run(decide("a", {"state": "Ignored"}))
    first, second = memory.changes
    altered = msgspec.structs.replace(decode_record(first.record), operation="nothing")
    assert link(link(first_head(TENANT).hash, dump_canonical(altered)), second.record) != second.hash


def test_a_record_is_exact_bytes_with_sorted_names_and_no_blanks(memory: Memory) -> None:
    memory.run(bring(control("b"), control("a")))
    record = memory.changes[0].record
    value = json.loads(record)
    assert record == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert set(value) == {"tenant", "sequence", "time", "actor", "operation", "command", "entities", "detail"}
    assert value["time"] == "2026-03-10T12:00:00.000000Z"
    assert value["operation"] == "import"
    assert decode_record(record) == msgspec.json.decode(record, type=type(decode_record(record)))


def test_the_record_names_each_entity_with_version_and_salted_digest(memory: Memory) -> None:
    memory.run(create(score()))
    memory.run(delete(str(score()["id"])))
    made, removed = memory.changes
    (touched,) = decode_record(made.record).entities
    body = memory_body(made)
    assert (touched.entity_set, touched.id, touched.version) == ("secureScores", score()["id"], 1)
    assert touched.digest == salted_digest(made.salt, body)
    (gone,) = decode_record(removed.record).entities
    assert (gone.version, gone.digest) == (2, None)


def memory_body(change: Change) -> bytes:
    """Return the body that a score had as after its creation."""
    other = Memory()
    assert change.sequence == 1
    return other.run(create(score(), SECURE_SCORES)).stored.body


def test_the_record_holds_no_value_of_an_entity(memory: Memory) -> None:
    memory.run(bring(control("a", title="a secret title")))
    memory.run(decide("a", {"comment": "a secret reason"}))
    assert not any(b"secret" in change.record for change in memory.changes)
    assert b"secret" in memory.changes[1].detail


def test_no_two_changes_share_a_salt(memory: Memory) -> None:
    memory.run(bring(control("a")))
    memory.run(decide("a", {"state": "Ignored"}))
    assert len({change.salt for change in memory.changes}) == 2


@pytest.mark.parametrize(
    ("actor", "described"),
    [
        (ACTOR, {"iss": "urn:test", "tid": TENANT, "name": "ann@example.com", "oid": "ann"}),
        (
            Actor("urn:test", TENANT, "app", appid="app"),
            {"iss": "urn:test", "tid": TENANT, "name": "app", "appid": "app"},
        ),
        (Operator("root"), "operator:root"),
    ],
)
def test_an_actor_is_described_by_issuer_tenant_name_and_subject(
    actor: Actor | Operator, described: object
) -> None:
    assert actor.describe() == described
