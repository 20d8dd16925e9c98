"""The JavaScript clients, unmodified, through Node, over TLS: the Graph SDK with @azure/identity, o.js, odata2ts.

What each does stands in `node/`, one test after the other; each of them is a test here.
"""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stanchion.access.operator import AppWish, add_app
from tests.clients.node_tests import FOLDER, check, names_in, need_node, node_environment, outcomes
from tests.serving.place import OPERATOR, TENANT, Place
from tests.serving.process import Certificates, running

pytestmark = [
    pytest.mark.clients,
    # One process runs all tests of a file, and before it odata2ts compiles TypeScript.
    pytest.mark.timeout(300),
]
GRAPH_SDK = "graph_sdk.test.mjs"
ODATA = "odata.test.mjs"


@pytest.fixture(scope="module")
def environment(
    shared_place: Place, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What the tests in Node are given: a server, two apps, whom to trust and where to put what they generate."""
    need_node()
    with shared_place.opened() as store:
        reader = add_app(store, AppWish(TENANT, "reads", ("SecurityEvents.Read.All",)), actor=OPERATOR)
    with running(shared_place, tls=certificates) as server:
        yield {
            "ORIGIN": server.origin,
            "TENANT": TENANT,
            "CLIENT_ID": shared_place.client_id,
            "CLIENT_SECRET": shared_place.secret,
            "READER_ID": reader.app.client_id,
            "READER_SECRET": reader.secret,
            "NODE_EXTRA_CA_CERTS": str(certificates.authority),
            "GENERATED": str(tmp_path_factory.mktemp("generated") / "graph"),
        }


@pytest.fixture(scope="module")
def graph_sdk(environment: dict[str, str]) -> dict[str, str | None]:
    return outcomes(GRAPH_SDK, environment)


@pytest.fixture(scope="module")
def odata(environment: dict[str, str]) -> dict[str, str | None]:
    generate(environment)
    return outcomes(ODATA, environment)


def generate(environment: Mapping[str, str]) -> None:
    """Let odata2ts fetch our $metadata and make a client from it."""
    folder = Path(environment["GENERATED"]).parent
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    (folder / "package.json").write_text('{"type": "commonjs"}')
    (folder / "tsconfig.json").write_text(
        '{"compilerOptions": {"target": "ES2022", "module": "CommonJS", "skipLibCheck": true}}'
    )
    made = subprocess.run(
        [
            *("node", "node_modules/.bin/odata2ts"),
            *("--source-url", f"{environment['ORIGIN']}/v1.0", "--source", "metadata.xml"),
            *("--output", environment["GENERATED"]),
            *("--mode", "service", "--emit-mode", "js", "--service-name", "graph"),
        ],
        cwd=folder,
        env=node_environment(environment),
        capture_output=True,
        text=True,
        timeout=140,
        check=False,
    )
    assert "Successfully finished" in made.stdout, made.stdout + made.stderr


@pytest.mark.parametrize("name", names_in(GRAPH_SDK))
def test_the_graph_sdk_for_javascript(name: str, graph_sdk: dict[str, str | None]) -> None:
    check(name, graph_sdk)


@pytest.mark.parametrize("name", names_in(ODATA))
def test_two_odata_clients_for_javascript(name: str, odata: dict[str, str | None]) -> None:
    check(name, odata)
