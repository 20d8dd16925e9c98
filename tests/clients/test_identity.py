"""Microsoft's clients of token endpoints, unmodified, over TLS: azure-identity and MSAL for Python.

By secret and by certificate, under each name of a tenant that they let their users write; and what they do with a
refusal. Where their documentation asks for a switch because the authority is not Microsoft's, it is set.
"""

import datetime as dt
import json
import time
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from stanchion.access.operator import AddedApp, AppWish, add_app, revoke_app
from tests.access.signers import Signer
from tests.clients.identity_sdk import (
    CertificateCredential,
    ClientAuthenticationError,
    ClientSecretCredential,
    ConfidentialClientApplication,
)
from tests.serving.place import OPERATOR, OTHER_TENANT, TENANT, Place
from tests.serving.process import Server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.usefixtures("trusting"),
    # It may well mean another tenant than the one that its user has in mind; here there is only the app's own.
    pytest.mark.filterwarnings("ignore:Using /common or /organizations authority:DeprecationWarning"),
]

GRAPH = "https://graph.microsoft.com/.default"
TENANT_NAMES = [TENANT, TENANT.upper(), OTHER_TENANT, "organizations", "common", "contoso.onmicrosoft.com"]
SIGNER = Signer(moment=dt.datetime.now(dt.UTC))


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token says."""
    payload = token.split(".")[1]
    said: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=="))
    return said


def added(place: Place, wish: AppWish) -> AddedApp:
    """Return an app just added to a store that is served."""
    with place.opened() as store:
        return add_app(store, wish, actor=OPERATOR)


@pytest.fixture(scope="module")
def signing_app(shared_place: Place) -> str:
    """The id of an app that has a certificate and no secret."""
    return added(shared_place, AppWish(TENANT, "signs", certificate=SIGNER.certificate)).app.client_id


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as azure-identity takes it: private key and certificate."""
    file = tmp_path_factory.mktemp("client") / "client.pem"
    file.write_bytes(SIGNER.key_pem + SIGNER.certificate_pem)
    return file


class TestAzureIdentity:
    @pytest.mark.parametrize("tenant", TENANT_NAMES)
    def test_a_secret_gets_a_token_of_the_apps_own_tenant(
        self, secured: Server, shared_place: Place, tenant: str
    ) -> None:
        with ClientSecretCredential(
            tenant,
            shared_place.client_id,
            shared_place.secret,
            authority=secured.origin,
            disable_instance_discovery=True,
        ) as credential:
            said = claims_of(credential.get_token(GRAPH).token)
        assert (said["tid"], said["appid"]) == (TENANT, shared_place.client_id)
        assert said["iss"] == f"{secured.origin}/{TENANT}/v2.0"

    @pytest.mark.parametrize("tenant", TENANT_NAMES)
    @pytest.mark.parametrize("chain", [False, True])
    def test_a_certificate_gets_one(
        self, secured: Server, signing_app: str, pem: Path, tenant: str, *, chain: bool
    ) -> None:
        with CertificateCredential(
            tenant,
            signing_app,
            str(pem),
            authority=secured.origin,
            disable_instance_discovery=True,
            send_certificate_chain=chain,
        ) as credential:
            token = credential.get_token(GRAPH)
        assert claims_of(token.token)["appid"] == signing_app
        assert 3500 < token.expires_on - time.time() <= 3600

    def test_a_certificate_that_the_app_has_not_is_told_to_the_user(
        self, secured: Server, signing_app: str, tmp_path: Path
    ) -> None:
        stranger = Signer(moment=dt.datetime.now(dt.UTC))
        file = tmp_path / "stranger.pem"
        file.write_bytes(stranger.key_pem + stranger.certificate_pem)
        with (
            CertificateCredential(
                TENANT, signing_app, str(file), authority=secured.origin, disable_instance_discovery=True
            ) as credential,
            pytest.raises(ClientAuthenticationError, match="AADSTS700027"),
        ):
            credential.get_token(GRAPH)

    def test_a_revoked_app_is_told_to_the_user(self, secured: Server, shared_place: Place) -> None:
        app = added(shared_place, AppWish(TENANT, "leaves"))
        with shared_place.opened() as store:
            revoke_app(store, app.app.client_id, actor=OPERATOR)
        with (
            ClientSecretCredential(
                TENANT,
                app.app.client_id,
                app.secret,
                authority=secured.origin,
                disable_instance_discovery=True,
            ) as credential,
            pytest.raises(ClientAuthenticationError, match="AADSTS7000112"),
        ):
            credential.get_token(GRAPH)

    def test_the_accounts_of_persons_are_refused(self, secured: Server, shared_place: Place) -> None:
        with (
            ClientSecretCredential(
                "consumers",
                shared_place.client_id,
                shared_place.secret,
                authority=secured.origin,
                disable_instance_discovery=True,
            ) as credential,
            pytest.raises(ClientAuthenticationError, match="AADSTS9002332"),
        ):
            credential.get_token(GRAPH)


