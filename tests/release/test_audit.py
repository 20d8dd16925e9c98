"""The audit of what is locked: a weakness fails it, and so does a package that nobody looked at."""

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from release.audit import LOCKS, audit, rounds
from release.checkout import ROOT
from release.lock import read_lock

PINNED = f"invented==1.0 \\\n    --hash=sha256:{'0' * 64}\nother==2.0 \\\n    --hash=sha256:{'1' * 64}\n"
SOUND = {"name": "invented", "version": "1.0", "vulns": []}


def auditor(folder: Path, printed: str, *, complaint: str = "") -> str:
    """Make a program that prints a report in place of the auditor, which would ask the index."""
    program = folder / "auditor"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nprint({printed!r})\nprint({complaint!r}, file=sys.stderr)\n"
    )
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("others", "faults"),
    [
        ([{"name": "other", "version": "2.0", "vulns": []}], []),
        ([{"name": "Other", "version": "2.0", "vulns": []}], []),
        ([{"name": "other", "skip_reason": "not found"}], ["other was skipped: not found"]),
        ([], ["other was not looked at"]),
        (
            [{"name": "other", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1", "3.0"]}]}],
            ["other 2.0: CVE-1; fixed in: 2.1, 3.0"],
        ),
        (
            [{"name": "other", "version": "2.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]}],
            ["other 2.0: CVE-2; fixed in: none yet"],
        ),
    ],
)
def test_every_package_is_looked_at_and_none_is_weak(
    others: list[dict[str, object]], faults: list[str], tmp_path: Path
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(PINNED)
    printed = msgspec.json.encode({"dependencies": [SOUND, *others]}).decode()

    assert audit(lock, auditor=auditor(tmp_path, printed)) == faults


def test_an_auditor_without_a_report_fails_the_audit_with_its_last_words(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(PINNED)

    assert audit(lock, auditor=auditor(tmp_path, "", complaint="no\nconnection")) == [
        "requirements.lock was not audited: connection"
    ]


# What the auditor does with a file of requirements: it passes over what a marker keeps away, and refuses a file that
# names a package twice.
STRICT = """
import json, sys
lines = open(sys.argv[sys.argv.index("--requirement") + 1]).read().splitlines()
asked = [line.partition("==") for line in lines if "==" in line and ";" not in line]
if len({name for name, _, _ in asked}) < len(asked):
    sys.exit("duplicate requirements")
known = WEAK
print(json.dumps({"dependencies": [
    {"name": name, "version": version, "vulns": [{"id": weak} for weak in known.get(name + " " + version, [])]}
    for name, _, version in asked
]}))
"""


def strict_auditor(folder: Path, weak: Mapping[str, list[str]]) -> str:
    """Make a program that tells of what the file of requirements asks about, and of nothing else."""
    program = folder / "strict"
    program.write_text(f"#!{sys.executable}\n{STRICT.replace('WEAK', repr(weak))}")
    program.chmod(0o755)
    return str(program)


def pinned(name: str, version: str, marker: str) -> str:
    return f"{name}=={version} ; {marker} \\\n    --hash=sha256:{'2' * 64}\n"


@pytest.mark.parametrize(
    "marker", ["sys_platform == 'win32'", "python_full_version < '3'", "platform_machine == 'none'"]
)
def test_a_package_for_another_system_is_asked_about_like_any(marker: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(PINNED + pinned("elsewhere", "3.0", marker))

    assert audit(lock, auditor=strict_auditor(tmp_path, {})) == []
    weak = strict_auditor(tmp_path, {"elsewhere 3.0": ["CVE-3"]})
    assert audit(lock, auditor=weak) == ["elsewhere 3.0: CVE-3; fixed in: none yet"]


def test_a_package_for_another_system_that_nobody_looked_at_fails_the_audit(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(PINNED + pinned("elsewhere", "3.0", "sys_platform == 'win32'"))
    other = {"name": "other", "version": "2.0", "vulns": []}
    printed = msgspec.json.encode({"dependencies": [SOUND, other]}).decode()

    assert audit(lock, auditor=auditor(tmp_path, printed)) == ["elsewhere was not looked at"]


@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_each_version_of_a_package_that_is_locked_twice_is_asked_about(version: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    older, newer = "python_full_version < '3.12'", "python_full_version >= '3.12'"
    lock.write_text(PINNED + pinned("twice", "3.0", older) + pinned("twice", "4.0", newer))

    weak = strict_auditor(tmp_path, {f"twice {version}": ["CVE-4"]})
    assert audit(lock, auditor=weak) == [f"twice {version}: CVE-4; fixed in: none yet"]


@pytest.mark.parametrize("name", LOCKS)
def test_nothing_of_our_locks_is_left_out(name: str) -> None:
    packages = read_lock(ROOT / name)
    asked = [pair for versions in rounds(packages) for pair in versions.items()]
    assert sorted(asked) == sorted((package.name, package.version) for package in packages)
