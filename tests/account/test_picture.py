"""What the account sees of its broker: what a read adds, when it reads again, what it can value."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from actors.account.picture import Picture
from actors.account.settings import RuleSetting
from actors.account.state import AccountState
from actors.account.turn import Turn
from actors.rules import daily_unrealized_loss, max_contracts
from messages.commands import (
    Evaluate,
    ReconcileAccount,
    RenewStream,
    TakeSnapshot,
    WakeAfter,
    Woken,
)
from messages.facts import (
    ContractDescribed,
    PositionChanged,
    QuoteChanged,
    SnapshotFailed,
    SnapshotTaken,
    StreamConnected,
    TradeExecuted,
)
from messages.values import AlarmCode, Contract, Quote
from tests.account.alone import ES, MNQ, Alone, after, fill, position
from tests.account.world import ACCOUNT, DAY, PARAMETERS, SETTINGS, START

OPEN_LOSS = daily_unrealized_loss.DailyUnrealizedLoss(max_loss_usd=Decimal(200))
VALUING = (daily_unrealized_loss.RULE, OPEN_LOSS)
COUNTING = (max_contracts.RULE, PARAMETERS["RULE-001"])
RECORD = Contract(
    contract=MNQ, name="MNQ", tick_size=Decimal("0.25"), tick_value_usd=Decimal("0.50")
)


@pytest.fixture
def account():
    """Start one whose open loss is limited; it was read, flat."""
    account = Alone(VALUING)
    account.connect()
    return account


def quoted(account, seconds, price=101, contract=MNQ):
    quote = Quote(contract=contract, last=Decimal(price), bid=None, ask=None, at=after(seconds))
    return account.hear(QuoteChanged, seconds, quote=quote)


def wakes(account, key):
    return [each.after_s for each in account.of(WakeAfter) if each.key == key]


def asked_rules(account):
    return [each.view for each in account.of(Evaluate)]


# --- what a read adds ---


def reconciled(account, seconds, *positions, **read):
    account.hear(ReconcileAccount, seconds)
    return account.read(seconds, *positions, **read)


def test_a_read_that_says_what_is_known_is_neither_journaled_nor_alarmed(account):
    """Every few minutes one comes; the journal would fill with them."""
    account.hold(1, 2)

    reconciled(account, 2, position(2))

    assert account.events(SnapshotTaken) == []
    assert account.alarms() == {}
    assert account.of(RenewStream) == []


def test_a_fill_only_the_read_knows_is_journaled_alarmed_and_judged_once(account):
    """The stream has lost it; the next read knows it too, and it is no news then."""
    late = fill(7, -1, pnl=-30)

    reconciled(account, 1, fills=(late,))
    assert len(account.events(SnapshotTaken)) == 1
    assert "(1 fills were missing)" in account.alarms()[AlarmCode.SNAPSHOT_DIFFERED]
    assert [each.realised_usd for each in asked_rules(account)] == [Decimal(-30)]

    reconciled(account, 2, fills=(late,))
    assert account.events(SnapshotTaken) == []
    assert account.alarms() == {}


def test_a_position_only_the_read_knows_is_alarmed_with_no_fill_missing(account):
    """A fill may be known while its position is not."""
    reconciled(account, 1, position(2))

    assert "(0 fills were missing)" in account.alarms()[AlarmCode.SNAPSHOT_DIFFERED]


def test_what_the_first_read_shows_is_no_difference():
    """Nothing was known before it."""
    account = Alone(COUNTING)
    account.hear(StreamConnected, generation=1)

    account.read(0, position(2), fills=(fill(1, 2),))

    assert account.alarms() == {}
    assert len(account.events(SnapshotTaken)) == 1


@pytest.mark.parametrize(
    ("seconds", "renewed"), [(60.999, 0), (61, 1), (61.001, 1)], ids=["inside", "at", "beyond"]
)
def test_a_stream_that_differs_is_renewed_once_a_minute_at_most(account, seconds, renewed):
    """A read that was merely quicker looks the same, and each renewal costs one more."""
    reconciled(account, 1, position(2))
    assert len(account.of(RenewStream)) == 1

    reconciled(account, seconds, position(3))

    assert len(account.of(RenewStream)) == renewed


@pytest.mark.parametrize(
    ("before", "said", "journaled"),
    [(True, True, 0), (True, None, 0), (True, False, 1), (False, False, 1), (False, None, 0)],
)
def test_the_firms_flag_is_journaled_where_a_read_changes_it_or_says_false(
    account, before, said, journaled
):
    """False said again outdates a true read before it."""
    reconciled(account, 1, can_trade=before)

    reconciled(account, 2, can_trade=said)

    assert len(account.events(SnapshotTaken)) == journaled


# --- when it reads, and again ---


def test_a_read_asks_for_the_day_and_the_hour_before_now(account):
    """Shortly after the reset the hour reaches back into yesterday; it gives way to what is urgent."""
    reset_s = (DAY.next_reset(START) - START).total_seconds()

    (noon,) = [each for each in account.hear(ReconcileAccount, 1) if isinstance(each, TakeSnapshot)]
    assert (noon.trades_since, noon.urgent) == (DAY.start(DAY.label(START)), False)

    account.read(1)
    account.hear(ReconcileAccount, reset_s + 600)
    (later,) = account.of(TakeSnapshot)
    assert later.trades_since == after(reset_s + 600) - timedelta(hours=1)


def test_a_failed_read_is_alarmed_and_asked_again_later(account):
    """Only the one that is awaited: the failure of an older one says nothing."""
    account.hear(ReconcileAccount, 1)
    failed = {"reason": "HTTP 500"}

    account.hear(SnapshotFailed, 2, request_id="older", **failed)
    assert account.alarms() == {}
    account.hear(SnapshotFailed, 2, request_id=account.pending[-1].request_id, **failed)

    assert "HTTP 500" in account.alarms()[AlarmCode.SNAPSHOT_FAILED]
    assert wakes(account, "snapshot") == [1.0]


def test_a_close_whose_position_does_not_follow_is_asked_for_after_a_second(account):
    """Once: many fills must not put the look off; and again for the next close."""
    account.hold(1, 2)
    account.hear(TradeExecuted, 2, fill=fill(1, -1, pnl=5))
    assert wakes(account, "settle") == [1.0]
    account.hear(TradeExecuted, 2.5, fill=fill(2, -1, pnl=5))
    assert wakes(account, "settle") == []

    account.hear(Woken, 3, key="settle")
    assert len(account.of(TakeSnapshot)) == 1
    account.read(3)
    account.hold(4, 1)
    account.hear(TradeExecuted, 5, fill=fill(3, -1, pnl=5))
    assert wakes(account, "settle") == [1.0]


def test_a_close_whose_position_has_followed_costs_no_read(account):
    """An opening fill asks for no look at all."""
    account.hear(TradeExecuted, 1, fill=fill(1, 2))
    assert wakes(account, "settle") == []
    account.hold(1, 2)
    account.hear(TradeExecuted, 2, fill=fill(2, -2, pnl=5))
    account.hold(2, 0)

    account.hear(Woken, 3, key="settle")

    assert account.of(TakeSnapshot) == []


def test_a_wish_to_read_while_a_read_is_under_way_is_one_more_after_it(account):
    """What is under way may have been asked for too early."""
    account.hear(ReconcileAccount, 1)
    account.hear(ReconcileAccount, 1)
    assert account.of(TakeSnapshot) == []

    account.read(1)
    assert len(account.of(TakeSnapshot)) == 1
    account.read(1)
    assert account.of(TakeSnapshot) == []


# --- what it can value ---


def test_a_quote_values_what_is_held_and_is_judged(account):
    """From 100 to 101, long 2, two dollars a point; its best price is followed."""
    account.hold(1, 2)
    account.hear(ContractDescribed, 1, contract=RECORD)

    quoted(account, 2)
    (view,) = asked_rules(account)
    assert (view.positions[0].pnl_usd, view.positions[0].best) == (4, 101)

    quoted(account, 3, 99)
    (view,) = asked_rules(account)
    assert (view.positions[0].pnl_usd, view.positions[0].best) == (-4, 101)


def test_a_quote_of_what_is_not_held_asks_no_rule(account):
    """It may still come for a moment after a close."""
    quoted(account, 1)

    assert asked_rules(account) == []


def test_a_position_whose_close_is_booked_counts_no_more(account):
    """The same loss would count twice, as made and as open."""
    account.hold(1, 2)
    account.hear(ContractDescribed, 1, contract=RECORD)
    quoted(account, 2, 90)
    account.hear(TradeExecuted, 2, fill=fill(1, -2, pnl=-40))

    quoted(account, 2, 90)

    (view,) = asked_rules(account)
    assert view.positions[0].pnl_usd is None


def test_quotes_that_fail_to_come_are_alarmed_once_for_each_contract(account):
    """At the limit not yet, beyond it once; another contract is news."""
    account.hold(1, 2)
    assert wakes(account, "quotes") == [pytest.approx(5, abs=0.1)]
    account.hear(Woken, 6, key="quotes")
    assert AlarmCode.QUOTE_STALE not in account.alarms()

    account.hear(Woken, 6.001, key="quotes")
    assert MNQ in account.alarms()[AlarmCode.QUOTE_STALE]
    account.hold(7, 1, ES)
    assert account.alarms() == {}
    account.hear(Woken, 13, key="quotes")

    (text,) = account.alarms().values()
    assert ES in text
    assert MNQ not in text


def test_without_a_rule_that_values_nobody_waits_for_quotes():
    """Their absence is no alarm then, and no look is asked for."""
    account = Alone(COUNTING)
    account.connect()

    account.hold(1, 2)
    assert wakes(account, "quotes") == []
    account.hear(Woken, 60, key="quotes")

    assert account.alarms() == {}
    assert wakes(account, "quotes") == []


def looks(*rules):
    """Return how often a look at quotes is asked for at each change of rules, holding one contract."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    state.evolve(PositionChanged(account=ACCOUNT, at=START, cause="test", position=position(1)))
    by = [
        replace(SETTINGS, rules=(RuleSetting(rule=rule, parameters=parameters),))
        for rule, parameters in rules
    ]
    picture, turns = Picture(by[0], state), []
    for settings in by[1:]:
        turns.append(Turn(state=state, now=START, cause="test", token="t"))
        picture.use(turns[-1], settings)
    return [len(turn.sends()) for turn in turns]


def test_quotes_are_looked_at_from_when_a_rule_values_what_is_held():
    """Once, as it comes into force: those that valued before are being looked at already."""
    assert looks(COUNTING, VALUING, VALUING) == [1, 0]
    assert looks(VALUING, VALUING, COUNTING) == [0, 0]
