"""The parts of the documentation that are made from the code, between markers in their pages.

`python -m tests.docs.generated`, run in the checkout, writes them anew; a test fails while one is out of date.
A part stands between `<!-- generated: name -->` and `<!-- end of generated -->`.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import click
from sqlalchemy import Column, Integer, LargeBinary, Table, UniqueConstraint
from sqlalchemy.schema import Index

from stanchion import errors
from stanchion.access import attempts, bearer, claims
from stanchion.access.permission import ROLES
from stanchion.cli.group import main as program
from stanchion.cli.import_metrics import IMPORT_METRICS
from stanchion.model import check, json_text
from stanchion.model.edm import (
    ENTITY_SETS,
    GRAPH_SETS,
    Collection,
    EntitySet,
    Enumeration,
    Item,
    Primitive,
    StructuredType,
    type_name,
)
from stanchion.odata import batch
from stanchion.odata.filter import MAX_BYTES, MAX_DEPTH, MAX_TESTS
from stanchion.odata.filter.nesting import MAX_STEPS
from stanchion.odata.options import MAX_PAGE_SIZE
from stanchion.settings import SETTINGS, Setting
from stanchion.store import waiting
from stanchion.store.tables import TENANT_OWNED, metadata
from stanchion.web.batch import MAX_ANSWERS_BYTES
from stanchion.web.metrics import METRICS, Metric
from tests.docs.client_versions import client_versions
from tests.docs.on_sqlite import on_sqlite_alone
from tests.issuers.attacks import ATTACKS, BAD_ASSERTIONS, BAD_ISSUERS

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PART = re.compile(r"(<!-- generated: (?P<name>[a-z ]+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)

Rows = Iterable[tuple[str, ...]]


def table(*headings: str, rows: Rows) -> str:
    """Return a table in Markdown."""
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def code(value: object) -> str:
    """Return a value as code."""
    return f"`{value}`"


def settings() -> str:
    """Every setting."""
    return table(
        "option",
        "variable",
        "in the file",
        "default",
        "meaning",
        rows=(
            (
                code(setting.option),
                code(setting.variable),
                code(f"{setting.name} = {_in_toml(setting)}"),
                "none" if setting.default in (None, ()) else code(setting.default),
                setting.sentence
                + (f" One of {', '.join(map(code, sorted(setting.choices)))}." if setting.choices else ""),
            )
            for setting in SETTINGS.values()
        ),
    )


def _in_toml(setting: Setting) -> str:
    if setting.is_number:
        return "number"
    return "[...]" if setting.repeatable else '"..."'


def _mib(size_bytes: int) -> str:
    return f"{size_bytes // 1024**2} MiB"


def limits() -> str:
    """The limits that no setting changes."""
    return table(
        "what",
        "limit",
        rows=(
            ("rows of a page", f"{MAX_PAGE_SIZE}"),
            ("a filter", f"{MAX_BYTES:,} bytes, {MAX_TESTS} tests, {MAX_DEPTH} levels, {MAX_STEPS} steps"),
            ("depth of a JSON body", f"{json_text.MAX_DEPTH} levels"),
            ("requests of a batch", f"{batch.MAX_REQUESTS}, whose answers share {_mib(MAX_ANSWERS_BYTES)}"),
            ("values in a JSON body", f"{json_text.MAX_VALUES:,}"),
            ("characters of an id", f"{check.MAX_ID_CHARACTERS}"),
            ("length of a bearer token", f"{bearer.MAX_TOKEN_BYTES:,} bytes"),
            ("life of a token", f"{claims.TOKEN_LIFETIME_SECONDS} s"),
            ("difference of clocks allowed for", f"{claims.CLOCK_SKEW_SECONDS} s"),
            ("writes that wait at a time", f"{waiting.QUEUE_CAPACITY}, then 503"),
            ("time that a write waits for its turn", f"{waiting.DEADLINE_SECONDS:g} s, then 503"),
            ("writes in one transaction", f"{waiting.BATCH_LIMIT}"),
            (
                "failed client authentications from one address in a minute",
                f"{attempts.FAILURES_PER_CLIENT} for a client, {attempts.FAILURES_PER_ADDRESS} for all; then 429",
            ),
        ),
    )


def commands() -> str:
    """Every command, its arguments and its options."""
    return "\n".join(_described(command, path) for path, command in every_command())


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Give each command that does something, with the words that call it."""
    yield from _below(program, "stanchion")


def _below(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _below(found, f"{path} {name}")


def _described(command: click.Command, path: str) -> str:
    usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path)))
    sentences = "\n\n".join(" ".join(p.split()) for p in (command.help or "").split("\n\n"))
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    rows = ((_names(option), _meaning(option)) for option in options)
    return f"## {path}\n\n```\n{path} {usage}\n```\n\n{sentences}\n\n" + table("option", "meaning", rows=rows)


