"""The examples of a page as one shell session, run in a folder of their own against a server of their own.

A fenced block says by its second word what becomes of it: `run` is run and must succeed, `serve` starts a server
that lives to the end of the page, `output` is what the block before must have printed, in order, `...` standing
for anything, and `clients` is Python or JavaScript for Microsoft's own libraries. Other blocks are read by people
only.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.serving.process import free_port

BLOCK = re.compile(
    r"^```(?P<language>\w+) (?P<role>run|serve|output|clients)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
TENANT = "0f3c2a8e-5b1d-4c6f-9a27-1d84e6b0c935"
_SESSION_SECONDS = 110
_NODE_PACKAGES = Path(__file__).resolve().parents[1] / "clients" / "node" / "node_modules"

_SERVE = """\
{command} --port {port} > served.txt 2>&1 &
until (exec 3<> /dev/tcp/127.0.0.1/{port}) 2> /dev/null; do
    kill -0 $! || {{ cat served.txt >&2; exit 1; }}
    sleep 0.05
done
TOKEN=$(sed -n 's/^TOKEN=//p' served.txt); export TOKEN
"""


@dataclass(frozen=True)
class Block:
    """One example: what it is for, and its text."""

    role: str
    text: str
    language: str


def blocks(page: Path) -> list[Block]:
    """Return the examples of a page that have a role."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(match["role"], match["text"], match["language"]) for match in found]


class Session:
    """A page's examples, running."""

    def __init__(self, page: Path, folder: Path, *, clients: bool = False) -> None:
        self._blocks = blocks(page)
        self._folder = folder
        self._port = str(free_port())
        _prepare(folder)
        if clients and _NODE_PACKAGES.is_dir():
            (folder / "node_modules").symlink_to(_NODE_PACKAGES)
        self._process = subprocess.Popen(
            ["bash", "-c", self._script(clients=clients)],
            cwd=folder,
            env=_environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def check(self) -> None:
        """Wait for the end; fail where an example failed or printed something else than the page says."""
        try:
            printed, _ = self._process.communicate(timeout=_SESSION_SECONDS)
        except subprocess.TimeoutExpired:
            printed = self.end()
        assert self._process.returncode == 0, printed
        parts = printed.split("--- block ---\n")[1:]
        for number, block in enumerate(self._blocks):
            if block.role == "output":
                expected = [self._here(line) for line in block.text.splitlines()]
                assert _contains(parts[number - 1], expected), f"{parts[number - 1]}\nlacks\n{block.text}"

    def end(self) -> str:
        """End what still runs, and return what it printed."""
        if self._process.poll() is not None:
            return ""
        os.killpg(self._process.pid, signal.SIGKILL)
        printed, _ = self._process.communicate()
        return printed

    def _script(self, *, clients: bool) -> str:
        lines = [
            "set -euo pipefail",
            "trap 'ended=$?; kill $(jobs -p) 2> /dev/null || :; wait; exit $ended' EXIT",
        ]
        for block in self._blocks:
            lines.append("echo '--- block ---'")
            text = self._here(block.text)
            match block.role:
                case "run":
                    lines.append(text)
                case "serve":
                    command = text.partition("#")[0].strip().replace("make demo", "stanchion demo")
                    lines.append(_SERVE.format(command=command, port=self._port))
                case "clients" if clients and block.language == "js":
                    # Where there is no Node, the example is skipped as its tests are.
                    lines.append(
                        f"[ ! -e node_modules ] || node --input-type=module - <<'END_OF_JS'\n{text}END_OF_JS"
                    )
                case "clients" if clients:
                    lines.append(f"{shlex.quote(sys.executable)} - <<'END_OF_PYTHON'\n{text}END_OF_PYTHON")
                case _:
                    pass
        return "\n".join(lines)

    def _here(self, text: str) -> str:
        return text.replace(":8080", f":{self._port}")


def _contains(printed: str, expected: list[str]) -> bool:
    """Tell whether the lines expected were printed in this order, each as a part of a line."""
    pattern = r".*\n.*".join(re.escape(line).replace(r"\.\.\.", ".*") for line in expected)
    return re.search(pattern, re.sub(r" +\n", "\n", printed)) is not None


def _environment(folder: Path) -> dict[str, str]:
    commands = folder / "commands"
    commands.mkdir()
    stanchion = commands / "stanchion"
    stanchion.write_text(
        f"#!{sys.executable}\nfrom stanchion.cli import main\nmain(prog_name='stanchion')\n", encoding="utf-8"
    )
    stanchion.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STANCHION_")}
    root = str(Path(__file__).resolve().parents[2])
    return {**kept, "PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": root, "HOME": str(folder)}


def _prepare(folder: Path) -> None:
    """Put two files of a tenant there, as Graph would have answered them."""
    owned = {"azureTenantId": TENANT, "vendorInformation": {"vendor": "Microsoft", "provider": "SecureScore"}}
    controls = [
        {**owned, "id": id, "title": title, "maxScore": 5.0, "controlStateUpdates": []}
        for id, title in (
            ("OneAdmin", "Have more than one administrator"),
            ("RoleOverlap", "Use limited roles"),
        )
    ]
    scores = [
        {
            **owned,
            "id": f"{TENANT}_2026-01-{day}",
            "createdDateTime": f"2026-01-{day}T00:00:00Z",
            "currentScore": 5.0,
            "maxScore": 10.0,
            "controlScores": [{"controlName": "OneAdmin", "score": 5.0}],
        }
        for day in (30, 31)
    ]
    for name, value in (("secureScoreControlProfiles", controls), ("secureScores", scores)):
        (folder / f"{name}.json").write_text(json.dumps({"value": value}), encoding="utf-8")
