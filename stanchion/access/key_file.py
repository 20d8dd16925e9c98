"""The key file: 32 bytes, apart from the database, that open the sealed private keys in it.

- `STANCHION_KEY_FILE`, or `{database}.key` beside a SQLite file; made with mode 0600, never in a backup.
- Written as 64 hex digits; base64 of 32 bytes is read too.
- A file that every account of the machine can read is refused.
"""

import binascii
import os
import re
import secrets
import stat
from base64 import urlsafe_b64decode
from pathlib import Path

from stanchion.errors import OperatorError

KEY_BYTES = 32

_HEX = re.compile(rb"[0-9a-fA-F]{64}")


def read_key_file(path: Path) -> bytes:
    """Return the key; raises OperatorError where there is no file, or none of ours."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4 * KEY_BYTES).strip()
    except FileNotFoundError:
        raise OperatorError(
            f"The key file {path} is missing, and without it no token can be signed. Put it back, or set "
            "STANCHION_KEY_FILE to where it is; `stanchion key rotate` makes a new one when it is lost."
        ) from None
    except OSError as error:
        raise OperatorError(f"The key file {path} cannot be read: {error.strerror}.") from None
    if mode & stat.S_IRWXO:
        raise OperatorError(f"Every account can read the key file {path}; `chmod 600` it.")
    return _key_of(text, path=path)


def read_or_make_key_file(path: Path) -> bytes:
    """Return the key, making the file with mode 0600 where there is none."""
    try:
        if not path.exists():
            _make(path)
    except OSError as error:
        raise OperatorError(f"The key file {path} cannot be made: {error.strerror}.") from None
    return read_key_file(path)


def _make(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # Linking fails where another process was first; then its key counts, whole and on disk.
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _key_of(text: bytes, *, path: Path) -> bytes:
    if _HEX.fullmatch(text):
        return bytes.fromhex(text.decode())
    try:
        key = urlsafe_b64decode(text.replace(b"+", b"-").replace(b"/", b"_"))
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise OperatorError(f"The key file {path} does not hold a key: 64 hex digits are expected.")
    return key