def _names(option: click.Option) -> str:
    if option.is_flag:
        return ", ".join(map(code, option.opts))
    kind = option.type
    values = (
        "|".join(sorted(kind.choices)) if isinstance(kind, click.Choice) else option.make_metavar(_CONTEXT)
    )
    return code(f"{', '.join(option.opts)} {values.partition(' RANGE')[0]}")


def _meaning(option: click.Option) -> str:
    sentence = re.sub(r"\s+\[default: (.*)\]", r" Default: `\1`.", option.help or "")
    if option.required:
        sentence += " Required."
    if option.multiple and "repeatable" not in sentence:
        sentence += " Repeatable."
    default = option.get_default(_CONTEXT, call=False)
    if not option.is_flag and default not in (None, ()) and isinstance(default, str | int | tuple | Path):
        values = default if isinstance(default, tuple) else (default,)
        sentence += f" Default: {', '.join(map(code, values))}."
    return sentence


_CONTEXT = click.Context(program)


def properties() -> str:
    """Every type and its properties, the types of the sets first."""
    sets = {entity_set.type.name: entity_set for entity_set in ENTITY_SETS.values()}
    return "\n".join(_type(kind, sets.get(kind.name)) for kind in every_type())


def every_type() -> list[StructuredType | Enumeration]:
    """Return the types of the sets and those that they are made of, each once."""
    found: dict[str, StructuredType | Enumeration] = {}
    waiting: list[Item] = [entity_set.type for entity_set in ENTITY_SETS.values()]
    while waiting:
        kind = waiting.pop(0)
        if isinstance(kind, Primitive) or kind.name in found:
            continue
        found[kind.name] = kind
        if isinstance(kind, StructuredType):
            types = (prop.type for prop in kind.properties)
            waiting.extend(each.item if isinstance(each, Collection) else each for each in types)
    return list(found.values())


def _type(kind: StructuredType | Enumeration, entity_set: EntitySet | None) -> str:
    if isinstance(kind, Enumeration):
        members = table("member", "number", rows=((code(n), str(v)) for n, v in kind.members.items()))
        return f"## {kind.name}\n\n{kind.description} An enumeration.\n\n{members}"
    columns = {column.path for column in entity_set.columns} if entity_set is not None else set()
    where = ""
    if entity_set is not None:
        roots = " and ".join(f"`/{root}`" for root in entity_set.roots)
        where = (
            f" The type of `{entity_set.name}`, on {roots}."
            if roots
            else " The ledger's own; not served yet."
        )
    kind_of = "An entity" if kind.is_entity else "A complex type"
    openness = (
        "open: it may carry further properties" if kind.is_open else "closed: further properties are refused"
    )
    rows = (
        (
            code(prop.name),
            code(type_name(prop.type)),
            "yes" if prop.nullable else "no",
            ", ".join(code("/".join(path)) for path in sorted(columns) if path[0] == prop.name) or "-",
            prop.description,
        )
        for prop in kind.properties
    )
    listed = table("property", "type", "nullable", "column", "meaning", rows=rows)
    return f"## {kind.name}\n\n{kind.description}{where} {kind_of}, {openness}.\n\n{listed}"


def error_codes() -> str:
    """Every error that a caller can meet."""
    rows = (
        (str(error.status), code(error.code), (error.__doc__ or "").split("\n\n")[0].replace("\n    ", " "))
        for error in every_error()
    )
    return table("status", "code", "when", rows=rows)


def every_error() -> list[type[errors.StanchionError]]:
    """Return the classes of failures that are answered over HTTP, by status."""
    found = [
        value
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, errors.StanchionError)
        and value not in {errors.StanchionError, errors.OperatorError}
    ]
    return sorted(found, key=lambda error: (error.status, error.code))


def tables() -> str:
    """Every table of the schema."""
    return "\n".join(_table(each) for each in metadata.tables.values())


def _table(each: Table) -> str:
    owned = "Tenant-owned" if each.name in TENANT_OWNED else "Not tenant-owned"
    key = ", ".join(code(column.name) for column in each.primary_key)
    unique = [c for c in each.constraints if isinstance(c, UniqueConstraint)]
    indexes = sorted(each.indexes, key=lambda index: str(index.name))
    further = "".join(f" Unique: {_columns(c)}." for c in sorted(unique, key=lambda c: str(c.name)))
    further += "".join(f" Index: {_columns(index)}." for index in indexes)
    rows = ((code(c.name), _kind(c), "yes" if c.nullable else "no") for c in each.columns)
    return f"### {each.name}\n\n{owned}. Primary key: {key}.{further}\n\n" + table(
        "column", "kind", "nullable", rows=rows
    )


