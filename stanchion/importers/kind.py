"""Of which set an entity is: told by its `@odata.type`, else by what stands around it, else by its properties.

What is told to be of another kind is refused. A context URL names a set, an entity of it (`$entity`), or neither.

Source: OData 4.01 Protocol, 10 "Context URL".
"""

import re
from types import MappingProxyType

from stanchion.errors import BadRequest
from stanchion.model.edm import CONTROL_PROFILES, GRAPH_SETS, SECURE_SCORES, USER_PROFILES, EntitySet
from stanchion.model.json_text import JsonObject, JsonValue
from stanchion.model.wording import shown

EXPECTED = (
    'expected a page of Microsoft Graph ({"value": [...]}), or an array or lines of secureScores, '
    "secureScoreControlProfiles or userSecurityProfiles"
)

# Declared by one of the three types only, there in every real entity of it, and not in Graph's alerts or users.
_TELLTALES = MappingProxyType(
    {
        "controlScores": SECURE_SCORES,
        "currentScore": SECURE_SCORES,
        "controlStateUpdates": CONTROL_PROFILES,
        "implementationCost": CONTROL_PROFILES,
        "accounts": USER_PROFILES,
        "riskScore": USER_PROFILES,
    }
)

# The last segment of a context's fragment, without key or $select: `security/secureScores(id,currentScore)`.
_SET_NAME = re.compile(r"(?:^|/)(\w+)(?:\(.*\))?(?:/\$entity)?$", re.ASCII)

# Room for a $select of every property; a bound, because the search is quadratic in what it reads.
_CONTEXT_CHARACTERS = 2_000


def set_of_context(context: str) -> EntitySet | None:
    """Return the set that a context URL names, None where it names none; raises BadRequest for another set."""
    named = _SET_NAME.search(context.partition("#")[2][:_CONTEXT_CHARACTERS])
    if named is None:
        return None
    for entity_set in GRAPH_SETS:
        if entity_set.name.lower() == named[1].lower():
            return entity_set
    raise BadRequest(f"This is a page of {shown(named[1])}; {EXPECTED}.", target="@odata.context")


def set_of_entity(value: JsonObject, around: EntitySet | None) -> EntitySet:
    """Return the set of an entity; `around` is what its page says. Raises BadRequest for none of ours."""
    context = value.get("@odata.context")
    own = set_of_context(context) if isinstance(context, str) else None
    found = _typed(value.get("@odata.type")) or own or around
    if found is not None:
        return found
    for name in value:
        if name in _TELLTALES:
            return _TELLTALES[name]
    raise BadRequest(f"It is no entity of a known kind; {EXPECTED}.")


def _typed(odata_type: JsonValue) -> EntitySet | None:
    if not isinstance(odata_type, str):
        return None
    name = odata_type.rpartition("#")[2]
    for entity_set in GRAPH_SETS:
        if name == f"microsoft.graph.{entity_set.type.name}":
            return entity_set
    raise BadRequest(f"It is of type {shown(name)}; {EXPECTED}.", target="@odata.type")
