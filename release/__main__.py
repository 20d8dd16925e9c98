"""Make a release of the commit of this checkout into dist/: wheel, sdist, bill of materials, sums.

It is built in two clones of different places, times and permissions, and from its own sdist; all must be the same.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from release.bill import write_bill
from release.build import Built, build, check_same, check_sdist, write_sums
from release.checkout import ROOT, Commit, ReleaseError, aged, check_version, clone, released_commit
from release.lock import read_lock, running

SUMS = "SHA256SUMS"


def main() -> None:
    """Make it, or say in one line on stderr why not (status 1)."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument(
        "--trial", action="store_true", help="build a commit that is not ready to be published"
    )
    parser.add_argument(
        "--to", type=Path, default=ROOT / "dist", help="folder that is written anew (default: dist)"
    )
    options = parser.parse_args()
    try:
        commit = released_commit(trial=options.trial)
        with tempfile.TemporaryDirectory() as scratch:
            _make(commit, Path(scratch), options.to, trial=options.trial)
    except ReleaseError as error:
        sys.exit(f"Error: {error}")


def _make(commit: Commit, scratch: Path, folder: Path, *, trial: bool) -> None:
    sources = clone(commit, scratch / "clone")
    built = build(sources, scratch / "built", epoch_seconds=commit.epoch_seconds)
    if not trial:
        check_version(built.version, commit)
    _check_again(built, commit, scratch)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kept = Built(*(Path(shutil.copy(file, folder)) for file in (built.wheel, built.sdist)))
    packages = running(read_lock(sources / "requirements.lock"))
    bill = folder / f"stanchion-{kept.version}.cdx.json"
    write_bill(kept, packages, bill, epoch_seconds=commit.epoch_seconds)
    print(
        f"Stanchion {kept.version} of commit {commit.id[:12]}, the same from two clones and from its sdist."
    )
    print(f"The bill of materials names {len(packages)} packages.")
    print(write_sums(folder, SUMS).read_text(), end="")


def _check_again(built: Built, commit: Commit, scratch: Path) -> None:
    elsewhere = aged(clone(commit, scratch / "another" / "place" / "of-this-clone"))
    again = build(elsewhere, scratch / "built-again", epoch_seconds=commit.epoch_seconds)
    check_same(built, again)
    unpacked = scratch / "unpacked"
    unpacked.mkdir()
    check_sdist(built, unpacked, epoch_seconds=commit.epoch_seconds)


if __name__ == "__main__":
    main()
