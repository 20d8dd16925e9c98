"""Runs the tests in `node/`: each file once, in one Node process, and tells how each of its tests ended.

What Node needs is installed there by `make check`. On a machine without Node these tests are skipped; where CI is
set, that Node is missing is a failure.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "node"
_TEST = re.compile(r'^test\("([^"]+)"|^ *test\(`([^`$]+)', re.MULTILINE)
_TIMEOUT_SECONDS = 140


def node_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a Node process that reaches this machine alone."""
    offline = f"--import={FOLDER / 'offline.mjs'}"
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "NODE_OPTIONS": offline, **extra}


def need_node() -> None:
    """Skip the test where Node or the packages are not there, and fail it where they must be."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if not (FOLDER / "node_modules" / ".package-lock.json").is_file():
        missing.append("tests/clients/node/node_modules (make check installs it)")
    if missing and os.environ.get("CI"):
        pytest.fail(f"Not here: {', '.join(missing)}.")
    if missing:
        pytest.skip(f"Not here: {', '.join(missing)}.")


def names_in(file: str) -> list[str]:
    """List the names of the tests in a file, without what a name is given while running."""
    names = _TEST.findall((FOLDER / file).read_text(encoding="utf-8"))
    return [whole or start.rstrip(" :") for whole, start in names]


def outcomes(file: str, environment: Mapping[str, str]) -> dict[str, str | None]:
    """Run a file's tests and map each name to why it failed, None where it did not."""
    ran = subprocess.run(
        ["node", "--test", "--test-reporter", str(FOLDER / "reporter.mjs"), file],
        cwd=FOLDER,
        env=node_environment(environment),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    assert lines, f"{ran.stdout}\n{ran.stderr}"
    return {line["name"]: line["failure"] for line in lines}


def check(name: str, found: Mapping[str, str | None]) -> None:
    """Fail with Node's own words where the tests of this name failed; one that did not run failed too."""
    mine = {full: failure for full, failure in found.items() if full == name or full.startswith(f"{name}: ")}
    failures = [f"{full}\n{failure}" for full, failure in mine.items() if failure is not None]
    others = [
        f"{full}\n{failure}" for full, failure in found.items() if failure and full.endswith(".test.mjs")
    ]
    if failures or not mine:
        pytest.fail("\n".join(failures or others or [f"It did not run: {sorted(found)}"]), pytrace=False)
