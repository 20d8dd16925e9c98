"""Encodings of exports."""

import pytest

from stanchion.errors import BadRequest
from stanchion.importers.encoding import as_utf8
from tests.importers.shapes import ENCODINGS

TEXT = '[{"title": "Überprüfung, 完了 🔒"}]'


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_becomes_utf8(encoding: str) -> None:
    assert as_utf8(ENCODINGS[encoding](TEXT)) == TEXT.encode()


def test_characters_on_the_edge_of_what_is_decoded_at_once_stay_whole() -> None:
    text = "[" + "🔒" * 400_000 + "]"
    assert as_utf8(text.encode("utf-16")) == text.encode()


@pytest.mark.parametrize("data", [b"", b"[", b"[]", b"\xff", b"\x00\x00", b"\xef\xbb"])
def test_what_names_no_encoding_stays_as_it_is(data: bytes) -> None:
    assert as_utf8(data) == data


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe[", b"\xff\xfe\x00\xd8", b"\xfe\xff[", b"[\x00]", b"\xff\xfe\x00\x00[]"],
)
def test_what_breaks_off_inside_a_character_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest, match="cut off"):
        as_utf8(data)
