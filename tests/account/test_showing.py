"""What is only shown cannot fail the account: a rule that fails at it is said to have failed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.rules import daily_realized_loss
from messages.commands import Evaluate
from messages.events import AccountGuarded, AlarmRaised
from messages.facts import TradeExecuted
from messages.values import AlarmCode
from tests.account.alone import Alone, after, fill
from tests.account.world import DAY, PARAMETERS, START


def broken(*_about):
    """Do what a bug does."""
    raise ZeroDivisionError("no limit")


FAILING = (
    replace(daily_realized_loss.RULE, usage=broken, caveats=broken),
    PARAMETERS["RULE-003"],
)
SOUND = (daily_realized_loss.RULE, PARAMETERS["RULE-003"])
LIMITS = "RULE-003: its limits are not known: ZeroDivisionError: no limit; it judges all the same"
CAVEATS = "RULE-003: its caveats are not known: ZeroDivisionError: no limit; it judges all the same"


@pytest.fixture
def account():
    """An account one of whose rules cannot be shown."""
    return Alone(FAILING)


def alarms(account):
    return [each.text for each in account.events(AlarmRaised) if each.code is AlarmCode.RULE_FAILED]


def test_an_account_whose_rule_cannot_name_its_caveats_is_guarded_all_the_same(account):
    """The start goes on, and says so."""
    assert len(account.events(AccountGuarded)) == 1
    assert alarms(account) == [CAVEATS]

    account.connect()
    account.hear(TradeExecuted, 1, fill=fill(1, -1, pnl=-10))
    assert len(account.of(Evaluate)) == 1


def test_a_new_day_begins_though_its_caveats_fail(account):
    """They are said once a day, in the turn of the reset."""
    account.connect()
    reset = (DAY.next_reset(START) - START) / timedelta(seconds=1)
    account.hear(TradeExecuted, reset + 1, fill=fill(1, -1, pnl=-10))

    assert account.core.state.trading_date == DAY.label(after(reset))
    assert alarms(account) == [CAVEATS]


def test_the_status_says_that_it_is_not_known_and_shows_everything_else():
    """What the other rule uses of its limit is there."""
    account = Alone(FAILING, SOUND)
    account.connect()
    status = account.core.status(after(1))

    assert status.caveats == (CAVEATS, LIMITS)
    assert [each.rule for each in status.limits] == ["RULE-003"]


def test_it_is_alarmed_once_however_often_somebody_looks(account):
    """With the next turn, for who looks is no turn of its own."""
    account.connect()
    for second in (1, 2, 3):
        account.core.status(after(second))
        account.core.board(after(second))
    account.hear(TradeExecuted, 4, fill=fill(1, -1, pnl=-10))
    assert alarms(account) == [LIMITS]

    account.core.status(after(5))
    account.hear(TradeExecuted, 6, fill=fill(2, -1, pnl=-10))
    assert alarms(account) == []
