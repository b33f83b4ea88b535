"""The tree of the whole system: who is taken down by whom, who is isolated, and what ends the process."""

import threading
from decimal import Decimal

import pytest

from actors.runtime import SystemClock
from messages.commands import WakeAfter
from messages.events import (
    AccountLocked,
    ActorRestarted,
    AlarmRaised,
    DeadLettered,
    EnforcementFinished,
)
from messages.facts import QuoteChanged
from messages.queries import Ping
from messages.values import AlarmCode, Phase
from tests.rig import NOON, PATIENCE_S, A, B, config_of

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})
BARRIER = WakeAfter(at=NOON, cause="t", to="nobody", key="barrier", after_s=1e9)
"""Asked of the clock: what it was told before is booked by then."""


def codes(run):
    return [each.code for each in run.testimony.events() if isinstance(each, AlarmRaised)]


def restarted(run, address):
    events = run.testimony.events()
    return [each for each in events if isinstance(each, ActorRestarted) and each.address == address]


def poison(run, address):
    """Tell an actor what it cannot be told."""
    run.system.directory.tell(address, "poison")
    run.settle()


def crash(run, address, times):
    """Have an actor fail in every life of its; time passes only as it must for the next one."""
    for number in range(times):
        run.system.directory.tell(address, "poison")
        while dead_letters(run).count(address) <= number:
            run.clock.advance(0.5)
            run.system.directory.ref("clock").ask(BARRIER, timeout=PATIENCE_S)
            run.system.directory.ref("journal").ask(Ping(at=NOON, cause="t"), timeout=PATIENCE_S)


def dead_letters(run):
    letters = [each for each in run.testimony.events() if isinstance(each, DeadLettered)]
    return [each.address for each in letters]


def restless(run):
    """From now on, do not wait for what waits for an account that is down."""
    run.settle = lambda: None


def test_an_account_that_keeps_crashing_takes_nobody_with_it(rig):
    """Nine in a row: it comes back ever later, the other account notices nothing, nothing ends."""
    run = rig(LOSS)
    crash(run, f"account/{A}", 9)
    restless(run)
    run.fill(B, "-500")
    run.testimony.wait_for(AccountLocked, lambda each: each.account == B, PATIENCE_S)

    status = run.system.status()
    assert status.unanswered == (A,)
    assert [(each.account, each.phase) for each in status.accounts] == [(B, Phase.LOCKED)]
    assert restarted(run, f"account/{B}") == []
    assert AlarmCode.ACTOR_DOWN in codes(run)
    assert run.given_up == []


def test_an_isolated_account_comes_back_and_guards(rig):
    """Never forgotten: when the poison is through, what it was told meanwhile is booked and enforced."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    crash(run, f"account/{A}", 9)
    restless(run)
    run.fill(A, "-500")
    assert run.held(A) != {}
    del run.settle
    run.clock.advance(30)
    run.settle()

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    assert len(run.events(AccountLocked)) == 1
    assert restarted(run, f"account/{A}")[-1].down_s >= 1
    assert set(dead_letters(run)) == {f"account/{A}"}


def test_an_enforcement_goes_on_while_its_account_is_down(rig, monkeypatch):
    """The account cannot be read back from the journal; its enforcer finishes what was begun."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False
    run.fill(A, "-500")
    journal = run.system.directory.ref("journal")._actor_weakref()
    with monkeypatch.context() as patched:
        patched.setattr(journal, "_read", lambda _account: 1 / 0)
        restless(run)
        run.system.directory.tell(f"account/{A}", "poison")
        run.broker.hanging.clear()
        until = SystemClock().monotonic() + PATIENCE_S
        while run.held(A):  # its messages hop over threads, which a busy machine runs late
            assert SystemClock().monotonic() < until, "it was not closed"
            run.advance(0.5)
            run.system.directory.ref("clock").ask(BARRIER, timeout=PATIENCE_S)
            journal.actor_ref.ask(Ping(at=NOON, cause="t"), timeout=PATIENCE_S)
        assert restarted(run, f"account/{A}") == []
    del run.settle
    run.clock.advance(30)
    run.settle()
    until = SystemClock().monotonic() + PATIENCE_S
    while not run.events(EnforcementFinished):  # the time of a back-off depends on when it fell
        assert SystemClock().monotonic() < until, "the enforcement was not finished"
        run.advance(1)

    assert run.status(A).phase is Phase.LOCKED
    assert len(run.events(EnforcementFinished)) == 1


