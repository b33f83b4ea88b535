"""An enforcement whose targets become fewer: nothing of what is dropped is sent any more."""

from datetime import UTC, datetime, timedelta

from actors.enforcer.core import EnforcerCore
from messages.commands import ApplyLockout, CancelOrder, Enforce, TakeSnapshot, Woken
from messages.events import BrokerCommandAnswered
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.values import NoOpeningOrders, NotSent

NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)
HEAD = {"account": 1, "at": NOON, "cause": "test"}


def enforce(targets, orders):
    return Enforce(
        **HEAD,
        enforcement_id="e1",
        targets=targets,
        deadline_at=NOON + timedelta(seconds=5),
        known_positions=(),
        known_orders=orders,
    )


def rung(core, name):
    return Woken(at=NOON, cause="test", key=core._timers.key(name))


def of(sends, kind):
    return [each.message for each in sends if isinstance(each.message, kind)]


def refused_and_unread():
    """Return an enforcer that could not send a cancel, and then could not read."""
    core = EnforcerCore(account=1, login="desk", epoch="1")
    (cancel,) = of(core.handle(enforce((NoOpeningOrders(),), (7,)), NOON), CancelOrder)
    outcome = NotSent(reason="no budget")
    answer = BrokerCommandAnswered(**HEAD, command_id=cancel.command_id, outcome=outcome)
    (read,) = of(core.handle(answer, NOON), TakeSnapshot)
    core.handle(SnapshotFailed(**HEAD, request_id=read.request_id, reason="HTTP 500"), NOON)
    return core


def test_what_was_refused_is_repeated_unread_while_it_is_a_target():
    """The broker never got the cancel, and cannot be read: it goes out again."""
    core = refused_and_unread()

    sent = core.handle(rung(core, "pause"), NOON)

    assert [each.order_id for each in of(sent, CancelOrder)] == [7]


def test_what_was_refused_is_not_repeated_once_its_target_is_dropped():
    """The order may be allowed by now: only reads go on."""
    core = refused_and_unread()
    core.handle(enforce((), ()), NOON)

    sent = core.handle(rung(core, "pause"), NOON)

    assert of(sent, CancelOrder) == []
    assert len(of(sent, TakeSnapshot)) == 1


def test_a_deadline_that_was_reported_is_not_reported_again():
    """Fewer targets are no news: no second `DeadlinePassed`, no second alarm."""
    core = refused_and_unread()
    late = NOON + timedelta(seconds=6)
    assert of(core.handle(rung(core, "deadline"), late), ApplyLockout)

    core.handle(enforce((), ()), late)

    assert core._timers.key("deadline") is None


def test_the_proof_says_what_had_been_asked():
    """The account can tell a proof of what it asked meanwhile from one of what it had asked before."""
    core = EnforcerCore(account=1, login="desk", epoch="1")
    sent = core.handle(enforce((NoOpeningOrders(),), ()), NOON)
    for _ in range(2):
        (read,) = of(sent, TakeSnapshot)
        snapshot = SnapshotTaken(
            **HEAD,
            request_id=read.request_id,
            generation=1,
            requested_at=NOON,
            positions=(),
            orders=(),
            fills=None,
            can_trade=None,
            balance_usd=None,
        )
        sent = core.handle(snapshot, NOON)

    (report,) = of(sent, ApplyLockout)
    assert (report.flat_confirmed, report.targets) == (True, (NoOpeningOrders(),))
