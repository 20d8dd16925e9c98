"""Which licences may run with the product: those of an expression, of classifiers, in words, or none."""

import sys
from pathlib import Path

import pytest

from release.licences import is_allowed, licence_of, main


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "Apache-2.0 OR GPL-3.0-only",
        "MIT AND PSF-2.0",
        "BSD License",
        "Mozilla Public License 2.0 (MPL 2.0)",
        "GPL-2.0-only OR MIT AND BSD-3-Clause",
    ],
)
def test_a_licence_that_may_run_with_apache_2_is_allowed(licence: str) -> None:
    assert is_allowed(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "unknown",
        "not installed",
        "",
        "GPL-3.0-only",
        "AGPL-3.0-or-later",
        "MIT AND GPL-3.0-only",
        "LGPL-3.0-only",
        "Proprietary",
    ],
)
def test_any_other_licence_is_refused_and_so_is_silence(licence: str) -> None:
    assert not is_allowed(licence)


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT\nLicense: something else", "MIT"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
        (
            (
                "Classifier: License :: OSI Approved :: MIT License\n"
                "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
            ),
            "GNU General Public License v3 (GPLv3) AND MIT",
        ),
        ("Classifier: License :: OSI Approved\nLicense: ISC", "ISC"),
        ("License: " + "The whole text of it. " * 10, "unknown"),
        ("Summary: says nothing", "unknown"),
    ],
)
def test_the_licence_is_read_where_a_package_says_it(
    metadata: str, licence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "invented-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: invented\nVersion: 1.0\n{metadata}\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    assert licence_of("invented") == licence


def test_a_package_that_is_not_there_has_no_licence() -> None:
    assert licence_of("no-such-package-anywhere") == "not installed"


def test_all_that_runs_with_the_product_may(capsys: pytest.CaptureFixture[str]) -> None:
    main()

    assert "are under licences that allow it" in capsys.readouterr().out
