"""The description of a root: every operation that is served, exactly, in OpenAPI 3.1, with examples that fit."""

import json
import re
from collections.abc import Iterator
from typing import Any, cast, get_args

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # Its stubs are a package of their own.
from openapi_spec_validator import OpenAPIV31SpecValidator

from stanchion.access.permission import READ_ALL, READ_WRITE_ALL
from stanchion.ledger.decisions import COMMAND_NAMES, parse_status
from stanchion.model.check import MAX_LOOKED_UP_CHARACTERS
from stanchion.model.edm import RootName
from stanchion.model.openapi import bodies
from stanchion.odata.batch import MAX_HEADERS, MAX_ID_CHARACTERS, MAX_REQUESTS
from stanchion.odata.resources import Resource, UnknownSegment
from stanchion.odata.url import parse_path
from stanchion.web.graph import offered_methods
from stanchion.web.openapi_routes import resources
from tests.conftest import Api

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.sqlite("takes long, and looks at a description that no database changes"),
]

# As JSON comes: what a description may hold is for its validator to say.
Json = dict[str, Any]
ROOTS: tuple[RootName, ...] = get_args(RootName)
METHODS = {"get", "post", "patch", "delete"}


async def described(api: Api, root: RootName) -> Json:
    reply = await api.client.get(f"/{root}/openapi.json")
    assert reply.status_code == 200
    return cast("Json", reply.json())


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def resolved(document: Json, value: Json) -> Json:
    while "$ref" in value:
        found: Any = document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value


def examples(document: Json) -> Iterator[tuple[str, Json, object]]:
    """Each example with where it is and the schema that it must fit."""
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        for parameter in operation["parameters"]:
            if "example" in parameter:
                yield f"{where} {parameter['name']}", parameter["schema"], parameter["example"]
        bodies_of = [operation.get("requestBody", {})]
        bodies_of += [resolved(document, answer) for answer in operation["responses"].values()]
        for body in bodies_of:
            for media_type, media in body.get("content", {}).items():
                if "example" in media:
                    yield f"{where} {media_type}", media["schema"], media["example"]


