"""The documentation and the sources keep the promises that a reader relies on."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)

# Written so that no pattern matches its own source.
MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9_.])/(?:work|farm|root)/")
REGISTRY_ADDRESS = re.compile(
    r"--(?:extra-)?index-url|--find[-]links|://[^ \"]*/simple/|://[^ \"]*/packages/[0-9a-f]{2}/"
    r"|\"resolved\": *\"http|registry *= *\"http"
)
ADR_HEADINGS = ["Status", "Context", "Decision", "Consequences"]
CHANGELOG_HEADINGS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
LONGEST_MODULE_LINES = 350


def repository_files(pattern: str = "*") -> list[Path]:
    """List the files that are in the repository or would be added to it, ordered by path."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return sorted(path for path in {ROOT / name for name in names if name} if path.is_file())


def name_of(path: Path) -> str:
    """Name a file as it is named in the repository."""
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """Read a page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """List the targets that a page links to, other sites left out."""
    targets = LINK.findall(CODE_SPAN.sub("", prose(page)))
    return [target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:", target)]


def anchors(page: Path) -> set[str]:
    """Name the headings of a page as links name them."""
    titles = HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def resolves(link: str, *, page: Path) -> bool:
    """Tell whether a link of a page leads to a file here and, where it names one, to a heading of it."""
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not (target.is_relative_to(ROOT) and target.exists()):
        return False
    return not anchor or target.suffix != ".md" or anchor in anchors(target)


PAGES = repository_files("*.md")
DECISIONS = [page for page in repository_files("docs/adr/*.md") if page.name != "README.md"]
MODULES = repository_files("stanchion/*.py")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if not resolves(link, page=page)] == []


@pytest.mark.parametrize("page", repository_files("docs/*.md"), ids=name_of)
def test_every_page_is_listed_in_the_index_above_it(page: Path) -> None:
    if page == ROOT / "docs" / "README.md":
        return
    folder = page.parent.parent if page.name == "README.md" else page.parent
    listed = {(folder / link.partition("#")[0]).resolve() for link in links(folder / "README.md")}
    assert page in listed


@pytest.mark.parametrize("decision", DECISIONS, ids=name_of)
def test_every_decision_follows_the_template(decision: Path) -> None:
    text = prose(decision)
    number = "NNNN" if decision.name == "template.md" else decision.name[:4]
    assert text.startswith(f"# {number}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ADR_HEADINGS


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [page.name[:4] for page in DECISIONS if page.name != "template.md"]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE)[0] == "[Unreleased]"
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= CHANGELOG_HEADINGS


@pytest.mark.parametrize(
    "pattern", [MACHINE_PATH, REGISTRY_ADDRESS], ids=["path of a machine", "address of a registry"]
)
def test_the_repository_holds_no(pattern: re.Pattern[str]) -> None:
    found = []
    for path in repository_files():
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found += [f"{name_of(path)}: {line.strip()[:120]}" for line in lines if pattern.search(line)]
    assert found == []


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("see /{}/notes".format("work"), MACHINE_PATH),
        ("={}/x".format("/root"), MACHINE_PATH),
        ("-{}-url x".format("-index"), REGISTRY_ADDRESS),
        ("https://host/{}/name".format("simple"), REGISTRY_ADDRESS),
        ('"resolved": "{}://x"'.format("http"), REGISTRY_ADDRESS),
    ],
)
def test_what_must_not_be_named_is_recognised(line: str, pattern: re.Pattern[str]) -> None:
    assert pattern.search(line)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_every_module_has_a_docstring(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", [m for m in MODULES if "migrations" not in m.parts], ids=name_of)
def test_every_module_can_be_read_at_a_sitting(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE_LINES
