"""Discovery: what MSAL and azure-identity read before they ask for a token."""

import json

import pytest

from stanchion.access.issuer import discovery_document
from stanchion.errors import NotFound
from tests.access.workbench import ORIGIN, TENANT


@pytest.mark.parametrize("tenant", [TENANT, "common", "organizations", "contoso.onmicrosoft.com"])
def test_every_address_is_on_the_origin_and_tenant_asked(tenant: str) -> None:
    document = json.loads(discovery_document(ORIGIN, tenant))
    assert document["token_endpoint"] == f"{ORIGIN}/{tenant}/oauth2/v2.0/token"
    assert document["authorization_endpoint"] == f"{ORIGIN}/{tenant}/oauth2/v2.0/authorize"
    assert document["jwks_uri"] == f"{ORIGIN}/{tenant}/discovery/v2.0/keys"


def test_the_older_endpoint_has_a_document_of_its_own() -> None:
    document = json.loads(discovery_document(ORIGIN, TENANT, version="v1.0"))
    assert document["issuer"] == f"{ORIGIN}/{TENANT}/v2.0"
    assert document["token_endpoint"] == f"{ORIGIN}/{TENANT}/oauth2/token"


@pytest.mark.parametrize(
    ("tenant", "spelt"), [("ABC", "abc"), (TENANT, TENANT), ("contoso.com", "contoso.com")]
)
def test_the_issuer_is_spelt_as_in_tokens(tenant: str, spelt: str) -> None:
    assert json.loads(discovery_document(ORIGIN, tenant))["issuer"] == f"{ORIGIN}/{spelt}/v2.0"


@pytest.mark.parametrize("tenant", ["common", "organizations", "Common"])
def test_for_any_tenant_the_issuer_has_a_place_for_it(tenant: str) -> None:
    assert json.loads(discovery_document(ORIGIN, tenant))["issuer"] == f"{ORIGIN}/{{tenantid}}/v2.0"


def test_what_discovery_requires_is_there() -> None:
    document = json.loads(discovery_document(ORIGIN, TENANT))
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]
    assert document["token_endpoint_auth_methods_supported"] == [
        "client_secret_post",
        "private_key_jwt",
        "client_secret_basic",
    ]
    assert document["token_endpoint_auth_signing_alg_values_supported"] == ["RS256", "PS256", "ES256"]
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["response_types_supported"]
    assert document["subject_types_supported"]


@pytest.mark.parametrize("tenant", ["", ".", "..", "a/b", 'a"b', "a b", "\u00e9", "-", "a" * 65, "a\n"])
def test_a_path_that_names_no_tenant_is_not_found(tenant: str) -> None:
    with pytest.raises(NotFound):
        discovery_document(ORIGIN, tenant)
