"""The audit of what is locked: a weakness fails it, and so does a package that nobody looked at."""

import sys
from pathlib import Path

import msgspec
import pytest

from release.audit import audit

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
