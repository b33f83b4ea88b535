"""What may still be closing: an account tells it to whoever succeeds its enforcer."""

import pytest

from actors.account.state import AccountState
from messages.commands import Enforce, ResumeEnforcement
from messages.events import BrokerCommandAnswered, BrokerCommandSent, DayReset
from messages.facts import QuoteChanged
from messages.values import Done, NotSent, Quote
from tests.account.alone import ES, MNQ, Alone, after
from tests.account.test_enforcing import LOSING, loss, report
from tests.account.world import ACCOUNT, DAY

RESET_S = 5 * 3600 + 1


@pytest.fixture
def account():
    """An account with an intent on disk, by its loss limit; its enforcer has closed two contracts."""
    account = Alone(LOSING)
    account.connect()
    account.hold(1, 2, MNQ)
    report(account, 2, loss(account))
    account.store(2)
    account.hold(2, 1, ES)
    for number, contract in (("c1", MNQ), ("c2", ES), ("c3", None)):
        account.hear(
            BrokerCommandSent,
            2,
            enforcement_id=account.core.state.enforcement.id,
            command_id=number,
            command="close_contract" if contract else "cancel_order",
            contract=contract,
            size=None,
            order_id=None,
        )
    return account


def told(account, seconds):
    """Return what a successor of the enforcer is told to be closing."""
    account.hear(ResumeEnforcement, seconds)
    (order,) = account.of(Enforce)
    assert order.unsure
    return tuple(each.contract for each in order.closing)


def test_every_contract_that_was_commanded(account):
    """As long as it is held; that a close was accepted says nothing of its fill."""
    account.hear(BrokerCommandAnswered, 3, command_id="c1", outcome=Done())
    assert told(account, 3) == (MNQ, ES)

    account.hold(4, 1, MNQ)
    assert told(account, 4) == (MNQ, ES)
    account.hold(5, 0, MNQ)
    assert told(account, 5) == (ES,)


def test_but_not_what_certainly_had_no_effect(account):
    """It can be closed again by what is known of it."""
    account.hear(BrokerCommandAnswered, 3, command_id="c2", outcome=NotSent(reason="no budget"))

    assert told(account, 3) == (MNQ,)


def test_a_close_takes_the_place_of_the_one_before(account):
    """However often one is repeated while a market is halted, only the last may still take effect."""
    account.hear(
        BrokerCommandSent,
        3,
        enforcement_id=account.core.state.enforcement.id,
        command_id="c4",
        command="close_contract",
        contract=MNQ,
        size=None,
        order_id=None,
    )

    assert [each.command_id for each in account.core.state.enforcement.closing] == ["c2", "c4"]


def test_the_commands_of_another_enforcement_are_nothing_to_it(account):
    """Nor is a stop that was moved."""
    for owner in (f"{ACCOUNT}/e0", None):
        account.hear(
            BrokerCommandSent,
            3,
            enforcement_id=owner,
            command_id="c9",
            command="close_contract",
            contract="CON.F.US.M2K.Z25",
            size=None,
            order_id=None,
        )

    assert told(account, 3) == (MNQ, ES)


def test_over_a_reset_it_is_still_known(account):
    """The day's first event carries all that a replay begins with."""
    quote = Quote(contract=MNQ, last=None, bid=None, ask=None, at=after(RESET_S))
    account.hear(QuoteChanged, RESET_S, quote=quote)
    (reset,) = account.events(DayReset)
    again = AccountState.new(ACCOUNT, DAY, gross=False)
    again.evolve(reset)

    assert {each.contract for each in again.enforcement.closing} == {ES, MNQ}
