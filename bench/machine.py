"""Where a measurement was made: the machine, the software, and the commit."""

import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)
_MEMORY = re.compile(r"^MemTotal:\s+([0-9]+) kB", re.MULTILINE)


@dataclass(frozen=True)
class Machine:
    """What figures depend on. The load is the average of the last minute before, for others may work here too."""

    cpu: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    granian: str
    file_system: str
    load_before: float


def machine(folder: Path) -> Machine:
    """Describe this machine; the file system is that of a folder."""
    model = _MODEL.search(Path("/proc/cpuinfo").read_text())
    memory = _MEMORY.search(Path("/proc/meminfo").read_text())
    return Machine(
        cpu=model[1].strip() if model else platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(int(memory[1]) / 1024**2, 1) if memory else 0.0,
        kernel=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        granian=version("granian"),
        file_system=_file_system(folder),
        load_before=round(os.getloadavg()[0], 2),
    )


def commit() -> str:
    """Return the commit of the checkout, with `-dirty` when files differ from it."""
    command = ("git", "describe", "--always", "--dirty", "--abbrev=12")
    root = Path(__file__).parents[1]
    ran = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    return ran.stdout.strip() or "unknown"


def _file_system(folder: Path) -> str:
    """Return the type of the file system that holds a folder: on tmpfs, nothing waits for a disk."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(len(point), kind) for point, kind in mounts if folder.is_relative_to(point)]
    return max(holding)[1] if holding else "unknown"


if sys.platform != "linux":
    raise SystemExit("The measurements read /proc, so they run on Linux only.")
