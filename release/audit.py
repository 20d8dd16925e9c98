"""Whether a known weakness is in what is locked: `make audit` asks the package index about every pinned package.

- It is no part of `make check`, whose result must not change by what others publish overnight.
- A package that could not be asked about counts as a failure: silence is no answer.
- What is locked for another system or another Python is asked about as well. The auditor passes over whatever its
  marker keeps away from here, and so it is handed lists without markers.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from release.checkout import ROOT
from release.lock import Pinned, read_lock

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
Versions: TypeAlias = Mapping[str, str]  # of packages, by name


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
    faults = []
    for versions in rounds(read_lock(lock)):
        answer = ask(versions, auditor=auditor)
        match answer:
            case Report():
                faults += faults_of(answer, versions=versions)
            case reason:
                faults.append(f"{lock.name} was not audited: {reason}")
    return faults


def rounds(packages: Iterable[Pinned]) -> list[dict[str, str]]:
    """Divide packages into as few lists as name none twice, which the auditor refuses.

    A lock pins a package twice where one version is for an older Python, another for a newer one.
    """
    found: list[dict[str, str]] = []
    for package in packages:
        free = next((each for each in found if package.name not in each), None)
        if free is None:
            found.append(free := {})
        free[package.name] = package.version
    return found


def ask(versions: Versions, *, auditor: str) -> Report | str:
    """Return what the auditor reports of packages, or its last words where it reports nothing."""
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        asked = Path(folder) / "requirements.txt"
        asked.write_text("".join(f"{name}=={version}\n" for name, version in versions.items()), "utf-8")
        command = [auditor, "--requirement", str(asked), "--disable-pip", "--no-deps", "--format", "json"]
        ran = subprocess.run(
            [*command, "--progress-spinner", "off"], check=False, capture_output=True, text=True
        )
    try:
        return msgspec.json.decode(ran.stdout, type=Report)
    except msgspec.DecodeError:
        return (ran.stderr.strip() or "it printed no report").splitlines()[-1]


def faults_of(report: Report, *, versions: Versions) -> Faults:
    """Return a line for each weakness, each package that was skipped, and each that the report does not name."""
    faults = []
    for package in report.dependencies:
        if package.skip_reason:
            faults.append(f"{package.name} was skipped: {package.skip_reason}")
        for weakness in package.vulns:
            fixed = ", ".join(weakness.fix_versions) or "none yet"
            faults.append(f"{package.name} {package.version}: {weakness.id}; fixed in: {fixed}")
    named = {package.name.lower().replace("_", "-") for package in report.dependencies}
    faults += [f"{name} was not looked at" for name in sorted(versions.keys() - named)]
    return faults


if __name__ == "__main__":
    main()
