"""Another process reads the same store, and must see what the served one answers: an export beside GETs.

Nobody writes meanwhile. An export has every decision of a control, an answer the newest; the rest is compared whole.
"""

import json
import random
from typing import Any

from bench.bodies import TENANT, control_id
from bench.load import ask
from bench.servers import Product, stanchion
from bench.traffic import CONTROLS_PATH, get

_COMPARED = 200
_STATES = "controlStateUpdates"


def agree(product: Product, controls: int) -> int:
    """Compare some controls, drawn at random; return how many, or fail with the first that differs."""
    folder = product.folder / "exported"
    stanchion(product.folder, "export", "--tenant", TENANT, "--to", str(folder))
    exported = {
        control["id"]: control
        for file in folder.glob("*.json")
        for control in json.loads(file.read_bytes())["value"]
        if "controlCategory" in control
    }
    drawn = random.sample(range(controls), min(_COMPARED, controls))
    for control in map(control_id, drawn):
        answered = json.loads(ask(product.server, get(f"{CONTROLS_PATH}/{control}", product.token)).body)
        seen, said = _comparable(exported[control]), _comparable(answered)
        assert seen == said, f"another process sees {seen!r}, and the served one answers {said!r}"
    return len(drawn)


def _comparable(control: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in control.items() if not name.startswith("@")}
    return {**plain, _STATES: plain[_STATES][:1]}
