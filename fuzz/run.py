"""One target in one process, for libFuzzer never comes back.

`python -m fuzz.run TARGET CORPUS [option of libFuzzer]...`
"""

import io
import sys
import tempfile
from contextlib import redirect_stderr
from pathlib import Path

import atheris  # type: ignore[import-untyped] # It ships no types.

from fuzz.kept import FOLDER
from fuzz.words import WORDS


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough, or something was found."""
    name, corpus, *options = sys.argv[1:]
    Path(corpus).mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".dict", delete=False) as words:
        words.writelines(f'"{_quoted(word)}"\n' for word in WORDS)
    # It names each module that it instruments.
    with redirect_stderr(io.StringIO()), atheris.instrument_imports(include=["stanchion"]):
        from fuzz.targets import TARGETS
        from stanchion.logs import configure_logs

        target = TARGETS[name].make()
    # Refusals are what is wanted here, a line each of no use.
    configure_logs("error", "json")
    # What is found goes into the first folder; the kept inputs are read alone.
    atheris.Setup([sys.argv[0], f"-dict={words.name}", *options, corpus, str(FOLDER / name)], target)
    atheris.Fuzz()


def _quoted(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')


if __name__ == "__main__":
    main()
