"""Whether two answers tell the same, but for the ids that were asked and what each answer has of its own."""

import re
from collections.abc import Mapping

import httpx

# Ids of requests and the second of an answer.
_OWN = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?")


def told(reply: httpx.Response, *ids: str) -> tuple[int, Mapping[str, str], bytes]:
    """Return what a reply tells, with a mark in place of each id and of what no two replies share."""
    body = reply.content
    for id in ids:
        body = body.replace(id.encode(), b"{id}")
    headers = {
        name: _OWN.sub(b"{own}", value.encode()).decode()
        for name, value in reply.headers.items()
        if name not in {"request-id", "client-request-id", "date", "etag", "content-length"}
    }
    return reply.status_code, headers, _OWN.sub(b"{own}", body)
