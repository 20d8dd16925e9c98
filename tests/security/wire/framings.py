"""Ways to frame a request that two readers may take for different requests, and what is made of each (RFC 9112).

Every row is a PATCH, sent with a further request behind it on the same connection. `status` answers the PATCH;
`goes_on` says whether the further request is answered too, or the connection is closed, as it is after every framing
that is refused.
"""

from dataclasses import dataclass

from tests.security.wire.raw import DECISION, SMUGGLED, chunked

_SIZE = len(DECISION)
_CHUNKED = b"Transfer-Encoding: chunked"


@dataclass(frozen=True)
class Framing:
    """One way: header lines and the body."""

    name: str
    headers: tuple[bytes, ...]
    body: bytes
    status: int
    goes_on: bool = False
    version: bytes = b"HTTP/1.1"


def _length(text: bytes) -> tuple[bytes, ...]:
    return (b"Content-Length: " + text,)


def _lengths() -> list[Framing]:
    good = b"%d" % _SIZE
    taken = {"exact": good, "leading zeros": b"000" + good, "blanks around": b"  " + good + b" \t"}
    refused = {
        "a list of equal ones": good + b", " + good,
        "a list of different ones": good + b", 0",
        "a plus sign": b"+" + good,
        "negative": b"-1",
        "hexadecimal": b"0x%x" % _SIZE,
        "empty": b"",
        "two numbers": b"8 7",
        "beyond 64 bits": b"99999999999999999999999",
        "beyond 64 bits by the size": b"%d" % (2**64 + _SIZE),
        "a fraction": good + b".0",
        "an exponent": b"1e2",
        "an underscore": b"8_7",
        "a letter behind": good + b"a",
        "digits of another script": "٨٧".encode(),
        "a NUL behind": good + b"\0",
        "a vertical tab before": b"\x0b" + good,
    }
    return [
        *(
            Framing(f"length, {name}", _length(text), DECISION, 204, goes_on=True)
            for name, text in taken.items()
        ),
        *(Framing(f"length, {name}", _length(text), DECISION, 400) for name, text in refused.items()),
        Framing("length, twice the same", _length(good) * 2, DECISION, 204, goes_on=True),
        Framing("length, twice and different", (*_length(good), *_length(b"0")), DECISION, 400),
        Framing("length, twice, the other way", (*_length(b"0"), *_length(good)), DECISION, 400),
        Framing("length, a blank before the colon", (b"Content-Length : " + good,), DECISION, 400),
        Framing("length, under another name", (b"Content_Length: " + good,), DECISION, 400),
        Framing("length, shorter than the body", _length(b"%d" % (_SIZE - 1)), DECISION, 400),
        Framing("length, longer than all that comes", _length(b"100000"), DECISION, 408),
    ]


def _both() -> list[Framing]:
    """Length and chunks in one request: chunks count, and nothing behind them is read (RFC 9112 6.3)."""
    hidden = b"0\r\n\r\n" + SMUGGLED
    return [
        Framing("both, length first", (*_length(b"%d" % len(hidden)), _CHUNKED), hidden, 400),
        Framing("both, chunks first", (_CHUNKED, *_length(b"%d" % len(hidden))), hidden, 400),
        Framing("both, a length of 4", (_CHUNKED, *_length(b"4")), chunked(SMUGGLED), 400),
        Framing("both, a length of 0", (_CHUNKED, *_length(b"0")), chunked(DECISION), 204),
        Framing(
            "both, and true", (*_length(b"%d" % len(chunked(DECISION))), _CHUNKED), chunked(DECISION), 204
        ),
        Framing("both, the length beyond all", (_CHUNKED, *_length(b"9" * 30)), chunked(DECISION), 204),
    ]


