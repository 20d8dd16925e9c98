"""Checks of what tokens rest on: the key file with the signing keys that it opens, and other issuers."""

import asyncio
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from stanchion.access.issuer_document import Fetcher
from stanchion.access.issuer_entry import IssuerEntry, check_entry, read_entry
from stanchion.access.issuer_probe import ProbeResult, probe
from stanchion.access.key_file import read_key_file
from stanchion.access.keys import open_private_key
from stanchion.cli.checks.finding import Finding, failed, ok, warning
from stanchion.errors import OperatorError
from stanchion.store.inspection import Inspection


def check_keys(store: Inspection, *, key_file: Path) -> Iterator[Finding]:
    """Tell whether the key file is there, is private, and opens every key that may sign."""
    keys = [row for row in store.signing_keys() if row.retired_ticks is None]
    if not keys and not key_file.exists():
        yield ok("There is no signing key yet; the first command that needs one makes it.")
        return
    sealing_key = read_key_file(key_file)
    for row in keys:
        open_private_key(row.sealed_private_key, sealing_key, kid=row.kid)
    mode = stat.S_IMODE(key_file.stat().st_mode)
    if mode & stat.S_IRWXG:
        yield warning(f"The group of {key_file} can use it (mode {mode:04o}); `chmod 600` it.")
    else:
        yield ok(f"{key_file} (mode {mode:04o}) opens every signing key in use: {len(keys)}.")


def check_issuers(store: Inspection) -> Iterator[Finding]:
    """Tell which issuers answer, and with how many keys."""
    entries = [entry for entry in map(read_entry, store.issuers()) if not entry.removed]
    if not entries:
        yield ok("There is none besides our own.")
        return
    usable: list[IssuerEntry] = []
    for entry in entries:
        try:
            check_entry(entry)
            usable.append(entry)
        except OperatorError as error:
            yield failed(error.message, subject=entry.issuer)
    for entry, result in zip(usable, asyncio.run(_probed(usable)), strict=True):
        if result.fault is None:
            yield ok(
                f"It answers, with {result.keys} keys for {len(entry.tenant_ids)} tenants.",
                subject=entry.issuer,
            )
        else:
            yield failed(result.fault, subject=entry.issuer)


async def _probed(entries: Sequence[IssuerEntry]) -> list[ProbeResult]:
    fetch = Fetcher()
    return await asyncio.gather(*(probe(entry, fetch=fetch) for entry in entries))
