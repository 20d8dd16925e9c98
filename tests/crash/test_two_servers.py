"""Two servers of one file under load: the second one ends by itself and names the first, which goes on unharmed."""

import asyncio
from pathlib import Path

import pytest

from tests.crash.judgement import faults
from tests.crash.killing import verify
from tests.crash.notebook import Load
from tests.crash.writers import write
from tests.serving.place import Place
from tests.serving.process import free_port, running, stanchion

pytestmark = pytest.mark.slow
_SECONDS = 4.0


@pytest.mark.parametrize("name", ["itself", "a link to it"])
def test_a_second_server_is_refused_and_the_first_one_loses_nothing(
    file_place: Place, tmp_path: Path, name: str
) -> None:
    url, link = file_place.url, tmp_path / "link.db"
    if name != "itself":
        link.symlink_to(file_place.database)
        url = f"sqlite:///{link}"

    with running(file_place) as server:

        async def second() -> tuple[int, str]:
            await asyncio.sleep(0.5)
            options = ("--database", url, "--port", str(free_port()))
            ran = await asyncio.to_thread(stanchion, "serve", *options, folder=tmp_path)
            return ran.returncode, ran.stderr

        async def both() -> tuple[tuple[int, str], Load]:
            load = asyncio.create_task(
                write(file_place, server.port, name="first", seconds=_SECONDS, writers=16)
            )
            return await second(), await load

        told, load = asyncio.run(both())
        assert server.ready()
        first = server.process.pid
        assert server.stop() == 0

    assert told[0] == 1
    assert f"is served by process {first}" in told[1]
    assert load.unanswered == []
    assert load.refused.keys() <= {412}
    assert faults([load], file_place.url) == []
    verify(file_place)
