"""The commit that is released, and clones of it: what is not committed is no part of a release."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


class ReleaseError(Exception):
    """What keeps a release from being made; its text says what to do."""


@dataclass(frozen=True)
class Commit:
    """A commit and the second in which it was made, which stands for every time in the release."""

    id: str
    epoch_seconds: int


def released_commit(*, trial: bool) -> Commit:
    """Return the commit of the checkout; raises ReleaseError when files differ from it, unless it is a trial."""
    if _git("status", "--porcelain") and not trial:
        raise ReleaseError("Files differ from the commit; commit them first, or make a trial: ARGS=--trial.")
    return Commit(_git("rev-parse", "HEAD"), int(_git("log", "-1", "--format=%ct")))


def check_version(version: str, commit: Commit) -> None:
    """Raise ReleaseError when the changelog or the tags do not say that this commit is that version."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE):
        raise ReleaseError(f"CHANGELOG.md has no heading `## [{version}] - YYYY-MM-DD`.")
    if _git("tag", "--list", f"v{version}") and _git("rev-list", "-1", f"v{version}") != commit.id:
        raise ReleaseError(
            f"The tag v{version} is on another commit; raise the version or check the tag out."
        )


def clone(commit: Commit, folder: Path) -> Path:
    """Clone the checkout at a commit and return the folder."""
    _git("clone", "--quiet", "--no-local", "--no-checkout", str(ROOT), str(folder))
    _git("-c", "advice.detachedHead=false", "checkout", "--quiet", commit.id, folder=folder)
    return folder


def aged(folder: Path) -> Path:
    """Give every file another time and narrower permissions, as in a clone of another day and user."""
    for path in folder.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            path.chmod(path.stat().st_mode & 0o700)
            os.utime(path, (1_000_000_000, 1_000_000_000))
    return folder


def _git(*arguments: str, folder: Path = ROOT) -> str:
    ran = subprocess.run(["git", *arguments], cwd=folder, check=False, capture_output=True, text=True)
    if ran.returncode != 0:
        raise ReleaseError(f"git {arguments[0]} failed: {ran.stderr.strip()}")
    return ran.stdout.strip()
