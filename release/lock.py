"""A lock file as `make lock` writes it: each pinned package with its hashes, its marker and who asked for it.

Source: the requirements format of pip, and the comments of `uv pip compile`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROJECT = "stanchion (pyproject.toml)"  # asked for by the project itself, and not by one of its groups
_PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)(?:\[[^\]]*\])?==(?P<version>\S+?)(?: ; (?P<marker>.+?))? \\$")
_HASH = re.compile(r"^    --hash=sha256:(?P<hash>[0-9a-f]{64})")
_VIA = re.compile(r"^    #(?: via|  ) (?P<who>.+)$")


@dataclass(frozen=True)
class Pinned:
    """One package of a lock file; `marker` says where it is installed, "" everywhere."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]  # SHA-256 of each file that may be installed
    via: tuple[str, ...]


def read_lock(file: Path) -> list[Pinned]:
    """Return what a lock file pins, ordered by name; raises ValueError for a line that is not understood."""
    blocks: list[tuple[re.Match[str], list[str]]] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        pinned = _PINNED.match(line)
        if pinned:
            blocks.append((pinned, []))
        elif blocks and line.startswith("    "):
            blocks[-1][1].append(line)
        else:
            raise ValueError(f"{file.name}: {line!r} is no pinned package.")
    return [_pinned(start, lines) for start, lines in blocks]


def running(packages: Iterable[Pinned]) -> list[Pinned]:
    """Return those that the project needs to run: asked for by it, or by another of them."""
    needed, waiting = {PROJECT}, list(packages)
    found: list[Pinned] = []
    while asked := [package for package in waiting if needed.intersection(package.via)]:
        found += asked
        needed.update(package.name for package in asked)
        waiting = [package for package in waiting if package.name not in needed]
    return sorted(found, key=lambda package: (package.name, package.version))


def _pinned(start: re.Match[str], lines: list[str]) -> Pinned:
    hashes = [match["hash"] for line in lines if (match := _HASH.match(line))]
    via = [match["who"].strip() for line in lines if (match := _VIA.match(line))]
    return Pinned(start["name"], start["version"], start["marker"] or "", tuple(hashes), tuple(via))
