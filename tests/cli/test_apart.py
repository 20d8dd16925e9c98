"""Work in a process of its own: what it leaves is on the disk, and what it refuses is refused here."""

import os
import signal
import sys
from pathlib import Path

import pytest

from stanchion.cli.apart import do_apart
from stanchion.errors import NotFound, OperatorError


def children() -> list[str]:
    """Return the processes that this one has started and not taken leave of."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_it_is_done_when_it_returns_and_nothing_else_is_left(tmp_path: Path) -> None:
    done = tmp_path / "done"
    here, before = os.getpid(), children()

    def work() -> None:
        assert os.getpid() != here
        done.write_text("by another")

    do_apart(work)
    assert done.read_text() == "by another"
    assert children() == before


@pytest.mark.parametrize("error", [OperatorError("The disk “a” is full."), NotFound("There is none.")])
def test_what_it_refuses_is_refused_in_its_words(error: OperatorError | NotFound) -> None:
    def work() -> None:
        raise error

    with pytest.raises(OperatorError) as refused:
        do_apart(work)
    assert refused.value.message == error.message


def test_a_fault_of_its_own_is_told_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise RuntimeError("a fault")

    with pytest.raises(OperatorError, match="could not be prepared"):
        do_apart(work)
    assert "RuntimeError: a fault" in capfd.readouterr().err


@pytest.mark.parametrize("stdout", [None, "closed"])
def test_it_is_done_where_there_is_no_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, stdout: str | None
) -> None:
    done = tmp_path / "done"
    without = None
    if stdout is not None:
        without = (tmp_path / "stdout").open("w")
        without.close()
    monkeypatch.setattr(sys, "stdout", without)
    do_apart(done.touch)
    assert done.exists()


def test_a_process_that_is_killed_is_told_of() -> None:
    with pytest.raises(OperatorError, match="ended by -9"):
        do_apart(lambda: os.kill(os.getpid(), signal.SIGKILL))
