"""What is published: the same bytes from the same sources, whole, and working with nothing else installed."""

import email.message
import email.parser
import json
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import stanchion
from release.bill import write_bill
from release.build import Built, build, check_same, check_sdist, sha256, write_sums
from release.checkout import ReleaseError, aged
from release.lock import read_lock, running
from tests.docs.test_docs import ROOT, repository_files
from tests.release.first_answer import first_answer
from tests.serving.process import free_port

pytestmark = pytest.mark.slow

EPOCH_SECONDS = 1_790_000_000


def copied(folder: Path) -> Path:
    """Copy what is in the repository, or would be, as a clone would have it."""
    for file in repository_files():
        target = folder / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("release")
    return build(copied(folder / "sources"), folder / "built", epoch_seconds=EPOCH_SECONDS)


@pytest.fixture(scope="module")
def content(built: Built) -> set[str]:
    with zipfile.ZipFile(built.wheel) as wheel:
        return set(wheel.namelist())


@pytest.fixture(scope="module")
def metadata(built: Built) -> email.message.Message:
    with zipfile.ZipFile(built.wheel) as wheel:
        text = wheel.read(f"stanchion-{built.version}.dist-info/METADATA").decode()
    return email.parser.Parser().parsestr(text)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of the wheel in an environment of its own, which lends the other packages of this one.

    That nothing else is needed is checked where there is a network: by `.ci/smoke`.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    command = ("-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--no-index", "--no-deps")
    subprocess.run([sys.executable, *command, "--quiet", str(built.wheel)], check=True)
    (packages / "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "bin" / "stanchion"


def test_another_clone_of_another_time_builds_the_same_bytes(built: Built, tmp_path: Path) -> None:
    sources = aged(copied(tmp_path / "elsewhere" / "sources"))

    check_same(built, build(sources, tmp_path / "built", epoch_seconds=EPOCH_SECONDS))


def test_other_sources_are_found_to_differ(built: Built, tmp_path: Path) -> None:
    sources = copied(tmp_path / "sources")
    with (sources / "stanchion" / "app.py").open("a") as module:
        module.write("# Another line.\n")

    with pytest.raises(ReleaseError, match="is not reproducible"):
        check_same(built, build(sources, tmp_path / "built", epoch_seconds=EPOCH_SECONDS))


def test_the_sdist_builds_the_same_wheel(built: Built, tmp_path: Path) -> None:
    check_sdist(built, tmp_path, epoch_seconds=EPOCH_SECONDS)


def test_the_wheel_holds_the_package_whole_and_nothing_else(content: set[str]) -> None:
    package = {file.relative_to(ROOT).as_posix() for file in repository_files("stanchion/*")}
    described = {name for name in content if ".dist-info/" in name}

    assert content - described == package
    assert {name.partition("/")[2] for name in described} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


@pytest.mark.parametrize(
    "name",
    [
        "stanchion/py.typed",
        "stanchion/store/migrations/versions/0001_first_schema.py",
        "stanchion/web/templates/openapi.html",
    ],
)
def test_the_wheel_holds(content: set[str], name: str) -> None:
    assert name in content


def test_the_version_is_said_in_one_place(built: Built, metadata: email.message.Message) -> None:
    assert built.version == metadata["Version"] == stanchion.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d\S*)\]", changelog, re.MULTILINE)
    # The newest heading is this version's, or there is none before the first release.
    assert released[:1] in ([], [stanchion.__version__])


def test_the_metadata_say_what_it_is(metadata: email.message.Message) -> None:
    assert metadata["Name"] == "stanchion"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_all("Provides-Extra") is None
    assert metadata.get_all("Project-URL") is None
    assert str(metadata.get_payload()).strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()


def test_what_is_required_is_locked(metadata: email.message.Message) -> None:
    required = {re.split(r"[ <>=;\[]", line)[0] for line in metadata.get_all("Requires-Dist", [])}
    packages = running(read_lock(ROOT / "requirements.lock"))
    direct = {package.name for package in packages if "stanchion (pyproject.toml)" in package.via}

    assert direct == required


def test_what_only_builds_is_not_said_to_run() -> None:
    packages = read_lock(ROOT / "requirements.lock")

    assert "hatchling" in {package.name for package in packages}
    assert "hatchling" not in {package.name for package in running(packages)}
    assert all(package.hashes and package.via for package in packages)


def test_the_bill_of_materials_names_each_package_and_is_always_the_same(
    built: Built, tmp_path: Path
) -> None:
    packages = running(read_lock(ROOT / "requirements.lock"))
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file in files:
        write_bill(built, packages, file, epoch_seconds=EPOCH_SECONDS)

    bill = json.loads(files[0].read_text())
    assert files[0].read_bytes() == files[1].read_bytes()
    assert {(each["name"], each["version"]) for each in bill["components"]} == {
        (package.name, package.version) for package in packages
    }
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": sha256(built.wheel)}]
    assert bill["metadata"]["timestamp"] == "2026-09-21T14:13:20+00:00"


def test_the_sums_are_those_that_sha256sum_checks(built: Built, tmp_path: Path) -> None:
    shutil.copy(built.wheel, tmp_path)
    write_sums(tmp_path, "SHA256SUMS")

    ran = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert ran.stdout == f"{built.wheel.name}: OK\n"


def test_what_is_installed_is_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = "import stanchion; print(stanchion.__file__)"
    command = (str(installed.with_name("python")), "-I", "-c", code)
    ran = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert Path(ran.stdout.strip()).is_relative_to(installed.parents[1])


def test_the_installed_command_says_its_version(installed: Path, tmp_path: Path) -> None:
    ran = subprocess.run([installed, "--version"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert stanchion.__version__ in ran.stdout


def test_the_installed_demo_answers(installed: Path, tmp_path: Path) -> None:
    assert first_answer(installed, tmp_path, port=free_port())["maxScore"] is not None
