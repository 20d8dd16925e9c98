"""Reading exports of Microsoft Graph."""

import json
from pathlib import Path

import pytest

from stanchion.errors import BadRequest
from stanchion.importers.graph import Imported, open_export
from stanchion.model.edm import CONTROL_PROFILES, ENTITY_SETS, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject, JsonValue, parse_object

TENANT = "12345678-1234-1234-1234-1234567890ab"
SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "graph"
ROOT = "https://graph.microsoft.com/v1.0/$metadata#"

SCORE: JsonObject = {"id": "s", "azureTenantId": TENANT, "currentScore": 1, "controlScores": []}
CONTROL: JsonObject = {"id": "c", "azureTenantId": TENANT, "implementationCost": "Low"}
USER: JsonObject = {"id": "u", "azureTenantId": TENANT, "riskScore": "9", "accounts": []}


def read(value: "JsonValue | bytes") -> list[Imported]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(open_export(data).entities(tenant_id=TENANT))


def sets(value: JsonValue) -> list[EntitySet]:
    return [entity_set for entity_set, _ in read(value)]


@pytest.mark.parametrize("name", ["secureScores", "secureScoreControlProfiles"])
def test_real_samples_are_read_fully(name: str) -> None:
    if not SAMPLES.exists():
        pytest.skip("samples/graph is not beside this checkout")
    paths = sorted(SAMPLES.glob(f"{name}.*.json"))
    assert paths
    for path in paths:
        entities = parse_object(path.read_bytes())["value"]
        assert isinstance(entities, list)
        first = entities[0]
        assert isinstance(first, dict)
        opened = open_export(path.read_bytes())
        assert len(opened) == len(entities)
        found = list(opened.entities(tenant_id=str(first["azureTenantId"])))
        assert found == [(ENTITY_SETS[name], entity) for entity in entities]


def test_a_page_is_read_by_its_context() -> None:
    page: JsonObject = {
        "@odata.context": ROOT + "security/secureScores",
        "@odata.nextLink": "https://graph.microsoft.com/next",
        "value": [{"id": "s", "azureTenantId": TENANT}],
    }
    opened = open_export(json.dumps(page).encode())
    assert (len(opened), opened.next_link) == (1, "https://graph.microsoft.com/next")
    assert [entity_set for entity_set, _ in opened.entities(tenant_id=TENANT)] == [SECURE_SCORES]


@pytest.mark.parametrize(
    ("fragment", "entity_set"),
    [
        ("security/secureScores", SECURE_SCORES),
        ("Security/SecureScoreControlProfiles", CONTROL_PROFILES),
        ("security/secureScores(id,currentScore)", SECURE_SCORES),
        ("security/secureScores(id,controlScores/score)", SECURE_SCORES),
        ("secureScores", SECURE_SCORES),
        ("tenants('x')/userSecurityProfiles", USER_PROFILES),
    ],
)
def test_a_context_names_the_set(fragment: str, entity_set: EntitySet) -> None:
    entity: JsonObject = {"id": "e", "azureTenantId": TENANT}
    assert sets({"@odata.context": ROOT + fragment, "value": [entity]}) == [entity_set]


@pytest.mark.parametrize(
    "context", ["https://graph.microsoft.com/v1.0/", ROOT, ROOT + "$ref", ROOT + "(" * 9_000_000]
)
def test_a_context_that_names_nothing_leaves_it_to_the_properties(context: str) -> None:
    assert sets({"@odata.context": context, "value": [CONTROL]}) == [CONTROL_PROFILES]


def test_a_page_of_another_kind_is_refused_by_its_context() -> None:
    alert: JsonObject = {"id": "a", "azureTenantId": TENANT, "title": "Alert", "implementationCost": "Low"}
    with pytest.raises(BadRequest, match="a page of 'alerts'"):
        read({"@odata.context": ROOT + "security/alerts", "value": [alert]})


def test_a_bare_array_is_read_by_the_properties() -> None:
    assert sets([SCORE, CONTROL, USER]) == [SECURE_SCORES, CONTROL_PROFILES, USER_PROFILES]


def test_kinds_may_be_mixed_by_their_type_annotations() -> None:
    page: JsonObject = {
        "@odata.context": ROOT + "security/secureScores",
        "value": [
            {"@odata.type": "#microsoft.graph.secureScoreControlProfile", "id": "c", "azureTenantId": TENANT},
            {"@odata.type": "microsoft.graph.userSecurityProfile", "id": "u", "azureTenantId": TENANT},
            {"id": "s", "azureTenantId": TENANT},
        ],
    }
    assert sets(page) == [CONTROL_PROFILES, USER_PROFILES, SECURE_SCORES]


