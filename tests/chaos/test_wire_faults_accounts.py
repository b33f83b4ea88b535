"""Rows 35 and 73 to 76: what a firm does to accounts, over the wire."""

from decimal import Decimal

import pytest
from msgspec import structs

from actors.simulator import SimAccount
from messages.events import AccountLocked, AlarmRaised, EnforcementFinished
from messages.facts import StreamConnected
from messages.values import AlarmCode, Phase
from tests.rig import TOKENS, A, B, contract
from tests.wire_rig import PATIENCE_S, POSITIONS, WatchedGateway, wire_config

ACCOUNTS = "/Account/search"

LOSS_500 = {"daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": False}}
COMPARING = wire_config(reconcile_every_s=0.1, **LOSS_500)


def test_a_payout_is_told_and_is_no_loss(wire):
    """Row 76: 3,000 leave the balance: alarmed once, nothing realised, the account stays open."""
    run = wire(COMPARING)
    run.wait_request(POSITIONS, count=3)
    run.trader.set_account(A, balance=Decimal(47_000))
    alarm = run.wait(AlarmRaised, lambda each: each.code == AlarmCode.BALANCE_DIFFERED)
    reads = len(run.requests(POSITIONS))
    run.wait_request(POSITIONS, count=reads + 4)

    assert "-3000.00 USD" in alarm.text
    assert run.alarms().count(AlarmCode.BALANCE_DIFFERED) == 1
    assert AlarmCode.BALANCE_DIFFERED not in run.alarms(B)
    assert run.status().realised_usd == 0
    assert run.status().phase is Phase.OPEN


def test_fills_with_fees_and_commissions_explain_the_balance(wire):
    """Row 35: bought and sold with costs, compared many times: no alarm."""
    run = wire(COMPARING)
    run.trader.set_costs(Decimal("0.37"), Decimal("0.25"))
    for _ in range(3):
        run.buy(A, "MNQ", 2)
        run.buy(A, "MNQ", -2)
    reads = len(run.requests(POSITIONS))
    # Each is asked for when the one before is booked; a mark might be found by one of them instead.
    run.wait_request(POSITIONS, count=reads + 4)

    assert AlarmCode.BALANCE_DIFFERED not in run.alarms()
    assert run.status().realised_usd == Decimal("-7.44")


# --- which accounts there are --------------------------------------------------------------------


class LookingGateway(WatchedGateway):
    """A gateway that looks at the accounts of its login ten times a second."""

    def __init__(self, *, login, **how):
        super().__init__(login=structs.replace(login, roster_every_s=0.1), **how)


def looks(run):
    """Let the gateway look twice more, and return the alarms about accounts."""
    listed = len(run.sim.record().requests(ACCOUNTS, None))
    run.sim.record().wait_until(
        lambda: len(run.sim.record().requests(ACCOUNTS, None)) >= listed + 3, PATIENCE_S
    )
    codes = {AlarmCode.ACCOUNT_MISSING, AlarmCode.ACCOUNT_RENAMED, AlarmCode.UNKNOWN_ACCOUNT}
    return [
        (each.code, each.account)
        for each in run.testimony.events()
        if isinstance(each, AlarmRaised) and each.code in codes
    ]


@pytest.mark.parametrize("change", [{"active": False}, {"is_visible": False}])
def test_an_account_that_disappears_is_told_once_and_guarded_on(wire, change):
    """Row 73: no longer listed, or hidden: an alarm; the lock still comes, B is as ever."""
    run = wire(wire_config(**LOSS_500), gateway=LookingGateway)
    assert looks(run) == []
    run.trader.set_account(A, **change)

    assert looks(run) == [(AlarmCode.ACCOUNT_MISSING, A)]
    assert looks(run) == [(AlarmCode.ACCOUNT_MISSING, A)]
    run.fill(A, "-500")
    run.wait(AccountLocked)
    assert run.status(B).phase is Phase.OPEN


def test_a_new_account_is_told_to_be_unguarded(wire):
    """Row 74: bought while we run: loudly NOT guarded, once, and a hole; nothing is sent for it."""
    run = wire(wire_config(**LOSS_500), gateway=LookingGateway)
    run.trader.add_account(TOKENS["PROJECT_X_USERNAME"], SimAccount(B + 1, "50K-NEW"))

    run.wait(AlarmRaised, lambda each: each.code == AlarmCode.UNKNOWN_ACCOUNT, account=B + 1)
    assert looks(run) == [(AlarmCode.UNKNOWN_ACCOUNT, B + 1)]
    assert run.requests(POSITIONS, B + 1) == ()
    (lost,) = run.system.status().unguarded
    assert lost.account == f"{B + 1} 50K-NEW"
    run.trader.set_account(B + 1, active=False)
    looks(run)
    assert run.system.status().unguarded == ()


def test_another_name_under_the_same_id_is_told_and_changes_no_rule(wire):
    """Row 75: the account is its id; whether it is the same one, a person must say."""
    run = wire(wire_config(**LOSS_500), gateway=LookingGateway)
    run.trader.set_account(A, name="150K-OTHER")

    run.wait(AlarmRaised, lambda each: each.code == AlarmCode.ACCOUNT_RENAMED)
    assert looks(run) == [(AlarmCode.ACCOUNT_RENAMED, A)]
    run.fill(A, "-500")
    run.wait(AccountLocked)


# --- who is silent although it trades ------------------------------------------------------------


def test_a_silent_account_whose_balance_moves_is_compared_at_once(wire):
    """Row 5: forgotten by the hub, its turn an hour away; the list of accounts shows that it traded."""
    run = wire(
        wire_config(max_contracts={"limit": 2}, **LOSS_500),
        gateway=LookingGateway,
    )
    run.trader.set_costs(Decimal("0.37"), Decimal("0.25"))
    looks(run)
    run.trader.forget_subscriptions(A)
    run.buy(A, "MNQ", 5)

    run.wait(EnforcementFinished)
    run.wait(StreamConnected, count=2)
    assert run.held(A) == {contract("MNQ"): 2}
    assert AlarmCode.SNAPSHOT_DIFFERED in run.alarms()
