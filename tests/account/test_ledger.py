"""The day's P&L from fills: once each, with costs, shorts, scale-ins and partial exits."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import permutations
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from actors.account.ledger import Booking, Ledger
from actors.account.trading_day import TradingDay
from actors.account.valuation import open_pnl_usd
from messages.values import Contract, Fill, Position, Side

DAY = date(2025, 10, 29)
NEXT = date(2025, 10, 30)


def fill(trade_id, pnl=None, *, costs="0", voided=False, order=1):
    return Fill(
        trade_id=trade_id,
        order_id=order,
        contract="CON.F.US.MNQ.Z25",
        side=Side.SELL,
        size=1,
        price=Decimal(1),
        profit_and_loss_usd=None if pnl is None else Decimal(pnl),
        fees_usd=Decimal(costs),
        commissions_usd=Decimal(costs),
        voided=voided,
        executed_at=datetime(2025, 10, 29, tzinfo=UTC),
    )


fills = st.lists(
    st.builds(
        fill,
        st.integers(1, 8),
        st.one_of(st.none(), st.integers(-500, 500)),
        costs=st.sampled_from(["0", "0.37", "1.25"]),
    ),
    max_size=20,
)


@given(fills, st.randoms())
def test_duplicates_and_order_change_nothing(booked, random):
    """I7: any order, each fill any number of times, gives the sum of the distinct ones."""
    unique = list({each.trade_id: each for each in reversed(booked)}.values())
    again = unique * 3
    random.shuffle(again)
    ledger = Ledger(day=DAY)

    for each in again:
        ledger.book(each, DAY)

    total = sum(((each.profit_and_loss_usd or 0) - each.costs_usd for each in unique), Decimal(0))
    assert ledger.realised_usd == total
    assert ledger.closed_trades == sum(each.profit_and_loss_usd is not None for each in unique)


def test_costs_of_opening_fills_count():
    """An opening half-turn has no P&L but it has costs."""
    ledger = Ledger(day=DAY)

    ledger.book(fill(1, None, costs="0.37"), DAY)

    assert (ledger.realised_usd, ledger.closed_trades) == (Decimal("-0.74"), 0)


def test_a_void_takes_out_once_and_a_late_original_does_not_bring_it_back():
    """A voided fill is gone, whatever arrives again."""
    ledger = Ledger(day=DAY)
    for each in (fill(1, -300), fill(1, -300, voided=True), fill(1, -300)):
        ledger.book(each, DAY)

    assert ledger.realised_usd == 0


def test_a_void_that_overtakes_its_original_keeps_it_out():
    """I7: it counts nothing on its day, nor, told early, on the coming one."""
    ledger = Ledger(day=DAY)
    for each, day in ((1, DAY), (2, NEXT)):
        ledger.book(fill(each, 500, voided=True), day)
        ledger.book(fill(each, 500), day)
    assert (ledger.realised_usd, ledger.closed_trades, ledger.fills) == (0, 0, ())

    ledger.reset(NEXT, [(NEXT, each) for each in ledger.since(NEXT)])
    ledger.book(fill(2, 500), NEXT)

    assert ledger.realised_usd == 0


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_costs_told_later_count_whatever_the_order(order):
    """A trade told again with higher costs is corrected; I7: in any order, any number of times."""
    told = [priced("0", "0"), priced("1.20", "0"), priced("1.20", "0.75")]
    ledger = Ledger(day=DAY)

    for place in (*order, *order):
        ledger.book(told[place], DAY)

    assert ledger.realised_usd == Decimal("-101.95")
    assert ledger.closed_trades == 1


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_result_told_later_counts_whatever_the_order(order):
    """A close comes without its P&L, then with it, then with a worse one; I7: in any order."""
    told = [fill(1, None), fill(1, -100), fill(1, -600)]
    ledger = Ledger(day=DAY)

    for place in (*order, *order):
        ledger.book(told[place], DAY)

    assert (ledger.realised_usd, ledger.closed_trades) == (-600, 1)
    assert ledger.weigh(fill(1, -100), DAY) is Booking.UNCHANGED
    assert ledger.weigh(fill(1, -601), DAY) is Booking.CORRECTED


@pytest.mark.parametrize(
    ("known", "told", "counted"),
    [
        ((), -5, None),
        ((fill(1, None),), -5, None),
        ((fill(1, -5),), -5, None),
        ((fill(1, -5),), None, None),
        ((fill(1, -5),), -6, -5),
        ((fill(1, -5),), 5, -5),
        ((fill(1, -5), fill(1, -5, voided=True)), -6, None),
    ],
)
def test_a_trade_contradicts_itself_by_two_results(known, told, counted):
    """Not by one that was left out, nor by being told again; what is void has none."""
    ledger = Ledger(day=DAY)
    for each in known:
        ledger.book(each, DAY)

    assert ledger.contradicted_usd(fill(1, told)) == counted


def test_a_correction_is_told_from_a_repetition():
    """What changes nothing is not recorded; a fill of a closed day is not corrected any more."""
    ledger = Ledger(day=DAY)
    ledger.book(priced("1", "0"), DAY)

    assert ledger.weigh(priced("1", "0"), DAY) is Booking.UNCHANGED
    assert ledger.weigh(priced("0.50", "0"), DAY) is Booking.UNCHANGED
    assert ledger.weigh(priced("1", "0.01"), DAY) is Booking.CORRECTED
    assert ledger.weigh(priced("1", "1"), DAY - timedelta(days=1)) is Booking.UNCHANGED


def test_a_void_keeps_out_a_correction():
    """A fill the broker took back costs nothing, whatever is told of it later."""
    ledger = Ledger(day=DAY)
    for each in (priced("0", "0"), fill(1, -100, voided=True), priced("5", "5")):
        ledger.book(each, DAY)

    assert ledger.realised_usd == 0


def priced(fees, commissions):
    costs = {"fees_usd": Decimal(fees), "commissions_usd": Decimal(commissions)}
    return msgspec.structs.replace(fill(1, -100), **costs)


def test_a_fill_of_a_closed_day_never_counts_and_one_of_the_next_waits():
    """Fills are counted on their own day."""
    ledger = Ledger(day=DAY)
    assert ledger.weigh(fill(1, -1), DAY - timedelta(days=1)) is Booking.UNCHANGED
    assert ledger.weigh(fill(2, -2), NEXT) is Booking.AHEAD
    ledger.book(fill(2, -2), NEXT)
    ledger.book(fill(3, -3), DAY)
    assert ledger.realised_usd == -3

    ledger.reset(NEXT, [(NEXT, each) for each in ledger.since(NEXT)])

    assert ledger.realised_usd == -2


told = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["0", "0.37", "1.25"]), st.booleans()), max_size=14
)


@given(told)
def test_totals_are_the_sum_of_what_was_told_on_either_day(tellings):
    """Odd trades are of the coming day; a void and a correction told before the reset count after it."""
    ledger, days = Ledger(day=DAY), {1: NEXT, 0: DAY}
    for trade, costs, voided in tellings:
        ledger.book(fill(trade, -trade, costs=costs, voided=voided), days[trade % 2])

    assert ledger.realised_usd == naive(tellings, 0)
    ledger.reset(NEXT, [(NEXT, each) for each in ledger.since(NEXT)])
    assert ledger.realised_usd == naive(tellings, 1)


def naive(tellings, odd):
    """Return the sum of a day's trades: each once, with its highest costs, unless it was voided."""
    known, void = {}, set()
    for trade, costs, voided in tellings:
        if voided:
            void.add(trade)
        else:
            known[trade] = max(known.get(trade, Decimal(0)), Decimal(costs))
    kept = [trade for trade in known if trade % 2 == odd and trade not in void]
    return sum((-trade - 2 * known[trade] for trade in kept), Decimal(0))


