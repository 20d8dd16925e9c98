"""The client of the measurements takes whole answers, however they arrive."""

import pytest

from bench.connection import Answer, Connection

LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\nrequest-id: 1\r\n\r\n"


def taken(*pieces: bytes) -> list[Answer]:
    """Return the answers that these pieces make."""
    answers: list[Answer] = []
    connection = Connection(answers.append, pytest.fail)
    for piece in pieces:
        connection.data_received(piece)
    return answers


@pytest.mark.parametrize(
    ("reply", "status", "body"), [(LONG, 200, b"hello"), (CHUNKED, 200, b"hello"), (EMPTY, 204, b"")]
)
def test_an_answer_is_taken_whole_wherever_it_is_cut(reply: bytes, status: int, body: bytes) -> None:
    for cut in range(1, len(reply)):
        assert [(each.status, each.body) for each in taken(reply[:cut], reply[cut:])] == [(status, body)]


def test_answers_follow_each_other_on_one_connection() -> None:
    found = taken(EMPTY, LONG[:30], LONG[30:], CHUNKED, LONG)

    assert [bytes(each.body) for each in found] == [b"", b"hello", b"hello", b"hello"]


def test_a_lost_connection_is_told() -> None:
    reasons: list[str] = []
    connection = Connection(lambda _: None, reasons.append)
    connection.data_received(LONG[:20])
    connection.connection_lost(None)

    assert "the connection was closed" in reasons[0]
