"""The inputs kept for each target, in `fuzz/corpus/{target}`: few, small, and each reaches what no other does.

They are our own: written by hand, or made up by fuzzing. The name of a file is the digest of what is in it.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
_NAME_CHARACTERS = 16


def inputs(name: str) -> Iterator[bytes]:
    """Give the inputs that are kept for a target, in the order of their names."""
    for file in sorted((FOLDER / name).iterdir()):
        yield file.read_bytes()


def keep(name: str, data: bytes) -> Path:
    """Keep an input of a target; return its file."""
    file = FOLDER / name / sha256(data).hexdigest()[:_NAME_CHARACTERS]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file
