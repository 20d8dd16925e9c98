"""What the files of `deploy/` start is what the command line takes, and has the ports and folders that it uses."""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click
import pytest

from stanchion.app import database_file, key_file, on_postgresql
from stanchion.cli import main
from stanchion.cli.options import settings_from
from stanchion.cli.servable import require_servable
from stanchion.settings import SETTINGS, Settings
from stanchion.web.operations import Operations
from stanchion.web.operations_listener import OperationsAddress
from tests.deploy.deployed import COMPOSE, MANIFESTS, Process, documents, instructions, processes, workloads
from tests.serving.process import (
    PATIENCE_SECONDS,
    READY_SECONDS,
    STANCHION,
    clean_environment,
    free_port,
)

PROCESSES = processes()
SERVERS = [process for process in PROCESSES if process.line[0] == "serve"]
SERVED_MANIFESTS = [path for path in MANIFESTS if any(each["kind"] != "Job" for each in workloads(path))]

Understood = Callable[[Process], Settings]


@pytest.fixture
def understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Understood:
    """Reads the command line and the environment of a process as the program itself does."""

    def read(process: Process) -> Settings:
        for name in [name for name in os.environ if name.startswith("STANCHION_")]:
            monkeypatch.delenv(name)
        for name, value in process.environment.items():
            if name.startswith("STANCHION_"):
                monkeypatch.setenv(name, value)
        # Where no stanchion.toml says something else.
        monkeypatch.chdir(tmp_path)
        command = main.get_command(click.Context(main), process.line[0])
        assert command is not None
        with command.make_context(process.line[0], list(process.line[1:])) as context:
            return settings_from(context.params)

    return read


def operations_port(settings: Settings) -> int:
    """Return the port for operations, which must be set."""
    assert settings.operations is not None
    return OperationsAddress.of(settings.operations).port


def named_ports(workload: dict[str, Any]) -> dict[str, int]:
    """Return the ports of a workload's server by their names."""
    (server,) = workload["spec"]["template"]["spec"]["containers"]
    return {port["name"]: port["containerPort"] for port in server["ports"]}


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_each_command_line_is_one_that_the_program_takes(process: Process, understood: Understood) -> None:
    settings = understood(process)

    if process.line[0] == "serve":
        require_servable(settings)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_each_variable_of_ours_is_that_of_a_setting(process: Process) -> None:
    ours = {name for name in process.environment if name.startswith("STANCHION_")}

    assert ours
    assert ours <= {setting.variable for setting in SETTINGS.values()}


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_whatever_is_written_lies_on_a_volume(process: Process, understood: Understood) -> None:
    settings = understood(process)
    key = process.working_directory / key_file(settings)
    written = [] if key in process.given else [key]
    if not on_postgresql(settings):
        # Its log, its lock and what a restore keeps lie in the same folder.
        written.append(process.working_directory / database_file(settings))
    if process.line[0] == "migrate":
        written.remove(key)

    assert [path for path in written if not process.keeps(path)] == []


@pytest.mark.parametrize(
    "process", [each for each in PROCESSES if each.name != "Containerfile"], ids=lambda process: process.name
)
def test_there_is_a_folder_for_what_is_written_for_a_while(process: Process) -> None:
    assert process.keeps(Path("/tmp/stanchion-1"))  # noqa: S108 (the folder of the tempfile module)


@pytest.mark.parametrize(
    "process", [each for each in SERVERS if each.name != "Containerfile"], ids=lambda process: process.name
)
def test_each_server_shows_its_metrics_on_a_port_of_their_own(
    process: Process, understood: Understood
) -> None:
    settings = understood(process)

    assert operations_port(settings) != settings.port


def test_the_image_alone_opens_no_port_for_operations(understood: Understood) -> None:
    (image,) = (process for process in SERVERS if process.name == "Containerfile")
    settings = understood(image)

    assert settings.operations is None
    assert instructions("EXPOSE") == [str(settings.port)]


@pytest.mark.parametrize("process", SERVERS, ids=lambda process: process.name)
def test_a_container_listens_beyond_itself_and_the_unit_on_this_machine_alone(
    process: Process, understood: Understood
) -> None:
    settings = understood(process)
    hosts = [settings.host]
    if settings.operations is not None:
        hosts.append(OperationsAddress.of(settings.operations).host)
    loopback = process.name == "stanchion.service"

    assert [ip_address(host).is_loopback for host in hosts] == [loopback] * len(hosts)


def test_the_images_health_check_asks_the_port_of_the_api(understood: Understood) -> None:
    (image,) = (process for process in SERVERS if process.name == "Containerfile")
    (check,) = instructions("HEALTHCHECK")
    (asked,) = re.findall(r"http://127\.0\.0\.1:([0-9]+)(/[a-z]*)'", check)

    assert asked == (str(understood(image).port), "/readyz")


