"""The description of a root as a page: HTML without scripts, made from the OpenAPI document and nothing else.

- The style stands in the page and is allowed by its hash; nothing is loaded from anywhere.
- Everything in the page is reached by links and headings; what is long opens by `details`.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from types import MappingProxyType

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from stanchion.model.json_text import JsonObject
from stanchion.web.openapi_view import sections, structures


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stanchion", "web/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["code"] = _with_code
    return environment


def openapi_page(document: JsonObject) -> bytes:
    """Return the page of a document."""
    page = (
        _environment()
        .get_template("openapi.html")
        .render(
            document=document,
            sections=sections(document),
            schemas=structures(document),
        )
    )
    return page.encode()


def page_headers() -> Mapping[str, str]:
    """Return the headers that keep the page from loading, running or sending anything."""
    digest = b64encode(sha256(_style().encode()).digest()).decode()
    return MappingProxyType(
        {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
    )


@cache
def _style() -> str:
    return _environment().get_template("openapi.css").render()


def _with_code(text: str) -> Markup:
    """Return a sentence whose words between backticks are code."""
    parts = text.split("`")
    marked = [Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts)]
    return Markup("").join(marked)
