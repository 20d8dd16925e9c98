"""`stanchion retention`: what is older than scores are kept, and its removal."""

import time

import click

from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.options import json_option, note, print_object, print_table, setting_options, settings_from
from stanchion.errors import OperatorError
from stanchion.ledger.retention import TICKS_PER_DAY, kept_from_ticks
from stanchion.model.instant import format_instant
from stanchion.store.batch import now_ticks
from stanchion.store.meta import operator
from stanchion.store.retention import overdue, remove_old
from stanchion.store.retention_pass import set_day


@click.command("retention")
@click.option("--apply", "applies", is_flag=True, help="Remove it now, instead of telling how much it is.")
@setting_options(*STORE_SETTINGS, "retention_days")
@json_option
def retention(*, applies: bool, as_json: bool, **options: object) -> None:
    """Tell which scores are older than --retention-days keeps them, or remove them.

    A server with that setting removes them itself, once a day. Decisions and controls are never removed.
    """
    days = settings_from(options).retention_days
    if not days:
        _require_nothing_asked(applies=applies, as_json=as_json)
        return
    now = now_ticks()
    before_ticks = kept_from_ticks(now, days=days)
    rows: list[dict[str, object]] = []
    fault: OperatorError | None = None
    with local_store(options) as local:
        if applies:
            local.store.transact(lambda connection: set_day(connection, day=now // TICKS_PER_DAY))
            removed = remove_old(local.store, before_ticks=before_ticks, actor=operator(), pause=time.sleep)
            try:
                rows.extend(
                    {"tenant": each.tenant_id, "scores": each.scores, "details": each.details}
                    for each in removed
                )
            except OperatorError as error:
                fault = error  # What went of others is told all the same.
        else:
            found = overdue(local.store, before_ticks=before_ticks)
            rows += [{"tenant": tenant_id, "scores": count} for tenant_id, count in found.items()]
    columns = ("tenant", "scores", "details") if applies else ("tenant", "scores")
    told = {"days": days, "before": format_instant(before_ticks), "applied": applies}
    if as_json:
        print_object({**told, "tenants": rows}, as_json=True)
    else:
        print_table(rows, columns=columns, as_json=False)
        what = "They are removed." if applies else "Nothing was removed."
        note(f"These are of before {told['before']}. {what}")
    if fault is not None:
        raise fault


def _require_nothing_asked(*, applies: bool, as_json: bool) -> None:
    """Tell that scores are kept for ever; raises OperatorError where some were to be removed."""
    if applies:
        raise OperatorError("Scores are kept for ever: --retention-days says for how many days else.")
    if as_json:
        print_object({"days": 0, "before": None, "applied": False, "tenants": []}, as_json=True)
        return
    note("Scores are kept for ever.")
