"""Scores with many controls in them, whose bodies are long."""

from stanchion.model.json_text import JsonObject, JsonValue
from tests.store.commands import score


def score_of(number: int, *, controls: int) -> JsonObject:
    scores: list[JsonValue] = [{"controlName": f"c{place}", "score": place} for place in range(controls)]
    # Long enough to be kept packed: reading a plain one is not seen from here.
    packed: JsonObject = {"enabledServices": ["long" * 2000], "controlScores": scores}
    return {**score(f"s{number}", f"2026-01-{number + 1:02}T00:00:00Z"), **packed}
