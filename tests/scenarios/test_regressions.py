"""Defects that a review found, each as it was proven; none of them may come back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from messages.commands import CloseContract, DescribeContract
from messages.events import RuleBreached
from messages.values import NotSent, Phase
from tests.rig import NOON, A, FakeGateway, config_of

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500})
RESET = datetime(2025, 10, 29, 22, tzinfo=UTC)


def crash(run):
    run.system.directory.tell(f"account/{A}", "nonsense")
    run.settle()
    run.advance(1)


def test_an_account_that_restarts_after_a_reset_still_sees(rig):
    """The journal is replayed from the reset on, which must say that the stream is up."""
    run = rig(LOSS)
    run.at(NOON + timedelta(hours=6))

    crash(run)
    run.order(A, "MNQ", 1)
    run.fill(A, "-600")

    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED


def test_a_fill_that_came_ahead_of_the_reset_is_judged_after_it(rig):
    """It waits for its own day, and its cooldown with it."""
    run = rig(config_of(cooldown_after_loss={}), start=RESET - timedelta(seconds=1))
    run.fill(A, "-350", at=RESET + timedelta(seconds=1))
    assert run.events(RuleBreached) == []

    run.advance(2)

    assert [lock.rule for lock in run.status().lockouts] == ["RULE-007"]


def test_a_contract_whose_record_was_lost_is_asked_for_again(rig, monkeypatch):
    """A gateway that dies over the look-up must not leave a position without a value for ever."""
    run = rig(LOSS)
    real, lost = FakeGateway.on_receive, []

    def forgetful(self, message):
        if isinstance(message, DescribeContract) and not lost:
            lost.append(message)
            return None
        return real(self, message)

    monkeypatch.setattr(FakeGateway, "on_receive", forgetful)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 1)
    for _ in range(3):
        run.advance(5.1)
        run.price("MNQ", "20000")

    assert lost
    assert run.status().phase is Phase.LOCKED


def test_a_close_that_was_refused_goes_out_again_while_reads_fail(rig):
    """What certainly had no effect needs no read before it is sent again."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    run.broker.blind.add(A)
    run.broker.refusing[A] = NotSent(reason="HTTP 429")
    run.fill(A, "-600")
    run.broker.refusing.clear()

    for _ in range(5):
        run.advance(1)

    assert run.held() == {}
    assert len(run.commands(CloseContract)) == 2


def test_a_restarted_account_values_at_once_what_it_holds(rig):
    """The quote that is known is told again."""
    run = rig(LOSS)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 1)

    crash(run)

    assert run.status().open_usd == 0


def test_frequent_fills_do_not_put_the_open_loss_off(rig):
    """A position that waits for its close to settle is asked for after a second, whatever comes."""
    run = rig(LOSS)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 2)

    for _ in range(5):
        run.fill(A, "-0.01")
        run.price("MNQ", "20000")
        run.advance(0.8)

    assert run.status().phase is Phase.LOCKED
    assert run.events(RuleBreached)[0].breach.value < Decimal(-500)
