"""What a failure of PostgreSQL, or of the way to it, means for the caller or the operator.

- Source: https://www.postgresql.org/docs/current/errcodes-appendix.html. A code has five characters, the first two
  of which are its class.
- `is_away` is asked of whatever fails: then nobody answers, and another connection may be tried.
- `may_pass` are those after which the same transaction, run again, may succeed.
"""

import asyncio
import ssl
from types import MappingProxyType

import asyncpg

from stanchion.errors import BadRequest, OperatorError, ServiceUnavailable, StanchionError

FAILURES: tuple[type[Exception], ...] = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    EOFError,
    asyncio.IncompleteReadError,
)
"""What the driver raises; TimeoutError is an OSError."""

_AWAY_CLASSES = frozenset({"08"})
_AWAY = frozenset({"57P01", "57P02", "57P03", "57P05", "53300", "53400"})
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
# The driver or the server may not have told the truth about what they did at these.
_BROKEN_CLASSES = frozenset({"58", "XX", "F0"})
_STOPPED = "57014"
_UNREACHABLE = "The database cannot be reached; try again."
_REASONS = MappingProxyType(
    {
        "25006": "The database can only be read now; nothing was changed.",
        "25P03": "The database ended a transaction that took too long; try again.",
        "40001": "Other writes were in the way; try again.",
        "40P01": "Other writes were in the way; try again.",
        "42501": "The server's account may not do this in the database; the log has the cause.",
        "53100": "The disk of the database is full; nothing was changed.",
        "53200": "The database is out of memory; nothing was changed.",
        "55P03": "Others have been writing to this tenant for too long; try again.",
        "57014": "The database stopped the work, which took too long; ask for less at once.",
    }
)
_CLASS_REASONS = MappingProxyType(
    {
        "53": "The database is short of what it needs; nothing was changed.",
        "58": "The database reports an error of its system; nothing was changed.",
        "F0": "The database reports an error of its configuration; nothing was changed.",
        "XX": "The database reports damage; its log has the cause.",
    }
)
_OPERATOR_REASONS = MappingProxyType(
    {
        "28000": "the server does not let this user in: {error}",
        "28P01": "the password is wrong, or the user unknown",
        "3D000": "there is no such database; `createdb` makes it",
        "42501": "the user may not do this: {error}; the owner of the tables can GRANT it",
        "53300": "the server has too many connections already",
        "57P03": "the server starts or stops; try again",
    }
)


def code_of(error: BaseException) -> str:
    """Return the five characters of an error's code, empty where it is none of the server's."""
    return getattr(error, "sqlstate", None) or ""


def is_away(error: BaseException) -> bool:
    """Say whether the database was not there, or the connection to it is gone."""
    code = code_of(error)
    if code:
        return code in _AWAY or code[:2] in _AWAY_CLASSES
    if isinstance(error, asyncpg.InterfaceError):
        # Its client-side errors have no code: of values that do not fit it says so, which is a bug of ours.
        return "connection" in str(error) and not isinstance(error, asyncpg.exceptions.DataError)
    return isinstance(error, (OSError, EOFError, asyncpg.InternalClientError, asyncio.IncompleteReadError))


def is_twin(error: BaseException) -> bool:
    """Say whether a row was there already: of two who add the same at once, the one that is run again sees it."""
    return code_of(error) == "23505"


def may_pass(error: BaseException) -> bool:
    """Say whether what failed, and left nothing, may succeed at another try."""
    return is_away(error) or code_of(error) in _CONFLICTS


def leaves_doubt(error: BaseException) -> bool:
    """Say whether after this error of a COMMIT nobody knows whether it was made."""
    return is_away(error) or code_of(error)[:2] in _BROKEN_CLASSES


def for_caller(error: Exception, *, seconds: float | None = None) -> Exception:
    """Return what to tell a caller; a bug of ours stays what it is. `seconds` is the deadline of what was asked."""
    code = code_of(error)
    if is_away(error):
        return ServiceUnavailable(_UNREACHABLE)
    if code == _STOPPED and seconds is not None:
        return ServiceUnavailable(
            f"The query took longer than {seconds:g} seconds and was stopped; ask for less at once."
        )
    if code == "54000":
        return BadRequest("A text is longer than the database can keep in an index; nothing was changed.")
    if code == "54001":
        return BadRequest(
            "The filter nests deeper than the database can follow; ask for less at once.", target="$filter"
        )
    reason = _REASONS.get(code) or _CLASS_REASONS.get(code[:2])
    return error if reason is None else ServiceUnavailable(reason)


def for_operator(error: Exception, *, database: str) -> StanchionError:
    """Return what to tell the operator who opens a database; `database` names it without a password."""
    if isinstance(error, StanchionError):
        return error
    return OperatorError(f"The {database} cannot be used: {_why(error)}.")


def _why(error: Exception) -> str:
    told = " ".join(str(error).split()).rstrip(".")
    reason = _OPERATOR_REASONS.get(code_of(error))
    if reason is not None:
        return reason.format(error=told)
    match error:
        case asyncpg.exceptions.TargetServerAttributeNotMatched():
            return "it can only be read, as a standby can; name the primary"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {told}"
        case asyncpg.ClientConfigurationError() if "root certificate file" in told:
            return (
                "its certificate cannot be checked without that of the authority that signed it; name its file by "
                "PGSSLROOTCERT, or copy it to ~/.postgresql/root.crt"
            )
        case TimeoutError():
            return "it does not answer"
        case OSError() if told:
            return f"it cannot be reached: {told}"
        case _:
            return told or type(error).__name__
