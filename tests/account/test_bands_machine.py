"""Accounts told only the quotes that leave their bands decide what they decide when told every quote."""

import random
from decimal import Decimal
from functools import partial

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from actors.rules.daily_realized_loss import DailyRealizedLoss
from actors.rules.daily_unrealized_loss import DailyUnrealizedLoss
from actors.rules.max_unrealized_profit import MaxUnrealizedProfit
from actors.rules.trade_management import Breakeven, TradeManagement, Trailing
from tests.account.quoted import CL, MNQ, RECORDS, ZN, QuotedWorld, comparable, settings_of

ACCOUNTS = (1, 2, 3)
BASE = {MNQ: Decimal(25_000), ZN: Decimal("112.5"), CL: Decimal("0.10")}
CONTRACTS = st.sampled_from([MNQ, ZN, CL])
ACCOUNT = st.sampled_from(ACCOUNTS)
TICKS = st.integers(-40, 40) | st.sampled_from([Decimal("3.5"), Decimal("-7.3")])
USD = st.sampled_from([20, 50, 100, 157, 333, 1_000]).map(Decimal)
LOSS = st.builds(DailyRealizedLoss, max_loss_usd=USD)
RULES = st.tuples(
    st.none() | LOSS,
    st.none() | st.builds(DailyUnrealizedLoss, max_loss_usd=USD),
    st.none() | st.builds(MaxUnrealizedProfit, target_usd=USD),
    st.none()
    | st.builds(
        TradeManagement,
        breakeven=st.builds(Breakeven, after_ticks=st.integers(3, 9), offset_ticks=st.just(2)),
        trailing=st.builds(
            Trailing, activate_ticks=st.integers(1, 12), trail_ticks=st.integers(1, 9)
        ),
    ),
).map(lambda rules: tuple(each for each in rules if each))


def price_of(contract, ticks):
    return BASE[contract] + ticks * RECORDS[contract].tick_size


class BandsMachine(RuleBasedStateMachine):
    """The same happens to two worlds; what is decided in them must be the same, at every step."""

    @initialize(
        rules=st.tuples(RULES, RULES, RULES),
        conservative=st.booleans(),
        held=st.dictionaries(st.tuples(ACCOUNT, CONTRACTS), st.integers(-3, 3), min_size=3),
        stops=st.booleans(),
    )
    def begin(self, rules, conservative, held, stops):
        guarded = {
            account: settings_of(account, each, conservative=conservative)
            for account, each in zip(ACCOUNTS, rules, strict=True)
        }
        self.at = dict.fromkeys(BASE, Decimal(0))
        self.one, self.other = (QuotedWorld(guarded, by_bands) for by_bands in (True, False))
        self.hold_something(held, stops)

    def both(self, act):
        for world in (self.one, self.other):
            act(world)

    def hold_something(self, held, stops):
        for contract, price in BASE.items():
            self.both(lambda world, name=contract, at=price: world.quote(name, at, at, at))
        for (account, contract), size in held.items():
            self.position(account, contract, size, 0, odd=False)
            if stops and size:
                self.stop(account, contract, -10 if size > 0 else 10, 1)

    @rule(
        moves=st.lists(st.tuples(CONTRACTS, st.integers(-9, 9)), min_size=5, max_size=25),
        spread=st.integers(0, 3),
    )
    def market_moves(self, moves, spread):
        for contract, ticks in moves:
            self.at[contract] += ticks
            self.quoted(contract, self.at[contract], spread)

    @rule(contract=CONTRACTS, ticks=TICKS, spread=st.integers(0, 3))
    def market_jumps(self, contract, ticks, spread):
        self.at[contract] = ticks
        self.quoted(contract, ticks, spread)

    def quoted(self, contract, ticks, spread):
        self.said(contract, price_of(contract, ticks), price_of(contract, ticks + spread))

    def said(self, contract, last, ask):
        self.both(lambda world: world.quote(contract, last, last, ask))
        self.the_same_is_decided_at_every_quote()

    @rule(
        account=ACCOUNT,
        losing=st.booleans(),
        inside=st.sampled_from(["-1", "0", "0.01", "1"]).map(Decimal),
        spread=st.integers(0, 3),
    )
    def market_goes_to_the_edges(self, account, losing, inside, spread):
        """All contracts at once, as far as an account need not hear of it, and just beyond."""
        for contract, record in RECORDS.items():
            edges, held = self.one.fanout._edges.get(contract), self.one.held[account]
            band = edges and edges.band(account)
            if band is None:
                continue
            is_low = (held[contract].size > 0) is losing
            if (edge := band.low if is_low else band.high) is not None:
                price = edge + (inside if is_low else -inside) * record.tick_size
                self.said(contract, price, price + spread * record.tick_size)

    @rule(contract=CONTRACTS, ticks=TICKS, side=st.sampled_from(["last", "bid", "ask"]))
    def one_sided_quote(self, contract, ticks, side):
        sides = {"last": None, "bid": None, "ask": None} | {side: price_of(contract, ticks)}
        self.both(lambda world: world.quote(contract, **sides))

    @rule(
        account=ACCOUNT,
        contract=CONTRACTS,
        size=st.integers(-3, 3),
        ticks=TICKS,
        odd=st.booleans(),
    )
    def position(self, account, contract, size, ticks, odd):
        average = price_of(contract, ticks) + (Decimal("0.0123456789") if odd else 0)
        self.both(lambda world: world.hold(account, contract, size, average))

    @rule(account=ACCOUNT, contract=CONTRACTS, ticks=TICKS, order=st.integers(1, 2))
    def stop(self, account, contract, ticks, order):
        price = price_of(contract, ticks)
        self.both(lambda world: world.stop(account, contract, price, order_id=order))

    @rule(account=ACCOUNT, contract=CONTRACTS, ticks=TICKS)
    def limit_order(self, account, contract, ticks):
        self.both(lambda world: world.limit(account, contract, price_of(contract, ticks)))

    @rule(account=ACCOUNT, contract=CONTRACTS, pnl=st.integers(-60, 60).map(Decimal))
    def closing_fill(self, account, contract, pnl):
        self.both(lambda world: world.close(account, contract, pnl))

    @rule(account=ACCOUNT, usd=USD, activate_ticks=st.integers(1, 12))
    def reload(self, account, usd, activate_ticks):
        def changed(parameters):
            match parameters:
                case DailyRealizedLoss():
                    return replace(parameters, max_loss_usd=usd)
                case TradeManagement(trailing=trailing):
                    return replace(
                        parameters, trailing=replace(trailing, activate_ticks=activate_ticks)
                    )
                case _:
                    return parameters

        rules = tuple(changed(each.parameters) for each in self.one.settings[account].rules)
        self.both(lambda world: world.adopt(account, rules))

    @rule(seconds=st.sampled_from([0.5, 2, 6]))
    def time_passes(self, seconds):
        self.both(lambda world: world.advance(seconds))

    @rule(account=ACCOUNT)
    def account_restarts(self, account):
        self.both(lambda world: world.begin(account))

    @rule()
    def quote_actor_restarts(self):
        self.both(lambda world: world.restart_quotes())

    @invariant()
    def the_same_is_decided_at_every_quote(self):
        for account in ACCOUNTS:
            assert comparable(self.one.decided[account]) == comparable(self.other.decided[account])
        assert self.one.wishes == self.other.wishes

    @invariant()
    def the_same_is_shown(self):
        for account in ACCOUNTS:
            shown = []
            for world in (self.one, self.other):
                world.cores[account].see(world.known.latest, world.known.peaks, world.now)
                shown.append(world.cores[account].status(world.now))
            assert shown[0] == shown[1]


BandsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestBandsMachine = BandsMachine.TestCase


def drawn_rules(chance):
    usd = lambda: Decimal(chance.choice([20, 50, 100, 157, 333]))  # noqa: E731
    trailing = Trailing(activate_ticks=chance.randrange(1, 12), trail_ticks=chance.randrange(1, 9))
    found = (
        DailyRealizedLoss(max_loss_usd=usd()),
        DailyUnrealizedLoss(max_loss_usd=usd()),
        MaxUnrealizedProfit(target_usd=usd()),
        TradeManagement(breakeven=Breakeven(after_ticks=5, offset_ticks=2), trailing=trailing),
    )
    return tuple(chance.sample(found, chance.randrange(1, 3)))


@pytest.mark.parametrize("seed", range(20))
def test_on_long_days_at_the_edges_the_same_is_decided(seed):
    """More steps than are searched above, most of them where a band ends."""
    chance, day = random.Random(seed), BandsMachine()  # noqa: S311 - a market
    pick, contracts = chance.choice, list(BASE)
    sizes = {(a, c): pick([-3, -2, -1, 1, 2, 3]) for a in ACCOUNTS for c in contracts}
    day.begin(
        rules=tuple(drawn_rules(chance) for _ in ACCOUNTS),
        conservative=seed % 2 == 0,
        held={key: size for key, size in sizes.items() if chance.random() < 0.6},
        stops=pick([True, False]),
    )
    for _ in range(80):
        account, contract, ticks = pick(ACCOUNTS), pick(contracts), chance.randrange(-30, 31)
        inside, spread = (
            Decimal(pick(["-1", "0", "0.01", "0.01", "0.01", "1", "1"])),
            chance.randrange(4),
        )
        edges = partial(
            day.market_goes_to_the_edges, losing=pick([True, True, False]), inside=inside
        )
        what = [
            partial(edges, account=account, spread=spread),
            partial(day.market_jumps, contract=contract, ticks=ticks, spread=spread),
            partial(day.closing_fill, account=account, contract=contract, pnl=Decimal(ticks)),
            partial(
                day.position,
                account=account,
                contract=contract,
                size=pick([-3, -1, 0, 1, 2]),
                ticks=day.at[contract],
                odd=pick([True, False]),
            ),
            partial(day.stop, account=account, contract=contract, ticks=ticks, order=1),
            partial(day.time_passes, seconds=pick([0.5, 6])),
            partial(day.account_restarts, account=account),
            day.quote_actor_restarts,
        ]
        chance.choices(what, [20, 5, 3, 8, 2, 2, 1, 1])[0]()
        day.the_same_is_decided_at_every_quote()
        day.the_same_is_shown()