def _columns(constraint: UniqueConstraint | Index) -> str:
    return "(" + ", ".join(code(column.name) for column in constraint.columns) + ")"


def _kind(column: Column[object]) -> str:
    kind = column.type
    if column.name.endswith("_ticks") or column.name.endswith("date_time"):
        return "ticks"
    if isinstance(kind, LargeBinary):
        return "bytes"
    return "whole number" if isinstance(kind, Integer) else type(kind).__name__.lower()


def sets() -> str:
    """The sets, as they are asked."""
    return table(
        "set",
        "roots",
        "default page",
        "default order",
        rows=(
            (
                code(each.name),
                ", ".join(code(f"/{root}") for root in each.roots),
                str(each.default_page_size),
                "newest first; Microsoft/SecureScore first among equals, then provider, then id"
                if each.newest_first
                else "id",
            )
            for each in GRAPH_SETS
        ),
    )


def roles() -> str:
    """The directory roles that mean something."""
    return table("role", "template id", rows=((name, code(id)) for name, id in ROLES.items()))


def attacks() -> str:
    """Every forged token, and how it is refused."""
    return "\n".join(
        f"### {heading}\n\n"
        + table(
            "attack",
            "forged",
            "rule",
            "answer",
            rows=((row.name, row.forged, row.clause, str(row.status)) for row in rows),
        )
        for heading, rows in ATTACKS.items()
    )


def bad_issuers() -> str:
    """Every issuer that is not added."""
    return table("attack", "forged", "rule", rows=((row.name, row.forged, row.clause) for row in BAD_ISSUERS))


def bad_assertions() -> str:
    """Every client assertion that gets no token."""
    return table(
        "attack",
        "forged",
        "rule",
        "AADSTS",
        rows=((row.name, row.forged, row.clause, str(row.code)) for row in BAD_ASSERTIONS),
    )


def tests_on_sqlite_alone() -> str:
    """Return a table of the tests that are about SQLite, and why."""
    rows = (
        (code(module), code(name) if name else "all", reason) for module, name, reason in on_sqlite_alone()
    )
    return table("module", "tests", "on SQLite alone, because it", rows=rows)


def clients() -> str:
    """The clients of tests/clients and the versions that are tested."""
    rows = ((code(name), language, version) for name, language, version in client_versions())
    return table("package", "language", "version", rows=rows)


def code_map() -> str:
    """Every module in a line, by package."""
    folders: dict[Path, list[Path]] = {}
    for module in modules():
        folders.setdefault(module.parent, []).append(module)
    return "\n".join(_package(folder, folders[folder]) for folder in sorted(folders))


def modules() -> list[Path]:
    """Return the files of the package, but for empty ones."""
    return sorted(path for path in (ROOT / "stanchion").rglob("*.py") if path.stat().st_size)


def _package(folder: Path, files: list[Path]) -> str:
    name = folder.relative_to(ROOT).as_posix()
    init = folder / "__init__.py"
    heading = f"### {name}\n\n" + (f"{_sentence(init)}\n\n" if init in files else "")
    lines = (f"- [`{file.stem}`]({name}/{file.name}): {_sentence(file)}\n" for file in files if file != init)
    return heading + "".join(lines)


def _sentence(module: Path) -> str:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def metrics() -> str:
    """Every metric of a server."""
    return _metrics(METRICS)


def import_metrics() -> str:
    """Every metric of an import."""
    return _metrics(IMPORT_METRICS)


def _metrics(described: Iterable[Metric]) -> str:
    return table(
        "metric",
        "kind",
        "labels",
        "what it says",
        rows=(
            (
                code(f"{each.name}_total" if each.kind == "counter" else each.name),
                each.kind,
                ", ".join(map(code, each.labels)) or "-",
                each.sentence,
            )
            for each in described
        ),
    )


PARTS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "settings": settings,
        "limits": limits,
        "commands": commands,
        "properties": properties,
        "errors": error_codes,
        "tables": tables,
        "sets": sets,
        "roles": roles,
        "attacks": attacks,
        "bad issuers": bad_issuers,
        "bad assertions": bad_assertions,
        "clients": clients,
        "tests on sqlite alone": tests_on_sqlite_alone,
        "code map": code_map,
        "metrics": metrics,
        "import metrics": import_metrics,
    }
)


def pages() -> list[Path]:
    """Return the pages that have a generated part."""
    return [
        page
        for page in (ROOT / "ARCHITECTURE.md", *sorted(DOCS.rglob("*.md")))
        if PART.search(page.read_text(encoding="utf-8"))
    ]


def renewed(text: str) -> str:
    """Return a page's text with its generated parts made anew."""
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part['name']]()}\n{part[3]}", text)


def main() -> None:
    """Write the generated parts of all pages anew."""
    for page in pages():
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
