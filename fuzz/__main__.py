"""Fuzz what reads a stranger's input: `make fuzz ARGS="filter --seconds 600"`.

Each target runs in a process of its own, guided by which lines and branches an input reaches. A finding ends its
target with the input shown and kept; the exit status is then 1.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzz.kept import FOLDER

NAMES = tuple(sorted(folder.name for folder in FOLDER.iterdir()))

# A filter may have 4 KiB; a little more, so that the limit itself is met.
_MAX_BYTES = 5000
# Longer than anything may take to be read.
_SLOW_SECONDS = 10


@dataclass(frozen=True)
class Effort:
    """How long each target is fuzzed: for so many seconds, or for so many inputs where that is not None.

    With a seed a target is given the same inputs each time, so long as neither it nor what is kept has changed.
    """

    seconds: int
    runs: int | None
    seed: int | None
    slow_seconds: int

    def __str__(self) -> str:
        return f"{self.seconds} s" if self.runs is None else f"{self.runs} inputs"

    @property
    def options(self) -> list[str]:
        """The options by which libFuzzer is told."""
        bound = f"-max_total_time={self.seconds}" if self.runs is None else f"-runs={self.runs}"
        return [
            bound,
            f"-timeout={self.slow_seconds}",
            *([] if self.seed is None else [f"-seed={self.seed}"]),
        ]

    @property
    def environment(self) -> dict[str, str]:
        """That of a target: the order of a set decides which lines an input reaches."""
        return {**os.environ, **({} if self.seed is None else {"PYTHONHASHSEED": str(self.seed)})}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz the targets that are asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of: {', '.join(NAMES)} (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--runs", type=int, help="inputs for each target, however long they take")
    parser.add_argument("--seed", type=int, help="by which inputs are made up (default: another each time)")
    parser.add_argument(
        "--slow-seconds",
        type=int,
        default=_SLOW_SECONDS,
        help="an input that takes so long is a finding (default: %(default)s)",
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        default=Path(tempfile.gettempdir()) / "stanchion-corpus",
        help="folder in which inputs that reach something new are kept from run to run (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.targets) - set(NAMES)):
        parser.error(f"no target: {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    effort = Effort(options.seconds, options.runs, options.seed, options.slow_seconds)
    found = [name for name in options.targets or NAMES if not _clean(name, effort, corpus=options.corpus)]
    print(f"findings: {', '.join(found)}" if found else "no findings")
    return 1 if found else 0


def _clean(name: str, effort: Effort, *, corpus: Path) -> bool:
    print(f"== {name}, {effort}", flush=True)
    corpus.mkdir(parents=True, exist_ok=True)
    options = [
        *effort.options,
        f"-max_len={_MAX_BYTES}",
        f"-artifact_prefix={corpus}/finding-{name}-",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    ran = subprocess.run(
        [sys.executable, "-m", "fuzz.run", name, str(corpus / name), *options],
        check=False,
        env=effort.environment,
        stderr=subprocess.STDOUT,
    )
    return ran.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