@pytest.mark.parametrize(
    ("size", "entry", "mark", "tick", "value", "pnl"),
    [
        (-1, "21000", "20990", "0.25", "0.50", "20"),
        (-2, "6000", "6001.25", "0.25", "12.50", "-125"),
        (1, "6000", "6010", "0.25", "12.50", "500"),
        (2, "21000", "20995", "0.25", "0.50", "-20"),
        (3, "40000", "40001", "1", "0.50", "1.5"),
        (1, "2000", "2000.10", "0.10", "5", "5"),
    ],
)
def test_open_positions_are_valued_by_the_brokers_record(size, entry, mark, tick, value, pnl):
    """S-101 and S-105: shorts, ES by its tick value, YM and RTY with ticks of their own."""
    contract = Contract(
        contract="c", name="c", tick_size=Decimal(tick), tick_value_usd=Decimal(value)
    )
    position = Position(contract="c", size=size, average_price=Decimal(entry))

    assert open_pnl_usd(position, contract, Decimal(mark)) == Decimal(pnl)


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(
        [
            "America/Chicago",
            "America/New_York",
            "Europe/London",
            "Asia/Tokyo",
            "Australia/Lord_Howe",
        ]
    ),
    st.times(),
)
def test_every_instant_lies_in_exactly_one_trading_day(at, zone, reset):
    """The start is inside, the next reset outside and ahead, over all changes of the clocks."""
    day = TradingDay(reset=reset.replace(microsecond=0, second=0), zone=ZoneInfo(zone))
    label = day.label(at)

    following = day.next_reset(at)

    assert day.start(label) <= at + timedelta(hours=2)
    assert at < following + timedelta(hours=1)
    assert timedelta(hours=21) < following - day.start(label) < timedelta(hours=27)


@pytest.mark.parametrize(
    ("at", "label", "reset"),
    [
        ((2025, 10, 29, 21, 59, 59), "2025-10-29", (2025, 10, 29, 22)),
        ((2025, 10, 29, 22, 0, 0), "2025-10-30", (2025, 10, 30, 22)),
        ((2025, 10, 31, 22, 0, 0), "2025-11-01", (2025, 11, 1, 22)),
        ((2025, 11, 1, 22, 0, 0), "2025-11-02", (2025, 11, 2, 23)),
        ((2026, 3, 8, 0, 0, 0), "2026-03-08", (2026, 3, 8, 22)),
    ],
)
def test_the_reset_is_at_17_chicago_in_summer_and_winter(at, label, reset):
    """At the reset itself the new day has begun; the day of the change has 25 or 23 hours."""
    day = TradingDay(reset=time(17), zone=ZoneInfo("America/Chicago"))
    moment = datetime(*at, tzinfo=UTC)

    assert (day.label(moment).isoformat(), day.next_reset(moment)) == (
        label,
        datetime(*reset, tzinfo=UTC),
    )
