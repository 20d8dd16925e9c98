"""The documentation says what the code does: its generated parts are current, and what it names is there."""

import re
from pathlib import Path

import click
import pytest

from stanchion.access.permission import PERMISSIONS
from stanchion.errors import StanchionError
from stanchion.ledger.decisions import ALLOWED_STATES
from stanchion.odata import options
from stanchion.settings import SETTINGS, Setting
from stanchion.web.request_log import Answered
from tests.docs import generated
from tests.docs.generated import ROOT
from tests.docs.test_docs import PAGES, name_of

REFERENCE = ROOT / "docs" / "reference"
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
COMMANDS = dict(generated.every_command())
LONGEST = max(len(path.split()) for path in COMMANDS) - 1
GROUPS = {path.rpartition(" ")[0] for path in COMMANDS}
# In examples and in running text: `stanchion app add --tenant $TENANT`.
CALL = re.compile(r"(?:^|[`(])stanchion (?P<words>[a-z][^\n`|)]*)", re.MULTILINE)
NAMED_IN_A_FILE = re.compile(r"`([A-Za-z_.]+)`\s\(`(\w+/\w+\.py)`\)")
OTHER_VARIABLES = {
    *("STANCHION_CLIENT_SECRET", "STANCHION_CONFIG", "STANCHION_TEST_CITUS_URL"),
    *("STANCHION_TEST_POSTGRES_BIN", "STANCHION_TEST_POSTGRES_URL", "STANCHION_CRASH_KILLS"),
}
OPTIONS = {*options._LIST_OPTIONS, *options._ITEM_OPTIONS, *options._NOT_OFFERED, "$expand", "$deltatoken"}


def text_of(name: str) -> str:
    """Read a page of the reference."""
    return (REFERENCE / name).read_text(encoding="utf-8")


def called(page: Path) -> list[tuple[str, str]]:
    """List the commands that a page calls, each with its line."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    found = [match["words"].strip() for match in CALL.finditer(text)]
    return [(_command(words), words) for words in found if f"stanchion {words}" not in GROUPS]


def _command(words: str) -> str:
    given = words.split()
    paths = (" ".join(["stanchion", *given[:length]]) for length in range(LONGEST, 0, -1))
    return next((path for path in paths if path in COMMANDS), "")


@pytest.mark.parametrize("page", generated.pages(), ids=name_of)
def test_the_generated_parts_of_a_page_are_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == generated.renewed(text), "run: python -m tests.docs.generated"


def test_every_generated_part_stands_in_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in generated.pages())
    assert {match["name"] for match in generated.PART.finditer(text)} == set(generated.PARTS)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_every_setting_is_documented(setting: Setting) -> None:
    assert f"| `{setting.option}` | `{setting.variable}` |" in text_of("settings.md")


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_documented_with_its_options(path: str) -> None:
    part = text_of("commands.md").partition(f"\n## {path}\n")[2].partition("\n## ")[0]
    given = [name for p in COMMANDS[path].params if isinstance(p, click.Option) for name in p.opts]
    assert given
    assert [name for name in given if f"`{name}" not in part] == []


@pytest.mark.parametrize("error", generated.every_error(), ids=lambda error: error.code)
def test_every_error_is_documented(error: type[StanchionError]) -> None:
    assert f"| {error.status} | `{error.code}` |" in text_of("errors.md")


@pytest.mark.parametrize(
    "field", [*Answered.__struct_fields__, "exception", "reason", "kind", "person", "address"]
)
def test_every_field_of_the_log_is_documented(field: str) -> None:
    rows = [line for line in text_of("logs.md").splitlines() if line.startswith("|")]
    assert any(f"`{field}`" in row.split(" | ")[0] for row in rows)


@pytest.mark.parametrize("option", sorted(OPTIONS))
def test_every_query_option_is_documented(option: str) -> None:
    assert f"`{option}`" in text_of("query-options.md")


@pytest.mark.parametrize("name", [*PERMISSIONS, *ALLOWED_STATES.split(", ")])
def test_every_permission_and_state_is_documented(name: str) -> None:
    assert f"`{name}`" in text_of("http-api.md")


@pytest.mark.parametrize("module", generated.modules(), ids=name_of)
def test_every_module_is_in_the_code_map(module: Path) -> None:
    name = name_of(module)
    entry = f"### {name.removesuffix('/__init__.py')}\n" if module.name == "__init__.py" else f"({name})"
    assert entry in ARCHITECTURE


@pytest.mark.parametrize(("name", "file"), sorted(set(NAMED_IN_A_FILE.findall(ARCHITECTURE))))
def test_what_the_architecture_names_is_where_it_says(name: str, file: str) -> None:
    source = (ROOT / "stanchion" / file).read_text(encoding="utf-8")
    missing = [part for part in name.split(".") if not re.search(rf"\b(?:def|class) {part}\b", source)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_and_option_that_a_page_calls_is_there(page: Path) -> None:
    for path, words in called(page):
        assert path, f"stanchion {words}"
        known = {name for p in COMMANDS[path].params for name in p.opts} | {"--help"}
        given = set(re.findall(r"(?<!\S)--[a-z-]+", words.partition(" | ")[0]))
        assert given <= known, f"stanchion {words}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_variable_that_a_page_names_is_a_setting(page: Path) -> None:
    known = {setting.variable for setting in SETTINGS.values()} | OTHER_VARIABLES
    assert set(re.findall(r"STANCHION_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8"))) <= known
