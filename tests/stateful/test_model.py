"""The model of the machine is a second opinion: it takes nothing from the service that it judges."""

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.mark.parametrize("name", ["model", "entities"])
def test_the_model_imports_nothing_of_the_service(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert {each for each in imported if each is not None and each.startswith("stanchion")} == set()
