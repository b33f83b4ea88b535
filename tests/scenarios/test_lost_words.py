"""An actor fails at one word, which is then lost: whatever the word said comes about all the same."""

import sqlite3

import pytest

from messages.commands import ApplyLockout, Enforce, ReportVerdict, Woken
from messages.events import AccountLocked, BrokerCommandAnswered, DeadLettered
from messages.facts import (
    OrderChanged,
    PositionChanged,
    SnapshotTaken,
    StreamConnected,
    StreamLost,
    TradeExecuted,
)
from messages.journal import Appended
from messages.values import Health, Phase
from tests.rig import A, config_of

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})
A_MINUTE = range(60)


@pytest.fixture
def run(rig):
    """A system whose account A holds a contract."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    return run


@pytest.fixture
def loses(run, monkeypatch):
    """Have the present life of an actor fail at the next word of a kind."""

    def lose(address, kind):
        actor = run.system.directory.ref(address)._actor_weakref()
        receive = actor.on_receive

        def poisoned(message):
            if isinstance(message, kind) and getattr(message, "breach", message):
                raise RuntimeError("poisoned")
            return receive(message)

        monkeypatch.setattr(actor, "on_receive", poisoned)

    return lose


def lost(run):
    return [each.message.partition("(")[0] for each in letters(run)]


def letters(run):
    return [each for each in run.testimony.events() if isinstance(each, DeadLettered)]


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        ("account", Appended),
        ("account", TradeExecuted),
        ("account", ReportVerdict),
        ("account", PositionChanged),
        ("account", OrderChanged),
        ("account", ApplyLockout),
        ("account", Woken),
        ("enforcer", Enforce),
        ("enforcer", BrokerCommandAnswered),
        ("enforcer", SnapshotTaken),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_breach_is_enforced_and_locked_whatever_word_is_lost(run, loses, actor, kind):
    """Once, with one lock: what was said is asked for again, or read."""
    loses(f"{actor}/{A}", kind)
    run.fill(A, "-600")
    for _ in A_MINUTE:
        run.advance(1)

    assert lost(run) == [kind.__name__]
    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    assert len(run.events(AccountLocked)) == 1


def test_an_account_that_loses_the_word_that_its_stream_is_up_guards_again(run, loses):
    """It would wait for the stream for ever, and judge nothing that it hears by it."""
    run.do(lambda gateway: gateway.lose())
    loses(f"account/{A}", StreamConnected)
    run.do(lambda gateway: gateway.reconnect())
    assert lost(run) == ["StreamConnected"]
    assert run.status(A).phase is Phase.OPEN
    assert run.status(A).health is Health.LIVE
    run.fill(A, "-600")

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED


def test_an_account_that_loses_the_word_that_its_stream_is_down_does_not_call_itself_live(
    run, loses
):
    """Its journal says that the stream is up; the gateway knows better."""
    loses(f"account/{A}", StreamLost)
    run.do(lambda gateway: gateway.lose())

    assert lost(run) == ["StreamLost"]
    assert run.status(A).health is Health.STALE


def test_a_lock_is_in_force_though_the_report_of_its_deadline_is_lost(run, loses):
    """The broker closes nothing, so no proof will ever come to lock it instead."""
    run.broker.deaf.add(A)
    loses(f"account/{A}", ApplyLockout)
    run.fill(A, "-600")
    for _ in range(10):
        run.advance(1)

    assert lost(run) == ["ApplyLockout"]
    (locked,) = run.events(AccountLocked)
    assert not locked.flat_confirmed
    assert [each.rule for each in run.status(A).lockouts] == ["RULE-003"]


def test_a_restarted_account_is_not_open_while_the_end_of_its_lock_is_in_memory_only(
    run, monkeypatch
):
    """Its successor is rebuilt from what the journal remembers, and a killed process would not be."""
    run.fill(A, "-600")
    assert run.status(A).phase is Phase.LOCKED
    store = run.system._store

    def refuse(_rows):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as full:
        full.setattr(store, "append_rows", refuse)
        run.at(run.events(AccountLocked)[0].lockout.until)
        assert run.status(A).lockouts == ()
        run.system.directory.tell(f"account/{A}", "poison")
        run.advance(10)
        assert run.status(A).phase is Phase.STARTING
        assert "not on disk" in run.status(A).starting
    run.advance(2)

    assert run.status(A).phase is Phase.OPEN
