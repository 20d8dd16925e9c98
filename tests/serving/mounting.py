"""A small file system in memory, for what happens when a disk is full or cannot be written."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class SmallDisk:
    """A mounted file system."""

    folder: Path

    def make_read_only(self) -> None:
        """Let nothing be written to it any more."""
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True, capture_output=True)

    def fill(self) -> Path:
        """Take all the space that is left; return the file that took it."""
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                return ballast


@contextmanager
def small_disk(folder: Path, *, kibibytes: int) -> Iterator[SmallDisk]:
    """Mount a file system of a size; skips the test where mounting is not permitted."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", folder],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"A file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", folder], check=True, capture_output=True)
