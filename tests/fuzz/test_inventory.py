"""Every module that reads input is fuzzed, and each target reaches the modules that it is said to read with."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import stanchion
from fuzz.kept import FOLDER, inputs
from fuzz.reach import modules_called
from fuzz.targets import TARGETS

PACKAGE = Path(stanchion.__file__).parent
# What takes a text or bytes apart, by the name by which it is called.
READERS = frozenset(
    [
        "ZipFile",
        "b64decode",
        "convert",
        "decode",
        "decompress",
        "decompressobj",
        "deserialize_compact",
        "finditer",
        "fromhex",
        "fromisoformat",
        "fullmatch",
        "getincrementaldecoder",
        "import_key",
        "ip_address",
        "ip_network",
        "load_der_x509_certificate",
        "loads",
        "match",
        "parse_qsl",
        "partition",
        "rpartition",
        "search",
        "unquote",
        "unquote_plus",
        "unquote_to_bytes",
        "urlsafe_b64decode",
        "urlsplit",
        "UUID",
    ]
)
# What these read is no stranger's: it was written, or judged already, by ourselves.
OF_OUR_OWN = frozenset(
    {
        "access.client",
        "access.clouds",
        "access.issuer",
        "access.keys",
        "access.secrets",
        "cli.apart",
        "access.tenant_erasure",
        "ledger.changes",
        "ledger.working_set",
        "logs",
        "model.csdl",
        "model.csdl_json",
        "odata.annotations",
        "odata.render",
        "web.openapi_page",
        "web.openapi_view",
        "web.request_log",
    }
)
# What these read, an operator typed: one text of an option or a setting, held against one pattern.
OF_OPERATORS = frozenset(
    {
        "access.operator_certificate",
        "cli.certificate",
        "cli.checks.configuration",
        "cli.data",
        "cli.group",
    }
)
# The store reads what the store wrote; the demo is data.
PARTS_OF_OUR_OWN = ("demo.", "store.")


def reading_modules() -> Iterator[str]:
    """Name the modules that take input apart."""
    for file in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        called = {
            node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
        }
        if not called.isdisjoint(READERS) and not name.startswith(PARTS_OF_OUR_OWN):
            yield name


def test_every_module_that_reads_input_has_a_target() -> None:
    fuzzed = {module for target in TARGETS.values() for module in target.modules}
    assert set(reading_modules()) - fuzzed - OF_OUR_OWN - OF_OPERATORS == set()


def test_what_is_left_out_reads_input_and_is_not_fuzzed() -> None:
    fuzzed = {module for target in TARGETS.values() for module in target.modules}
    left_out = OF_OUR_OWN | OF_OPERATORS
    assert left_out - set(reading_modules()) == set()
    assert left_out & fuzzed == set()


def test_each_target_has_inputs_and_nothing_else_has() -> None:
    assert {folder.name for folder in FOLDER.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_the_kept_inputs_of_a_target_reach_what_it_reads_and_are_no_finding(name: str) -> None:
    read = TARGETS[name].make()
    with modules_called() as called:
        for data in inputs(name):
            read(data)
    assert set(TARGETS[name].modules) - called == set()
