"""Which rules are asked when, and which of their answers still ask for something."""

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec import structs

from actors.account.judging import Judging
from actors.account.picture import Picture
from actors.account.state import AccountState
from actors.account.turn import Turn
from actors.rules import (
    auth_loss_guard,
    daily_realized_loss,
    max_contracts,
    no_stop_loss_grace,
    session_block_outside,
)
from actors.rules.hours import KnownHours
from messages.commands import (
    AdoptRules,
    Evaluate,
    ReconcileAccount,
    ReportVerdict,
    RuleParameters,
    TakeSnapshot,
    WakeAt,
    Woken,
)
from messages.events import AccountOpened, RuleBreached
from messages.facts import SnapshotFailed, StreamConnected, TradeExecuted
from messages.values import AlarmCode, Duty, NoOpeningOrders
from tests.account.alone import Alone, after, fill, position
from tests.account.world import ACCOUNT, DAY, PARAMETERS, SETTINGS, START

COUNTING = (max_contracts.RULE, PARAMETERS["RULE-001"])
LOSING = (daily_realized_loss.RULE, PARAMETERS["RULE-003"])
GRACE = (no_stop_loss_grace.RULE, no_stop_loss_grace.NoStopLossGrace())
GUARD = (auth_loss_guard.RULE, auth_loss_guard.AuthLossGuard())
TODAY = "2025-10-29"


def reported(account, seconds, rule, breach, *, judgement=None, trading_date=TODAY):
    """Report a verdict; return the breaches it leads to."""
    verdict = {"breach": breach, "moves": (), "judgement": judgement, "trading_date": trading_date}
    account.hear(ReportVerdict, seconds, rule=rule, **verdict)
    return account.events(RuleBreached)


def breached(account, rule):
    """Return what a rule says of what the account shows it now."""
    (view,) = [each.view for each in account.of(Evaluate) if each.parameters is rule[1]]
    return rule[0].evaluate(view, rule[1])


def test_before_the_first_read_nothing_is_judged_but_what_is_known_once_it_has_failed():
    """The journal and the stream are all there is then: a breach they show is one."""
    account = Alone(COUNTING)
    account.hear(StreamConnected, generation=1)
    account.hold(1, 9)
    assert account.of(Evaluate) == []

    failed = {"request_id": account.pending[-1].request_id, "reason": "HTTP 500"}
    account.hear(SnapshotFailed, 2, **failed)
    (asked,) = account.of(Evaluate)
    assert asked.judgement is None
    assert breached(account, COUNTING) is not None

    account.hold(3, 10)
    assert len(account.of(Evaluate)) == 1


def test_a_read_that_fails_later_has_nothing_judged_anew():
    """What is known was judged as it came."""
    account = Alone(COUNTING)
    account.connect()
    account.hear(StreamConnected, 5, generation=2)

    account.hear(SnapshotFailed, 6, request_id=account.pending[-1].request_id, reason="HTTP 500")

    assert account.alarms().keys() == {AlarmCode.SNAPSHOT_FAILED}
    assert account.of(Evaluate) == []


def test_an_account_that_is_locked_is_judged_but_not_opened():
    """A cooldown leaves its positions, and they are guarded; the last judgement waits for its end."""
    account = Alone(LOSING)
    account.connect()
    account.hear(TradeExecuted, 1, fill=fill(1, -1, pnl=-500))
    breach = breached(account, LOSING)
    (terms,) = breach.lockouts
    cooling = structs.replace(terms, duty=Duty.NO_NEW_EXPOSURE)
    cooldown = structs.replace(breach, lockouts=(cooling,), targets=(NoOpeningOrders(),))
    assert reported(account, 1, "RULE-003", cooldown)
    account.store(1)
    account.prove(1)

    account.hear(ReconcileAccount, 2)
    account.read(2)

    (asked,) = account.of(Evaluate)
    assert asked.judgement is None


def test_a_rule_made_tighter_while_an_account_that_was_not_open_yet_is_enforced_judges_at_once():
    """A close may wait for hours for its market: what the day has lost already must not."""
    account = Alone(COUNTING, LOSING)
    account.store()
    account.hear(StreamConnected, generation=1)
    account.read(0, position(9), fills=(fill(1, -1, pnl=-400),))
    assert reported(account, 0, "RULE-001", breached(account, COUNTING))
    tighter = structs.replace(LOSING[1], max_loss_usd=Decimal(300))

    rules = (("RULE-001", COUNTING[1]), ("RULE-003", tighter))
    parameters = tuple(RuleParameters(rule=rule, parameters=own) for rule, own in rules)
    account.hear(AdoptRules, 1, config="changed", rules=parameters)

    assert breached(account, (LOSING[0], tighter)).value == -400
    assert {each.judgement for each in account.of(Evaluate)} == {None}


