"""A journal that was rolled back or deleted is accepted: nobody gets out of a lock by that."""

import shutil
from decimal import Decimal

import pytest

from actors.journal import Anchor, StoreError, accept, default_anchor, refusal
from messages.events import AccountLocked, EnforcementStarted
from messages.values import Phase
from tests.rig import NOON, A, B, config_of
from tests.scenarios.test_resets import RESET

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500})


def accepted(run):
    """Let the journal that is there go on, as a person does on the command line."""
    path = run.folder / "lockstep.db"
    anchor = Anchor(default_anchor(path))
    refused = refusal(path, anchor)
    assert refused
    accept(path, anchor, refused, clock=run.clock)


def locked_and_lost(rig, *, how):
    """Lock an account, stop, and roll the journal back to the morning or delete it."""
    run = rig(LOSS)
    run.stop()
    path = run.folder / "lockstep.db"
    morning = path.with_name("morning.db")
    shutil.copy(path, morning)
    again = rig(LOSS, broker=run.broker)
    again.fill(A, "-500")
    assert again.status().phase is Phase.LOCKED
    again.stop()
    path.unlink()
    if how == "rolled back":
        morning.rename(path)
    return again


HOWS = pytest.mark.parametrize("how", ["rolled back", "deleted"])


@HOWS
def test_nothing_starts_on_a_journal_that_lost_a_lock(rig, how):
    """Exit 70, with nothing said to the broker."""
    lost = locked_and_lost(rig, how=how)
    asked = lost.broker.reads

    with pytest.raises(StoreError, match="anchor --accept"):
        rig(LOSS, broker=lost.broker)

    assert lost.broker.reads == asked


@HOWS
def test_once_it_is_accepted_every_account_is_flat_and_locked_until_the_reset(rig, how):
    """No command ends a lockout (I9): what was locked is unknown, so everybody is."""
    lost = locked_and_lost(rig, how=how)
    for account in (A, B):
        lost.broker.exchange.accounts[account].positions.clear()
    accepted(lost)

    run = rig(LOSS, broker=lost.broker)
    run.order(B, "MNQ", 2)

    for account in (A, B):
        status = run.status(account)
        assert status.phase is Phase.LOCKED
        assert {each.until for each in status.lockouts if each.rule == "JOURNAL"} == {RESET}
        assert run.held(account) == {}
        kinds = [type(each.event) for each in run.stored(account)]
        assert kinds.index(EnforcementStarted) < kinds.index(AccountLocked)


def test_what_is_held_then_is_closed_once(rig):
    """The duty is taken up like an interrupted enforcement: the broker is read before it is told."""
    run = rig(LOSS)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 2)
    run.stop()
    (run.folder / "lockstep.db").unlink()
    accepted(run)

    again = rig(LOSS, broker=run.broker)
    again.advance(1)  # the second of two reads

    assert again.held() == {}
    assert len(again.broker.received) == 1
    assert again.status().phase is Phase.LOCKED


def test_the_lock_outlasts_a_restart_and_ends_at_the_reset_once(rig):
    """It is an ordinary lockout: not set twice, and not again on the next day."""
    lost = locked_and_lost(rig, how="deleted")
    accepted(lost)
    first = rig(LOSS, broker=lost.broker)
    first.stop()

    second = rig(LOSS, broker=lost.broker)
    assert second.status(B).phase is Phase.LOCKED
    second.advance((RESET - NOON).total_seconds() + 1)
    assert second.status(B).phase is Phase.OPEN
    second.stop()
    third = rig(LOSS, broker=lost.broker)

    assert third.status(B).phase is Phase.OPEN
    locks = [each.event for each in third.stored(B) if isinstance(each.event, AccountLocked)]
    assert len(locks) == 1


def test_it_joins_an_enforcement_that_the_accepted_journal_holds(rig):
    """The intent of the old copy is finished too: both locks follow one flatten."""
    run = rig(LOSS)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False
    run.fill(A, "-500")
    assert run.status().phase is Phase.ENFORCING
    run.stop()
    default_anchor(run.folder / "lockstep.db").unlink()
    accepted(run)
    run.broker.hanging.clear()

    again = rig(LOSS, broker=run.broker)
    again.advance(10)

    assert again.held() == {}
    assert {each.rule for each in again.status().lockouts} == {"RULE-003", "JOURNAL"}
    assert again.status().realised_usd <= Decimal(-500)
