"""What single events make of an account, where the whole account would not tell two readings apart."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from actors.account.state import AccountState
from messages.events import (
    AccountLocked,
    DayReset,
    EnforcementStarted,
    ExposureUnderLock,
    LockoutReleased,
    RuleBreached,
)
from messages.facts import (
    PositionChanged,
    SnapshotTaken,
    StreamConnected,
    StreamLost,
    TradeExecuted,
)
from messages.values import (
    ACCOUNT_SCOPE,
    Allowance,
    Breach,
    BreachCode,
    Duty,
    Fill,
    FlatAccount,
    Lockout,
    Position,
    ReleaseOn,
    Side,
)
from tests.account.world import ACCOUNT, DAY, START

RESET = datetime(2025, 10, 29, 22, tzinfo=UTC)
MNQ = "CON.F.US.MNQ.Z25"
INSTANT, MINUTE = timedelta(microseconds=1), timedelta(minutes=1)


@pytest.fixture
def state():
    return begun(START)


def begun(at):
    """Return an account whose trading day has just begun."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    state.evolve(day_reset(at))
    return state


def head(at=START):
    return {"account": ACCOUNT, "at": at, "cause": "test"}


def day_reset(at, fills=()):
    return DayReset(
        **head(at),
        closed_date=None,
        realised_usd=Decimal(0),
        closed_trades=0,
        trading_date=DAY.label(at).isoformat(),
        lockouts=(),
        enforcement=None,
        breach_count=0,
        enforcement_count=0,
        connected=True,
        positions=(),
        orders=(),
        unprotected=(),
        can_trade=None,
        can_trade_at=None,
        fills=fills,
    )


def fill(number, *, at=START, pnl=None, voided=False, side=Side.BUY):
    return Fill(
        trade_id=number,
        order_id=number,
        contract=MNQ,
        side=side,
        size=1,
        price=Decimal(1),
        profit_and_loss_usd=None if pnl is None else Decimal(pnl),
        fees_usd=Decimal(0),
        commissions_usd=Decimal(0),
        voided=voided,
        executed_at=at,
    )


def book(state, told):
    state.evolve(TradeExecuted(**head(), fill=told))


def hold(state, size, at=START):
    position = Position(contract=MNQ, size=size, average_price=None)
    state.evolve(PositionChanged(**head(at), position=position))


def read(state, *, requested_at, sizes=(), fills=None):
    state.evolve(
        SnapshotTaken(
            **head(requested_at),
            request_id="r",
            generation=1,
            requested_at=requested_at,
            positions=tuple(
                Position(contract=MNQ, size=size, average_price=None) for size in sizes
            ),
            orders=(),
            fills=fills,
            can_trade=None,
            balance_usd=None,
        )
    )


def lock(rule):
    return Lockout(
        rule=rule,
        scope=ACCOUNT_SCOPE,
        duty=Duty.FLAT,
        until=None,
        release_on=ReleaseOn.RESET,
        reason="test",
        breach_id="1/b1",
        locked_at=START,
    )


def trades(state, at=START):
    return [each.order_id for each in state.trades.shown(at)]


# --- counts ---


def test_breaches_are_counted_one_by_one():
    """Their numbers are their names in the journal."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    breach = Breach(
        rule="RULE-001",
        code=BreachCode.MAX_CONTRACTS,
        value=Decimal(2),
        limit=Decimal(1),
        reason="test",
        measure="test",
        targets=(FlatAccount(),),
        lockouts=(),
    )

    counts = [state.breach_count]
    for _ in range(2):
        state.evolve(
            RuleBreached(**head(), breach_id="b", trading_date="2025-10-29", breach=breach)
        )
        counts.append(state.breach_count)

    assert counts == [0, 1, 2]


def test_attempts_are_counted_until_the_last_lock_ends():
    """They belong to the locks under which they happened: while one is left they go on."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    assert state.attempts == 0
    rules = ("RULE-003", "RULE-007")
    for rule in rules:
        state.evolve(
            AccountLocked(**head(), enforcement_id="e1", lockout=lock(rule), flat_confirmed=True)
        )
    state.evolve(
        ExposureUnderLock(
            **head(), appeared="x", rules_skipped=0, lockout=lock("RULE-003"), attempt=3
        )
    )

    counts = []
    for rule in rules:
        state.evolve(LockoutReleased(**head(), rule=rule, scope=ACCOUNT_SCOPE, released_by="reset"))
        counts.append(state.attempts)

    assert counts == [3, 0]


