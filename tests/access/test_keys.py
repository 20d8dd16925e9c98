"""The key file and the keys that it seals."""

import base64
from pathlib import Path

import pytest
from joserfc import jws

from stanchion.access.key_file import read_key_file, read_or_make_key_file
from stanchion.access.keys import SealedKey, make_sealed_key, open_private_key, read_public_key
from stanchion.errors import OperatorError

SEALING_KEY = bytes(range(32))


@pytest.fixture(scope="module")
def sealed() -> SealedKey:
    return make_sealed_key(SEALING_KEY)


def test_the_key_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    key = read_or_make_key_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(key) == 32
    assert [each.name for each in tmp_path.iterdir()] == ["a.key"]


def test_the_key_file_is_made_once(tmp_path: Path) -> None:
    assert read_or_make_key_file(tmp_path / "a.key") == read_or_make_key_file(tmp_path / "a.key")


@pytest.mark.parametrize(
    "text",
    [
        SEALING_KEY.hex(),
        SEALING_KEY.hex().upper() + "\n",
        base64.b64encode(SEALING_KEY).decode(),
        base64.urlsafe_b64encode(SEALING_KEY).decode() + "\r\n",
    ],
)
def test_a_key_is_read_as_hex_or_base64(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.key"
    path.write_text(text)
    path.chmod(0o600)
    assert read_key_file(path) == SEALING_KEY


@pytest.mark.parametrize("text", ["", "short", "zz" * 32, "ab" * 31, "\u00e9" * 32, "=" * 44])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(OperatorError, match="does not hold a key"):
        read_key_file(path)


def test_a_key_file_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    read_or_make_key_file(path)
    path.chmod(0o644)
    with pytest.raises(OperatorError, match="chmod 600"):
        read_key_file(path)


def test_a_lost_key_file_is_named_with_what_helps(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"a\.key is missing.*STANCHION_KEY_FILE.*key rotate"):
        read_key_file(tmp_path / "a.key")


@pytest.mark.parametrize("path", ["nowhere/a.key", "."])
def test_a_key_file_that_cannot_be_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(OperatorError, match="cannot be"):
        read_or_make_key_file(tmp_path / path)


def test_what_the_opened_key_signs_the_public_key_verifies(sealed: SealedKey) -> None:
    private = open_private_key(sealed.sealed_private_key, SEALING_KEY, kid=sealed.kid)
    token = jws.serialize_compact({"alg": "RS256", "kid": sealed.kid}, b"{}", private)
    assert jws.deserialize_compact(token, read_public_key(sealed.public_jwk)).payload == b"{}"


def test_the_private_key_does_not_stand_open(sealed: SealedKey) -> None:
    private = open_private_key(sealed.sealed_private_key, SEALING_KEY, kid=sealed.kid)
    assert private.as_der(private=True)[40:80] not in sealed.sealed_private_key
    assert '"d"' not in sealed.public_jwk


@pytest.mark.parametrize(
    ("sealing_key", "kid", "first_byte"),
    [(bytes(32), None, None), (SEALING_KEY, "another row", None), (SEALING_KEY, None, b"\x02")],
    ids=["another key file", "another row", "another version"],
)
def test_a_sealed_key_opens_only_in_its_row_by_its_key_file(
    sealed: SealedKey, sealing_key: bytes, kid: str | None, first_byte: bytes | None
) -> None:
    box = (first_byte or sealed.sealed_private_key[:1]) + sealed.sealed_private_key[1:]
    with pytest.raises(OperatorError, match="not the one that sealed"):
        open_private_key(box, sealing_key, kid=kid or sealed.kid)


def test_an_empty_seal_is_refused() -> None:
    with pytest.raises(OperatorError):
        open_private_key(b"", SEALING_KEY, kid="a")
