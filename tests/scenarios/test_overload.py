"""More happens than can be judged, or a thread stands still: it is said, and nothing is lost."""

from decimal import Decimal

import pytest

from messages.commands import WakeAfter
from messages.events import (
    AccountLocked,
    AlarmRaised,
    DeadLettered,
    HealthChanged,
)
from messages.facts import TradeExecuted
from messages.queries import Ping
from messages.values import AlarmCode, Health, Phase
from tests.rig import NOON, PATIENCE_S, A, B, config_of, contract
from tests.runtime.nursery import Gate

LOSS = config_of(
    daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False},
    daily_unrealized_loss={"max_loss_usd": 200},
)
MNQ = contract("MNQ")


class PatientGate(Gate):
    """Stands for as long as the machine needs to make the flood."""

    def stand(self):
        self.reached.set()
        assert self.opened.wait(PATIENCE_S)


@pytest.fixture
def stand():
    """Return a function that has actors stand at the next thing they are told; all go on in the end."""
    gates = []

    def stand(run, *addresses):
        made = []
        for address in addresses:
            actor, gate = run.system.directory.ref(address)._actor_weakref(), PatientGate()
            actor.on_receive = _standing(actor, gate)
            run.system.directory.tell(address, Ping(at=run.clock.now(), cause="stand"))
            assert gate.reached.wait(PATIENCE_S)
            made.append(gate)
        gates.extend(made)
        return made

    yield stand
    for each in gates:
        each.opened.set()


def _standing(actor, gate):
    def stand(message):
        del actor.on_receive
        gate.stand()
        return actor.on_receive(message)

    return stand


def release(run, gates):
    for each in gates:
        each.opened.set()
    run.settle()


def pass_time(run, seconds, *others):
    """Let seconds pass, each with its look, though not everything settles; these others are not late."""
    barrier = WakeAfter(at=NOON, cause="t", to="nobody", key="barrier", after_s=1e9)
    on_time = [(each, PING) for each in others]
    for _ in range(seconds):
        run.clock.advance(1)
        for address, asked in (
            *(("clock", barrier), ("clock", barrier), *on_time),
            *(("supervisor", PING), *on_time),
        ):
            run.system.directory.ref(address).ask(asked, timeout=PATIENCE_S)


PING = Ping(at=NOON, cause="t")


def alarms(run, code, account=None):
    return [each for each in run.events(AlarmRaised, account) if each.code is code]


def healths(run, account=A):
    return [each.health for each in run.events(HealthChanged, account)]


def unsettled(run, act):
    """Have the gateway do something, and do not wait for what follows."""
    run.system.directory.ref("gateway/desk").ask(act, timeout=PATIENCE_S)


def lose(run, account, pnl, count=1):
    """Book losses without waiting for them."""
    settle, run.settle = run.settle, lambda: None
    for _ in range(count):
        run.fill(account, pnl)
    run.settle = settle


def test_a_pool_that_stands_still_for_five_seconds_is_alarmed_and_its_accounts_are_stale(
    rig, stand
):
    """While it lasts and with its length; what was late is judged, and it is LIVE again after a while."""
    run = rig(LOSS)
    gates = stand(run, f"account/{A}", f"account/{B}")  # both workers
    lose(run, A, "-10")
    pass_time(run, 5, "gateway/desk")
    run.testimony.wait_for(AlarmRaised, lambda each: each.code is AlarmCode.TURNS_LATE, PATIENCE_S)
    assert "pool is late" in alarms(run, AlarmCode.TURNS_LATE)[0].text
    release(run, gates)

    (late,) = alarms(run, AlarmCode.FACTS_LATE, A)
    assert "5.0 s late" in late.text
    assert run.status(A).health is Health.STALE
    assert "5.0 s late" in run.status(A).health_reason
    assert run.status(A).realised_usd == Decimal(-10)
    for _ in range(5):
        run.advance(1)
    assert healths(run)[-2:] == ["stale", "live"]
    assert run.status(A).health is Health.LIVE
    texts = [each.text.split(":")[0] for each in alarms(run, AlarmCode.TURNS_LATE)]
    assert texts == ["pool is late", "pool turns again"]


