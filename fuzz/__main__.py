"""Fuzz what reads a stranger's input: `make fuzz ARGS="filter --seconds 600"`.

Each target runs in a process of its own, guided by which lines and branches an input reaches. A finding ends its
target with the input shown and kept; the exit status is then 1.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fuzz.kept import FOLDER

NAMES = tuple(sorted(folder.name for folder in FOLDER.iterdir()))

# A filter may have 4 KiB; a little more, so that the limit itself is met.
_MAX_BYTES = 5000
# Longer than anything may take to be read.
_SLOW_SECONDS = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz the targets that are asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=Path(tempfile.gettempdir()) / "stanchion-corpus",
        help="folder in which inputs that reach something new are kept from run to run (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.targets) - set(NAMES)):
        parser.error(f"no target: {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    found = [
        name
        for name in options.targets or NAMES
        if not _clean(name, seconds=options.seconds, corpus=options.corpus)
    ]
    print(f"findings: {', '.join(found)}" if found else "no findings")
    return 1 if found else 0


def _clean(name: str, *, seconds: int, corpus: Path) -> bool:
    print(f"== {name}, {seconds} s", flush=True)
    corpus.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_MAX_BYTES}",
        f"-timeout={_SLOW_SECONDS}",
        f"-artifact_prefix={corpus}/finding-{name}-",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "fuzz.run", name, str(corpus / name), *options],
        check=False,
        stderr=subprocess.STDOUT,
    )
    return ran.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
