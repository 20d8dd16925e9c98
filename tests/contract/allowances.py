"""The findings that are no faults, each with its reason: one table for all runs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tests.contract.running import Finding


@dataclass(frozen=True)
class Allowance:
    """A kind of finding: of a check, with a status, with words in the answer or in the finding."""

    check: str
    status: int
    words: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Say whether the finding is of this kind."""
        same = (self.check, self.status) == (finding.check, finding.status)
        return same and re.search(self.words, f"{finding.message}\n{finding.answer}") is not None


TAKEN = "positive_data_acceptance"
REFUSED = "negative_data_rejection"

ALLOWANCES = (
    Allowance(
        "not_a_server_error",
        501,
        r"To order by '.*' is not offered",
        "501 is OData's answer to an order by an expression, which a text outside our pattern may be.",
    ),
    Allowance(
        "not_a_server_error",
        501,
        r"not offered; leave '(?:atomicityGroup|if)' out|An object in JSON is not offered, at character \d+",
        "501 is OData's answer to what a service leaves out: members of a batch and values of a filter among them.",
    ),
    Allowance(
        TAKEN,
        400,
        "neither \\* nor a list of entity tags",
        "Beside tags, schemathesis makes up texts such as 0 for If-Match and If-None-Match, whatever their schema.",
    ),
    Allowance(TAKEN, 412, "If-Match does not hold", "Only the server knows which tag an entity has now."),
    Allowance(
        TAKEN,
        400,
        "but the tenant written to is",
        "Which tenant a body may name is known by the token, not by a schema.",
    ),
    Allowance(
        TAKEN,
        400,
        "appears twice; upper and lower|no earlier request of this batch",
        "That ids of a batch differ, and that dependsOn names earlier ones, cannot be said in JSON Schema.",
    ),
    Allowance(
        TAKEN, 400, "but the request addresses", "That two ids must be equal cannot be said in JSON Schema."
    ),
    Allowance(
        TAKEN,
        400,
        "at character \\d+ of '\\$filter'",
        "The grammar of filters is not regular, so no pattern says it.",
    ),
    Allowance(
        TAKEN, 400, "does not fit into 64 bits", "Said in words: in every schema it would hide the rest."
    ),
    Allowance(
        TAKEN,
        400,
        "The (?:control|score) would be kept as '",
        "The provider's name becomes a part of an id that another provider has, or that is not sent.",
    ),
    Allowance(
        TAKEN,
        400,
        r"'controlStateUpdates/\d+/state' must be one of",
        "Updates that are sent and that are answered share a schema, in which Microsoft names no states.",
    ),
    Allowance(TAKEN, 400, "contains U\\+0000", "Said in words: in every schema it would hide the rest."),
    Allowance(
        TAKEN,
        400,
        "say the same thing and must not differ",
        "That two values must be equal where both are sent cannot be said in JSON Schema.",
    ),
    Allowance(
        TAKEN,
        400,
        r"\(Edm\.Int32\), not the number -?\d+\.0\b",
        "5.0 is an integer to JSON Schema, and none to OData (ABNF int32Value) and to Graph's SDKs.",
    ),
    Allowance(
        TAKEN,
        400,
        "is read-only|Could not find a property named",
        "Which values a control has now, that may be sent back, only the server knows.",
    ),
)


def not_allowed(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that no allowance covers."""
    return [f for f in findings if not any(allowance.covers(f) for allowance in ALLOWANCES)]