@pytest.mark.parametrize(("until_s", "breaches"), [(9.999, 0), (10, 0), (10.001, 1)])
def test_a_verdict_whose_lockout_would_be_over_asks_for_nothing(until_s, breaches):
    """A moment before its end, at it and after it."""
    account = Alone(LOSING)
    account.connect()
    account.hear(TradeExecuted, 1, fill=fill(1, -1, pnl=-500))
    breach = breached(account, LOSING)
    (terms,) = breach.lockouts
    short = structs.replace(
        breach, lockouts=(structs.replace(terms, until=after(until_s), release_on=None),)
    )

    assert len(reported(account, 10, "RULE-003", short)) == breaches


@pytest.mark.parametrize(("held", "breaches"), [(6, 0), (7, 1)], ids=["mended", "still there"])
def test_a_verdict_without_a_lockout_counts_while_it_is_not_mended(held, breaches):
    """Its trader may have closed something before the verdict was heard."""
    account = Alone(COUNTING)
    account.connect()
    account.hold(1, 9)
    breach = breached(account, COUNTING)

    account.hold(2, held)

    assert len(reported(account, 2, "RULE-001", breach)) == breaches


def test_a_verdict_that_is_being_mended_already_starts_nothing_more():
    """The second of two facts before the first verdict."""
    account = Alone(COUNTING)
    account.connect()
    account.hold(1, 9)
    breach = breached(account, COUNTING)
    assert len(reported(account, 1, "RULE-001", breach)) == 1

    assert reported(account, 1, "RULE-001", breach) == []


def test_a_rule_that_stays_silent_is_named_and_asked_again():
    """It opens nothing; after five seconds a person is told."""
    account = Alone(COUNTING, LOSING)
    account.connect()
    first = {each.judgement for each in account.of(Evaluate)}
    reported(account, 1, "RULE-001", None, judgement=next(iter(first)))

    account.hear(Woken, 5, key="judgement")

    assert "RULE-003" in account.alarms()[AlarmCode.RULE_SILENT]
    assert "RULE-001" not in account.alarms()[AlarmCode.RULE_SILENT]
    assert len(account.of(Evaluate)) == 2
    assert first.isdisjoint(each.judgement for each in account.of(Evaluate))


def test_an_open_account_is_not_judged_by_a_late_wake():
    """The wake was cancelled, and came all the same."""
    account = Alone(COUNTING)
    account.connect()
    (asked,) = account.of(Evaluate)
    account.store()
    reported(account, 1, "RULE-001", None, judgement=asked.judgement)
    assert account.events(AccountOpened)

    account.hear(Woken, 5, key="judgement")

    assert account.sent == []


def test_what_was_asked_under_a_lock_is_not_asked_again_by_a_late_wake():
    """A flat duty binds since: no rule is asked (I2), and none is blamed for it."""
    account = Alone(LOSING)
    account.connect()
    account.hear(TradeExecuted, 1, fill=fill(1, -1, pnl=-500))
    assert reported(account, 1, "RULE-003", breached(account, LOSING))
    account.store(1)
    account.prove(2)

    account.hear(Woken, 5, key="judgement")

    assert account.sent == []


def test_only_a_rule_that_wants_it_has_the_broker_read_at_its_check():
    """RULE-008's grace ends: a stop that was placed meanwhile may have sent no event."""
    account = Alone(GRACE, COUNTING)
    account.connect()

    account.hear(Woken, 1, key="check RULE-001")
    assert account.of(TakeSnapshot) == []
    account.hear(Woken, 1, key="check RULE-008")
    assert len(account.of(TakeSnapshot)) == 1


def test_today_is_the_day_that_was_begun_or_else_what_the_clock_says():
    """An account without a history yet has no day that was begun."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    judging = Judging(SETTINGS, state, Picture(SETTINGS, state))
    later = Turn(state=state, now=START + timedelta(days=2), cause="test", token="t")

    assert judging.today(later) == "2025-10-31"
    state.trading_date = DAY.label(START)
    assert judging.today(later) == TODAY


def hours(*spans):
    """Return RULE-009 as an earlier life wrote it down: open in these spans and no others."""
    everywhere = KnownHours(since=START, until=spans[-1][0], spans=spans)
    return session_block_outside.ResolvedSessions(
        start="08:30", end="15:00", everywhere=everywhere, of_product={}, unlisted=()
    )


def test_hours_that_waited_for_the_reset_are_checked_by_the_clock_from_then_on():
    """A holiday that was none: the close of the day after the reset is not missed."""
    day = timedelta(days=1)
    opens, closes = after(-3600), after(3 * 3600)
    earlier, later = (opens, closes), (opens + 2 * day, closes + 2 * day)
    holiday, corrected = hours(earlier, later), hours(earlier, (opens + day, closes + day), later)
    account = Alone((session_block_outside.RULE, holiday))
    account.connect()
    rule = RuleParameters(rule="RULE-009", parameters=corrected)
    account.hear(AdoptRules, 1, config="changed", rules=(rule,))
    account.hear(Woken, 3 * 3600, key="check RULE-009")
    (closed,) = [each for each in account.of(WakeAt) if each.key == "check RULE-009"]
    assert closed.due == later[0]

    account.hear(Woken, 5 * 3600, key="reset")

    (armed,) = [each for each in account.of(WakeAt) if each.key == "check RULE-009"]
    assert armed.due == opens + day
