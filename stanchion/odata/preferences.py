"""What the caller would like of an answer: the `Prefer` header (RFC 7240, OData 4.01 Protocol 8.2.8).

- Names match without regard to case, with the prefix `odata.` or without it.
- Of a preference given twice, the first counts; unknown ones mean nothing.
"""

from dataclasses import dataclass
from typing import Literal

from stanchion.odata.header_fields import elements, name_and_value


@dataclass(frozen=True)
class Preferences:
    """The preferences that this server knows; `returned` is None where the caller has none."""

    returned: Literal["representation", "minimal"] | None = None

    @property
    def applied(self) -> str | None:
        """The value of `Preference-Applied` once `returned` was honoured; None for nothing to say."""
        return None if self.returned is None else f"return={self.returned}"


_NONE = Preferences()


def parse_preferences(header: str | None) -> Preferences:
    """Read the `Prefer` header; several lines of it come joined by commas."""
    if header is None:
        return _NONE
    given: dict[str, str] = {}
    for element in elements(header):
        name, value = name_and_value(element.value)
        given.setdefault(name.removeprefix("odata."), value.lower())
    match given.get("return"):
        case "representation":
            return Preferences("representation")
        case "minimal":
            return Preferences("minimal")
        case _:
            return _NONE
