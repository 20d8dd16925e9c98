"""Wheel and sdist of a folder of sources, whose bytes depend on the sources and one time only.

The build backend is the pinned one of this environment; it takes every time from SOURCE_DATE_EPOCH.
Source: reproducible-builds.org/specs/source-date-epoch; PEP 427 and PEP 517.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from release.checkout import ReleaseError


@dataclass(frozen=True)
class Built:
    """The two files that were built."""

    wheel: Path
    sdist: Path

    @property
    def version(self) -> str:
        """The version in their names."""
        return self.wheel.name.split("-")[1]


def build(sources: Path, folder: Path, *, epoch_seconds: int) -> Built:
    """Build both into a folder; raises ReleaseError with what the backend says."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch_seconds)}
    command = (sys.executable, "-m", "hatchling", "build", "--directory", str(folder))
    ran = subprocess.run(command, cwd=sources, env=environment, check=False, capture_output=True, text=True)
    if ran.returncode != 0:
        raise ReleaseError(f"The build failed: {ran.stderr.strip()}")
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


def check_same(one: Built, other: Built) -> None:
    """Raise ReleaseError when the bytes of two builds differ."""
    for mine, yours in ((one.wheel, other.wheel), (one.sdist, other.sdist)):
        if mine.name != yours.name or mine.read_bytes() != yours.read_bytes():
            raise ReleaseError(f"{mine.name} is not reproducible: {mine} and {yours} differ.")


def check_sdist(built: Built, scratch: Path, *, epoch_seconds: int) -> None:
    """Raise ReleaseError when the sdist builds another wheel than the clone did."""
    with tarfile.open(built.sdist) as archive:
        # As an attribute, because the argument is not known to Python 3.11 before 3.11.4, nor the filter.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(scratch)  # noqa: S202 (it was built here)
    (sources,) = scratch.iterdir()
    again = build(sources, scratch / "built", epoch_seconds=epoch_seconds)
    if again.wheel.read_bytes() != built.wheel.read_bytes():
        raise ReleaseError(f"{built.sdist.name} builds another wheel than its commit: {again.wheel}.")


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_sums(folder: Path, name: str) -> Path:
    """Write the sums of all files of a folder as sha256sum reads them."""
    files = sorted(path for path in folder.iterdir() if path.name != name)
    sums = folder / name
    sums.write_text("".join(f"{sha256(file)}  {file.name}\n" for file in files))
    return sums
