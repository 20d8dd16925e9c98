"""The description as a page: for people, keyboards and screen readers, without scripts or strangers."""

import re
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from stanchion.model.edm import RootName
from stanchion.settings import Settings
from stanchion.web.graph import offered_methods
from stanchion.web.openapi_page import openapi_page
from stanchion.web.openapi_routes import described, facts_of
from tests.conftest import ORIGIN, Api

ROOTS: tuple[RootName, ...] = ("v1.0", "beta")
VOID = {"meta", "link", "br", "hr", "img", "input"}
COLOUR = re.compile(r"--(?P<name>[a-z]+): (?P<colour>#[0-9a-f]{6});")
TEXTS = ("ink", "faint", "link", "get", "post", "patch", "delete")
# WCAG 2.2, 1.4.3: normal text at level AA.
LEAST_CONTRAST = 4.5


class Page(HTMLParser):
    """What the tests look at in a page, read strictly: every element that opens also closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.labels: list[str] = []
        self.headings: list[int] = []
        self.styled: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if "href" in given:
            self.links.append(given["href"])
        self.addresses += [given[name] for name in ("src", "srcset", "action", "data") if name in given]
        self.labels += given.get("aria-labelledby", "").split()
        self.styled += [name for name in given if name == "style" or name.startswith("on")]
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@cache
def page_text(root: RootName = "v1.0") -> str:
    """Return the page at ORIGIN; it takes half a second to make."""
    facts = facts_of(Settings())
    return openapi_page(described(root, ORIGIN, methods=offered_methods, facts=facts)).decode()


def style_of(text: str) -> str:
    return text.partition("<style>")[2].partition("</style>")[0]


def contrast(first: str, second: str) -> float:
    """Return the ratio of two colours (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("root", ROOTS)
def test_every_link_in_the_page_leads_to_a_place_in_it(root: RootName) -> None:
    page = Page(page_text(root))
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= set(page.ids)
    assert set(page.labels) <= set(page.ids)


@pytest.mark.anyio
async def test_other_links_lead_to_other_forms_of_the_same(api: Api) -> None:
    page = Page(page_text())
    others = [link for link in page.links if not link.startswith("#")]
    assert others == ["openapi.json", "$metadata"]
    for link in others:
        assert (await api.client.get(f"/v1.0/{link}")).status_code == 200


def test_the_page_runs_nothing_and_loads_nothing() -> None:
    text = page_text()
    page = Page(text)
    assert page.addresses == []
    assert page.styled == []
    assert not page.elements.keys() & {"script", "link", "img", "iframe", "form", "object", "embed", "base"}
    assert "url(" not in text
    assert "@import" not in text


@pytest.mark.anyio
async def test_the_policy_allows_the_style_of_the_page_and_nothing_else(api: Api) -> None:
    reply = await api.client.get("/v1.0/docs", headers={"Accept": "text/html,*/*;q=0.8"})
    assert reply.headers["Content-Type"] == "text/html;charset=utf-8"
    assert reply.text == page_text()
    digest = b64encode(sha256(style_of(reply.text).encode()).digest()).decode()
    assert reply.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_has_landmarks_and_headings_in_order() -> None:
    text = page_text()
    page = Page(text)
    assert (page.elements["main"], page.elements["nav"], page.elements["header"]) == (1, 1, 1)
    assert '<html lang="en">' in text
    assert page.headings.count(1) == 1
    assert page.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))


def test_the_first_link_skips_to_what_matters() -> None:
    page = Page(page_text())
    assert page.links[0] == "#main"


def test_every_table_has_a_caption_and_headings_of_columns_and_rows() -> None:
    text = page_text()
    tables = re.findall(r"<table>.*?</table>", text, re.DOTALL)
    assert tables
    for table in tables:
        assert table.count("<caption>") == 1
        assert 'scope="col"' in table
        assert table.count('scope="row"') == table.count("<tr>") - 1


def test_a_printed_page_shows_what_would_have_to_be_opened() -> None:
    printed = style_of(page_text()).partition("@media print")[2]
    assert "details::details-content { content-visibility: visible;" in printed


def test_every_link_says_where_it_leads() -> None:
    names = re.findall(r"<a [^>]*>(.*?)</a>", page_text(), re.DOTALL)
    words = [re.sub("<[^>]*>", " ", name).split() for name in names]
    assert not [name for name in words if name in ([], ["GET"], ["POST"], ["PATCH"], ["DELETE"])]


def test_what_scrolls_is_reached_by_the_keyboard() -> None:
    text = page_text()
    for element in re.findall(r'<(?:pre|div class="scroll")[^>]*>', text):
        assert 'tabindex="0" role="region" aria-label="' in element


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: int) -> None:
    style = style_of(page_text())
    before, dark, after = style.partition("@media (prefers-color-scheme: dark)")
    colours = dict(COLOUR.findall((before, after)[scheme]))
    assert dark
    for name in TEXTS:
        for ground in ("ground", "panel", "code"):
            assert contrast(colours[name], colours[ground]) >= LEAST_CONTRAST, (name, ground)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.anyio
async def test_the_page_shows_every_operation_and_every_schema(root: RootName, api: Api) -> None:
    document = (await api.client.get(f"/{root}/openapi.json")).json()
    page = Page(page_text(root))
    for path in document["paths"].values():
        for method in {"get", "post", "patch", "delete"} & path.keys():
            assert path[method]["operationId"] in page.ids
    assert {f"schema-{name}" for name in document["components"]["schemas"]} <= set(page.ids)


@pytest.mark.anyio
async def test_what_a_caller_sends_never_becomes_markup(api: Api) -> None:
    reply = await api.client.get("/v1.0/docs?<script>=1", headers={"client-request-id": "<script>"})
    assert "<script>" not in reply.text


@pytest.mark.parametrize("module", ["jinja2", "stanchion.model.openapi", "stanchion.web.openapi_routes"])
def test_a_server_that_shows_no_description_imports_nothing_that_makes_one(module: str) -> None:
    root = Path(__file__).resolve().parents[2]
    program = f"import sys, stanchion.app; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0
