"""Two servers of one file under load: the second one ends by itself and names the first, which goes on unharmed."""

import asyncio
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.crash.judgement import faults
from tests.crash.killing import verify
from tests.crash.notebook import Notebook
from tests.crash.writers import until_acknowledged, write
from tests.serving.place import Place
from tests.serving.process import free_port, running, stanchion

pytestmark = pytest.mark.slow
_SECONDS = 4.0
_WRITERS = 16


@pytest.mark.parametrize("name", ["itself", "a link to it"])
def test_a_second_server_is_refused_and_the_first_one_loses_nothing(
    file_place: Place, tmp_path: Path, name: str
) -> None:
    url, link = file_place.url, tmp_path / "link.db"
    if name != "itself":
        link.symlink_to(file_place.database)
        url = f"sqlite:///{link}"

    told: list[CompletedProcess[str]] = []
    with running(file_place) as server:

        async def second(notes: Notebook) -> None:
            await until_acknowledged(notes, _WRITERS)
            options = ("--database", url, "--port", str(free_port()))
            told.append(await asyncio.to_thread(stanchion, "serve", *options, folder=tmp_path))

        load = asyncio.run(
            write(file_place, server.port, name="first", seconds=_SECONDS, writers=_WRITERS, meanwhile=second)
        )
        assert server.ready()
        first = server.process.pid
        assert server.stop() == 0

    (refused,) = told
    assert refused.returncode == 1
    assert f"is served by process {first}" in refused.stderr
    assert load.unanswered == []
    assert load.refused.keys() <= {412}
    assert faults([load], file_place.url) == []
    verify(file_place)