@pytest.mark.parametrize("root", ROOTS)
async def test_the_description_is_openapi_3_1(root: RootName, api: Api) -> None:
    document = await described(api, root)
    assert document["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(cast("Any", document)).iter_errors()) == []


@pytest.mark.parametrize("root", ROOTS)
async def test_every_schema_is_json_schema_2020_12(root: RootName, api: Api) -> None:
    for schema in (await described(api, root))["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("root", ROOTS)
async def test_every_operation_that_the_server_offers_is_described_and_no_other(
    root: RootName, api: Api
) -> None:
    offered = {
        (path, method.lower())
        for path, _, resource in resources(root)
        for method in offered_methods(resource)
    }
    document = await described(api, root)
    found = {(path, method) for path, method, _ in operations(document) if not path.startswith("/{tenant}")}
    assert found == offered


def test_every_kind_of_resource_has_a_place_in_the_description() -> None:
    kinds = {type(resource) for root in ROOTS for _, _, resource in resources(root)}
    assert kinds == set(get_args(Resource)) - {UnknownSegment}


@pytest.mark.parametrize("root", ROOTS)
def test_every_path_described_leads_to_its_resource(root: RootName) -> None:
    for template, kind, resource in resources(root):
        single = kind in {"property", "value"}
        path = template.replace("{property}", "id" if single else "controlScores").replace("{id}", "x")
        assert type(parse_path(f"/{root}{path}".encode())) is type(resource), path


@pytest.mark.parametrize("root", ROOTS)
async def test_every_operation_lists_each_of_its_statuses(root: RootName, api: Api) -> None:
    for path, method, operation in operations(await described(api, root)):
        statuses = operation["responses"].keys()
        assert all(status.isdigit() and len(status) == 3 for status in statuses), (method, path)
        assert any(status.startswith("2") for status in statuses), (method, path)


@pytest.mark.parametrize("root", ROOTS)
async def test_every_operation_has_a_name_of_its_own(root: RootName, api: Api) -> None:
    names = [operation["operationId"] for _, _, operation in operations(await described(api, root))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("root", ROOTS)
async def test_every_example_fits_its_schema(root: RootName, api: Api) -> None:
    document = await described(api, root)
    found = list(examples(document))
    assert len(found) > 100
    for where, schema, example in found:
        checked = Draft202012Validator({**schema, "components": document["components"]})
        assert [error.message for error in checked.iter_errors(example)] == [], where


async def test_what_anyone_may_read_asks_for_no_permission(api: Api) -> None:
    document = await described(api, "v1.0")
    anonymous = {path for path, _, operation in operations(document) if operation["security"] == []}
    below = {"/", "/$metadata", "/openapi.json", "/docs"}
    assert anonymous == below | {path for path in document["paths"] if path.startswith("/{tenant}")}


@pytest.mark.parametrize(
    ("method", "permissions"), [("get", [READ_ALL, READ_WRITE_ALL]), ("delete", [READ_WRITE_ALL])]
)
async def test_an_operation_names_the_permissions_of_which_one_is_needed(
    method: str, permissions: list[str], api: Api
) -> None:
    document = await described(api, "v1.0")
    operation = document["paths"]["/security/secureScores/{id}"][method]
    assert operation["x-permissions"] == permissions
    assert {scope for one in operation["security"] for scopes in one.values() for scope in scopes} == set(
        permissions
    )


async def test_the_limits_are_those_of_the_server(api: Api) -> None:
    limits = (await described(api, "v1.0"))["x-limits"]
    assert limits["bodyBytes"] == api.settings.max_body_bytes
    assert limits["pageRows"] == 999
    assert limits["batchRequests"] == 20


async def test_the_limits_of_a_batch_are_those_that_are_kept(api: Api) -> None:
    schemas = (await described(api, "v1.0"))["components"]["schemas"]
    requests = schemas["batch"]["properties"]["requests"]
    properties = requests["items"]["properties"]
    assert requests["maxItems"] == MAX_REQUESTS
    assert properties["id"]["maxLength"] == MAX_ID_CHARACTERS
    assert properties["headers"]["maxProperties"] == MAX_HEADERS
    answer = schemas["batchAnswer"]["properties"]["responses"]["items"]["properties"]
    assert "base64url" in answer["body"]["description"]


async def test_texts_by_which_entities_are_looked_up_are_as_short_as_they_have_to_be(api: Api) -> None:
    schemas = (await described(api, "v1.0"))["components"]["schemas"]
    limited = {
        (kind, name)
        for kind, schema in schemas.items()
        for name, found in schema.get("properties", {}).items()
        if found.get("maxLength") == MAX_LOOKED_UP_CHARACTERS and name != "id"
    }
    assert limited == {
        ("secureScoreControlProfile", "controlCategory"),
        ("secureScoreControlProfileCreation", "controlCategory"),
        ("securityVendorInformation", "provider"),
    }


async def test_the_service_document_leads_to_both_descriptions(api: Api) -> None:
    links = (await api.client.get("/beta")).headers["Link"]
    found = dict(re.findall('<([^>]*)>; rel="([^"]*)"', links))
    assert sorted(found.values()) == ["service-desc", "service-doc"]
    for address in found:
        assert (await api.client.get(address)).status_code == 200, address


@pytest.mark.parametrize("root", ROOTS)
async def test_every_component_is_used(root: RootName, api: Api) -> None:
    document = await described(api, root)
    used = set(re.findall('"#/components/([^"]*)"', json.dumps(document)))
    kinds = ("schemas", "headers", "responses")
    assert used == {f"{kind}/{name}" for kind in kinds for name in document["components"][kind]}


@pytest.mark.parametrize("root", ROOTS)
async def test_properties_never_stand_beside_alternatives_which_generators_read_instead(
    root: RootName, api: Api
) -> None:
    schemas = (await described(api, root))["components"]["schemas"]
    mixed = [n for n, s in schemas.items() if "properties" in s and s.keys() & {"anyOf", "oneOf", "allOf"}]
    assert mixed == []


@pytest.mark.parametrize(
    ("status", "header"), [("401", "WWW-Authenticate"), ("410", "Location"), ("429", "Retry-After")]
)
async def test_a_refusal_names_the_header_that_says_how_to_go_on(status: str, header: str, api: Api) -> None:
    document = await described(api, "v1.0")
    delta = document["paths"]["/security/secureScores/delta()"]["get"]
    answer = resolved(document, delta["responses"][status])
    assert resolved(document, answer["headers"][header])["required"]


async def test_every_answer_with_a_body_may_be_compressed(api: Api) -> None:
    document = await described(api, "v1.0")
    for path, method, operation in operations(document):
        for status, reference in operation["responses"].items():
            answer = resolved(document, reference)
            compressed = {"Content-Encoding", "Vary"} <= answer["headers"].keys()
            assert compressed == ("content" in answer), (method, path, status)


async def test_the_token_endpoint_is_described_in_both_its_forms(api: Api) -> None:
    paths = (await described(api, "v1.0"))["paths"]
    wanted = {}
    for path in ("/{tenant}/oauth2/v2.0/token", "/{tenant}/oauth2/token"):
        (form,) = paths[path]["post"]["requestBody"]["content"].values()
        wanted[path] = form["schema"]["required"]
    assert list(wanted.values()) == [["grant_type", "scope"], ["grant_type", "resource"]]


async def test_the_server_and_the_token_address_are_at_the_origin_asked(api: Api) -> None:
    document = (await api.client.get("/beta/openapi.json", headers={"Host": "localhost:8080"})).json()
    assert document["servers"] == [{"url": "http://localhost:8080/beta"}]
    flow = document["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "http://localhost:8080/common/oauth2/v2.0/token"


async def test_operations_on_a_deprecated_set_are_deprecated(api: Api) -> None:
    marked = {
        "userSecurityProfiles" in path
        for path, _, operation in operations(await described(api, "beta"))
        if operation.get("deprecated")
    }
    assert marked == {True}


async def test_v1_0_describes_no_set_of_beta(api: Api) -> None:
    document = await described(api, "v1.0")
    assert not [path for path in document["paths"] if "userSecurityProfiles" in path]
    assert "userAccount" not in document["components"]["schemas"]


def test_the_names_that_a_decision_is_described_with_are_those_of_the_ledger() -> None:
    assert bodies.COMMANDS == COMMAND_NAMES
    for state in bodies.STATES:
        parse_status(state, path="state")


@pytest.mark.parametrize("page", ["openapi.json", "docs"])
async def test_a_description_that_the_caller_holds_is_not_sent_again(page: str, api: Api) -> None:
    first = await api.client.get(f"/v1.0/{page}")
    again = await api.client.get(f"/v1.0/{page}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


@pytest.mark.parametrize(
    ("page", "accept"), [("openapi.json", "text/html"), ("docs", "application/json"), ("docs", "image/png")]
)
async def test_what_is_not_offered_of_a_description_is_406(page: str, accept: str, api: Api) -> None:
    reply = await api.client.get(f"/v1.0/{page}", headers={"Accept": accept})
    assert reply.status_code == 406


@pytest.mark.parametrize("page", ["openapi.json", "docs"])
async def test_a_description_cannot_be_written(page: str, api: Api) -> None:
    reply = await api.client.post(f"/v1.0/{page}", json={})
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, HEAD")


async def test_many_origins_make_the_server_keep_no_more_than_a_few_documents(api: Api) -> None:
    for port in range(2000, 2020):
        reply = await api.client.get("/v1.0/openapi.json", headers={"Host": f"localhost:{port}"})
        assert reply.json()["servers"] == [{"url": f"http://localhost:{port}/v1.0"}]
