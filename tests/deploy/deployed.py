"""The processes that the files of `deploy/` start: each with its command line, environment and folders.

- Of a container it is what the image says, then what its own file says over it.
- A variable whose value is a secret has an example of what is in it.
- A folder is one that stays writable under a read-only root file system.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.docs.test_docs import ROOT

DEPLOY = ROOT / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
UNIT = (DEPLOY / "stanchion.service").read_text(encoding="utf-8")
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))

POSTGRESQL_URL = "postgresql://stanchion@db.example.com/stanchion?sslmode=verify-full"

_LAST_STAGE = CONTAINERFILE.split("\nFROM ")[-1].replace("\\\n", "")


@dataclass(frozen=True)
class Process:
    """A process of ours as a file starts it."""

    name: str
    line: tuple[str, ...]
    environment: Mapping[str, str]
    working_directory: Path
    writable: frozenset[Path]
    # Files that are mounted, which nobody has to write.
    given: frozenset[Path] = frozenset()

    def keeps(self, path: Path) -> bool:
        """Say whether a file can be written there."""
        # A .. would lead out of the folder that the path begins with.
        return ".." not in path.parts and any(path.is_relative_to(folder) for folder in self.writable)


def processes() -> list[Process]:
    """List every process that the files start."""
    server = COMPOSE["services"]["stanchion"]
    return [
        _image("Containerfile", writable=_paths(instructions("VOLUME"))),
        _composed("compose.yaml", server, database=""),
        _composed("compose.yaml on PostgreSQL", server, database=POSTGRESQL_URL),
        *(process for manifest in MANIFESTS for process in _on_kubernetes(manifest)),
        _unit(),
    ]


def instructions(name: str) -> list[str]:
    """Return what the image's last stage says by an instruction."""
    return re.findall(rf"^{name} +(.+)$", _LAST_STAGE, re.MULTILINE)


def documents(manifest: Path) -> list[dict[str, Any]]:
    """Read the objects of a manifest."""
    return list(yaml.safe_load_all(manifest.read_text(encoding="utf-8")))


def workloads(manifest: Path) -> list[dict[str, Any]]:
    """Return the objects of a manifest that make pods."""
    return [each for each in documents(manifest) if "template" in each["spec"]]


def containers(manifest: Path) -> Iterator[dict[str, Any]]:
    """Give each container of a manifest, those that run before the others too."""
    for each in workloads(manifest):
        pod = each["spec"]["template"]["spec"]
        yield from [*pod.get("initContainers", []), *pod["containers"]]


def unit_values(key: str) -> list[str]:
    """Return what the unit says under a key, in its order."""
    return re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)


def _image(
    name: str,
    *,
    writable: frozenset[Path],
    arguments: tuple[str, ...] | None = None,
    environment: Mapping[str, str] | None = None,
    given: frozenset[Path] = frozenset(),
) -> Process:
    (entry_point,), (own_arguments,) = instructions("ENTRYPOINT"), instructions("CMD")
    (working_directory,) = instructions("WORKDIR")
    assert yaml.safe_load(entry_point) == ["stanchion"]
    own = dict(pair.split("=", 1) for line in instructions("ENV") for pair in shlex.split(line))
    return Process(
        name,
        line=tuple(yaml.safe_load(own_arguments)) if arguments is None else arguments,
        environment={**own, **(environment or {})},
        working_directory=Path(working_directory),
        writable=writable,
        given=given,
    )


def _composed(name: str, service: dict[str, Any], *, database: str) -> Process:
    chosen = {"STANCHION_DATABASE": database}

    def filled(match: re.Match[str]) -> str:
        return chosen.get(match["name"]) or match["default"]

    environment = {
        name: re.sub(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}", filled, value)
        for name, value in service["environment"].items()
    }
    assert "command" not in service
    assert "entrypoint" not in service
    volumes = [volume.split(":")[1] for volume in service["volumes"] if not volume.endswith(":ro")]
    return _image(name, environment=environment, writable=_paths([*volumes, *service["tmpfs"]]))


def _on_kubernetes(manifest: Path) -> Iterator[Process]:
    for each in workloads(manifest):
        pod = each["spec"]["template"]["spec"]
        secrets = {volume["name"] for volume in pod.get("volumes", []) if "secret" in volume}
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert "command" not in container
            mounts = container["volumeMounts"]
            secret = {mount["mountPath"] for mount in mounts if mount["name"] in secrets}
            read_only = secret | {mount["mountPath"] for mount in mounts if mount.get("readOnly")}
            yield _image(
                f"{manifest.name}: {container['name']}",
                arguments=tuple(container["args"]),
                environment={variable["name"]: _value(variable) for variable in container["env"]},
                writable=_paths({mount["mountPath"] for mount in mounts} - read_only),
                given=frozenset(Path(path) / "stanchion.key" for path in secret),
            )


def _value(variable: dict[str, Any]) -> str:
    if "value" in variable:
        return str(variable["value"])
    assert variable["valueFrom"]["secretKeyRef"]["key"] == "url"
    return POSTGRESQL_URL


def _unit() -> Process:
    (command,), (state,) = unit_values("ExecStart"), unit_values("StateDirectory")
    program, *arguments = shlex.split(command)
    assert Path(program).name == "stanchion"
    assert unit_values("PrivateTmp") == ["yes"]
    (working_directory,) = unit_values("WorkingDirectory")
    return Process(
        "stanchion.service",
        line=tuple(arguments),
        environment=dict(value.split("=", 1) for value in unit_values("Environment")),
        working_directory=Path(working_directory),
        writable=frozenset({Path("/var/lib") / state, Path("/tmp")}),  # noqa: S108 (systemd gives the unit its own)
    )


def _paths(names: Iterable[str]) -> frozenset[Path]:
    return frozenset(map(Path, names))