def _codings() -> list[Framing]:
    taken = {
        "plain": _CHUNKED,
        "capitals": b"TRANSFER-ENCODING: CHUNKED",
        "a tab before": b"Transfer-Encoding:\tchunked",
        "no blank before": b"Transfer-Encoding:chunked",
        "a blank behind": b"Transfer-Encoding: chunked \t",
    }
    other = {
        "twice in two": _CHUNKED + b"\r\n" + _CHUNKED,
        "twice in one": b"Transfer-Encoding: chunked, chunked",
        "identity before": b"Transfer-Encoding: identity, chunked",
        "gzip before": b"Transfer-Encoding: gzip, chunked",
        "an unknown one before": b"Transfer-Encoding: xchunked, chunked",
        "an empty one before": b"Transfer-Encoding: , chunked",
    }
    refused = {
        "another name": b"Transfer-Encoding: xchunked",
        "identity": b"Transfer-Encoding: identity",
        "identity behind": b"Transfer-Encoding: chunked, identity",
        "empty": b"Transfer-Encoding:",
        "quoted": b'Transfer-Encoding: "chunked"',
        "a parameter": b"Transfer-Encoding: chunked;q=1",
        "a comma behind": b"Transfer-Encoding: chunked,",
        "a blank before the colon": b"Transfer-Encoding : chunked",
        "a tab before the colon": b"Transfer-Encoding\t: chunked",
        "a blank before the name": b" Transfer-Encoding: chunked",
        "a vertical tab": b"Transfer-Encoding: \x0bchunked",
        "a NUL behind": b"Transfer-Encoding: chunked\0",
        "folded": b"Transfer-Encoding:\r\n chunked",
        "folded behind another": b"X: y\r\n Transfer-Encoding: chunked",
        "behind a bare CR": b"X: y\rTransfer-Encoding: chunked",
        "letters of Unicode": "Transfer-Encoding: \uff43hunked".encode(),
    }
    hidden = b"0\r\n\r\n" + SMUGGLED
    length = b"Content-Length: %d" % len(hidden)
    return [
        *(
            Framing(f"coding, {name}", (line,), chunked(DECISION), 204, goes_on=True)
            for name, line in taken.items()
        ),
        *(Framing(f"coding, {name}", (line,), chunked(DECISION), 501) for name, line in other.items()),
        *(Framing(f"coding, {name}", (line,), chunked(DECISION), 400) for name, line in refused.items()),
        *(
            Framing(f"coding and length, {name}", (length, line), hidden, 400)
            for name, line in refused.items()
        ),
        *(Framing(f"coding and length, {name}", (length, line), hidden, 501) for name, line in other.items()),
        Framing("coding, in HTTP/1.0", (_CHUNKED,), chunked(DECISION), 400, version=b"HTTP/1.0"),
        Framing("coding, under another name", (b"Transfer_Encoding: chunked",), chunked(DECISION), 400),
        Framing("coding, behind a bare LF", (b"X: y\n" + _CHUNKED,), chunked(DECISION), 204, goes_on=True),
    ]


def _chunks() -> list[Framing]:
    size, content = b"%x" % _SIZE, DECISION
    taken = {
        "an extension": size + b";name=value\r\n" + content + b"\r\n0\r\n\r\n",
        "capital digits": b"0A\r\n"
        + content[:10]
        + b"\r\n%X\r\n" % (_SIZE - 10)
        + content[10:]
        + b"\r\n0\r\n\r\n",
        "a blank behind the size": size + b" \r\n" + content + b"\r\n0\r\n\r\n",
        "zeros before the size": b"0000" + size + b"\r\n" + content + b"\r\n0\r\n\r\n",
        "one byte each": b"".join(b"1\r\n%c\r\n" % byte for byte in content) + b"0\r\n\r\n",
        "a trailer": size + b"\r\n" + content + b"\r\n0\r\nX: y\r\n\r\n",
        "a trailer that frames": size + b"\r\n" + content + b"\r\n0\r\nContent-Length: 9999\r\n\r\n",
        "a trailer that authorises": size + b"\r\n" + content + b"\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
    }
    broken = {
        "a line feed in an extension": size + b';a="\n"\r\n' + content + b"\r\n0\r\n\r\n",
        "extensions without end": size + b";" + b"a" * 100_000 + b"\r\n" + content + b"\r\n0\r\n\r\n",
        "0x before the size": b"0x" + size + b"\r\n" + content + b"\r\n0\r\n\r\n",
        "a plus sign": b"+" + size + b"\r\n" + content + b"\r\n0\r\n\r\n",
        "a minus sign": b"-" + size + b"\r\n" + content + b"\r\n0\r\n\r\n",
        "a blank before the size": b" " + size + b"\r\n" + content + b"\r\n0\r\n\r\n",
        "an underscore": b"5_7\r\n" + content + b"\r\n0\r\n\r\n",
        "beyond 64 bits": b"1%016x" % _SIZE + b"\r\n" + content + b"\r\n0\r\n\r\n",
        "no size": b"\r\n" + content + b"\r\n0\r\n\r\n",
        "a size that is no number": b"xyz\r\n" + content + b"\r\n0\r\n\r\n",
        "line feeds alone": size + b"\n" + content + b"\n0\n\n",
        "a line feed behind the size": size + b"\n" + content + b"\r\n0\r\n\r\n",
        "a carriage return behind the size": size + b"\r" + content + b"\r\n0\r\n\r\n",
        "a line feed behind the content": size + b"\r\n" + content + b"\n0\r\n\r\n",
        "nothing behind the content": size + b"\r\n" + content + b"0\r\n\r\n",
        "other bytes behind the content": size + b"\r\n" + content + b"XX0\r\n\r\n",
        "a size that is too small": b"5\r\n" + content + b"\r\n0\r\n\r\n",
        "trailers without end": size + b"\r\n" + content + b"\r\n0\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    }
    return [
        *(Framing(f"chunk, {name}", (_CHUNKED,), body, 204, goes_on=True) for name, body in taken.items()),
        *(Framing(f"chunk, {name}", (_CHUNKED,), body, 400) for name, body in broken.items()),
        Framing("chunk, the largest size", (_CHUNKED,), b"f" * 16 + b"\r\n" + content, 408),
        Framing("chunk, no last one", (_CHUNKED,), size + b"\r\n" + content + b"\r\n", 400),
    ]


FRAMINGS = (*_lengths(), *_both(), *_codings(), *_chunks())
