"""Measure quotes against holders: `python -m tests.load.bench_quotes [--quotes 500]`.

What a quote costs when so many accounts hold its contract: judged by everybody, and told only to those
whose band it leaves. Pure cores and the fan-out of the QuoteActor in one thread, no inboxes: what actors
add comes on top of both, per message. Counted is the time of the processor. The market walks by a tick
or two, the broker moves stops and closes at once; every account has its own entry and limits. RULE-003,
004 and 005 are on, and RULE-012 unless told otherwise: who trails is told every new best price.
Prints, asserts nothing; not collected by pytest.
"""

import argparse
import gc
import random
import resource
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from actors.rules.daily_realized_loss import DailyRealizedLoss
from actors.rules.daily_unrealized_loss import DailyUnrealizedLoss
from actors.rules.max_unrealized_profit import MaxUnrealizedProfit
from actors.rules.trade_management import Breakeven, TradeManagement, Trailing
from messages.events import RuleBreached
from messages.values import Parameters
from tests.account.quoted import MNQ, QuotedWorld, settings_of
from tests.load.report import machine, say, table

TICK = Decimal("0.25")
START = Decimal(25_000)
BETWEEN = timedelta(milliseconds=5)
"""200 quotes a second."""


def rules(chance: random.Random, *, trailing: bool) -> tuple[Parameters, ...]:
    """Return limits as a prop firm sets them, each account's own."""
    limits = (
        DailyRealizedLoss(max_loss_usd=Decimal(chance.choice((500, 1_000, 2_000)))),
        DailyUnrealizedLoss(max_loss_usd=Decimal(chance.randint(30, 250))),
        MaxUnrealizedProfit(target_usd=Decimal(chance.randint(60, 500))),
    )
    managed = TradeManagement(
        breakeven=Breakeven(after_ticks=40, offset_ticks=2),
        trailing=Trailing(activate_ticks=60, trail_ticks=30),
    )
    return (*limits, managed) if trailing else limits


def world_of(holders: int, *, by_bands: bool, trailing: bool) -> QuotedWorld:
    """Return so many accounts that hold MNQ, some short, each from a price of its own."""
    chance = random.Random(holders)  # noqa: S311 - no secret
    accounts = range(1, holders + 1)
    guarded = {each: settings_of(each, rules(chance, trailing=trailing)) for each in accounts}
    world = QuotedWorld(guarded, by_bands)
    for account in accounts:
        size = chance.choice((-3, -2, -1, 1, 2, 3))
        entry = START + chance.randint(-8, 8) * TICK
        world.hold(account, MNQ, size, entry)
        world.stop(account, MNQ, entry - 120 * TICK * (1 if size > 0 else -1))
    world.quote(MNQ, START, START, START)  # with the first one everybody learns where it stands
    return world


def obey(world: QuotedWorld) -> None:
    """Do as the broker does: move the stops, and close what is to be closed."""
    for account, (moves, _) in tuple(world.wishes):
        for move in moves:
            world.stop(account, MNQ, move.stop_price)
    for account in tuple(world.enforced):
        world.hold(account, MNQ, 0, START)
    world.enforced.clear()


def market(quotes: int) -> Iterator[Decimal]:
    """Yield last prices that walk."""
    chance, price = random.Random(7), START  # noqa: S311 - no secret
    for _ in range(quotes):
        price += chance.choice((-2, -1, -1, 0, 0, 1, 1, 2)) * TICK
        yield price


def spent_s() -> float:
    """Return the processor's seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(
    holders: int, quotes: int, *, by_bands: bool, trailing: bool
) -> tuple[float, float, int]:
    """Return microseconds a quote, accounts told a quote, and breaches found."""
    world = world_of(holders, by_bands=by_bands, trailing=trailing)
    gc.collect()
    gc.freeze()
    told, begun = world.told, spent_s()
    for price in market(quotes):
        world.now += BETWEEN
        world.quote(MNQ, price, price, price + TICK)
        obey(world)
    spent = spent_s() - begun
    gc.unfreeze()
    found = sum(
        isinstance(event, RuleBreached) for events in world.events.values() for event in events
    )
    return spent * 1e6 / quotes, (world.told - told) / quotes, found


def main() -> None:
    """Print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quotes", type=int, default=2_000)
    options.add_argument("--holders", type=int, nargs="+", default=[10, 100, 1_000, 10_000])
    options.add_argument("--judgements", type=int, default=40_000, help="at most, by everybody")
    options.add_argument("--no-trailing", action="store_true", help="leave RULE-012 off")
    chosen = options.parse_args()
    machine()
    rows = []
    for holders in chosen.holders:
        quotes = chosen.quotes
        trailing = not chosen.no_trailing
        by_bands = measure(holders, quotes, by_bands=True, trailing=trailing)
        few = max(3, min(quotes, chosen.judgements // holders))
        by_all = measure(holders, few, by_bands=False, trailing=trailing)
        same = (
            by_bands if few == quotes else measure(holders, few, by_bands=True, trailing=trailing)
        )
        rows.append(
            (
                f"{holders:,}",
                f"{by_bands[0]:,.1f}",
                f"{by_bands[1]:.2f}",
                f"{by_all[0]:,.0f}",
                f"{by_all[0] / same[0]:,.0f}",
                f"{same[2]} / {by_all[2]} in {few:,}",
            )
        )
        say(f"done: {'  '.join(rows[-1])}")
    table(
        ("holders", "µs a quote", "told", "µs, everybody", "ratio", "breaches, both"),
        rows,
    )


if __name__ == "__main__":
    main()