def test_a_breach_that_waited_is_enforced_first_thing(rig, stand):
    """STALE holds nothing back."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    gates = stand(run, f"account/{A}", f"account/{B}")
    lose(run, A, "-500")
    pass_time(run, 4)
    release(run, gates)

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    assert run.status(A).health is Health.STALE


def test_accounts_of_a_gateway_that_stands_still_are_stale_while_it_does(rig, stand):
    """They are not late themselves: they hear nothing, and must not look as if all were well."""
    run = rig(LOSS)
    gates = stand(run, "gateway/desk")
    pass_time(run, 4)
    run.testimony.wait_for(HealthChanged, lambda each: each.health == "stale", PATIENCE_S, count=2)

    during = {account: run.status(account) for account in (A, B)}
    release(run, gates)
    assert {each.health for each in during.values()} == {Health.STALE}
    assert {"gateway-desk" in each.health_reason for each in during.values()} == {True}
    for _ in range(6):
        run.advance(1)
    assert {run.status(account).health for account in (A, B)} == {Health.LIVE}


def test_a_rule_that_is_behind_makes_its_accounts_stale(rig, stand):
    """The account has booked it in time, but nobody has judged it."""
    run = rig(LOSS)
    gates = stand(run, "rule/RULE-003")
    lose(run, A, "-500")
    run.system.directory.ref(f"account/{A}").ask(PING, timeout=PATIENCE_S)  # it has booked it
    pass_time(run, 3)
    release(run, gates)

    assert run.status(A).phase is Phase.LOCKED
    assert "RULE-003" in run.status(A).health_reason
    assert len(alarms(run, AlarmCode.FACTS_LATE, A)) == 1
    assert healths(run, B)[-1] == "live"


def test_what_is_judged_in_time_alarms_nobody(rig):
    """A day of trading on a machine that keeps up."""
    run = rig(LOSS)
    for _ in range(20):
        run.order(A, "MNQ", 1)
        run.advance(30)
        run.order(A, "MNQ", -1)
        run.advance(600)

    for account in (None, A, B):
        assert alarms(run, AlarmCode.FACTS_LATE, account) == []
        assert alarms(run, AlarmCode.TURNS_LATE, account) == []


# --- a flood ------------------------------------------------------------------------------------

DESK = tuple(range(3001, 3041))
FILLS = 25


def loss_of(account, number):
    """Every other account loses too much with its last fills; each amount tells whose it is."""
    return Decimal(-number * (account % 2)) * 2 - Decimal(account - DESK[0]) / 100


def test_under_a_flood_quotes_are_conflated_and_nothing_that_must_be_booked_is_lost(rig, stand):
    """Before anything turns: of ten thousand quotes one waits; every fill is booked, in order."""
    run = rig(LOSS, accounts=DESK)
    run.price("MNQ", "21000")
    for account in DESK:
        run.order(account, "MNQ", 1)
    gates = stand(run, f"account/{DESK[0]}", f"account/{DESK[1]}")  # both workers

    def quote(gateway):
        for last in range(10_000):
            price = Decimal(20_990 + last % 20)
            run.broker.exchange.move(MNQ, (price, price, price), run.broker.now())
            gateway.quote(MNQ)

    unsettled(run, quote)
    inbox = run.system.directory.ref("quotes").actor_inbox
    waiting = len(inbox.items) + len(inbox.latest._waiting)
    for number in range(FILLS):
        for account in DESK:
            lose(run, account, str(loss_of(account, number)))
    release(run, gates)

    assert waiting == 1
    booked = {
        account: [
            each.fill.profit_and_loss_usd
            for each in run.events(TradeExecuted, account)
            if each.fill.profit_and_loss_usd is not None
        ][:FILLS]
        for account in DESK
    }
    assert booked == {
        account: [loss_of(account, number) for number in range(FILLS)] for account in DESK
    }
    assert {each: run.status(each).phase for each in DESK} == {
        each: Phase.LOCKED if each % 2 else Phase.OPEN for each in DESK
    }
    assert {each: len(run.events(AccountLocked, each)) for each in DESK} == {
        each: each % 2 for each in DESK
    }
    assert {each: run.held(each) for each in DESK} == {
        each: {} if each % 2 else {MNQ: 1} for each in DESK
    }
    assert [each for each in run.testimony.events() if isinstance(each, DeadLettered)] == []
