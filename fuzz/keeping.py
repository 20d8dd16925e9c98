"""Which of the inputs that fuzzing came upon are worth keeping: `python -m fuzz.keeping FOUND [TARGET]...`.

What is kept stays. Of what was found, the smallest first, those are kept that reach a step which none before did,
and are no longer than some hundred bytes: a corpus is there to be read again on every change.
"""

import sys
from pathlib import Path

from fuzz.kept import inputs, keep
from fuzz.reach import Step, steps
from fuzz.targets import TARGETS
from stanchion.logs import configure_logs

_MAX_FOUND_BYTES = 400
_MAX_FOUND = 60
_MAX_LOOKED_AT = 300


def main() -> None:
    """Keep what is new of each target, and say how many there are."""
    found, *names = sys.argv[1:]
    configure_logs("error", "json")
    for name in names or TARGETS:
        made_up = _small(Path(found) / name)
        new = worth_keeping(name, made_up)
        for data in new:
            keep(name, data)
        print(f"{name}: {len(new)} of {len(made_up)}", flush=True)


def worth_keeping(name: str, made_up: list[bytes]) -> list[bytes]:
    """Return those inputs that reach what none that is kept does, and none before them."""
    read = TARGETS[name].make()
    reached: set[Step] = set()
    for data in inputs(name):
        reached |= steps(read, data)
    new: list[bytes] = []
    for data in made_up:
        made = steps(read, data) - reached
        if made and len(new) < _MAX_FOUND:
            new.append(data)
            reached |= made
    return new


def _small(folder: Path) -> list[bytes]:
    files = (
        sorted(folder.iterdir(), key=lambda file: (file.stat().st_size, file.name)) if folder.exists() else []
    )
    return [file.read_bytes() for file in files[:_MAX_LOOKED_AT] if file.stat().st_size <= _MAX_FOUND_BYTES]


if __name__ == "__main__":
    main()
