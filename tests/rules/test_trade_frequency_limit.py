"""RULE-006 by itself: one trade inside each limit, at it and beyond; windows exact to the microsecond."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from actors.rules.trade_frequency_limit import RULE, Cooldowns, TradeFrequencyLimit
from messages.values import (
    ACCOUNT_SCOPE,
    BreachCode,
    Duty,
    Lockout,
    NoOpeningOrders,
    OrderTrade,
    ReleaseOn,
)
from tests.rules.pictures import NOW, verdict, view

MINUTE = TradeFrequencyLimit(per_minute=3)
HOUR = TradeFrequencyLimit(per_hour=10)
SESSION = TradeFrequencyLimit(per_session=50)
ALL = TradeFrequencyLimit(per_minute=3, per_hour=10, per_session=50)
ENTRIES = TradeFrequencyLimit(per_minute=3, count_exits=False)
MICRO = timedelta(microseconds=1)


def traded(*ages, exits=(), under_lock=()):
    """Return a picture with trades so many seconds ago; some of them by place exits, or under a lock."""
    trades = [
        OrderTrade(
            order_id=place,
            at=NOW - (age if isinstance(age, timedelta) else timedelta(seconds=age)),
            closing=place in exits,
            under_lock=place in under_lock,
        )
        for place, age in enumerate(ages)
    ]
    return view(trades=tuple(sorted(trades, key=lambda each: each.at)))


def lockout(rule, *, seconds=60):
    return Lockout(
        rule=rule,
        scope=ACCOUNT_SCOPE,
        duty=Duty.NO_NEW_EXPOSURE,
        until=NOW + timedelta(seconds=seconds),
        release_on=ReleaseOn.TIME,
        reason="test",
        breach_id="1/b1",
        locked_at=NOW,
    )


@pytest.mark.parametrize(
    ("parameters", "picture", "breached"),
    [
        (MINUTE, traded(20, 0), False),
        (MINUTE, traded(20, 10, 0), False),
        (MINUTE, traded(20, 10, 5, 0), True),
        (MINUTE, traded(timedelta(seconds=60) - MICRO, 10, 5, 0), True),
        (MINUTE, traded(60, 10, 5, 0), False),
        (MINUTE, traded(timedelta(seconds=60) + MICRO, 10, 5, 0), False),
        (HOUR, traded(*range(0, 3000, 300)), False),
        (HOUR, traded(*range(0, 3300, 300)), True),
        (HOUR, traded(3600, *range(0, 3000, 300)), False),
        (HOUR, traded(timedelta(hours=1) - MICRO, *range(0, 3000, 300)), True),
        (SESSION, traded(*range(0, 50 * 366, 366)), False),
        (SESSION, traded(*range(0, 51 * 366, 366)), True),
        (ALL, traded(20, 10, 0), False),
        (ENTRIES, traded(20, 10, 5, 0, exits=(1,)), False),
        (ENTRIES, traded(20, 15, 10, 5, 0, exits=(1,)), True),
        (MINUTE, traded(), False),
    ],
)
def test_a_limit_is_exact(parameters, picture, breached):
    """At the limit is fine, one more is not; a trade exactly a window old is outside."""
    assert bool(verdict(parameters, picture)) is breached


@pytest.mark.parametrize(("before_start", "breached"), [(MICRO, False), (0 * MICRO, True)])
def test_a_session_begins_with_the_trading_day(before_start, breached):
    """A trade at the reset itself is of the new day."""
    first = NOW - view().day_start + before_start

    picture = traded(*range(50), first)

    assert bool(verdict(SESSION, picture)) is breached


@pytest.mark.parametrize(
    ("picture", "limit", "count", "seconds"),
    [
        (traded(20, 10, 5, 0), 3, 4, 60),
        (traded(20, 10, 5, 2), 3, 4, 58),
        (traded(*range(300, 2400, 300), 20, 10, 5, 0), 10, 11, 1800),
        (traded(*range(0, 51 * 366, 366)), 50, 51, 3600),
    ],
    ids=["minute", "judged late", "hour beats minute", "session beats hour"],
)
def test_the_longest_cooldown_runs_from_the_latest_trade(picture, limit, count, seconds):
    """S-30: of the limits that are broken the one that locks longest is named and counts."""
    parameters = TradeFrequencyLimit(per_minute=3, per_hour=10, per_session=50)

    breach = verdict(parameters, picture)

    (terms,) = breach.lockouts
    assert (breach.code, breach.value, breach.limit) == (
        BreachCode.TRADE_FREQUENCY_LIMIT,
        Decimal(count),
        Decimal(limit),
    )
    assert terms.until == NOW + timedelta(seconds=seconds)
    assert (terms.scope, terms.duty, terms.release_on) == (
        ACCOUNT_SCOPE,
        Duty.NO_NEW_EXPOSURE,
        ReleaseOn.TIME,
    )
    assert breach.targets == (NoOpeningOrders(),)


def test_a_minute_may_lock_longer_than_an_hour():
    """Both limits break, and the shorter window has the longer cooldown."""
    harsh = TradeFrequencyLimit(
        per_minute=3, per_hour=10, cooldown_s=Cooldowns(per_minute=600, per_hour=60)
    )

    breach = verdict(harsh, traded(*range(300, 2400, 300), 20, 10, 5, 0))

    assert breach.lockouts[0].until == NOW + timedelta(seconds=600)
    assert breach.limit == 3


def test_a_breach_says_its_arithmetic():
    """Reason and measure name what was counted, the window, the limit and the cooldown."""
    breach = verdict(MINUTE, traded(20, 10, 5, 0))

    assert breach.measure == "Trades in a minute: 4, Limit: 3"
    assert breach.reason == (
        "Trade frequency limit exceeded: 4 trades in a minute (limit: 3), no new exposure for 60 s"
    )


@pytest.mark.parametrize(("latest", "breached"), [(9.999, True), (10, False), (10.001, False)])
def test_a_cooldown_that_is_over_already_locks_nobody(latest, breached):
    """Learned of late, the lock is for what is left, and none when nothing is."""
    short = TradeFrequencyLimit(per_minute=3, cooldown_s=Cooldowns(per_minute=10))

    assert bool(verdict(short, traded(40, 30, 20, latest))) is breached


@pytest.mark.parametrize(("rule", "breached"), [("RULE-006", False), ("RULE-007", True)])
def test_its_own_lock_is_not_prolonged_while_it_binds(rule, breached):
    """One lock, however many trades are made under it; another rule's lock changes nothing."""
    picture = traded(20, 10, 5, 0)

    again = verdict(MINUTE, view(trades=picture.trades, lockouts=(lockout(rule),)))

    assert bool(again) is breached


