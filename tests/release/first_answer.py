"""Trying an installed `stanchion`: first_answer.py PROGRAM starts its demo in an empty folder and asks for a score.

It needs nothing but Python, so that `.ci/smoke` can use it where nothing else is installed.
"""

import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path

_TOKEN = re.compile(r"^TOKEN=['\"]?([\w.-]+)", re.MULTILINE)
_SECONDS = 180.0
# Below those that a kernel gives to whoever names none, so that no connection takes one before it is listened on.
_PORTS = range(10_081, 32_000)


def first_answer(program: Path, folder: Path, *, port: int) -> dict[str, object]:
    """Return the newest score of the demo, which is started in a folder and ended again.

    Raises TimeoutError with what the demo printed when there is no answer within three minutes.
    """
    printed = folder / "demo.log"
    with printed.open("wb") as output:
        command = (str(program), "demo", "--port", str(port))
        demo = subprocess.Popen(command, cwd=folder, env=_environment(), stdout=output, stderr=output)
    try:
        return _answer(port, printed)
    finally:
        demo.terminate()
        demo.wait(timeout=60)


def _answer(port: int, printed: Path) -> dict[str, object]:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        token = _TOKEN.search(printed.read_text())
        if token:
            # The token is printed before anybody listens, and who listens may not answer yet.
            with suppress(OSError):
                return _newest_score(port, token[1])
        time.sleep(0.1)
    raise TimeoutError(f"The demo did not answer: {printed.read_text()}")


def _newest_score(port: int, token: str) -> dict[str, object]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        headers = {"Authorization": f"Bearer {token}"}
        connection.request("GET", "/v1.0/security/secureScores?$top=1", headers=headers)
        (score,) = json.load(connection.getresponse())["value"]
        return dict(score)


def _free_port() -> int:
    """Return a port that nobody listens on, as `free_port` of the tests does, which needs more than Python."""
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("No port is free.")


def _environment() -> dict[str, str]:
    """Return this process's environment without settings of the product and without other places to import from."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("STANCHION_") and name != "PYTHONPATH"
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        score = first_answer(Path(sys.argv[1]).absolute(), Path(scratch), port=_free_port())
        sys.stdout.write(f"The demo's newest score: {score['currentScore']} of {score['maxScore']}.\n")
