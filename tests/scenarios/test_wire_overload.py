"""More happens than can be judged, over the wire: it is said, nothing is lost, the breach is enforced."""

from decimal import Decimal

import pytest

from actors.gateway import overflow
from messages.events import AccountLocked, AlarmRaised, HealthChanged
from messages.facts import StreamConnected, StreamLost, TradeExecuted
from messages.values import AlarmCode, Health, Phase
from tests.rig import A, B
from tests.runtime.nursery import WAIT_S, Gate
from tests.wire_rig import wire_config

LOSS = wire_config(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})


def stand_still(run, account):
    """Have an account stand at the next thing it is told, as a blocked worker would; return the gate."""
    actor, gate = run.system.directory.ref(f"account/{account}")._actor_weakref(), Gate()
    handle = type(actor).on_receive

    def stand(message):
        del actor.on_receive
        gate.stand()
        return handle(actor, message)

    actor.on_receive = stand
    return gate


@pytest.fixture
def flooded(wire, monkeypatch):
    """An account that stands still while it loses 400 in eighty fills, far more than may wait for it."""
    monkeypatch.setattr(overflow, "MOST", 30)
    monkeypatch.setattr(overflow, "FEWEST", 30)
    run = wire(LOSS)
    gate = stand_still(run, A)
    for _ in range(80):
        run.fill(A, "-5")
    run.mark(B)  # the other account hears on, behind all of it
    yield run, gate
    gate.opened.set()


def test_an_account_that_was_cut_off_has_booked_everything_once_it_has_caught_up(flooded):
    """From the stream what had waited, from the read the rest: each fill once, the sum to the cent."""
    run, gate = flooded
    gate.opened.set()
    run.wait(StreamConnected, count=2)
    run.wait(HealthChanged, lambda each: each.health is Health.LIVE, count=2)

    assert run.status().realised_usd == Decimal(-400)
    booked = [each.fill.trade_id for each in run.events(TradeExecuted)]
    assert booked == sorted(set(booked))
    assert len(booked) < 80
    assert len(run.events(StreamLost)) == 1
    assert [each.code for each in run.events(AlarmRaised)].count(AlarmCode.FACTS_LATE) == 1
    assert run.status().phase is Phase.OPEN
    assert run.events(StreamLost, B) == []


def test_a_breach_that_was_not_even_told_is_enforced_when_it_is_read(flooded):
    """What was left out of the stream is judged like all else."""
    run, gate = flooded
    run.buy(A, "MNQ", 2)
    run.fill(A, "-100")
    run.mark(B)
    gate.opened.set()

    run.wait(AccountLocked)
    assert run.held(A) == {}
    assert run.status().phase is Phase.LOCKED


def test_a_gateways_loop_that_stands_still_is_alarmed_and_its_accounts_are_stale_meanwhile(wire):
    """While it lasts; then all is heard that had waited in the socket, and it is LIVE again."""
    run = wire(
        wire_config(
            late_after_s=0.5, daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False}
        )
    )
    gate = Gate()
    gateway = run.system.directory.ref("gateway/desk")
    gateway.actor_inbox.dispatcher.loop.call_soon_threadsafe(gate.stand)
    assert gate.reached.wait(WAIT_S)
    stale = run.wait(HealthChanged, lambda each: "gateway-desk" in each.reason)
    run.fill(A, "-500")
    gate.opened.set()

    assert stale.health == "stale"
    for begins in ("gateway-desk is late", "gateway-desk turns again"):
        run.wait(AlarmRaised, lambda each, text=begins: each.text.startswith(text), account=None)
    run.wait(AccountLocked)
    run.wait(HealthChanged, lambda each: each.health == "live" and each.at > stale.at)
