"""Reading exports of Microsoft Graph: sets, places, and what is refused."""

import json

import pytest

from stanchion.errors import BadRequest
from stanchion.importers.graph import Fault, Found, GraphExport
from stanchion.model.edm import CONTROL_PROFILES, ENTITY_SETS, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject, JsonValue
from tests.importers.shapes import ROOT, SAMPLES, TENANT, faults, parts_of, pascal, read, sample

SCORE: JsonObject = {"id": "s", "azureTenantId": TENANT, "currentScore": 1, "controlScores": []}
CONTROL: JsonObject = {"id": "c", "azureTenantId": TENANT, "implementationCost": "Low"}
USER: JsonObject = {"id": "u", "azureTenantId": TENANT, "riskScore": "9", "accounts": []}
PAGE: JsonObject = {"value": [SCORE]}


def sets(value: "JsonValue | bytes") -> list[EntitySet]:
    return [entity_set for entity_set, _ in read(value)]


def paths(value: "JsonValue | bytes") -> list[str]:
    return [part.place.path for part in parts_of(value)]


@pytest.mark.parametrize("name", ["secureScores", "secureScoreControlProfiles"])
def test_real_samples_are_read_fully(name: str) -> None:
    if not SAMPLES.exists():
        pytest.skip("samples/graph is not beside this checkout")
    files = sorted(SAMPLES.glob(f"{name}.*.json"))
    assert files
    for file in files:
        entities = sample(file.name)
        found = list(GraphExport(file.read_bytes()).entities(tenant_id=str(entities[0]["azureTenantId"])))
        assert [part.value for part in found if isinstance(part, Found)] == entities
        assert {part.entity_set for part in found if isinstance(part, Found)} == {ENTITY_SETS[name]}


def test_a_page_tells_its_set_and_where_it_goes_on() -> None:
    page: JsonObject = {
        "@odata.context": ROOT + "security/secureScores",
        "@odata.nextLink": "https://graph.microsoft.com/next",
        "value": [{"id": "s", "azureTenantId": TENANT}],
    }
    export = GraphExport(json.dumps(page).encode())
    (found,) = export.entities(tenant_id=TENANT)
    assert isinstance(found, Found)
    assert (found.entity_set, export.next_link) == (SECURE_SCORES, "https://graph.microsoft.com/next")


def test_of_several_pages_the_last_tells_whether_it_goes_on() -> None:
    first: JsonObject = {"@odata.nextLink": "https://graph.microsoft.com/next", "value": [SCORE]}
    for file in ([first, PAGE], [PAGE, first]):
        export = GraphExport(json.dumps(file).encode())
        assert len(list(export.entities(tenant_id=TENANT))) == 2
        assert (export.next_link is None) is (file[-1] is PAGE)


@pytest.mark.parametrize(
    ("fragment", "entity_set"),
    [
        ("security/secureScores", SECURE_SCORES),
        ("Security/SecureScoreControlProfiles", CONTROL_PROFILES),
        ("security/secureScores(id,currentScore)", SECURE_SCORES),
        ("security/secureScores(id,controlScores/score)", SECURE_SCORES),
        ("security/secureScores/$entity", SECURE_SCORES),
        ("secureScores", SECURE_SCORES),
        ("tenants('x')/userSecurityProfiles", USER_PROFILES),
    ],
)
@pytest.mark.parametrize("single", [False, True])
def test_a_context_names_the_set(fragment: str, entity_set: EntitySet, *, single: bool) -> None:
    entity: JsonObject = {"id": "e", "azureTenantId": TENANT}
    context: JsonObject = {"@odata.context": ROOT + fragment}
    assert sets({**context, **entity} if single else {**context, "value": [entity]}) == [entity_set]
    assert sets({**entity, **context} if single else {"value": [entity], **context}) == [entity_set]


@pytest.mark.parametrize(
    "context", ["https://graph.microsoft.com/v1.0/", ROOT, ROOT + "$ref", ROOT + "(" * 10_000, None]
)
def test_a_context_that_names_nothing_leaves_it_to_the_properties(context: str | None) -> None:
    assert sets({"@odata.context": context, "value": [CONTROL]}) == [CONTROL_PROFILES]


