"""How an answer is written: the parameters of JSON that callers may choose (OData JSON 4.01, 3).

- `odata.metadata` is none, minimal or full; `IEEE754Compatible` writes 64-bit integers as text, of which there is
  one, the count. The `odata.` before a name may be left out.
- What is written can always be read as a stream, whatever was asked.
- A range of `Accept` whose parameters cannot be followed is one that is not offered.
"""

from typing import Literal, TypeAlias, cast

import msgspec

MetadataLevel: TypeAlias = Literal["none", "minimal", "full"]
_LEVELS = frozenset({"none", "minimal", "full"})


class Style(msgspec.Struct, frozen=True):
    """How JSON is written; as Graph writes it where nobody asks for anything else."""

    metadata: MetadataLevel = "minimal"
    ieee754: bool = False

    @property
    def content_type(self) -> str:
        """The media type that says so; parameters in the order in which Graph has them."""
        ieee754 = "true" if self.ieee754 else "false"
        return (
            f"application/json;odata.metadata={self.metadata};odata.streaming=true;"
            f"IEEE754Compatible={ieee754};charset=utf-8"
        )


AS_GRAPH = Style()


def style_of(parameters: dict[str, str]) -> Style | None:
    """Return the format that the parameters of a media type ask for, by lower-case name; None for none of ours."""
    given = {name.removeprefix("odata."): value.lower() for name, value in parameters.items()}
    metadata, ieee754 = given.get("metadata", "minimal"), given.get("ieee754compatible", "false")
    if metadata not in _LEVELS or ieee754 not in {"true", "false"}:
        return None
    asked = Style(cast("MetadataLevel", metadata), ieee754 == "true")
    return AS_GRAPH if asked == AS_GRAPH else asked
