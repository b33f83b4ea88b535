"""What one account makes of its trader's wish to be locked out, decision by decision."""

from datetime import timedelta

import pytest

from actors.account.self_lock import SELF
from actors.account.state import AccountState
from actors.rules import daily_realized_loss
from messages.commands import Enforce, LockAccount, WakeAfter, Woken
from messages.events import (
    AccountLocked,
    EnforcementJoined,
    EnforcementStarted,
    LockoutAsked,
    LockoutReleased,
)
from messages.journal import Append
from messages.values import FlatAccount, Phase
from tests.account.alone import Alone, after
from tests.account.world import ACCOUNT, DAY, PARAMETERS

LOSING = (daily_realized_loss.RULE, PARAMETERS["RULE-003"])


@pytest.fixture
def account():
    """Start one with a loss limit; it was read, flat."""
    account = Alone(LOSING)
    account.connect()
    return account


def ask(account, seconds, until):
    account.hear(LockAccount, seconds, until=after(until), reason="enough")
    return account.events(LockoutAsked)


def keys(account):
    """Return the deadlines it has just asked for at the end of its lockouts."""
    return {each.key: each.after_s for each in account.of(WakeAfter) if "lockout" in each.key}


def locked(account, seconds, until):
    """Have it asked, enforced, proved and locked; return the key of its end."""
    assert ask(account, seconds, until)
    account.store(seconds)
    account.prove(seconds)
    (key,) = keys(account)
    account.store(seconds)
    return key


def test_the_intent_is_on_disk_before_the_enforcer_hears_of_it(account):
    """I1: one turn records wish and intent; the command waits for the journal's answer."""
    (asked,) = ask(account, 1, 61)

    (started,) = account.events(EnforcementStarted)
    assert started.lockouts == (asked.lockout,)
    assert (started.targets, started.breaches) == ((FlatAccount(),), ())
    assert [each.asker for each in account.of(Append) if started in each.events] == [
        f"account/{ACCOUNT}"
    ]
    assert account.of(Enforce) == []
    assert account.core.phase is Phase.ENFORCING

    account.store(1)
    (command,) = account.of(Enforce)
    assert command.enforcement_id == started.enforcement_id


def test_it_is_said_to_be_locked_when_flat_is_proved(account):
    """And it will be woken after the real duration that is left."""
    ask(account, 1, 61)
    account.store(1)

    account.prove(3)

    (said,) = account.events(AccountLocked)
    assert (said.lockout.rule, said.lockout.until) == (SELF, after(61))
    assert list(keys(account).values()) == [58]


@pytest.mark.parametrize("until", [60, 61])
def test_no_later_end_changes_nothing_while_it_is_enforced_or_in_force(account, until):
    """No event, no command."""
    ask(account, 1, 61)
    account.store(1)
    assert ask(account, 2, until) == []
    under_way = account.core.state.enforcement
    assert [each.until for each in under_way.pending] == [after(61)]

    account.prove(4)
    account.store(4)
    assert ask(account, 5, until) == []
    assert account.core.state.enforcement is None
    assert [each.until for each in account.core.state.duties] == [after(61)]


def test_a_later_end_joins_what_is_under_way(account):
    """One flatten, the longer lockout."""
    ask(account, 1, 61)

    assert ask(account, 2, 62)

    (joined,) = account.events(EnforcementJoined)
    assert [each.until for each in joined.lockouts] == [after(62)]


def test_the_end_of_the_shorter_one_does_not_end_the_longer_that_took_its_place(account):
    """Each end is signalled for its own lockout."""
    first = locked(account, 1, 61)
    second = locked(account, 2, 3602)
    assert first != second

    account.hear(Woken, 61, key=first)
    assert account.events(LockoutReleased) == []
    account.hear(Woken, 3602, key=second)
    (released,) = account.events(LockoutReleased)
    assert (released.rule, released.released_by) == (SELF, "time")


def test_a_wish_that_is_over_when_it_is_heard_is_nothing(account):
    """It waited in the inbox; the caller is told that nothing binds."""
    assert ask(account, 61, 61) == []
    assert ask(account, 62, 61) == []
    assert account.core.state.enforcement is None


def test_replay_knows_it_from_the_intent_on():
    """A kill between intent and lock: the next life goes on, as locked as it was to be."""
    account = Alone(LOSING)
    account.connect()
    told = [event for each in account.of(Append) for event in each.events]
    ask(account, 1, 61)
    told += [event for each in account.of(Append) for event in each.events]

    state = AccountState.new(ACCOUNT, DAY, gross=False)
    for event in told:
        state.evolve(event)

    assert [(each.rule, each.until) for each in state.duties] == [(SELF, after(61))]
    assert state.enforcement.deadline_at > after(1)
    assert state.enforcement.since - after(1) == timedelta(0)