def test_control_information_is_dropped() -> None:
    ((_, value),) = read([{"@odata.type": "#microsoft.graph.secureScore", **SCORE}])
    assert value == SCORE


@pytest.mark.parametrize("data", [b"[]", b'{"value":[]}', b" \r\n\t[ ] \n", b'\xef\xbb\xbf{"value": []}'])
def test_an_export_of_nothing_is_an_export(data: bytes) -> None:
    assert read(data) == []


@pytest.mark.parametrize("value", [[SCORE], {"value": [SCORE]}])
def test_a_byte_order_mark_is_skipped(value: JsonValue) -> None:
    assert len(read(b"\xef\xbb\xbf" + json.dumps(value).encode())) == 1


def test_a_file_cut_off_at_any_byte_is_refused() -> None:
    for value in (
        {"@odata.context": ROOT + "security/secureScores", "value": [{**SCORE, "x": "ü"}]},
        [SCORE],
    ):
        data = json.dumps(value, ensure_ascii=False).encode()
        assert len(read(data)) == 1
        for end in range(len(data)):
            with pytest.raises(BadRequest):
                read(data[:end])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "cut off"),
        (b"  ", "cut off"),
        (b"no json", "no JSON"),
        (b"[] []", "no JSON"),
        (b"id,score\n1,2\n", "no JSON"),
        ("[]".encode("utf-16"), "no JSON"),
        (b'"text"', "no export"),
        (b"5", "no export"),
        (b"null", "no export"),
        (b"{}", "no export"),
        (b'{"value": null}', "no export"),
        (b'{"value": {}}', "no export"),
        (b'{"value": [], "@odata.nextLink": 5}', "no export"),
        (json.dumps(SCORE).encode(), "no export"),
        (b"[" * 100_000, "nests deeper"),
        (b'{"value":[' + b"[" * 9_000 + b"]" * 9_000 + b"]}", "nests deeper"),
        (b'{"@odata.context": "\xff", "value": []}', "no JSON"),
    ],
)
def test_what_is_no_export_is_refused_saying_what_is_expected(data: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refusal:
        open_export(data)
    assert '{"value": [...]}' in refusal.value.message or "nests" in refusal.value.message
    assert len(refusal.value.message) < 400


@pytest.mark.parametrize(
    ("entity", "words"),
    [
        (5, "An entity must be a JSON object, not a number"),
        (None, "not null"),
        ({**SCORE, "currentScore": "Double"}, "currentScore.*Edm.Double"),
        ({**SCORE, "controlScores": [{"score": "x"}]}, "controlScores/0/score"),
        ({"azureTenantId": TENANT, "currentScore": 1}, "'id' is required"),
        ({**SCORE, "id": ""}, "1 to 256 characters"),
        ({**SCORE, "azureTenantId": "22222222"}, "'s' belongs to tenant '22222222'"),
        ({"id": "x", "azureTenantId": TENANT, "title": "Alert"}, "no entity of a known kind"),
        ({"@odata.type": "#microsoft.graph.alert", **SCORE}, "'microsoft.graph.alert'"),
    ],
)
def test_a_fault_names_the_entity(entity: JsonValue, words: str) -> None:
    with pytest.raises(BadRequest, match=f"Entity 2 of 3: .*{words}"):
        read([SCORE, entity, SCORE])


@pytest.mark.parametrize("text", ['{"id":"a","id":"b"}', '{"id":"\\u0000"}', '{"id":"\\ud800"}', '{"x":NaN}'])
def test_json_that_no_two_readers_agree_on_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"Entity 1 of 1|no JSON"):
        read(f"[{text}]".encode())


def test_entities_before_a_fault_are_given_first() -> None:
    entities = open_export(json.dumps([SCORE, 5]).encode()).entities(tenant_id=TENANT)
    assert next(entities) == (SECURE_SCORES, SCORE)
    with pytest.raises(BadRequest):
        next(entities)


def test_the_tenant_matches_in_any_case() -> None:
    assert read([{**SCORE, "azureTenantId": TENANT.upper()}]) == [
        (SECURE_SCORES, {**SCORE, "azureTenantId": TENANT.upper()})
    ]