def test_the_trading_day_ends_at_its_reset_whatever_the_clock_says():
    """A day that has begun ends when it was to end; before any has begun it is the one of now."""
    late = RESET + 5 * MINUTE
    unbegun = AccountState.new(ACCOUNT, DAY, gross=False)

    assert begun(START).day_end(late) == RESET
    assert unbegun.day_end(START) == RESET
    assert unbegun.day_end(late) == RESET + timedelta(days=1)


# --- fills ---


@pytest.mark.parametrize(
    ("held", "pnl", "unsettled"),
    [(1, "5", {MNQ}), (1, None, set()), (0, "5", set()), (0, None, set())],
)
def test_only_a_close_of_what_is_held_waits_for_its_position(state, held, pnl, unsettled):
    """An opening fill closes nothing, and what is not held cannot show a close."""
    if held:
        hold(state, held)

    book(state, fill(1, pnl=pnl, side=Side.SELL))

    assert state.unsettled == unsettled


def test_a_fill_that_the_broker_takes_back_is_no_trade_any_more(state):
    """No window counts it; another one stays."""
    book(state, fill(1))
    book(state, fill(2))
    assert trades(state) == [1, 2]

    book(state, fill(1, voided=True))

    assert trades(state) == [2]


def test_a_fill_told_before_its_day_began_is_a_trade_of_that_day():
    """No lock of the day before makes it one that nothing counts."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)

    state.evolve(day_reset(RESET, fills=(fill(1, at=RESET + MINUTE),)))

    assert [each.under_lock for each in state.trades.shown(RESET + MINUTE)] == [False]
    assert state.trading_date == date(2025, 10, 30)


def test_a_read_recalls_the_trades_of_the_hour_before_and_keeps_those_of_the_day():
    """After a start in the first hour of a day: yesterday's last hour counts, then drops out again."""
    state = begun(RESET)
    now = RESET + 30 * MINUTE
    fills = tuple(
        fill(number, at=now + minutes * MINUTE)
        for number, minutes in enumerate((-70, -61, -59, -40, -20))
    )

    read(state, requested_at=now, fills=fills)

    assert trades(state, now) == [2, 3, 4]
    assert trades(state, now + 90 * MINUTE) == [4]


# --- positions ---


def test_a_first_position_that_overtakes_its_fill_is_held_once(state):
    """Nothing was held before: the fill adds nothing to it."""
    hold(state, 1)

    book(state, fill(1))

    assert state.held == {MNQ: 1}


def test_what_was_closed_may_not_be_opened_again_under_no_new_exposure(state):
    """The allowance is gone with the position, not one contract short of it."""
    hold(state, 2)
    state.evolve(
        EnforcementStarted(
            **head(),
            enforcement_id="e1",
            breaches=(),
            targets=(),
            lockouts=(),
            deadline_at=START,
            allowances=(Allowance(contract=MNQ, size=2),),
        )
    )

    hold(state, 0)

    assert state.allowances == {}


@pytest.mark.parametrize(("told", "size"), [(START - INSTANT, 5), (START, 1), (START + INSTANT, 1)])
def test_what_the_stream_told_since_a_read_was_asked_for_is_newer(state, told, size):
    """In the very instant too: the read can hardly be the newer one."""
    hold(state, 1, told)

    read(state, requested_at=START, sizes=(5,))

    assert state.positions[MNQ].size == size


@pytest.mark.parametrize(
    ("at", "believed"), [(START - INSTANT, False), (START, True), (START + INSTANT, True)]
)
def test_a_word_on_the_firm_s_flag_counts_unless_what_is_known_is_newer(state, at, believed):
    """Of two words of one instant the one that came last counts."""
    state.can_trade, state.can_trade_at = True, START

    assert state.believes(False, at) is believed


def test_a_lost_stream_is_not_connected_until_it_is_again(state):
    """A restart reads the broker at once only where the stream was up when it fell."""
    known = []
    for told in (
        StreamLost(**head(), generation=1, reason="test"),
        StreamConnected(**head(), generation=2),
    ):
        state.evolve(told)
        known.append(state.connected)

    assert known == [False, True]
