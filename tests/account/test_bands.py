"""The bands of an account, in numbers: one tick inside is quiet, the edge itself is judged."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from actors.account.settings import RuleSetting
from actors.rules.daily_realized_loss import DailyRealizedLoss
from actors.rules.daily_unrealized_loss import DailyUnrealizedLoss
from actors.rules.max_unrealized_profit import MaxUnrealizedProfit
from actors.rules.trade_management import Breakeven, TradeManagement, Trailing
from messages.commands import Evaluate
from messages.events import AlarmRaised, HealthChanged, RuleBreached
from messages.values import AlarmCode, BreachCode, Health, PriceKind
from tests.account.quoted import CL, MNQ, RECORDS, ZN, QuotedWorld, rule_of, settings_of

A = 1
LOSS_003 = DailyRealizedLoss(max_loss_usd=Decimal(100))
LOSS_004 = DailyUnrealizedLoss(max_loss_usd=Decimal(50))
PROFIT_005 = MaxUnrealizedProfit(target_usd=Decimal(80))
EVEN = TradeManagement(breakeven=Breakeven(after_ticks=8, offset_ticks=2))
TRAIL = TradeManagement(trailing=Trailing(activate_ticks=8, trail_ticks=4))


def world_of(*rules, conservative=False):
    return QuotedWorld({A: settings_of(A, rules, conservative=conservative)}, by_bands=True)


def price(world, last, contract=MNQ):
    world.quote(contract, Decimal(last), Decimal(last), Decimal(last))


def band(world, contract=MNQ):
    """Return the edges that are set at the fan-out; None = every quote is told."""
    found = world.fanout._edges[contract].band(A)
    return found and (found.low and str(found.low), found.high and str(found.high))


def entered(*rules, size=1, at="25000", conservative=False, stop=None):
    world = world_of(*rules, conservative=conservative)
    world.hold(A, MNQ, size, Decimal(at))
    if stop:
        world.stop(A, MNQ, Decimal(stop))
    price(world, at)
    return world


@pytest.mark.parametrize(
    ("rules", "size", "stop", "edges"),
    [
        ((), 1, None, (None, None)),
        ((LOSS_003,), 1, None, ("24950.00", None)),
        ((LOSS_003,), -2, None, (None, "25025.00")),
        ((LOSS_003, LOSS_004), 1, None, ("24975.00", None)),
        ((LOSS_004, PROFIT_005), 1, None, ("24975.00", "25040.00")),
        ((LOSS_004, PROFIT_005), -1, None, ("24960.00", "25025.00")),
        ((LOSS_004,), 3, None, ("24991.75", None)),  # 33⅓ ticks: woken a tick early
        ((EVEN,), 1, None, (None, None)),
        ((EVEN,), 1, "24990", (None, "25002.00")),
        ((EVEN,), 1, "25000.50", (None, None)),
        ((EVEN,), -1, "25010", ("24998.00", None)),
    ],
    ids=str,
)
def test_a_band_ends_where_the_first_rule_may_say_something(rules, size, stop, edges):
    """Limits in dollars and steps in ticks, long and short, the narrowest of all rules."""
    assert band(entered(*rules, size=size, stop=stop)) == edges


@pytest.mark.parametrize(("last", "told"), [("24975.25", 0), ("24975", 1), ("24974.75", 1)])
def test_only_a_quote_at_the_edge_or_beyond_is_told_and_breaks_the_limit(last, told):
    """One tick inside nobody is told; exactly at the limit the position is closed."""
    world = entered(LOSS_004)
    before = world.told
    price(world, last)

    assert world.told - before == told
    breaches = [each for each in world.events[A] if isinstance(each, RuleBreached)]
    assert len(breaches) == told


def test_the_price_that_values_the_position_counts():
    """A long by the bid, a short by the ask, where marks are conservative."""
    for size, kind in ((1, PriceKind.BID), (-1, PriceKind.ASK)):
        world = entered(LOSS_004, size=size, conservative=True)
        assert world.fanout._edges[MNQ].band(A).price is kind


def test_what_several_contracts_may_lose_together_is_shared_out():
    """$100 over $0.50 + $15.625 a tick: six ticks each, and together they lose less."""
    world = entered(LOSS_003)
    world.hold(A, ZN, 1, Decimal("112.5"))
    price(world, "112.5", ZN)

    assert band(world) == ("24998.50", None)
    assert band(world, ZN) == ("112.406250", None)


def test_a_sum_that_is_unknown_lets_every_quote_through():
    """One contract was never quoted: the rule judges as soon as it is, whichever quote comes."""
    world = entered(LOSS_003)
    world.hold(A, CL, 1, Decimal(60))

    assert band(world) is None
    assert band(world, CL) is None


@pytest.mark.parametrize("stop", [None, 24_990, 25_010])
@pytest.mark.parametrize(
    ("size", "edges"), [(1, (None, "25002.00")), (-1, ("24998.00", None))], ids=str
)
def test_no_best_mark_is_told_before_it_is_trailed(size, edges, stop):
    """The band ends where trailing begins: eight ticks of profit."""
    assert band(entered(TRAIL, size=size, stop=stop)) == edges


@pytest.mark.parametrize(("size", "sign"), [(1, 1), (-1, -1)])
def test_a_reload_that_trails_earlier_counts_how_far_untold_prices_went(size, sign):
    """Six ticks of profit were never told: from five ticks on the stop is put behind them."""
    world = entered(TRAIL, size=size, stop=25_000 - 10 * sign)
    before = world.told
    price(world, Decimal(25_000) + sign * Decimal("1.50"))
    price(world, Decimal(25_000) + sign * Decimal("1.25"))
    assert world.told == before
    world.adopt(A, (TradeManagement(trailing=Trailing(activate_ticks=5, trail_ticks=4)),))

    (_, (moves, _)) = world.wishes.pop()
    assert [move.stop_price for move in moves] == [Decimal(25_000) + sign * Decimal("0.50")]


def test_what_a_position_before_it_saw_is_not_its_best_mark():
    """Untold prices count from the moment it is held."""
    world = entered(TRAIL, stop=24_990)
    price(world, "25001.50")
    price(world, "25000.25")
    world.hold(A, MNQ, 2, Decimal(25_000))
    price(world, "25000.50")
    world.adopt(A, (TradeManagement(trailing=Trailing(activate_ticks=1, trail_ticks=1)),))

    (_, (moves, _)) = world.wishes.pop()
    assert [move.stop_price for move in moves] == [Decimal("25000.25")]


def test_without_a_stop_to_move_no_best_mark_is_told_until_there_is_one():
    """Then the stop is put behind the best of all."""
    world = entered(TRAIL)
    price(world, "25002")
    before = world.told
    for last in ("25004", "25009", "25006"):
        price(world, last)
    assert world.told == before
    world.stop(A, MNQ, Decimal(24_990))

    assert {moves[0].stop_price for _, (moves, _) in world.wishes if moves} == set()
    price(world, "25009")
    assert {moves[0].stop_price for _, (moves, _) in world.wishes} == {Decimal("25008.00")}


def test_a_trailing_stop_is_told_every_new_best_mark_and_nothing_else():
    """From the activation on the band ends just beyond the best mark, once the stop has followed."""
    world = entered(TRAIL, stop="24990")
    price(world, "25003")
    assert band(world) is None  # the stop is to be moved: repeated with every quote
    world.stop(A, MNQ, Decimal(25_002))
    before = world.told
    for last in ("25003", "25002.25", "25003"):
        price(world, last)
    assert world.told == before
    price(world, "25003.25")

    assert world.told == before + 1
    assert {moves[0].stop_price for _, (moves, _) in world.wishes} == {Decimal("25002.25")}


def test_a_rule_that_does_not_say_how_far_prices_may_move_sees_every_quote(monkeypatch):
    """Fail closed: a new rule that listens to quotes needs no band to be safe."""
    world = entered(LOSS_004)
    assert band(world)
    core = world.cores[A]
    silent = replace(rule_of(LOSS_004), quiet=None)
    settings = replace(core._settings, rules=(RuleSetting(rule=silent, parameters=LOSS_004),))
    monkeypatch.setattr(core._judging, "settings", settings)
    world.stop(A, MNQ, Decimal(24_000))

    assert band(world) is None


def test_a_rule_that_fails_to_say_it_sees_every_quote_and_is_alarmed_once(monkeypatch):
    """Its bug stops no account and hides no quote."""
    world = entered(LOSS_004)
    broken = replace(rule_of(LOSS_004), quiet=lambda _view, _parameters: 1 / 0)
    settings = replace(
        world.cores[A]._settings, rules=(RuleSetting(rule=broken, parameters=LOSS_004),)
    )
    monkeypatch.setattr(world.cores[A]._judging, "settings", settings)
    for stop in (24_000, 24_001, 24_002):
        world.stop(A, MNQ, Decimal(stop))

    assert band(world) is None
    alarms = [each.text for each in world.events[A] if isinstance(each, AlarmRaised)]
    assert alarms == ["bands: ZeroDivisionError: division by zero; every quote is judged"]


def test_a_position_added_to_far_from_the_quote_it_was_told_is_judged_by_the_present_one():
    """By the old quote, of which it lost nothing, the larger position would seem deep in the red."""
    world = entered(LOSS_004)
    price(world, "25090")  # inside the band: not told
    world.hold(A, MNQ, 11, Decimal("25081.75"))

    assert not [each for each in world.events[A] if isinstance(each, RuleBreached)]
    assert band(world) == ("25079.50", None)


def test_an_account_stays_live_by_quotes_it_is_not_told():
    """Their age counts, and when they stop it is stale at once; the first one after that is told."""
    world = entered(LOSS_004)
    for _ in range(10):
        world.advance(2)
        price(world, "25001")
    health = [each.health for each in world.events[A] if isinstance(each, HealthChanged)]
    assert health[-1] is Health.LIVE
    world.advance(6)
    assert [each.code for each in world.events[A] if isinstance(each, AlarmRaised)] == [
        AlarmCode.QUOTE_STALE
    ]
    price(world, "25001")

    health = [each.health for each in world.events[A] if isinstance(each, HealthChanged)]
    assert health[-2:] == [Health.STALE, Health.LIVE]


def test_the_status_shows_the_open_profit_of_quotes_it_was_not_told():
    """The latest quote is read when it is asked for."""
    world = entered(LOSS_004)
    before = world.told
    price(world, "25010")
    core = world.cores[A]
    core.see(world.known.latest, world.known.peaks, world.now)

    assert core.status(world.now).open_usd == 20
    assert world.told == before


def test_a_quote_that_passes_before_a_new_band_is_heard_is_told_when_it_is():
    """The position has grown; what the old band let pass breaks the limit of the new one."""
    world = entered(LOSS_004)
    world.holding_back = True
    world.hold(A, MNQ, 10, Decimal(25_000))
    price(world, "24990")
    assert not [each for each in world.events[A] if isinstance(each, RuleBreached)]
    world.let_through()

    breach = next(each for each in world.events[A] if isinstance(each, RuleBreached)).breach
    assert breach.code is BreachCode.DAILY_UNREALIZED_LOSS
    assert breach.value == -200


def test_a_band_is_taken_back_although_a_quote_has_come_since_it_was_told(monkeypatch):
    """What another holder's quote shows of a second contract must not hide the first one's loss."""
    rules = {A: settings_of(A, (LOSS_004, EVEN)), 2: settings_of(2, (LOSS_004,))}
    world = QuotedWorld(rules, by_bands=True)
    world.hold(2, ZN, 1, Decimal("112.5"))
    price(world, "112.5", ZN)
    for size in (1, 0):  # from now on it knows the contract
        world.hold(A, ZN, size, Decimal(112))
    world.hold(A, MNQ, 1, Decimal(25_000))
    price(world, "25000")
    world.stop(A, ZN, Decimal(111), order_id=2)
    fan = world._fan
    monkeypatch.setattr(world, "_fan", lambda told: fan(sorted(told, key=_contract)))
    world.hold(A, ZN, 1, Decimal(112))  # told MNQ first: its stop in ZN is to be moved, and is not
    world.hold(A, MNQ, 10, Decimal(25_000))
    price(world, "24990")

    breach = next(each for each in world.events[A] if isinstance(each, RuleBreached)).breach
    assert breach.value == -200


def _contract(told):
    _, changed = told
    return changed.quote.contract


def test_a_reset_that_a_quote_brings_is_judged_by_that_quote():
    """By what was told before it, long inside the band, the new day would begin with a breach."""
    world = entered(LOSS_003, PROFIT_005)
    world.close(A, CL, Decimal(500))
    world.now = world.now.replace(hour=21, minute=59, second=59)
    price(world, "24900")
    world.stop(A, MNQ, Decimal(24_000))  # at this price it is looked at
    price(world, "25000")  # and this is not told
    world.now += timedelta(seconds=1)  # the clock's own word comes later
    price(world, "25040")

    codes = [each.breach.code for each in world.events[A] if isinstance(each, RuleBreached)]
    assert codes == [BreachCode.MAX_UNREALIZED_PROFIT]


def test_quotes_inside_the_band_cost_no_judgement(monkeypatch):
    """A thousand of them, and no rule is asked."""
    world = entered(LOSS_003, LOSS_004, PROFIT_005)
    asked = []
    monkeypatch.setattr(world, "_judge", asked.append)
    for number in range(1_000):
        price(world, Decimal(25_000) + number % 40 * Decimal("0.25"))

    assert [each for each in asked if isinstance(each, Evaluate)] == []


def test_a_contract_whose_tick_is_worth_no_whole_number_of_decimals_gets_no_band(monkeypatch):
    """Rounding could put the edge beyond the limit: every quote is judged."""
    odd = replace_record(tick_size=Decimal("0.3"), tick_value_usd=Decimal("0.1"))
    monkeypatch.setitem(RECORDS, MNQ, odd)

    assert band(entered(LOSS_004)) is None


def test_a_contract_whose_ticks_are_worth_nothing_gets_no_band(monkeypatch):
    """A broken record: nothing is concluded from it."""
    monkeypatch.setitem(RECORDS, MNQ, replace_record(tick_value_usd=Decimal(0)))

    assert band(entered(LOSS_004)) is None


def test_a_locked_account_is_told_no_quote():
    """Under a flat duty no rule is asked: whatever the price, nothing could come of it."""
    world = entered(LOSS_003)
    price(world, "24950")
    before = world.told
    for last in ("24949", "24000", "26000"):
        price(world, last)

    assert band(world) == (None, None)
    assert world.told == before


def replace_record(**changes):
    return msgspec.structs.replace(RECORDS[MNQ], **changes)


@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("hold"), st.sampled_from([MNQ, ZN]), st.integers(1, 9)),
            st.tuples(st.just("price"), st.sampled_from([MNQ, ZN]), st.integers(-30, 5)),
            st.tuples(st.just("let through"), st.none(), st.none()),
        ),
        min_size=2,
        max_size=12,
    )
)
def test_whatever_crosses_on_its_way_a_limit_that_stays_broken_is_found(steps):
    """Bands and quotes pass each other in every order; the latest quote is judged in the end."""
    world = world_of(LOSS_004)
    at = {MNQ: Decimal(25_000), ZN: Decimal("112.5")}
    ticks = {name: RECORDS[name].tick_size for name in at}
    for contract, entry in at.items():
        world.hold(A, contract, 1, entry)
        price(world, entry, contract)
    world.holding_back = True
    for what, contract, number in steps:
        match what:
            case "hold":
                world.hold(A, contract, number, at[contract])
            case "price":
                price(world, at[contract] + number * ticks[contract], contract)
            case _:
                world.let_through()
                world.holding_back = True
    world.let_through()

    core = world.cores[A]
    core.see(world.known.latest, world.known.peaks, world.now)
    view = core._picture.view(world.now)
    broken = rule_of(LOSS_004).evaluate(view, LOSS_004)
    assert not broken or core.state.enforcement
