"""The versions of the clients that tests/clients drives, read from the lock files that install them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ("msgraph-sdk", "msgraph-beta-sdk", "azure-identity", "msal", "python-odata")
_PINNED = re.compile(r"^([a-z0-9-]+)==([^\s;]+)", re.MULTILINE)
# The compiler of TypeScript and an HTTP library are locked for two of the others and are no clients of ours.
_NO_CLIENTS = {"typescript", "@azure/core-rest-pipeline"}


def client_versions() -> Iterator[tuple[str, str, str]]:
    """Yield each client's package, its language and its version, Python's first."""
    pinned = dict(_PINNED.findall((ROOT / "requirements-clients.lock").read_text(encoding="utf-8")))
    for name in PYTHON:
        yield name, "Python", pinned[name]
    package = json.loads((ROOT / "tests" / "clients" / "node" / "package.json").read_text(encoding="utf-8"))
    for name, version in package["dependencies"].items():
        if name not in _NO_CLIENTS:
            yield name, "JavaScript", version