def test_compose_publishes_the_ports_that_are_listened_on(understood: Understood) -> None:
    for process in (each for each in SERVERS if each.name.startswith("compose.yaml")):
        settings = understood(process)
        inside = [int(port.rsplit(":", 1)[1]) for port in COMPOSE["services"]["stanchion"]["ports"]]

        assert inside == [settings.port, operations_port(settings)]


@pytest.mark.parametrize("manifest", SERVED_MANIFESTS, ids=lambda path: path.name)
def test_ports_probes_and_annotations_name_what_is_listened_on(
    manifest: Path, understood: Understood
) -> None:
    (workload,) = workloads(manifest)
    (process,) = (each for each in SERVERS if each.name.startswith(manifest.name))
    settings = understood(process)
    template = workload["spec"]["template"]
    (server,) = template["spec"]["containers"]

    assert named_ports(workload) == {"http": settings.port, "operations": operations_port(settings)}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert named_ports(workload)[server[probe]["httpGet"]["port"]] == settings.port
    assert template["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(operations_port(settings)),
        "prometheus.io/path": "/metrics",
    }


@pytest.mark.parametrize("manifest", SERVED_MANIFESTS, ids=lambda path: path.name)
def test_what_is_asked_of_a_pod_is_answered(manifest: Path) -> None:
    class Healthy:
        healthy = True

    async def look() -> None:
        pass

    operations = Operations(Healthy(), metrics=lambda: b"", look=look)
    (workload,) = workloads(manifest)
    template = workload["spec"]["template"]
    (server,) = template["spec"]["containers"]
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    paths = [
        *(server[probe]["httpGet"]["path"] for probe in probes),
        template["metadata"]["annotations"]["prometheus.io/path"],
    ]

    for path in paths:
        assert asyncio.run(operations.answer_privately("GET", path.encode())).status == 200


@pytest.mark.parametrize("manifest", SERVED_MANIFESTS, ids=lambda path: path.name)
def test_the_service_leads_to_the_api_and_never_to_the_metrics(manifest: Path) -> None:
    (workload,) = workloads(manifest)
    (service,) = (each for each in documents(manifest) if each["kind"] == "Service")

    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]
    assert service["spec"]["selector"].items() <= workload["spec"]["template"]["metadata"]["labels"].items()
    assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


@pytest.mark.parametrize("manifest", SERVED_MANIFESTS, ids=lambda path: path.name)
def test_the_network_lets_prometheus_alone_ask_for_metrics(manifest: Path) -> None:
    (workload,) = workloads(manifest)
    (policy,) = (each["spec"] for each in documents(manifest) if each["kind"] == "NetworkPolicy")
    let_in = {port["port"]: rule.get("from") for rule in policy["ingress"] for port in rule["ports"]}

    assert policy["podSelector"]["matchLabels"] == workload["spec"]["template"]["metadata"]["labels"]
    assert policy["policyTypes"] == ["Ingress"]
    assert set(let_in) == set(named_ports(workload))
    assert let_in["http"] is None
    assert let_in["operations"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]


def test_a_server_as_it_is_deployed_writes_into_its_volume_alone(
    tmp_path: Path, understood: Understood
) -> None:
    (process,) = (each for each in SERVERS if each.name.startswith("sqlite.yaml"))
    settings = understood(process)
    ports = {settings.port: free_port(), operations_port(settings): free_port()}
    folders = {name: tmp_path / name for name in ("data", "home", "temporary")}
    for folder in folders.values():
        folder.mkdir()
    environment = {
        **{name: value for name, value in process.environment.items() if name.startswith("STANCHION_")},
        "STANCHION_DATABASE": settings.database.replace("/data", str(folders["data"]), 1),
        "STANCHION_HOST": "127.0.0.1",
        "STANCHION_PORT": str(ports[settings.port]),
        "STANCHION_OPERATIONS": f"127.0.0.1:{ports[operations_port(settings)]}",
        "HOME": str(folders["home"]),
        "TMPDIR": str(folders["temporary"]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [*STANCHION, *process.line],
            cwd=folders["home"],
            env=clean_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        for port in ports.values():
            until_ready(server, port, log=tmp_path / "log")
    finally:
        server.terminate()
        try:
            server.wait(timeout=PATIENCE_SECONDS)
        finally:
            server.kill()

    assert list(folders["home"].iterdir()) == []
    assert list(folders["temporary"].iterdir()) == []
    assert {path.name for path in folders["data"].iterdir()} >= {
        "stanchion.db",
        "stanchion.db.key",
        "stanchion.db.lock",
    }


def until_ready(server: subprocess.Popen[bytes], port: int, *, log: Path) -> None:
    """Wait until a port says that the server is ready; fails with its log when it ends before."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
            try:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            finally:
                connection.close()
        time.sleep(0.05)
    pytest.fail(log.read_text())
