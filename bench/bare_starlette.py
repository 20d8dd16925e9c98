"""The yardstick of starting: the least that an application of Starlette can be, one route that answers with JSON."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def _answer(_: Request) -> JSONResponse:
    return JSONResponse({"id": "one"})


application = Starlette(routes=[Route("/one", _answer)])
