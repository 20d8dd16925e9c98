"""What comes in files and from elsewhere: exports, archives, keys, discovery, settings, certificates."""

import codecs
import gzip
import json
import tempfile
import zipfile
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from fuzz.target import REFUSALS, Reads, event_loop, parted
from stanchion.access.client_certificate import read_certificate_file
from stanchion.access.discovery import discover
from stanchion.access.key_file import read_key_file
from stanchion.access.key_set import read_key_set
from stanchion.cli.settings_file import read_settings_file
from stanchion.cli.sources import find_settings
from stanchion.errors import BadRequest
from stanchion.importers.container import is_zip, unpacked, zip_entries
from stanchion.importers.encoding import as_utf8
from stanchion.importers.graph import FORMATS, Found, GraphExport
from stanchion.importers.shape import PLACED
from stanchion.ledger.imports import Incoming
from stanchion.model.json_text import JsonObject, load_object
from stanchion.settings import SETTINGS

TENANT = "aaaaaaaa-0000-4000-8000-000000000001"
_NOW = datetime(2026, 1, 31, tzinfo=UTC)
_ISSUER = "https://issuer.example"
_MAX_BYTES = 1 << 16
_ENCODINGS = ("utf-32", "utf-16", "utf-16-le", "utf-16-be")


def fuzz_export(data: bytes) -> None:
    """Read an export in each format; what was found goes out as an export and comes in again as it was."""
    for asked in (None, *FORMATS):
        found: list[Found] = []
        with suppress(BadRequest):
            parts = GraphExport(data, asked=asked).entities(tenant_id=TENANT, retarget=True)
            found.extend(part for part in parts if isinstance(part, Found))
        for part in found:
            body = Incoming.of(part.entity_set, part.value).body
            again = _again(part, body)
            assert Incoming.of(again.entity_set, again.value).body == body


def _again(part: Found, body: bytes) -> Found:
    context = f"https://graph.microsoft.com/beta/$metadata#security/{part.entity_set.name}"
    page = b'{"@odata.context":"%s","%s":true,"value":[%s]}' % (context.encode(), PLACED.encode(), body)
    (again,) = GraphExport(page).entities(tenant_id=TENANT)
    assert isinstance(again, Found), again
    return again


def fuzz_lines(data: bytes) -> None:
    """Read objects as lines and as an array: both hold the same, and in the same order."""
    try:
        values = [json.loads(line) for line in data.decode().split("\n") if line.strip()]
    except (ValueError, RecursionError):
        return
    if not values or not all(isinstance(value, dict) and "id" in value for value in values):
        return
    array = b"[" + b",".join(line for line in data.split(b"\n") if line.strip()) + b"]"
    assert _told(data) == _told(array)


def _told(data: bytes) -> list[object] | None:
    try:
        parts = list(GraphExport(data).entities(tenant_id=TENANT))
    except BadRequest:
        return None
    return [(part.place.number, part.value if isinstance(part, Found) else part.id) for part in parts]


def fuzz_archive(data: bytes) -> None:
    """Unpack; the readers of Python's own library unpack the same, and no more comes out than is allowed."""
    with suppress(*REFUSALS):
        if is_zip(data):
            entries = list(zip_entries(data, max_bytes=_MAX_BYTES))
            for entry in entries:
                with suppress(*REFUSALS):
                    content = entry.read()
                    assert len(content) <= _MAX_BYTES
                    assert content in _of_zip(data, entry.name)
        else:
            content = unpacked(data, max_bytes=_MAX_BYTES)
            assert len(content) <= max(_MAX_BYTES, len(data))
            if content is not data:
                assert content == _gunzipped(data)


def _of_zip(data: bytes, name: str) -> list[bytes]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return [archive.read(record) for record in archive.infolist() if record.filename == name]


def _gunzipped(data: bytes) -> bytes | None:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        return None


def fuzz_encoding(data: bytes) -> None:
    """Bring a text to UTF-8; a codec of Python's reads the same in it."""
    with suppress(*REFUSALS):
        read = as_utf8(data)
        # UTF-8 is judged where it is read.
        as_it_is = data.removeprefix(codecs.BOM_UTF8)
        assert read == as_it_is or any(read == _decoded(data, encoding) for encoding in _ENCODINGS)


def _decoded(data: bytes, encoding: str) -> bytes | None:
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        return None


def fuzz_keys(data: bytes) -> None:
    """Read a set of keys; each that is taken is one that the library of keys reads by itself, and is public."""
    with suppress(*REFUSALS):
        for key_id, public in read_key_set(data, of=_ISSUER).items():
            assert key_id.algorithm in {"RS256", "ES256"}
            assert not public.key.is_private
            with suppress(JoseError, ValueError, KeyError):
                listed = [jwk for jwk in load_object(data)["keys"] if jwk.get("kid") == key_id.kid]  # type: ignore[union-attr]
                assert any(JWKRegistry.import_key(jwk).as_dict() for jwk in listed)  # type: ignore[arg-type]


def fuzz_discovery(data: bytes) -> None:
    """Read what an issuer says of itself: only the one that was asked tells where keys are."""

    async def fetch(_: str) -> bytes:
        return data

    with suppress(*REFUSALS):
        address = event_loop().run_until_complete(discover(_ISSUER, fetch=fetch))
        document: JsonObject = json.loads(data.decode("utf-8-sig"))
        assert (document["issuer"], document["jwks_uri"]) == (_ISSUER, address)


def fuzz_certificate(data: bytes) -> None:
    """Read the certificate of a client."""
    with suppress(*REFUSALS):
        certificate = read_certificate_file(data, now=_NOW)
        assert certificate.ends >= _NOW
        assert certificate.subject.isprintable()


def settings_reader() -> Reads:
    """Return what reads a settings file, the environment and a key file."""
    file = Path(tempfile.mkdtemp(prefix="stanchion-fuzz-")) / "stanchion.toml"

    def fuzz_settings(data: bytes) -> None:
        toml, variables = parted(data, 2)
        file.write_bytes(toml)
        file.chmod(0o600)
        environment = dict(
            line.split("=", 1) for line in variables.decode("utf-8", "replace").split("\n") if "=" in line
        )
        with suppress(*REFUSALS):
            read_key_file(file)
        with suppress(*REFUSALS):
            find_settings({}, fixed={}, environment=environment, file=None)
        with suppress(*REFUSALS):
            found = find_settings({}, fixed={}, environment={}, file=read_settings_file(str(file)))
            assert {each.setting.name for each in found} == set(SETTINGS)

    return fuzz_settings
