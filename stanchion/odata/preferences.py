"""What the caller would like of an answer: the `Prefer` header (RFC 7240, OData 4.01 Protocol 8.2.8).

- Names match without regard to case, with the prefix `odata.` or without it.
- Of a preference given twice, the first counts, but the name of 4.01 before that with `odata.`; unknown ones mean
  nothing.
- `maxpagesize` is a whole number from 1 (Protocol 8.2.8.5); as anything else it means nothing.
"""

from dataclasses import dataclass
from typing import Literal

from stanchion.odata.header_fields import elements, name_and_value

# Of more digits than any page has rows, none is read.
_MAX_DIGITS = 9


@dataclass(frozen=True)
class Preferences:
    """The preferences that this server knows; each is None where the caller has none.

    `page_size_name` is how the caller spelt the name of the second.
    """

    returned: Literal["representation", "minimal"] | None = None
    max_page_size: int | None = None
    page_size_name: str = "odata.maxpagesize"

    @property
    def applied(self) -> str | None:
        """The value of `Preference-Applied` once `returned` was honoured; None for nothing to say."""
        return None if self.returned is None else f"return={self.returned}"

    @property
    def applied_to_page(self) -> str:
        """The value of `Preference-Applied` once `max_page_size` was honoured."""
        return f"{self.page_size_name}={self.max_page_size}"


_NONE = Preferences()


def parse_preferences(header: str | None) -> Preferences:
    """Read the `Prefer` header; several lines of it come joined by commas."""
    if header is None:
        return _NONE
    given: dict[str, tuple[str, str]] = {}
    for element in elements(header):
        name, value = name_and_value(element.value)
        bare = name.removeprefix("odata.")
        if bare not in given or given[bare][0] != bare == name:
            given[bare] = (name, value.lower())
    _, returned = given.get("return", ("", ""))
    page_size_name, page_size = given.get("maxpagesize", ("odata.maxpagesize", ""))
    return Preferences(
        "representation" if returned == "representation" else "minimal" if returned == "minimal" else None,
        _page_size(page_size),
        page_size_name,
    )


def _page_size(text: str) -> int | None:
    readable = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) or None if readable else None
