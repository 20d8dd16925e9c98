"""A caller's text in messages."""

import pytest

from stanchion.model.wording import did_you_mean, shown


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("a", "'a'"),
        ("é", "'é'"),
        ("a\r\nb", r"'a\r\nb'"),
        ("\ud800", r"'\ud800'"),
        ("x" * 81, f"'{'x' * 80}...'"),
    ],
)
def test_text_of_a_caller_is_shown_on_one_line(text: str, quoted: str) -> None:
    assert shown(text) == quoted


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("createdDatetime", " Did you mean 'createdDateTime'?"),
        ("CREATEDDATETIME", " Did you mean 'createdDateTime'?"),
        ("maxscor", " Did you mean 'maxScore'?"),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_offered(name: str, sentence: str) -> None:
    assert did_you_mean(name, ["createdDateTime", "maxScore"]) == sentence
