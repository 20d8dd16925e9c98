"""The files for containers, Kubernetes and systemd fit the product and each other, and confine the server."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stanchion.settings import SETTINGS
from tests.deploy.deployed import (
    COMPOSE,
    CONTAINERFILE,
    DEPLOY,
    MANIFESTS,
    containers,
    documents,
    unit_values,
    workloads,
)
from tests.docs.test_docs import ROOT, repository_files

FILES = [path for path in repository_files("deploy/*") if path.suffix != ".md"]
KUBERNETES = DEPLOY / "kubernetes"
# The worst that systemd's own judgement may say of the unit; 0 is nothing left to attack, 10 no confinement.
MOST_EXPOSED = 1.5


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
    for pod in (each["spec"]["template"]["spec"] for each in workloads(manifest)):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_volumes_and_labels_of_a_manifest_fit_each_other(manifest: Path) -> None:
    assert workloads(manifest)
    for each in workloads(manifest):
        claims = {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", [])}
        template = each["spec"]["template"]
        if each["kind"] != "Job":
            assert each["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
        volumes = {volume["name"] for volume in template["spec"].get("volumes", [])} | claims
        for container in containers(manifest):
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_one_pod_alone_serves_a_file() -> None:
    (kind,) = workloads(KUBERNETES / "sqlite.yaml")

    assert (kind["kind"], kind["spec"]["replicas"]) == ("StatefulSet", 1)
    (claim,) = kind["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOncePod"]


def test_pods_on_postgresql_migrate_nothing_and_none_goes_before_another_is_ready() -> None:
    (kind,) = workloads(KUBERNETES / "postgresql.yaml")

    assert [container["args"] for container in containers(KUBERNETES / "postgresql.yaml")] == [["serve"]]
    assert kind["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }


@pytest.mark.parametrize("name", ["postgresql-migrate.yaml", "sqlite-restore.yaml"])
def test_a_job_runs_once_by_hand_and_gets_no_request(name: str) -> None:
    (job,) = documents(KUBERNETES / name)
    served, _, _ = name.partition("-")
    (service,) = (each for each in documents(KUBERNETES / f"{served}.yaml") if each["kind"] == "Service")

    assert job["kind"] == "Job"
    # A job of a fixed name could not be made a second time.
    assert "name" not in job["metadata"]
    assert (job["spec"]["backoffLimit"], job["spec"]["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert not service["spec"]["selector"].items() <= job["spec"]["template"]["metadata"]["labels"].items()


def test_a_restore_uses_the_volume_of_the_pod_that_serves() -> None:
    (serving,) = workloads(KUBERNETES / "sqlite.yaml")
    (job,) = workloads(KUBERNETES / "sqlite-restore.yaml")
    (claim,) = serving["spec"]["volumeClaimTemplates"]
    claimed = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in job["spec"]["template"]["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    ]

    assert claimed == [f"{claim['metadata']['name']}-{serving['metadata']['name']}-0"]


def test_who_serves_on_postgresql_is_not_who_migrates() -> None:
    used = {
        name: {
            variable["valueFrom"]["secretKeyRef"]["name"]
            for container in containers(KUBERNETES / name)
            for variable in container["env"]
            if "valueFrom" in variable
        }
        for name in ("postgresql.yaml", "postgresql-migrate.yaml")
    }

    assert used == {
        "postgresql.yaml": {"stanchion-database"},
        "postgresql-migrate.yaml": {"stanchion-database-owner"},
    }


def test_the_unit_gives_the_server_as_long_as_the_page_says() -> None:
    assert unit_values("TimeoutStopSec") == ["30"]
    assert unit_values("ExecStart") == ["/opt/stanchion/bin/stanchion serve"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_little_that_the_unit_leaves_open() -> None:
    command = ["systemd-analyze", "security", "--offline=true", str(DEPLOY / "stanchion.service")]
    judged = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    exposure = re.search(r"Overall exposure level for stanchion.service: ([0-9.]+)", judged)

    assert exposure is not None
    assert float(exposure[1]) <= MOST_EXPOSED
