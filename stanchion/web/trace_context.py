"""The `traceparent` header: the span of a distributed trace in which a caller sent a request (W3C Trace Context).

- It goes into the lines of the log and nowhere else: whoever calls may send what they like, so that nothing is
  decided by it and no answer carries it. `tracestate` is not read.
- Of the version we know there are four fields and nothing more. A later one may have more behind a further dash,
  of which nothing is read (3.2.4, "Versioning of traceparent"); `ff` is none.
- Digits are hexadecimal and lower case, and no id is all zeros (3.2.2). What breaks a rule is ignored, and so are
  several headers, which come joined by a comma.

Source: W3C Trace Context, Recommendation of 23 November 2021, and Level 2.
"""

import re

from stanchion.logs import CallerSpan

# What a later version adds is not kept; this much of it is looked through for a comma.
MAX_CHARACTERS = 512

_SAMPLED = 1
_FIELDS = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-[^,]*)?"
)


def caller_span(traceparent: str) -> CallerSpan | None:
    """Return the span that a header names, None where it is not one to be used."""
    if len(traceparent) > MAX_CHARACTERS:
        return None
    found = _FIELDS.fullmatch(traceparent.strip(" \t"))
    if found is None or (found["version"] == "00" and found["more"] is not None):
        return None
    # Of the flags only this one says what is to be done with what is recorded.
    sampled = int(found["flags"], 16) & _SAMPLED
    return CallerSpan(found["trace"], found["span"], f"{sampled:02x}")