def test_a_page_of_another_kind_is_refused_by_its_context() -> None:
    alert: JsonObject = {"id": "a", "azureTenantId": TENANT, "title": "Alert", "implementationCost": "Low"}
    with pytest.raises(BadRequest, match="a page of 'alerts'"):
        read({"@odata.context": ROOT + "security/alerts", "value": [alert]})


@pytest.mark.parametrize(
    "file",
    [
        [SCORE, CONTROL, USER],
        {"value": [SCORE, CONTROL, USER]},
        [{"value": [SCORE, CONTROL]}, USER],
        [[SCORE], [CONTROL, USER]],
        {"secureScores": SCORE, "profiles": [CONTROL], "userSecurityProfiles": {"value": [USER]}},
        {"SecureScore": [{"value": [SCORE]}], "PROFILES": [[CONTROL], {"value": []}, USER], "note": 5},
    ],
)
def test_entities_are_found_wherever_they_stand(file: JsonValue) -> None:
    values = [{name: member for name, member in value.items() if member} for _, value in read(file)]
    assert [value["id"] for value in values] == ["s", "c", "u"]


def test_the_combined_form_tells_the_set() -> None:
    bare: JsonObject = {"id": "x", "azureTenantId": TENANT}
    assert sets({"profiles": [bare], "secureScore": bare}) == [CONTROL_PROFILES, SECURE_SCORES]
    assert sets({"profiles": {"value": [bare]}, "secureScore": None}) == [CONTROL_PROFILES]


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


@pytest.mark.parametrize(
    ("file", "found"),
    [
        (SCORE, [""]),
        ([SCORE, SCORE], ["0", "1"]),
        ({"value": [SCORE]}, ["value/0"]),
        ([PAGE, {"value": [SCORE, SCORE]}], ["0/value/0", "1/value/0", "1/value/1"]),
        ({"secureScore": PAGE, "profiles": CONTROL}, ["secureScore/value/0", "profiles"]),
    ],
)
def test_each_entity_has_its_place(file: JsonValue, found: list[str]) -> None:
    assert paths(file) == found


def test_the_place_of_an_entity_in_lines_is_its_line() -> None:
    lines = [json.dumps(SCORE), "", json.dumps(PAGE), json.dumps(SCORE, indent=2), json.dumps(SCORE)]
    data = "\n".join(lines).encode()
    assert paths(data) == ["line 1", "line 3: value/0", "line 4", "line 10"]


def test_a_format_is_recognised_or_asked_for() -> None:
    shell = pascal(SCORE, SECURE_SCORES.type)
    one, lines = json.dumps(PAGE).encode(), b"%s\n%s" % ((json.dumps(SCORE).encode(),) * 2)
    for data, found in ((one, "graph"), (lines, "ndjson"), (json.dumps([shell]).encode(), "powershell")):
        export = GraphExport(data)
        assert all(isinstance(part, Found) for part in export.entities(tenant_id=TENANT))
        assert export.format == found
        assert not faults(data, asked=export.format)
    assert not faults(one, asked="ndjson")
    (refused,) = faults(json.dumps([shell]).encode(), asked="graph")
    assert "leave out --format" in refused.reason
    with pytest.raises(BadRequest, match="--format ndjson"):
        parts_of(lines, asked="graph")


