"""What is known of all tenants at once, the same on each database."""

import asyncio

import pytest

from stanchion.model.edm import SECURE_SCORES
from stanchion.model.instant import parse_instant
from stanchion.model.json_text import JsonObject
from stanchion.store.fleet import Fleet, ProviderScores, SilentTenant, read_fleet
from tests.databases import AnyStore
from tests.store.commands import OTHER_TENANT, TENANT, add_tenant, control, put, put_all, score

_THIRD = "33333333-3333-4333-8333-333333333333"
_FEBRUARY = "2026-02-01T00:00:00Z"


def ticks(text: str) -> int:
    return parse_instant(text)


def scored(id: str, day: str, current: float | None, most: float | None, **vendor: str) -> JsonObject:
    names = {"provider": "SecureScore", "vendor": "Microsoft", **vendor}
    value = score(id, f"{day}T00:00:00Z", names["provider"], names["vendor"])
    return {**value, "currentScore": current, "maxScore": most}


def seen(store: AnyStore, *, since: str = _FEBRUARY, limit: int = 10) -> Fleet:
    with store.reading() as connection:
        return read_fleet(connection, since_ticks=ticks(since), limit=limit)


def fill(store: AnyStore) -> None:
    """Three tenants: one scored by two providers, one by one of them, one by none."""
    store.run(add_tenant(_THIRD, "Cinderfell"))
    mine = [
        scored("1", "2026-01-01", 0, 100),
        scored("2", "2026-02-02", 40, 80),
        scored("3", "2026-01-03", 9, 10, provider="ScubaGear", vendor="CISA"),
    ]
    store.run(put_all(mine, SECURE_SCORES))
    theirs = [scored("1", "2026-01-20", 30, 100, provider="secureSCORE")]
    store.run(put_all(theirs, SECURE_SCORES, tenant_id=OTHER_TENANT))
    store.run(put(control("c1")))
    store.run(put(control("c1"), tenant_id=OTHER_TENANT))


def test_a_store_without_scores_says_so(store: AnyStore) -> None:
    assert seen(store) == Fleet(
        tenants=2,
        controls=0,
        scores=0,
        newest_ticks=None,
        providers=(),
        silent=2,
        silent_tenants=(
            SilentTenant(TENANT, "Alder Quay", None),
            SilentTenant(OTHER_TENANT, "Brinewood", None),
        ),
    )


def test_of_each_tenant_the_newest_score_of_a_provider_counts_once(store: AnyStore) -> None:
    fill(store)
    found = seen(store)

    assert (found.tenants, found.controls, found.scores) == (3, 2, 4)
    assert found.newest_ticks == ticks("2026-02-02T00:00:00Z")
    assert found.providers == (
        ProviderScores("CISA", "ScubaGear", 1, 1, 90.0, ticks("2026-01-03T00:00:00Z")),
        ProviderScores("Microsoft", "SecureScore", 2, 3, 40.0, ticks("2026-02-02T00:00:00Z")),
    )


def test_those_longest_silent_come_first_and_all_are_counted(store: AnyStore) -> None:
    fill(store)

    assert [each.tenant_id for each in seen(store).silent_tenants] == [_THIRD, OTHER_TENANT]
    cut = seen(store, limit=1)
    assert (cut.silent, [each.name for each in cut.silent_tenants]) == (2, ["Cinderfell"])
    assert seen(store, since="2026-01-10T00:00:00Z").silent_tenants == (
        SilentTenant(_THIRD, "Cinderfell", None),
    )


@pytest.mark.parametrize(
    ("current", "most"),
    [
        *((None, 10), (5, None), (5, 0), (None, None)),
        # What a calculation with them would fail for, it would fail for all tenants.
        *((1e308, 10), (-1e308, 10), (5, 1e308), (5, 1e-308), (1e-308, 1e308)),
    ],
)
def test_a_score_without_a_percentage_is_in_no_average(
    store: AnyStore, current: float | None, most: float | None
) -> None:
    store.run(put(scored("1", "2026-02-02", current, most), SECURE_SCORES))
    (provider,) = seen(store).providers
    assert (provider.tenants, provider.average_percentage) == (1, None)


def test_a_score_without_a_provider_or_a_time_is_counted_all_the_same(store: AnyStore) -> None:
    store.run(put({"id": "1", "azureTenantId": TENANT}, SECURE_SCORES))
    assert seen(store).providers == (ProviderScores(None, None, 1, 1, None, None),)
    assert seen(store).silent == 2


def test_the_figures_are_those_of_what_is_served(store: AnyStore) -> None:
    fill(store)
    newest = asyncio.run(store.newest_score_id(TENANT, vendor="Microsoft", provider="SecureScore"))
    assert newest == "2"
