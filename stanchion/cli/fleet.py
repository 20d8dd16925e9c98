"""`stanchion fleet`: all tenants at once, for whoever looks after many."""

import time

import click

from stanchion.cli.context import STORE_SETTINGS, local_store
from stanchion.cli.options import instant, json_option, print_object, print_table, setting_options
from stanchion.model.instant import TICKS_PER_SECOND
from stanchion.store.fleet import Fleet, read_fleet

_DAY_TICKS = 24 * 60 * 60 * TICKS_PER_SECOND
_DAYS = 7
_LISTED = 20


@click.command("fleet")
@click.option(
    "--days",
    type=click.IntRange(min=0, max=36_500),
    default=_DAYS,
    show_default=True,
    metavar="COUNT",
    help="After how many days without a score a tenant is silent.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0, max=1_000_000),
    default=_LISTED,
    show_default=True,
    metavar="COUNT",
    help="How many silent tenants to list.",
)
@setting_options(*STORE_SETTINGS)
@json_option
def fleet(*, days: int, limit: int, as_json: bool, **options: object) -> None:
    """Show all tenants at once: counts, the average percentage of each provider, and who is silent.

    Of each tenant a provider's newest score counts.
    """
    since_ticks = time.time_ns() // 100 - days * _DAY_TICKS
    with local_store(options) as local, local.store.reading() as connection:
        found = read_fleet(connection, since_ticks=since_ticks, limit=limit)
    told = {
        "tenants": found.tenants,
        "controls": found.controls,
        "scores": found.scores,
        "newest": instant(found.newest_ticks),
        "silent": found.silent,
    }
    if as_json:
        print_object(
            {**told, "days": days, "providers": _providers(found), "silentTenants": _silent(found)},
            as_json=True,
        )
        return
    print_object(told, as_json=False)
    click.echo()
    columns = ("vendor", "provider", "tenants", "scores", "percentage", "newest")
    print_table(_providers(found), columns=columns, as_json=False)
    if found.silent_tenants:
        click.echo(f"\nWithout a score for {days} days:")
        print_table(_silent(found), columns=("tenant", "name", "newest"), as_json=False)


def _providers(found: Fleet) -> list[dict[str, object]]:
    return [
        {
            "vendor": each.vendor,
            "provider": each.provider,
            "tenants": each.tenants,
            "scores": each.scores,
            "percentage": None if each.average_percentage is None else round(each.average_percentage, 2),
            "newest": instant(each.newest_ticks),
        }
        for each in found.providers
    ]


def _silent(found: Fleet) -> list[dict[str, object]]:
    return [
        {"tenant": each.tenant_id, "name": each.name, "newest": instant(each.newest_ticks)}
        for each in found.silent_tenants
    ]