def test_a_file_cut_off_at_any_byte_is_refused() -> None:
    for value in (
        {"@odata.context": ROOT + "security/secureScores", "value": [{**SCORE, "x": "ü"}]},
        [SCORE],
        SCORE,
    ):
        data = json.dumps(value, ensure_ascii=False).encode()
        assert len(read(data)) == 1
        for end in range(len(data)):
            with pytest.raises(BadRequest):
                parts_of(data[:end])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "This is empty"),
        (b" \n ", "This is empty"),
        (b"no json", "no export, at line 1"),
        (b"[] garbage", "no export, at line 1, column 4"),
        (b"id,score\n1,2\n", "no export|no JSON"),
        (b'"text"', "no export"),
        (b"5", "no export"),
        (b"null", "no export"),
        (b"{}", "no export"),
        (b'{"value": null}', "no export"),
        (b'{"value": {}}', "no export"),
        (b'{"value": [], "@odata.nextLink": 5}', "'@odata.nextLink' must be a text"),
        (b'{"value": [], "@odata.context": "\xff"}', "'@odata.context' must be a text"),
        (b'{"name": "my aunt"}', "JSON, but no export"),
        (b'{"secureScore": [], "alerts": []}', "'alerts' is none of the sets"),
        (b'{"secureScore": 5}', "'secureScore' is none of the sets"),
        (b'{"error": {"code": "InvalidAuthenticationToken"}}', "an error that Graph answered.*Token"),
        (b"[" * 100_000, "deeper than 64 levels|cut off"),
        (b"[[[[[[[[[5]]]]]]]]]", "too deep"),
        (b'{"value":[' + b"[" * 9_000 + b"]" * 9_000 + b"]}", "deeper than 64 levels"),
        (b'{"value": [], "value": []}', "'value' appears twice"),
        (b'{"@odata.context": "a", "value": [], "@odata.context": "b"}', "'@odata.context' appears twice"),
        (b'{"value": [1 2]}', "line 1, column 14"),
    ],
)
def test_what_is_no_export_is_refused_saying_why(data: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refusal:
        parts_of(data)
    assert len(refusal.value.message) < 400


@pytest.mark.parametrize(
    ("entity", "id", "words"),
    [
        (5, None, "An entity must be a JSON object, not a number"),
        (None, None, "not null"),
        ({**SCORE, "currentScore": "Double"}, "s", "'currentScore' must be a number"),
        ({**SCORE, "controlScores": [{"score": "x"}]}, "s", "'controlScores/0/score'"),
        ({"azureTenantId": TENANT, "currentScore": 1}, None, "'id' is required"),
        ({**SCORE, "id": ""}, "", "1 to 256 characters"),
        ({**SCORE, "id": 5}, None, "'id'"),
        ({**SCORE, "azureTenantId": "22222222"}, "s", "tenant '22222222', not to .*--retarget"),
        ({**SCORE, "azureTenantId": 5}, "s", "'azureTenantId' must be a string"),
        ({"id": "x", "azureTenantId": TENANT, "title": "Alert"}, "x", "no entity of a known kind"),
        ({"@odata.type": "#microsoft.graph.alert", **SCORE}, "s", "'microsoft.graph.alert'"),
        ({**SCORE, "vendorInformation": "@{vendor=Microsoft}"}, "s", "-Depth 10"),
        ({**SCORE, "controlScores": "System.Object[]"}, "s", "-Depth 10"),
    ],
)
def test_a_fault_names_the_entity_and_the_rest_is_read(entity: JsonValue, id: str | None, words: str) -> None:
    first, fault, last = parts_of([SCORE, entity, SCORE])
    assert isinstance(first, Found)
    assert isinstance(last, Found)
    assert isinstance(fault, Fault)
    assert (fault.place.number, fault.place.path, fault.id) == (2, "1", id)
    assert all(part in fault.reason for part in words.split(".*"))


@pytest.mark.parametrize(
    "text",
    [
        '{"id":"a","id":"b"}',
        '{"id":"\\u0000"}',
        '{"id":"\\ud800"}',
        '{"id":"a","x":NaN}',
        '{"id":"a","b":.5}',
    ],
)
def test_json_that_no_two_readers_agree_on_is_refused(text: str) -> None:
    data = f"[{text},{json.dumps(SCORE)}]".encode()
    assert [isinstance(part, Fault) for part in parts_of(data)] == [True, False]


def test_the_tenant_matches_in_any_case() -> None:
    assert read([{**SCORE, "azureTenantId": TENANT.upper()}]) == [
        (SECURE_SCORES, {**SCORE, "azureTenantId": TENANT.upper()})
    ]


def test_an_entity_that_names_no_tenant_gets_it() -> None:
    without = {name: member for name, member in SCORE.items() if name != "azureTenantId"}
    assert read([without, {**SCORE, "azureTenantId": None}]) == [(SECURE_SCORES, SCORE)] * 2
