"""@azure/identity and MSAL for Node, unmodified, over TLS, against the built-in issuer.

What each does stands in `node/identity.test.mjs`; each test there is a test here.
"""

import datetime as dt
import os
import sys
from pathlib import Path

import pytest

from stanchion.access.operator import AppWish, add_app
from tests.access.signers import Signer
from tests.clients.node_tests import check, names_in, need_node, outcomes
from tests.serving.place import OPERATOR, TENANT, Place
from tests.serving.process import STANCHION, Certificates, Server

pytestmark = pytest.mark.clients
IDENTITY = "identity.test.mjs"


@pytest.fixture(scope="module")
def environment(
    shared_place: Place, secured: Server, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What the tests in Node are given: three apps, one of which signs, and how to call the command line."""
    need_node()
    signer = Signer(moment=dt.datetime.now(dt.UTC))
    file = tmp_path_factory.mktemp("client") / "client.pem"
    file.write_bytes(signer.key_pem + signer.certificate_pem)
    with shared_place.opened() as store:
        reader = add_app(store, AppWish(TENANT, "reads"), actor=OPERATOR)
        signing = add_app(store, AppWish(TENANT, "signs", certificate=signer.certificate), actor=OPERATOR)
    return {
        "ORIGIN": secured.origin,
        "TENANT": TENANT,
        "CLIENT_ID": shared_place.client_id,
        "CLIENT_SECRET": shared_place.secret,
        "READER_ID": reader.app.client_id,
        "READER_SECRET": reader.secret,
        "SIGNING_ID": signing.app.client_id,
        "CERTIFICATE_FILE": str(file),
        "NODE_EXTRA_CA_CERTS": str(certificates.authority),
        "PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(Path.cwd()), os.environ.get("PYTHONPATH")))),
        "STANCHION": STANCHION[-1],
        "DATABASE": shared_place.url,
        "STANCHION_KEY_FILE": str(shared_place.key_file),
    }


@pytest.fixture(scope="module")
def identity(environment: dict[str, str]) -> dict[str, str | None]:
    return outcomes(IDENTITY, environment)


@pytest.mark.parametrize("name", names_in(IDENTITY))
def test_azure_identity_and_msal_for_javascript(name: str, identity: dict[str, str | None]) -> None:
    check(name, identity)
