"""The files for containers, Kubernetes and systemd fit the product and each other, and confine the server."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stanchion.settings import SETTINGS
from tests.docs.test_docs import ROOT, repository_files

DEPLOY = ROOT / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
UNIT = (DEPLOY / "stanchion.service").read_text(encoding="utf-8")
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
FILES = [path for path in repository_files("deploy/*") if path.suffix != ".md"]
# The worst that systemd's own judgement may say of the unit; 0 is nothing left to attack, 10 no confinement.
MOST_EXPOSED = 1.5


def documents(manifest: Path) -> list[dict[str, Any]]:
    """Read the objects of a manifest."""
    return list(yaml.safe_load_all(manifest.read_text(encoding="utf-8")))


def pods(manifest: Path) -> Iterator[dict[str, Any]]:
    """Give what each pod of a manifest is made by."""
    for each in documents(manifest):
        template = each["spec"].get("template")
        if template is not None:
            yield template["spec"]


def containers(manifest: Path) -> Iterator[dict[str, Any]]:
    """Give each container of a manifest, those that run before the others too."""
    for pod in pods(manifest):
        yield from [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_variable_is_a_setting(path: Path) -> None:
    known = {f"STANCHION_{name.upper()}" for name in SETTINGS}
    named = set(re.findall(r"STANCHION_[A-Z_]+", path.read_text(encoding="utf-8")))

    assert named <= known


def test_all_that_the_image_copies_is_there_and_reaches_the_builder() -> None:
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", CONTAINERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert set(sources) == sent
    assert "**" in ignored


def test_the_image_runs_as_an_account_without_rights() -> None:
    stages = CONTAINERFILE.split("\nFROM ")

    assert re.findall(r"^USER (.+)$", stages[-1], re.MULTILINE) == ["10001:10001"]


def test_what_is_installed_into_the_image_is_locked() -> None:
    installs = re.findall(r"pip install (.+)$", CONTAINERFILE, re.MULTILINE)

    assert installs == [
        "--require-hashes --requirement requirements.lock",
        "--no-build-isolation --no-deps .",
    ]


def test_compose_confines_the_server_and_publishes_it_to_this_machine_alone() -> None:
    server = COMPOSE["services"]["stanchion"]

    assert server["read_only"] is True
    assert server["cap_drop"] == ["ALL"]
    assert server["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert (DEPLOY / server["build"]["context"] / server["build"]["dockerfile"]).resolve().is_file()


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_each_container_on_kubernetes_is_confined(manifest: Path) -> None:
    found = list(containers(manifest))

    assert found
    for container in found:
        confined = container["securityContext"]
        assert confined["allowPrivilegeEscalation"] is False
        assert confined["readOnlyRootFilesystem"] is True
        assert confined["capabilities"] == {"drop": ["ALL"]}
    for pod in pods(manifest):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_volumes_ports_and_labels_of_a_manifest_fit_each_other(manifest: Path) -> None:
    for each in documents(manifest):
        claims = {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", [])}
        template = each["spec"].get("template")
        if template is None:
            continue
        labels = template["metadata"]["labels"]
        assert each["spec"]["selector"]["matchLabels"] == labels
        volumes = {volume["name"] for volume in template["spec"].get("volumes", [])} | claims
        for container in containers(manifest):
            assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        (server,) = template["spec"]["containers"]
        ports = {port["name"] for port in server["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert server[probe]["httpGet"]["port"] in ports
        assert server["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_one_pod_alone_serves_a_file() -> None:
    (kind,) = [
        each for each in documents(DEPLOY / "kubernetes" / "sqlite.yaml") if "replicas" in each["spec"]
    ]

    assert (kind["kind"], kind["spec"]["replicas"]) == ("StatefulSet", 1)
    (claim,) = kind["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_the_unit_gives_the_server_as_long_as_the_page_says() -> None:
    assert "TimeoutStopSec=30" in UNIT
    assert "ExecStart=/opt/stanchion/bin/stanchion serve" in UNIT


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_little_that_the_unit_leaves_open() -> None:
    command = ["systemd-analyze", "security", "--offline=true", str(DEPLOY / "stanchion.service")]
    judged = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    exposure = re.search(r"Overall exposure level for stanchion.service: ([0-9.]+)", judged)

    assert exposure is not None
    assert float(exposure[1]) <= MOST_EXPOSED
