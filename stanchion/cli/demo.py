"""`stanchion demo`: a store with two invented tenants and a year of their scores, served and explained.

The first start makes the store; later ones find it as it was left, decisions and all. Each start gives the
demo's apps a further secret, because secrets are kept as digests and so cannot be shown again.
"""

import datetime as dt
import shlex
import sys
import time
from pathlib import Path

import click

from stanchion.access.operator import AppWish, add_app, add_secret, add_tenant
from stanchion.access.operator_token import TokenWish, issue_token
from stanchion.app import key_file, open_store
from stanchion.cli.imports import import_bytes
from stanchion.cli.options import note, setting_options, settings_from
from stanchion.cli.serve import SERVE_SETTINGS, address, run_server
from stanchion.demo import DEMO_TENANT_IDS, DemoTenant, demo_tenants
from stanchion.errors import OperatorError
from stanchion.ledger.changes import Operator
from stanchion.model.json_text import dump_json
from stanchion.settings import Settings
from stanchion.store import ClientRow, OperatedStore
from stanchion.store.connection import database_path

DEMO_DATABASE = "sqlite:///.stanchion/demo.db"
APP_NAME = "Demo"
_OPERATOR = Operator("demo")

_TRY = """\
{name} (and {other}) are served at {address}

  tenant         {tenant_id}
  client id      {client_id}
  client secret  {secret}
  API, to read   {address}/v1.0/docs

To try it, paste into another terminal, first of all the token (good for an hour):

TOKEN={token}

# 1. Today's score
curl -sS -w '\\n'{trust} -H "Authorization: Bearer $TOKEN" \\
  '{address}/v1.0/security/secureScores?$top=1&$select=createdDateTime,currentScore,maxScore'

# 2. The five controls worth most
curl -sS -w '\\n'{trust} -H "Authorization: Bearer $TOKEN" \\
  '{address}/v1.0/security/secureScoreControlProfiles?$orderby=maxScore%20desc&$top=5&$select=id,title,maxScore'

# 3. Triage one: accept its risk
curl -sS -w '\\n'{trust} -X PATCH -H "Authorization: Bearer $TOKEN" \\
  -H 'Content-Type: application/json' -H 'Prefer: return=representation' \\
  -d '{{"assignedTo": "you@example.com", "comment": "Accepted until the next review", "state": "Ignored",
       "vendorInformation": {{"vendor": "Microsoft", "provider": "SecureScore"}}}}' \\
  {address}/v1.0/security/secureScoreControlProfiles/NonOwnerAccess

# 4. A token as an application of your own gets it
curl -sS -w '\\n'{trust} -d grant_type=client_credentials -d client_id={client_id} \\
  -d client_secret={secret} -d scope=https://graph.microsoft.com/.default \\
  {address}/{tenant_id}/oauth2/v2.0/token

# 5. Proof that the history was not altered
{program} verify --tenant {tenant_id} --database {database}

Ctrl-C ends the demo; what you decided is kept in {file}.
"""


@click.command()
@setting_options(*SERVE_SETTINGS, own={"database": DEMO_DATABASE})
def demo(**options: object) -> None:
    """Try it: serve two invented tenants with a year of scores, and print what to do with them."""
    settings = settings_from(options)
    if settings.database == DEMO_DATABASE:
        _make_folder(database_path(DEMO_DATABASE).parent)
    run_server(settings, before_start=lambda: click.echo(_prepare(settings)))


def _prepare(settings: Settings) -> str:
    """Fill the store where it is new, and return what to try."""
    store = open_store(settings)
    try:
        if len(_apps(store)) < len(DEMO_TENANT_IDS):
            for tenant in demo_tenants(dt.datetime.now(dt.UTC).date()):
                _fill(store, tenant)
        names = {row.tenant_id: row.name for row in store.tenants()}
        app = _apps(store)[DEMO_TENANT_IDS[0]]
        secret = add_secret(store, app.client_id, actor=_OPERATOR).secret
        wish = TokenWish(app.tenant_id, app.client_id, secret=secret)
        issued = issue_token(
            store, wish, key_file=key_file(settings), actor=_OPERATOR, now_seconds=int(time.time())
        )
    finally:
        store.close_now()
    return _TRY.format(
        name=names[DEMO_TENANT_IDS[0]],
        other=names[DEMO_TENANT_IDS[1]],
        address=address(settings),
        tenant_id=app.tenant_id,
        client_id=app.client_id,
        secret=secret,
        token=issued.token,
        trust=" -k" if settings.tls_certificate else "",
        program=shlex.quote(sys.argv[0]),
        database=shlex.quote(settings.database),
        file=settings.database.removeprefix("sqlite:///"),
    )


def _apps(store: OperatedStore) -> dict[str, ClientRow]:
    """Return the demo's apps by tenant; a tenant whose app is there was filled to the end."""
    return {row.tenant_id: row for row in store.clients(None) if row.name == APP_NAME}


def _fill(store: OperatedStore, tenant: DemoTenant) -> None:
    note(f"Making {tenant.name}: {len(tenant.profiles)} controls, {len(tenant.scores)} days of scores ...")
    if store.tenant(tenant.tenant_id) is None:
        add_tenant(store, tenant.tenant_id, name=tenant.name, actor=_OPERATOR)
    for source, values in (
        ("controls", tenant.profiles),
        ("scores", tenant.scores),
        ("users", tenant.users),
    ):
        import_bytes(store, dump_json(values), source=f"demo {source}", tenant_id=tenant.tenant_id)
    if tenant.tenant_id not in _apps(store):
        wish = AppWish(tenant.tenant_id, APP_NAME, permissions=("SecurityEvents.ReadWrite.All",))
        add_app(store, wish, actor=_OPERATOR)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(f"{folder} cannot be made: {error.strerror}; name a --database.") from None
