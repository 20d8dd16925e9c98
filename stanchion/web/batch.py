"""`/$batch`: the requests of one body, each answered as if it came by itself.

- Requests that do not wait for another run side by side, so that what they write is committed together. One that
  waits runs once the others are answered; where one of them has a status from 400 on, it is 424.
- Each is checked, limited, authorised and logged on its own, for the caller and under the origin of the batch.
- Answers come in the order of the requests and share 32 MiB, each as long as it is written in JSON. What does not fit
  any more is 413; of what was written, the answer is 204 then, for it is written.
- What has not begun within the time of a request is 503 and not done, so that a chain of slow requests has an end.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from msgspec.structs import replace
from starlette.types import Message

from stanchion.errors import (
    BadRequest,
    FailedDependency,
    MethodNotAllowed,
    PayloadTooLarge,
    ServiceUnavailable,
)
from stanchion.logs import Trace
from stanchion.logs import trace as logged_trace
from stanchion.model.edm import RootName
from stanchion.model.wording import shown
from stanchion.odata.batch import BatchAnswer, BatchItem, batch_body, in_json, parse_batch, target_of
from stanchion.odata.negotiation import (
    check_body_version,
    check_content_type,
    check_encoding,
    check_isolation,
    check_version,
    chosen,
)
from stanchion.odata.resources import BatchResource, Resource
from stanchion.odata.url import parse_path
from stanchion.settings import Settings
from stanchion.web.answering import check_size, client_request_id_of, refused, told
from stanchion.web.call import Call
from stanchion.web.exchange import JSON, Reply, Request
from stanchion.web.request_ids import request_ids
from stanchion.web.request_log import RequestLog
from stanchion.web.trace_context import caller_span
from stanchion.web.writing import MAX_INLINE_BYTES

# Twice the largest page.
MAX_ANSWERS_BYTES = 32 * 1024 * 1024

_NO_CONTENT, _FIRST_FAILURE = 204, 400
_READING = frozenset({"GET", "HEAD"})
# What belongs to the connection, or tells of the way here, is that of the batch.
_OF_THE_CONNECTION = frozenset(
    {
        "authorization",
        "content-length",
        "forwarded",
        "host",
        "transfer-encoding",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    }
)

Answer: TypeAlias = Callable[[Resource, Request, str], Awaitable[Reply]]
"""Answers a request for a resource, which came for an origin; raises a StanchionError to refuse."""


class Batches:
    """Answers batches by what answers single requests; of one batch, no more than `at_once` run side by side."""

    def __init__(
        self,
        answer: Answer,
        *,
        settings: Settings,
        is_own: Callable[[str], bool],
        log: RequestLog,
        at_once: int | None = None,
        max_answers_bytes: int = MAX_ANSWERS_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._answer = answer
        self._settings = settings
        self._is_own = is_own
        self._log = log
        self._at_once = at_once
        self._max_answers_bytes = max_answers_bytes
        self._clock = clock
        self._request_ids = request_ids()

    async def answer(self, resource: BatchResource, call: Call) -> Reply:
        """Answer a batch; raises a StanchionError where it cannot be carried out as a whole."""
        request = call.request
        if request.method != "POST":
            raise MethodNotAllowed(request.method, allowed=("POST",))
        chosen(request.headers.get("accept"))
        check_version(request.headers.get("odata-maxversion"))
        check_isolation(request.headers)
        check_content_type(request.headers.get("content-type"))
        check_encoding(request.headers.get("content-encoding"))
        check_body_version(request.headers.get("odata-version"))
        body = await request.body(
            max_bytes=self._settings.max_body_bytes, timeout_seconds=self._settings.request_timeout_seconds
        )
        inline = len(body) <= MAX_INLINE_BYTES
        items = parse_batch(body) if inline else await asyncio.to_thread(parse_batch, body)
        ends = self._clock() + self._settings.request_timeout_seconds
        turns = asyncio.Semaphore(self._at_once or len(items))
        under_way = _UnderWay(call, resource.root, turns, ends, self._max_answers_bytes)
        tasks: list[asyncio.Task[Reply]] = []
        for item in items:
            awaited = {items[place].id: tasks[place] for place in item.after}
            tasks.append(asyncio.create_task(self._in_turn(item, awaited, under_way)))
        replies = await asyncio.gather(*tasks)
        return Reply(200, batch_body(map(_item_answer, items, replies)), JSON)

    async def _in_turn(
        self, item: BatchItem, awaited: Mapping[str, asyncio.Task[Reply]], under_way: "_UnderWay"
    ) -> Reply:
        """Answer one request once those that it depends on are answered."""
        if awaited:
            await asyncio.wait(awaited.values())
        failed = [id for id, task in awaited.items() if task.result().status >= _FIRST_FAILURE]
        async with under_way.turns:
            return await self._answered(item, failed, under_way)

    async def _answered(self, item: BatchItem, failed: Sequence[str], under_way: "_UnderWay") -> Reply:
        began = time.perf_counter()
        call, refusal = under_way.call, None
        request = _request(item, call, request_id=next(self._request_ids))
        logged_trace.set(request.trace)
        client_request_id = client_request_id_of(request)
        try:
            path, query = target_of(
                item.url,
                root=under_way.root,
                is_own=self._is_own,
                max_bytes=self._settings.max_url_bytes,
            )
            request = replace(request, path=path, query=query)
            _refuse_after(failed)
            self._refuse_late(under_way)
            _check_authorization(item, call.request)
            check_size(request, self._settings)
            reply = await self._operation(request, call.origin)
            if request.method != "HEAD":
                await reply.whole()
                reply = under_way.fitting(request, reply)
        except Exception as error:  # noqa: BLE001 (every request has an answer, whatever becomes of it)
            refusal = told(error)
            reply = refused(refusal, request, client_request_id=client_request_id, origin=call.origin)
        if request.method == "HEAD":
            reply.body = b""
        reply.headers["request-id"] = request.trace.request_id
        reply.headers["client-request-id"] = client_request_id
        self._log.add(request, reply, seconds=time.perf_counter() - began, refusal=refusal)
        return reply

    def _operation(self, request: Request, origin: str) -> Awaitable[Reply]:
        resource = parse_path(request.path, request.query)
        if resource is None or isinstance(resource, BatchResource):
            raise BadRequest("A batch cannot hold another one.", target="url")
        return self._answer(resource, request, origin)

    def _refuse_late(self, under_way: "_UnderWay") -> None:
        if self._clock() >= under_way.ends:
            seconds = self._settings.request_timeout_seconds
            raise ServiceUnavailable(
                f"Not done, for the batch has taken {seconds} seconds already; ask for this by itself."
            )


@dataclass
class _UnderWay:
    """One batch while it is answered; nothing begins once it `ends`, and `room_bytes` are left for answers."""

    call: Call
    root: RootName
    turns: asyncio.Semaphore
    ends: float
    room_bytes: int

    def fitting(self, request: Request, reply: Reply) -> Reply:
        """Return the reply in JSON if there is room for it; raises PayloadTooLarge where nothing was written."""
        reply.body = in_json(reply.body, reply.content_type)
        if len(reply.body) <= self.room_bytes:
            self.room_bytes -= len(reply.body)
            return reply
        if request.method in _READING:
            raise PayloadTooLarge(
                "The answers of a batch are too large together; ask for this one by itself."
            )
        return _without_content(reply)


def _request(item: BatchItem, call: Call, *, request_id: str) -> Request:
    """Return a request of the batch as one that came by itself; where it goes is still to be read from its URL."""
    batch = call.request
    headers = {name: text for name, text in item.headers.items() if name not in _OF_THE_CONNECTION}
    headers["host"] = batch.headers.get("host", "")
    if "client-request-id" in batch.headers:
        headers.setdefault("client-request-id", batch.headers["client-request-id"])

    async def receive() -> Message:
        return {"type": "http.request", "body": item.content()}

    return replace(
        batch,
        method=item.method,
        query=b"",
        headers=headers,
        receive=receive,
        trace=Trace(
            request_id,
            call.caller.tenant_id,
            batch.trace.request_id,
            call.caller.app_id,
            sent_in=caller_span(headers.get("traceparent", "")) or batch.trace.sent_in,
        ),
    )


def _refuse_after(failed: Sequence[str]) -> None:
    """Raise FailedDependency where a request that was waited for has failed."""
    if failed:
        raise FailedDependency(f"Not done, for the request with the id {shown(failed[0])} has failed.")


def _check_authorization(item: BatchItem, batch: Request) -> None:
    """Raise BadRequest where a request names another caller than the batch: it would not be that one's."""
    sent = item.headers.get("authorization")
    if sent is not None and (sent,) != batch.authorization:
        raise BadRequest(
            "A request of a batch is that of the batch's caller; leave its Authorization header out.",
            target="Authorization",
        )


def _without_content(reply: Reply) -> Reply:
    """Return the answer to a write that `return=minimal` would get."""
    headers = {name: text for name, text in reply.headers.items() if name != "Preference-Applied"}
    if "Location" in headers:
        headers["OData-EntityId"] = headers["Location"]
    return Reply(_NO_CONTENT, headers=headers)


def _item_answer(item: BatchItem, reply: Reply) -> BatchAnswer:
    return BatchAnswer(item.id, reply.status, reply.headers, reply.content_type, reply.body)
