"""One target in one process, for libFuzzer never comes back.

`python -m fuzz.run TARGET CORPUS [option of libFuzzer]...`
"""

import io
import sys
import tempfile
from contextlib import redirect_stderr
from pathlib import Path

import atheris  # type: ignore[import-untyped] # It ships no types.

from fuzz.seeds import SEEDS, WORDS


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough, or something was found."""
    name, corpus, *options = sys.argv[1:]
    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (folder / f"seed-{number:02}").write_bytes(seed.encode())
    with tempfile.NamedTemporaryFile("w", suffix=".dict", delete=False) as words:
        words.writelines(f'"{_quoted(word)}"\n' for word in WORDS)
    # It names each module that it instruments.
    with redirect_stderr(io.StringIO()), atheris.instrument_imports(include=["stanchion"]):
        from fuzz.targets import TARGETS
        from stanchion.logs import configure_logs

        target = TARGETS[name]()
    # Refusals are what is wanted here, a line each of no use.
    configure_logs("error", "json")
    atheris.Setup([sys.argv[0], f"-dict={words.name}", *options, corpus], target)
    atheris.Fuzz()


def _quoted(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


if __name__ == "__main__":
    main()
