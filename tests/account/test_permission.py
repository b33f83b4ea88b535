"""Whose word on the firm's flag counts: the newest, also when it says again what was known."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from actors.account.permission import Permission
from actors.account.settings import RuleSetting
from actors.account.state import AccountState
from actors.account.turn import Turn
from actors.rules import auth_loss_guard
from messages.events import AlarmRaised
from messages.facts import AccountChanged
from messages.values import AlarmCode
from tests.account.world import ACCOUNT, DAY, SETTINGS, START, World

GUARDED = replace(
    SETTINGS,
    rules=(RuleSetting(rule=auth_loss_guard.RULE, parameters=auth_loss_guard.AuthLossGuard()),),
)


class Told:
    """One account that is told of itself, a second apart."""

    def __init__(self, settings=GUARDED):
        self.state = AccountState.new(ACCOUNT, DAY, gross=False)
        self.permission = Permission(settings, self.state)
        self.now = START
        self.events = []

    def __call__(self, can_trade, balance=None):
        """Return whether it was news."""
        self.now += timedelta(seconds=1)
        turn = Turn(state=self.state, now=self.now, cause="test", token="t")
        balance_usd = None if balance is None else Decimal(balance)
        fact = AccountChanged(**turn.head(), can_trade=can_trade, balance_usd=balance_usd)
        news = self.permission.take(turn, fact)
        self.events += [event for send in turn.sends() for event in send.message.events]
        return news

    @property
    def alarms(self):
        return [each.code for each in self.events if isinstance(each, AlarmRaised)]


def test_a_true_that_is_older_than_a_repeated_false_ends_nothing():
    """False, false again, then the late answer to a read asked for between the two."""
    world = World()
    world.drain()

    for seconds, can_trade in ((10, False), (20, False), (15, True)):
        told = AccountChanged(
            account=ACCOUNT,
            at=world.now + timedelta(seconds=seconds),
            cause="test",
            can_trade=can_trade,
            balance_usd=None,
        )
        world.post("account", world.account.handle(told, world.now))

    assert world.account.state.can_trade is False


def test_only_what_is_new_is_recorded():
    """The flag or the balance; a false is said again each time, since it outdates a true read before."""
    told = Told()

    assert [told(True, 50_000), told(True, 50_000), told(True), told(None, 50_000)] == [
        True,
        False,
        False,
        False,
    ]
    assert [told(True, 49_000), told(None, 48_000)] == [True, True]
    assert (told.state.can_trade, told.state.balance_usd) == (True, 48_000)
    assert [told(False), told(False), told(True), told(True)] == [True, True, True, False]
    assert sum(isinstance(each, AccountChanged) for each in told.events) == 6


def test_a_message_without_the_flag_is_alarmed_once_until_it_is_told_again():
    """What was known stays."""
    told = Told()
    told(True)
    assert told.alarms == []

    told(None)
    told(None)
    assert told.alarms == [AlarmCode.CAN_TRADE_UNKNOWN]
    assert told.state.can_trade is True

    told(True)
    told(None)
    assert told.alarms == [AlarmCode.CAN_TRADE_UNKNOWN] * 2


@pytest.mark.parametrize(("settings", "alarms"), [(GUARDED, 1), (SETTINGS, 0)])
def test_the_want_of_the_flag_matters_only_to_a_rule_that_reads_it(settings, alarms):
    """The very first message is looked at as well."""
    told = Told(settings)

    assert told(None, 50_000)

    assert len(told.alarms) == alarms
