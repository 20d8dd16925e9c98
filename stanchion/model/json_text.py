"""JSON text to values and back, strictly (RFC 8259, I-JSON RFC 7493).

Refused wherever JSON comes in, because no two readers agree on what it means: duplicate names, NaN and
infinities, integers beyond 64 bits, U+0000 and lone surrogates in text, nesting deeper than 64, more than
200,000 values.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import NoReturn, TypeAlias

import msgspec

from stanchion.errors import BadRequest

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

# Graph's own payloads nest five deep; 64 leaves room and bounds every recursion over a value.
MAX_DEPTH = 64
# A score of 1,000 controls has some 10,000; the millions that fit into a body would take seconds to read.
MAX_VALUES = 200_000
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1

# A text, whose commas and brackets mean nothing, or what shapes the values.
_MARKS = re.compile(r'"(?:[^"\\]++|\\.)*+"|[,\[\]{}]', re.DOTALL)
_encoder = msgspec.json.Encoder()
_decoder_of_own = msgspec.json.Decoder()
_canonical_encoder = msgspec.json.Encoder(order="sorted")


def parse_json(data: bytes, *, max_values: int = MAX_VALUES) -> JsonValue:
    """Return the value of one JSON text in UTF-8; a byte order mark is skipped.

    Raises BadRequest naming the first thing at fault and, for values inside objects, its path.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    if not text.strip():
        raise BadRequest("The body is empty; a JSON object is expected.")
    _refuse_many(text, max_values=max_values)
    try:
        value: JsonValue = _decoder.decode(text.strip(" \t\r\n"))
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    if _refuse_unsafe(value, path="", depth=MAX_DEPTH, values=max_values) < 0:
        raise _too_many(max_values)
    return value


def parse_object(data: bytes, *, what: str = "The body", max_values: int = MAX_VALUES) -> JsonObject:
    """Return a JSON object; raises BadRequest for any other JSON value or what `parse_json` refuses."""
    value = parse_json(data, max_values=max_values)
    if not isinstance(value, dict):
        raise BadRequest(f"{what} must be a JSON object, not {json_kind(value)}.")
    return value


def load_object(data: bytes) -> JsonObject:
    """Return a JSON object of our own writing, as `dump_json` made it; ten times as fast as a strict reading."""
    value: JsonObject = _decoder_of_own.decode(data)
    return value


def dump_json(value: object) -> bytes:
    """Return compact JSON in UTF-8, names in the order of the value."""
    return _encoder.encode(value)


def dump_canonical(value: object) -> bytes:
    """Return JSON with sorted names and no blanks: equal values give equal bytes."""
    return _canonical_encoder.encode(value)


def json_kind(value: object) -> str:
    """Name the kind of a JSON value with its article, for messages ("an array")."""
    match value:
        case None:
            return "null"
        case bool():
            return "a Boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def _object(pairs: Iterable[tuple[str, JsonValue]]) -> JsonObject:
    result: JsonObject = {}
    for name, value in pairs:
        if name in result:
            raise BadRequest(f"The name {_shown(name)} appears twice in one object.", target=_target(name))
        result[name] = value
    return result


def _integer(text: str) -> int:
    # Python refuses to read thousands of digits at once; the length check comes first.
    value = int(text) if len(text) <= len(str(MIN_INTEGER)) else MAX_INTEGER + 1
    if not MIN_INTEGER <= value <= MAX_INTEGER:
        raise BadRequest(f"The number {text[:24]} does not fit into 64 bits.")
    return value


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise BadRequest(f"The number {text[:24]} is too large for a double.")
    return value


def _constant(text: str) -> NoReturn:
    raise BadRequest(f"{text} is not a JSON number.")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _refuse_many(text: str, *, max_values: int) -> None:
    """Raise BadRequest for many more values than allowed, before the decoder makes them at one go.

    Nothing else of the process runs while it does, so that a million of them would hold up everybody.
    """
    if text.count(",") + text.count("[") + text.count("{") <= max_values:
        return
    # With as many commas as allowed values there is one value more; the outermost bracket is none.
    commas, inner, depth = 0, -1, 0
    for found in _MARKS.finditer(text):
        match found[0]:
            case ",":
                commas += 1
            case "[" | "{":
                inner, depth = inner + 1, depth + 1
            case "]" | "}":
                depth -= 1
        if depth > MAX_DEPTH:
            raise _too_deep()
        if commas >= max_values or inner > max_values:
            raise _too_many(max_values)


def _refuse_unsafe(value: JsonValue, *, path: str, depth: int, values: int) -> int:
    """Return how many of the `values` allowed are left, below 0 where they are too many; raises BadRequest."""
    match value:
        case str():
            _refuse_unsafe_text(value, path=path)
        case dict() | list():
            if depth == 0:
                raise _too_deep()
            values -= len(value)
            if values < 0:
                return values
            members = value.items() if isinstance(value, dict) else enumerate(value)
            for name, member in members:
                if isinstance(name, str):
                    _refuse_unsafe_text(name, path=path)
                if isinstance(member, (str, dict, list)):
                    inner = f"{path}/{name}" if path else str(name)
                    values = _refuse_unsafe(member, path=inner, depth=depth - 1, values=values)
    return values


def _refuse_unsafe_text(text: str, *, path: str) -> None:
    if text.isascii():
        if "\x00" not in text:
            return
        fault = "U+0000"
    elif "\x00" in text:
        fault = "U+0000"
    else:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            fault = "a lone surrogate"
        else:
            return
    place = _shown(path) or "The body"
    raise BadRequest(f"{place} contains {fault}, which cannot be kept.", target=_target(path))


def _too_many(max_values: int) -> BadRequest:
    return BadRequest(f"The body holds more than {max_values:,} values.")


def _too_deep() -> BadRequest:
    return BadRequest(f"The body nests deeper than {MAX_DEPTH} levels.")


def _shown(text: str) -> str:
    return ascii(text)[1:-1][:80]


def _target(text: str) -> str | None:
    return _shown(text) or None
