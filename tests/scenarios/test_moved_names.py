"""A name that moved to another account while we were down, where the file names accounts by name."""

from messages.events import AlarmRaised
from messages.values import AlarmCode, Phase
from tests.rig import A, B, config_of

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500})


def renamed(run, account):
    alarms = run.events(AlarmRaised, account)
    return [each.text for each in alarms if each.code is AlarmCode.ACCOUNT_RENAMED]


def test_a_name_that_moved_while_we_were_down_is_told_at_the_start(rig):
    """The rules written for the name follow it; each lockout stays with its id, and both are told."""
    run = rig(LOSS)
    accounts = run.broker.exchange.accounts
    names = accounts[A].name, accounts[B].name
    strict = (
        LOSS
        + f'\n[[accounts]]\naccount = "{names[0]}"\n'
        + ("[accounts.rules.daily_realized_loss]\nmax_loss_usd = 50\n")
    )
    run.fill(A, "-500")
    run.stop()
    accounts[A].name, accounts[B].name = reversed(names)

    again = rig(strict, broker=run.broker)
    assert f"that was account {A}'s" in renamed(again, B)[0]
    assert f"that was account {B}'s" in renamed(again, A)[0]
    assert again.status(A).phase is Phase.LOCKED
    again.fill(B, "-50")
    assert again.status(B).phase is Phase.LOCKED
    again.stop()

    third = rig(strict, broker=run.broker)
    assert len(renamed(third, A)) == len(renamed(third, B)) == 0


def test_names_that_stay_are_not_told(rig):
    """A restart by itself says nothing of names."""
    run = rig(LOSS)
    run.stop()
    again = rig(LOSS, broker=run.broker)

    assert renamed(again, A) == renamed(again, B) == []