@pytest.mark.parametrize(
    ("exits", "under_lock", "seconds"),
    [
        ((0, 1, 2, 3), (0, 1, 2, 3), None),
        ((1, 2, 3), (0, 1, 2, 3), 20),
        ((0, 1, 2, 3), (0, 1, 2), 60),
        ((), (0, 1, 2, 3), 60),
    ],
    ids=["exits only", "an entry and exits", "an exit after the lock", "entries"],
)
def test_exits_under_a_lock_count_but_set_no_new_one(exits, under_lock, seconds):
    """The lock runs from the latest trade that was more than an exit under the last lock."""
    breach = verdict(MINUTE, traded(40, 20, 10, 0, exits=exits, under_lock=under_lock))

    ends = breach.lockouts[0].until if breach else None
    assert ends == (None if seconds is None else NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        (TradeFrequencyLimit(), "per_minute"),
        (TradeFrequencyLimit(per_minute=0), "per_minute"),
        (TradeFrequencyLimit(per_hour=-1), "per_hour"),
        (TradeFrequencyLimit(per_minute=11, per_hour=10), "per_minute"),
        (TradeFrequencyLimit(per_hour=60, per_session=50), "per_hour"),
        (TradeFrequencyLimit(per_minute=51, per_session=50), "per_minute"),
        (TradeFrequencyLimit(per_minute=3, cooldown_s=Cooldowns(per_minute=0)), "cooldown_s"),
        (TradeFrequencyLimit(per_hour=3, cooldown_s=Cooldowns(per_hour=604_801)), "cooldown_s"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(parameters, field):
    """No limit at all, none below 1, none that a longer window makes unreachable."""
    (complaint,) = RULE.check(parameters)

    assert complaint.startswith(field)
    assert ":" in complaint


@pytest.mark.parametrize(
    "parameters",
    [
        MINUTE,
        HOUR,
        SESSION,
        ALL,
        ENTRIES,
        TradeFrequencyLimit(per_minute=3, per_hour=3),
        TradeFrequencyLimit(per_hour=3, cooldown_s=Cooldowns(per_hour=604_800)),
    ],
)
def test_values_that_can_be_meant_are_taken(parameters):
    """Each limit alone, the seed's own 3, 10 and 50, two alike, a cooldown of a week."""
    assert RULE.check(parameters) == []


def test_it_describes_itself_in_one_line():
    """Every limit that is set, with its cooldown; whether exits count."""
    assert RULE.describe(ALL) == (
        "more trades than 3 a minute → 60 s, 10 an hour → 1800 s, 50 a trading day → 3600 s: "
        "opening orders cancelled, no new exposure for that long"
    )
    assert RULE.describe(ENTRIES).startswith("more trades that do not close anything than 3 a min")


LONG = TradeFrequencyLimit(per_minute=3, cooldown_s=Cooldowns(per_minute=1800))


@pytest.mark.parametrize(
    ("parameters", "seconds", "found"),
    [(MINUTE, 60, False), (LONG, 60, True), (LONG, 1799, True), (LONG, 1800, False)],
)
def test_a_longer_lock_is_found_though_a_shorter_one_binds(parameters, seconds, found):
    """The rule stands twice after a reload: the longest lock wins, whichever was set first."""
    picture = replace(traded(30, 20, 10, 0), lockouts=(lockout("RULE-006", seconds=seconds),))

    breach = verdict(parameters, picture)

    assert (breach is not None) is found
    if found:
        assert breach.lockouts[0].until == NOW + timedelta(seconds=1800)


def test_what_is_done_under_its_own_lock_makes_no_longer_one():
    """Re-entries and exits under the lock would break the hour: judged when it has ended, not before."""
    ages = range(50, 39, -1)
    picture = traded(*ages, under_lock=range(4, 11))
    bound = replace(picture, lockouts=(lockout("RULE-006"),))

    assert verdict(HOUR, picture) is not None
    assert verdict(HOUR, bound) is None
