"""A stop that trails by prices nobody told its account moves as one whose account is told every quote."""

import random
from decimal import Decimal

import pytest

from actors.rules.daily_unrealized_loss import DailyUnrealizedLoss
from actors.rules.trade_management import Breakeven, TradeManagement, Trailing
from tests.account.quoted import MNQ, QuotedWorld, comparable, settings_of

A, B = 1, 2
START, TICK = Decimal(25_000), Decimal("0.25")


def managed(chance):
    trailing = Trailing(activate_ticks=chance.randrange(1, 25), trail_ticks=chance.randrange(1, 9))
    even = Breakeven(after_ticks=chance.randrange(3, 20), offset_ticks=2)
    return TradeManagement(breakeven=chance.choice([None, even]), trailing=trailing)


@pytest.mark.parametrize("seed", range(40))
def test_stops_move_at_the_same_quotes_to_the_same_prices(seed):
    """Quotes in long runs, and between them stops, limits, reductions, scale-ins and reloads."""
    chance = random.Random(seed)  # noqa: S311 - a market
    loss = DailyUnrealizedLoss(max_loss_usd=Decimal(1_000))
    guarded = {
        each: settings_of(each, (loss, managed(chance)), conservative=seed % 3 == 0)
        for each in (A, B)
    }
    worlds = [QuotedWorld(guarded, by_bands) for by_bands in (True, False)]
    sizes, price = {A: 3, B: -3}, START
    moved = 0

    def both(act):
        for world in worlds:
            act(world)
        for each in (A, B):
            one, other = (comparable(world.decided[each]) for world in worlds)
            assert one == other
        assert worlds[0].wishes == worlds[1].wishes

    both(lambda world: world.quote(MNQ, START, START, START))
    for each, size in sizes.items():
        both(lambda world, each=each, size=size: world.hold(each, MNQ, size, START))
    for _ in range(60):
        for _ in range(chance.randrange(1, 12)):
            price += TICK * chance.choice((-2, -1, -1, 0, 1, 1, 2))
            spread = TICK * chance.randrange(3)
            both(lambda world, p=price, s=spread: world.quote(MNQ, p, p, p + s))
            moved += any(moves for _, (moves, _) in worlds[0].wishes)
            for each, (moves, _) in tuple(worlds[0].wishes):
                if moves and chance.random() < 0.8:  # the broker obeys, as a rule
                    to = moves[0].stop_price
                    both(lambda world, each=each, to=to: world.stop(each, MNQ, to))
        each = chance.choice((A, B))
        sign = 1 if sizes[each] > 0 else -1
        off = TICK * chance.randrange(1, 30) * sign
        rules = (loss, managed(chance))
        match chance.randrange(5):
            case 0:
                both(lambda world, e=each, p=price - off: world.stop(e, MNQ, p))
            case 1:
                both(lambda world, e=each, p=price + off: world.limit(e, MNQ, p))
            case 2:
                sizes[each] = sign * chance.randrange(1, 4)
                both(lambda world, e=each, s=sizes[each]: world.hold(e, MNQ, s, START))
            case 3:
                both(lambda world, e=each, r=rules: world.adopt(e, r))
            case _:
                both(lambda world: world.restart_quotes())

    assert moved
    assert worlds[0].told < worlds[1].told
