"""Issuers that are not what they say: `stanchion issuer add` asks for their discovery and refuses them."""

import gzip
import json
from collections.abc import Callable, Sequence

from tests.conftest import TENANT
from tests.issuers.attack import BadIssuer
from tests.issuers.standin import Answer, StandIn, document, endless, redirect

SAME = "OpenID Connect Discovery 1.0, 4.3"
ADDRESS = "Stanchion: https, the issuer's host or a listed one"
FETCHED = "Stanchion: no redirects, 1 MiB"
REST = ("--audience", "stanchion", "--tenant", TENANT)


def _discovered(name: str, clause: str, forged: str, *, says: str, **members: object) -> BadIssuer:
    """Return an issuer with some members of its discovery document changed, by its own functions if they are."""

    def arguments(standin: StandIn) -> Sequence[str]:
        changed = {name: value(standin) if callable(value) else value for name, value in members.items()}
        standin.answers[standin.discovery_path] = document(standin.discovery(**changed))
        return (standin.url, *REST)

    return BadIssuer(name, clause, forged, arguments, says)


def _answered(
    name: str, clause: str, forged: str, answer: Callable[[StandIn], Answer], *, says: str
) -> BadIssuer:
    """Return an issuer that gives another answer than its discovery document."""

    def arguments(standin: StandIn) -> Sequence[str]:
        standin.answers["/elsewhere"] = document(standin.discovery())
        standin.answers[standin.discovery_path] = answer(standin)
        return (standin.url, *REST)

    return BadIssuer(name, clause, forged, arguments, says)


def _bomb(standin: StandIn) -> Answer:
    padded = json.dumps({**standin.discovery(), "padding": " " * 8 * 1024 * 1024}).encode()
    return Answer(gzip.compress(padded), headers={"Content-Encoding": "gzip"})


ROWS: tuple[BadIssuer, ...] = (
    _discovered(
        "another issuer in discovery",
        SAME,
        "`issuer` is that of another realm",
        says="the two must be equal",
        issuer=lambda s: s.origin + "/realms/other",
    ),
    _discovered(
        "an issuer with a slash",
        SAME,
        "`issuer` has a `/` at its end",
        says="the two must be equal",
        issuer=lambda s: s.url + "/",
    ),
    _discovered(
        "an issuer by another name of its host",
        SAME,
        "`issuer` is on `127.0.0.1`, asked was `localhost`",
        says="the two must be equal",
        issuer=lambda s: s.url.replace("localhost", "127.0.0.1"),
    ),
    _discovered(
        "no issuer in discovery", SAME, "there is no `issuer`", says="the two must be equal", issuer=...
    ),
    _discovered(
        "an issuer that is a list",
        SAME,
        "`issuer` is a list of it",
        says="the two must be equal",
        issuer=lambda s: [s.url],
    ),
    _discovered(
        "keys on another host",
        ADDRESS,
        "`jwks_uri` is on `127.0.0.1`",
        says="not the issuer's host",
        jwks_uri=lambda s: s.origin.replace("localhost", "127.0.0.1") + s.keys_path,
    ),
    _discovered(
        "keys on another port",
        ADDRESS,
        "`jwks_uri` is on another port of the host",
        says="not the issuer's host",
        jwks_uri="https://localhost:1/keys",
    ),
    _discovered(
        "keys on a host that begins alike",
        ADDRESS,
        "`jwks_uri` is on `localhost.attacker.example`",
        says="not the issuer's host",
        jwks_uri="https://localhost.attacker.example/keys",
    ),
    _discovered(
        "keys behind a user name",
        ADDRESS,
        "the issuer's host stands before an `@` in `jwks_uri`",
        says="cannot be used",
        jwks_uri=lambda s: f"https://localhost:{s.port}@attacker.example/keys",
    ),
    _discovered(
        "keys behind a backslash",
        ADDRESS,
        "`jwks_uri` has a `\\` where readers of URLs differ",
        says="cannot be used",
        jwks_uri=lambda s: f"https://attacker.example\\@localhost:{s.port}/keys",
    ),
    _discovered(
        "keys by http",
        ADDRESS,
        "`jwks_uri` begins with `http://`",
        says="https://",
        jwks_uri=lambda s: f"http://localhost:{s.port}{s.keys_path}",
    ),
    _discovered(
        "keys in a file",
        ADDRESS,
        "`jwks_uri` is `file:///etc/hostname`",
        says="https://",
        jwks_uri="file:///etc/hostname",
    ),
    _discovered("no keys in discovery", SAME, "there is no `jwks_uri`", says="jwks_uri", jwks_uri=...),
    _discovered("keys that are a number", SAME, "`jwks_uri` is `7`", says="jwks_uri", jwks_uri=7),
    _answered(
        "discovery behind a redirect",
        FETCHED,
        "302 to another path of the same host",
        lambda _: redirect("/elsewhere"),
        says="redirects",
    ),
    _answered(
        "discovery behind a redirect to another host",
        FETCHED,
        "301 to another host",
        lambda _: redirect("https://attacker.example/", status=301),
        says="redirects",
    ),
    _answered(
        "discovery behind a redirect to http",
        FETCHED,
        "308 to `http://`",
        lambda s: redirect(f"http://localhost:{s.port}/elsewhere", status=308),
        says="redirects",
    ),
    _answered(
        "no discovery",
        "OpenID Connect Discovery 1.0, 4.2",
        "404",
        lambda _: document({"error": "Realm does not exist"}, status=404),
        says="404",
    ),
    _answered(
        "discovery with a failure",
        "OpenID Connect Discovery 1.0, 4.2",
        "a good document, but 500",
        lambda s: document(s.discovery(), status=500),
        says="500",
    ),
    _answered(
        "discovery that is a web page",
        "OpenID Connect Discovery 1.0, 4.2",
        "HTML",
        lambda _: Answer(b"<html>Sign in</html>", headers={"Content-Type": "text/html"}),
        says="not a JSON object",
    ),
    _answered(
        "discovery that is a list",
        "OpenID Connect Discovery 1.0, 4.2",
        "a good document in a list",
        lambda s: document([s.discovery()]),
        says="not a JSON object",
    ),
    _answered(
        "discovery that says something twice",
        SAME,
        "`issuer` twice, the second time the right one",
        lambda s: Answer(
            b'{"issuer": "https://attacker.example", ' + json.dumps(s.discovery()).encode().lstrip(b"{")
        ),
        says="not a JSON object",
    ),
    _answered(
        "discovery over 1 MiB",
        FETCHED,
        "a good document, padded",
        lambda s: document(s.discovery(padding="a" * 1024 * 1024)),
        says="1,048,576",
    ),
    _answered("discovery without end", FETCHED, "64 MiB, no length", lambda _: endless(), says="1,048,576"),
    _answered("discovery in a bomb", FETCHED, "8 MiB in 8 KiB", _bomb, says="compressed"),
)
