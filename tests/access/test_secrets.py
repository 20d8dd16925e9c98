"""Client secrets: shown once, kept as a digest."""

import pytest

from stanchion.access.secrets import digest_secret, make_secret, secret_matches

SECRET = make_secret(bytes(range(32)))


def test_a_secret_is_recognisable_and_carries_all_its_bytes() -> None:
    assert SECRET.text == "stn_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert SECRET.hint == "AAE"


def test_a_secret_does_not_show_in_its_own_description() -> None:
    assert SECRET.text not in repr(SECRET)


def test_a_secret_of_fewer_bytes_is_not_made() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        make_secret(b"short")


@pytest.mark.parametrize(
    ("text", "digests", "matches"),
    [
        (SECRET.text, [SECRET.digest], True),
        (SECRET.text, ["0" * 64, SECRET.digest], True),
        (SECRET.text, [SECRET.digest, "0" * 64], True),
        (SECRET.text, ["0" * 64], False),
        (SECRET.text, [], False),
        (SECRET.digest, [SECRET.digest], False),
        (SECRET.text.lower(), [SECRET.digest], False),
        ("", [SECRET.digest], False),
        ("p\u00e4ss\ud800", [SECRET.digest], False),
    ],
)
def test_only_the_whole_secret_matches(text: str, digests: list[str], *, matches: bool) -> None:
    assert secret_matches(text, digests) is matches


def test_a_digest_is_sha256() -> None:
    assert digest_secret("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
