"""Files as Graph would have answered them, and what an import says of one."""

import json
from pathlib import Path
from typing import Any

from stanchion.model.json_text import JsonObject

COUNTS = ("new", "changed", "same", "kept", "refused")


def export_file(folder: Path, *values: JsonObject, name: str = "export.json", **page: object) -> Path:
    """Write a page of Graph."""
    file = folder / name
    file.write_text(json.dumps({**page, "value": values}))
    return file


def counted(row: dict[str, Any]) -> tuple[int, ...]:
    """Return the counts of a file's report."""
    return tuple(row[name] for name in COUNTS)
