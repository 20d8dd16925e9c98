"""Archives: what they hold, and the bounds."""

import bz2
import gzip
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stanchion.errors import BadRequest, PayloadTooLarge, StanchionError
from stanchion.importers.container import MAX_ENTRIES, is_zip, unpacked, zip_entries
from tests.importers.shapes import zipped

LIMIT = 1_000_000


def names(data: bytes) -> list[str]:
    return [entry.name for entry in zip_entries(data, max_bytes=LIMIT)]


def contents(data: bytes, *, max_bytes: int = LIMIT) -> list[bytes]:
    return [entry.read() for entry in zip_entries(data, max_bytes=max_bytes)]


def tar() -> bytes:
    target = BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.json"), BytesIO())
    return target.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_files_of_a_zip_come_by_name(method: int) -> None:
    data = zipped({"2024/b.json": b"[2]", "a.json": b"[1]", "2024/a.json": b"[]"}, method=method)
    assert is_zip(data)
    assert list(zip(names(data), contents(data), strict=True)) == [
        ("2024/a.json", b"[]"),
        ("2024/b.json", b"[2]"),
        ("a.json", b"[1]"),
    ]


def test_folders_and_hidden_files_are_no_entries() -> None:
    files = ("a/", "__MACOSX/a.json", "__MACOSX/._a.json", ".DS_Store", "a/.hidden/b.json", "a/b.json")
    assert names(zipped(dict.fromkeys(files, b""))) == ["a/b.json"]


def test_a_name_that_leads_upwards_is_not_hidden_as_nothing_is_written_under_it() -> None:
    files = ("../up.json", "./here.json", "/root.json", "a/../b.json")
    assert names(zipped(dict.fromkeys(files, b"[]"))) == sorted(files)


def test_names_of_windows_have_folders_and_hidden_files_too() -> None:
    files = ("a\\", "a\\.DS_Store", "__MACOSX\\a.json", "a\\b.json")
    assert names(zipped(dict.fromkeys(files, b""))) == ["a\\b.json"]


def test_an_entry_without_a_name_is_none() -> None:
    data = zipped({"~b": b"[]", "a": b"[]"}).replace(b"~b", b"\0b")  # a name ends at U+0000
    assert names(data) == ["a"]


def test_an_empty_zip_has_no_entries() -> None:
    assert names(zipped({})) == []


def test_what_is_no_archive_is_its_own_content() -> None:
    assert unpacked(b"[]", max_bytes=1) == b"[]"


def test_a_gzip_is_read_to_its_last_member() -> None:
    data = b"".join(gzip.compress(bytes([65 + number]) * 100_000) for number in range(5))
    assert len(unpacked(data + bytes(1000), max_bytes=LIMIT)) == 500_000


def test_what_unpacks_to_the_limit_is_read_and_to_one_byte_more_refused() -> None:
    data = b"x" * 1000
    assert unpacked(gzip.compress(data), max_bytes=1000) == data
    assert contents(zipped({"a": data[:600], "b": data[:400]}), max_bytes=1000) == [data[:600], data[:400]]
    with pytest.raises(PayloadTooLarge, match="999 bytes"):
        unpacked(gzip.compress(data), max_bytes=999)
    with pytest.raises(PayloadTooLarge, match="999 bytes"):
        contents(zipped({"a": data[:600], "b": data[:400]}), max_bytes=999)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < 60_000
    with pytest.raises(PayloadTooLarge):
        unpacked(bomb, max_bytes=LIMIT)
    with pytest.raises(PayloadTooLarge):
        next(zip_entries(zipped({f"{number}": bytes(10_000) for number in range(101)}), max_bytes=LIMIT))


def test_a_zip_that_lies_about_the_size_of_an_entry_gives_no_more_than_it_says() -> None:
    data = bytearray(zipped({"a": bytes(500_000)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 10)
    with pytest.raises(BadRequest, match="damaged"):
        contents(bytes(data), max_bytes=10)


def test_a_zip_that_says_of_a_file_that_it_is_empty_does_not_lose_it_unseen() -> None:
    data = bytearray(zipped({"a": b"what would be lost"}, method=zipfile.ZIP_STORED))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 0)
    with pytest.raises(BadRequest, match="damaged"):
        contents(bytes(data))


def test_a_zip_that_lies_about_the_size_of_an_entry_is_not_unpacked_further() -> None:
    data = bytearray(zipped({"a": bytes(50_000_000)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 10)
    tracemalloc.start()
    try:
        with pytest.raises(BadRequest, match="damaged"):
            contents(bytes(data), max_bytes=10)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_zip_of_too_many_entries_is_refused() -> None:
    data = zipped({str(number): b"" for number in range(MAX_ENTRIES + 1)}, method=zipfile.ZIP_STORED)
    with pytest.raises(BadRequest, match="10,000 entries"):
        next(zip_entries(data, max_bytes=LIMIT))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_another_method_is_refused(method: int) -> None:
    with pytest.raises(BadRequest, match="stored or deflated"):
        contents(zipped({"a": b"[]"}, method=method))


def test_an_encrypted_entry_is_refused() -> None:
    data = bytearray(zipped({"a": b"[]"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BadRequest, match="encrypted"):
        contents(bytes(data))


@pytest.mark.parametrize(
    "inner",
    [gzip.compress(b"[]"), zipped({"a": b"[]"}), zipped({}), tar()],
    ids=["gzip", "zip", "empty zip", "tar"],
)
def test_an_archive_inside_an_archive_is_refused(inner: bytes) -> None:
    with pytest.raises(BadRequest, match="archive"):
        unpacked(gzip.compress(inner), max_bytes=LIMIT)
    with pytest.raises(BadRequest, match="archive"):
        contents(zipped({"a": inner}))


def test_a_tar_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match="tar archive"):
        unpacked(tar(), max_bytes=LIMIT)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (bz2.compress(b"[]"), "bzip2"),
        (lzma.compress(b"[]"), "xz"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "zstd"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "7z"),
        (b"Rar!\x1a\x07\x01\x00", "rar"),
    ],
)
def test_another_packing_is_refused_by_name(data: bytes, name: str) -> None:
    with pytest.raises(BadRequest, match=f"packed with {name};"):
        unpacked(data, max_bytes=LIMIT)


def test_what_follows_a_gzip_and_is_none_is_told_of() -> None:
    with pytest.raises(BadRequest, match="not gzip follows the packed data"):
        unpacked(gzip.compress(b"[]") + b"[]", max_bytes=LIMIT)


def test_a_gzip_cut_off_anywhere_is_refused() -> None:
    data = gzip.compress(b"[" + b"1234567890" * 20 + b"]")
    for end in range(3, len(data)):
        with pytest.raises(BadRequest, match="cut off"):
            unpacked(data[:end], max_bytes=LIMIT)


@given(st.data())
def test_a_damaged_archive_is_refused_or_read_and_nothing_else(data: st.DataObject) -> None:
    for whole in (zipped({"a.json": b"[1, 2]" * 50, "b.json": b"[]"}), gzip.compress(b"[1, 2]" * 50)):
        damaged = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 4))):
            damaged[data.draw(st.integers(3, len(damaged) - 1))] = data.draw(st.integers(0, 255))
        cut = bytes(damaged[: data.draw(st.integers(4, len(damaged)))])
        with suppress(StanchionError):
            _ = contents(cut) if is_zip(cut) else unpacked(cut, max_bytes=LIMIT)
