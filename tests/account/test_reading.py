"""When an account reads its broker, what a read is worth, and which word of the broker is the newest."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from actors.account.core import AccountCore
from actors.account.settings import AccountSettings, RuleSetting
from actors.account.state import AccountState
from actors.account.sync import Sync
from actors.rules import auth_loss_guard, no_stop_loss_grace
from messages.commands import CancelWake, Evaluate, ReportVerdict, TakeSnapshot, WakeAt, Woken
from messages.events import FlatConfirmed, RuleBreached
from messages.facts import AccountChanged, PositionChanged, SnapshotTaken, StreamConnected
from messages.journal import Append
from messages.values import Position
from tests.account.world import ACCOUNT, DAY, SETTINGS, START, World
from tests.rules.pictures import view

MNQ = "CON.F.US.MNQ.Z25"
LONG = Position(contract=MNQ, size=1, average_price=Decimal(1))
GRACE = no_stop_loss_grace.NoStopLossGrace()
GUARD = auth_loss_guard.AuthLossGuard()


def after(seconds):
    return START + timedelta(seconds=seconds)


def head(at=START):
    return {"account": ACCOUNT, "at": at, "cause": "test"}


class Account:
    """A core with RULE-008 and RULE-010, told facts at chosen seconds."""

    def __init__(self):
        state = AccountState.new(ACCOUNT, DAY, gross=False)
        self.core = AccountCore(self.settings(), state, epoch="1")
        self.sent = [each.message for each in self.core.start(START)]

    @staticmethod
    def settings() -> AccountSettings:
        rules = (
            RuleSetting(rule=no_stop_loss_grace.RULE, parameters=GRACE),
            RuleSetting(rule=auth_loss_guard.RULE, parameters=GUARD),
        )
        return replace(SETTINGS, rules=rules)

    def hear(self, kind, seconds, **fields):
        """Tell it something and return what it sends because of that."""
        message = kind(
            **(head(after(seconds)) if kind is not Woken else {"at": START, "cause": "c"}), **fields
        )
        self.sent = [each.message for each in self.core.handle(message, after(seconds))]
        return self.sent

    def read(self, seconds, *positions):
        """Answer the last snapshot it asked for."""
        request = self.asked[-1]
        return self.hear(
            SnapshotTaken,
            seconds,
            request_id=request.request_id,
            generation=1,
            requested_at=after(seconds),
            positions=positions,
            orders=(),
            fills=(),
            can_trade=True,
            balance_usd=None,
        )

    def of(self, kind):
        return [each for each in self.sent if isinstance(each, kind)]

    @property
    def asked(self):
        return self.of(TakeSnapshot)


@pytest.fixture
def account():
    """Start one whose stream is up and that has been read once, flat."""
    account = Account()
    account.hear(StreamConnected, 0, generation=1)
    account.read(0)
    return account


def checks(account):
    return [each.due for each in account.of(WakeAt) if each.key == "check RULE-008"]


def test_the_check_follows_what_is_held(account):
    """Armed when a position opens, not again while nothing changes, cancelled when it closes."""
    closed = msgspec.structs.replace(LONG, size=0)
    more = msgspec.structs.replace(LONG, size=2)

    account.hear(PositionChanged, 1, position=LONG)
    assert checks(account) == [after(11)]
    account.hear(PositionChanged, 2, position=more)
    assert checks(account) == []
    account.hear(PositionChanged, 3, position=closed)
    assert [each.key for each in account.of(CancelWake)] == ["check RULE-008"]


def test_a_check_that_comes_early_is_asked_for_again(account):
    """The wall clock was not there yet after all: the wake is used up, the end is not."""
    account.hear(PositionChanged, 0, position=LONG)

    account.hear(Woken, 9.999, key="check RULE-008")

    assert checks(account) == [after(10)]


def test_a_check_reads_first_and_the_answer_is_judged(account):
    """At the end of the grace a snapshot is asked for; what it shows goes to the rule with its time."""
    account.hear(PositionChanged, 0, position=LONG)

    account.hear(Woken, 10, key="check RULE-008")
    assert len(account.asked) == 1
    assert checks(account) == [after(15)]
    account.read(10, LONG)

    (asked,) = [each for each in account.of(Evaluate) if each.parameters is GRACE]
    assert asked.view.read_at == after(10)
    assert no_stop_loss_grace.RULE.evaluate(asked.view, GRACE) is not None


def test_a_read_is_judged_before_the_stream_is_up(account):
    """Restarted while the hub is down: the end of a grace does not wait for it."""
    account = Account()
    account.hear(PositionChanged, 0, position=LONG)
    account.hear(Woken, 10, key="check RULE-008")

    account.read(10, LONG)

    assert [each.parameters for each in account.of(Evaluate)] == [GRACE]


def test_a_read_counts_from_when_it_was_asked_for_and_only_of_this_stream():
    """The latest counts; one from before the stream was up again does not, nor any that was lost."""
    sync = Sync()
    sync.read(after(1))
    assert sync.read_at == after(1)
    sync.read(after(3))
    sync.read(after(2))
    assert sync.read_at == after(3)

    sync.connected(after(5), 2)
    assert sync.read_at is None
    sync.read(after(4))
    assert sync.read_at is None
    sync.read(after(5))
    assert sync.read_at == after(5)


def test_the_proof_of_an_enforcement_is_a_read_too():
    """The broker need not be asked again for what its confirming snapshot has shown."""
    world = World()
    world.drain()
    world.advance(30)
    world.set_position(MNQ, 9)
    world.drain()
    proof = [each for each in world.account_events() if isinstance(each, FlatConfirmed)][-1]

    world.set_position(MNQ, 1)
    while not world.queues["rule"]:
        world.step(world.pending()[0])

    assert world.queues["rule"][0][1].view.read_at == proof.read_at


def breach_of(account):
    """Return the rule's verdict on a picture that said false."""
    breach = auth_loss_guard.RULE.evaluate(view(can_trade=False), GUARD)
    fields = {"rule": "RULE-010", "breach": breach, "moves": (), "judgement": None}
    account.hear(ReportVerdict, 3, **fields, trading_date="2025-10-29")
    return [
        event
        for append in account.of(Append)
        for event in append.events
        if isinstance(event, RuleBreached)
    ]


def test_a_verdict_on_a_flag_that_has_changed_since_asks_for_nothing(account):
    """Judged on false, delivered after true: its lock would end at once."""
    account.hear(AccountChanged, 1, can_trade=False, balance_usd=None)
    account.hear(AccountChanged, 2, can_trade=True, balance_usd=None)

    assert breach_of(account) == []


def test_a_verdict_on_the_flag_as_it_is_locks(account):
    """The same verdict while it is still false."""
    account.hear(AccountChanged, 1, can_trade=False, balance_usd=None)

    assert len(breach_of(account)) == 1


def test_a_clock_that_was_set_back_does_not_keep_the_flag_from_being_believed():
    """What a new stream's reads say is newer than all an earlier one told, whatever the clock shows."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    state.evolve(AccountChanged(**head(after(3600)), can_trade=False, balance_usd=None))
    state.evolve(AccountChanged(**head(after(0)), can_trade=True, balance_usd=None))
    assert state.can_trade is False

    state.evolve(StreamConnected(**head(after(10)), generation=2))
    state.evolve(AccountChanged(**head(after(9)), can_trade=True, balance_usd=None))
    assert state.can_trade is False
    state.evolve(AccountChanged(**head(after(11)), can_trade=True, balance_usd=None))

    assert state.can_trade is True
