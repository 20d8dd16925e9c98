"""Whether a known weakness is in what is locked: `make audit` asks the package index about every pinned package.

It is no part of `make check`, whose result must not change by what others publish overnight. A package that could not
be asked about counts as a failure: silence is no answer.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import msgspec
from packaging.markers import Marker

from release.checkout import ROOT
from release.lock import read_lock

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-clients.lock", "requirements-audit.lock")


class Weakness(msgspec.Struct):
    """What is known of one version of a package."""

    id: str
    fix_versions: list[str] = []


class Audited(msgspec.Struct):
    """A package as the auditor tells of it: with its weaknesses, or the reason why it was skipped."""

    name: str
    version: str = ""
    vulns: list[Weakness] = []
    skip_reason: str = ""


class Report(msgspec.Struct):
    """What the auditor prints."""

    dependencies: list[Audited]


Faults: TypeAlias = list[str]


def main() -> None:
    """Audit each lock file; status 1 says in one line each what is weak, and what could not be looked at."""
    parser = argparse.ArgumentParser(prog="python -m release.audit", description=__doc__)
    parser.add_argument("--auditor", default="pip-audit", help="the program that asks (default: pip-audit)")
    options = parser.parse_args()
    faults = [fault for lock in LOCKS for fault in audit(ROOT / lock, auditor=options.auditor)]
    for fault in sorted(set(faults)):
        print(fault, file=sys.stderr)
    if faults:
        sys.exit(1)
    print(f"No weakness is known of what {', '.join(LOCKS)} pin.")


def audit(lock: Path, *, auditor: str) -> Faults:
    """Return what is wrong with a lock file, nothing where all of its packages were looked at and none is weak."""
    command = [auditor, "--requirement", str(lock), "--disable-pip", "--no-deps", "--format", "json"]
    ran = subprocess.run([*command, "--progress-spinner", "off"], check=False, capture_output=True, text=True)
    try:
        report = msgspec.json.decode(ran.stdout, type=Report)
    except msgspec.DecodeError:
        reason = (ran.stderr.strip() or "it printed no report").splitlines()[-1]
        return [f"{lock.name} was not audited: {reason}"]
    return faults_of(report, lock=lock)


def faults_of(report: Report, *, lock: Path) -> Faults:
    """Return a line for each weakness, each package that was skipped, and each that the report does not name."""
    faults = []
    for package in report.dependencies:
        if package.skip_reason:
            faults.append(f"{package.name} was skipped: {package.skip_reason}")
        for weakness in package.vulns:
            fixed = ", ".join(weakness.fix_versions) or "none yet"
            faults.append(f"{package.name} {package.version}: {weakness.id}; fixed in: {fixed}")
    named = {package.name.lower().replace("_", "-") for package in report.dependencies}
    faults += [f"{name} was not looked at" for name in sorted(pinned_names(lock) - named)]
    return faults


def pinned_names(lock: Path) -> set[str]:
    """Return the packages of a lock file that are installed here."""
    return {each.name for each in read_lock(lock) if not each.marker or Marker(each.marker).evaluate()}


if __name__ == "__main__":
    main()