class TestMsal:
    def application(
        self, secured: Server, client_id: str, credential: object, *, tenant: str = TENANT
    ) -> ConfidentialClientApplication:
        """Return the application of a script."""
        return ConfidentialClientApplication(
            client_id,
            client_credential=credential,
            authority=f"{secured.origin}/{tenant}",
            instance_discovery=False,
        )

    @pytest.mark.parametrize("tenant", TENANT_NAMES)
    def test_a_secret_gets_a_token(self, secured: Server, shared_place: Place, tenant: str) -> None:
        app = self.application(secured, shared_place.client_id, shared_place.secret, tenant=tenant)
        answer = app.acquire_token_for_client([GRAPH])
        assert claims_of(answer["access_token"])["tid"] == TENANT
        assert app.acquire_token_for_client([GRAPH])["token_source"] == "cache"

    @pytest.mark.parametrize("tenant", [TENANT, "organizations", "common"])
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_an_authority_of_openid_connect_will_do(
        self, secured: Server, shared_place: Place, tenant: str, slash: str
    ) -> None:
        app = ConfidentialClientApplication(
            shared_place.client_id,
            client_credential=shared_place.secret,
            oidc_authority=f"{secured.origin}/{tenant}/v2.0{slash}",
        )
        answer = app.acquire_token_for_client([GRAPH])
        assert claims_of(answer["access_token"])["tid"] == TENANT

    @pytest.mark.parametrize("thumbprint", ["SHA-1", "SHA-256"])
    def test_a_certificate_gets_one_by_either_thumbprint(
        self, secured: Server, signing_app: str, thumbprint: str
    ) -> None:
        named = {"private_key": SIGNER.key_pem.decode()}
        if thumbprint == "SHA-1":
            named["thumbprint"] = urlsafe_b64decode(SIGNER.certificate.sha1 + "=").hex()
        else:
            named["public_certificate"] = SIGNER.certificate_pem.decode()
        answer = self.application(secured, signing_app, named).acquire_token_for_client([GRAPH])
        assert claims_of(answer["access_token"])["appid"] == signing_app

    def test_the_assertion_that_it_repeats_is_good_again(self, secured: Server, signing_app: str) -> None:
        named = {
            "private_key": SIGNER.key_pem.decode(),
            "public_certificate": SIGNER.certificate_pem.decode(),
        }
        app = self.application(secured, signing_app, named)
        scopes = [GRAPH, f"{secured.origin}/.default", "api://other/.default"]
        answers = [app.acquire_token_for_client([scope]) for scope in scopes]
        assert [answer["token_source"] for answer in answers] == ["identity_provider"] * 3

    def test_a_refusal_has_all_that_is_needed_to_find_it_again(
        self, secured: Server, shared_place: Place
    ) -> None:
        answer = self.application(secured, shared_place.client_id, "stn_wrong").acquire_token_for_client(
            [GRAPH]
        )
        assert answer["error"] == "invalid_client"
        assert answer["error_codes"] == [7000215]
        assert answer["error_description"].startswith("AADSTS7000215: ")
        assert {"timestamp", "trace_id", "correlation_id"} <= set(answer)

    def test_a_person_who_would_sign_in_is_told_that_nobody_does(
        self, secured: Server, shared_place: Place
    ) -> None:
        app = self.application(secured, shared_place.client_id, shared_place.secret)
        answer = app.acquire_token_by_refresh_token("a-refresh-token", [GRAPH])
        assert answer["error"] == "unsupported_grant_type"
        assert "nobody signs in here" in answer["error_description"]