@pytest.mark.parametrize("address", ["accounts/desk", "login/desk", "rules"])
def test_a_supervisor_that_fails_leaves_its_accounts_guarded(rig, address):
    """It is replaced; the actors below it never stop, and are restarted as before."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    poison(run, address)
    poison(run, f"account/{A}")
    run.fill(A, "-500")

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    assert run.status(A).realised_usd == Decimal(-500)
    assert len(restarted(run, address)) == 1
    assert len(restarted(run, f"account/{A}")) == 1
    assert run.given_up == []


@pytest.mark.parametrize("victim", ["clock", "supervisor"])
def test_what_everybody_needs_ends_the_process_when_it_fails_for_good(rig, victim):
    """The clock at its sixth failure in ten seconds, the root supervisor at its first."""
    run = rig(LOSS)
    for _ in range(6):
        if run.system.directory.is_alive(victim):
            poison(run, victim)

    assert [each.split(":")[0] for each in run.given_up] == [victim]
    run.stopped = victim == "supervisor"  # nobody is left to stop the rest in order
    if run.stopped:
        run.system._supervisor = None
        run.system._tear_down()


def test_a_hung_account_is_replaced_and_guards_again(rig, monkeypatch):
    """Its thread stands still in the middle of a fill; a successor has it booked, enforced and locked."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    reached, opened = threading.Event(), threading.Event()
    actor = run.system.directory.ref(f"account/{A}")._actor_weakref()
    handle = actor._core.handle

    def stand(message, now):
        reached.set()
        assert opened.wait(PATIENCE_S)
        return handle(message, now)

    monkeypatch.setattr(actor._core, "handle", stand)
    gateway = run.system.directory.ref("gateway/desk")
    gateway.tell(lambda each: each.say_account(A, can_trade=True))
    assert reached.wait(PATIENCE_S)
    until = SystemClock().monotonic() + PATIENCE_S
    while not restarted(run, f"account/{A}"):
        assert SystemClock().monotonic() < until, "it was not replaced"
        run.clock.advance(1)
        run.system.directory.ref("clock").ask(BARRIER, timeout=PATIENCE_S)
    opened.set()
    run.settle()
    run.fill(A, "-500")

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    assert restarted(run, f"account/{A}")[0].down_s >= 5
    assert AlarmCode.ACTOR_HUNG in codes(run)
    assert any(
        isinstance(each, DeadLettered) and "AccountChanged" in each.message
        for each in run.testimony.events()
    )


def test_a_restarted_quote_actor_still_knows_who_holds_what(rig):
    """The very next quote is judged: nothing waits until the last one has become too old."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 100, "include_open_loss": True}))
    run.order(A, "MNQ", 1)
    run.price("MNQ", "21000")
    poison(run, "quotes")
    run.price("MNQ", "20950")

    assert len(restarted(run, "quotes")) == 1
    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED


def test_a_quote_actor_that_keeps_failing_is_soon_back(rig):
    """All accounts are judged by what it tells."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 100, "include_open_loss": True}))
    run.order(A, "MNQ", 1)
    run.price("MNQ", "21000")
    for _ in range(12):
        poison(run, "quotes")
        run.advance(1.0)
    assert len(restarted(run, "quotes")) == 12

    run.price("MNQ", "20950")

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED


def told_quotes(run):
    """Count from now on the quotes that accounts are told."""
    told, tell = [], run.system.directory.tell

    def noted(address, message):
        if isinstance(message, QuoteChanged) and address.startswith("account/"):
            told.append(message.quote.last)
        tell(address, message)

    run.system.directory.tell = noted
    return told


@pytest.mark.parametrize("victim", ["quotes", f"account/{A}"])
def test_after_a_restart_the_account_hears_quotes_until_its_band_is_known_again(rig, victim):
    """Of the QuoteActor or its own: then only what may break a rule, which is judged at once."""
    run = rig(config_of(daily_unrealized_loss={"max_loss_usd": 200}))
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 1)
    told = told_quotes(run)
    run.price("MNQ", "20950")
    assert told == []
    poison(run, victim)
    run.price("MNQ", "20940")
    told.clear()
    run.price("MNQ", "20930")
    assert told == []
    assert run.status(A).open_usd == -140
    run.price("MNQ", "20900")

    assert told == [20900]
    assert len(restarted(run, victim)) == 1
    assert run.held(A) == {}
