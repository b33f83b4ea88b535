"""Start-up and recovery are one path: its steps in their order, and the status says which is awaited."""

from decimal import Decimal

from messages.events import (
    AccountGuarded,
    AccountLocked,
    AccountOpened,
    AlarmRaised,
    DayReset,
    EnforcementFinished,
    EnforcementStarted,
    SystemStarted,
)
from messages.facts import SnapshotTaken, StreamConnected
from messages.values import AlarmCode, Phase
from tests.chaos.evidence import read_journal
from tests.rig import A, B, FakeGateway, config_of

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})
OPEN_LOSS = config_of(daily_realized_loss={"max_loss_usd": 40})
DAYS_S = 3 * 24 * 3600


class SilentGateway(FakeGateway):
    """A gateway whose stream never comes up."""

    def _connect(self) -> None:
        pass


def steps(run, account=A):
    """Return the kinds of an account's events since the last start, in the journal's order."""
    events = [event for _, event in read_journal(run.folder / "lockstep.db")]
    start = max(place for place, each in enumerate(events) if isinstance(each, SystemStarted))
    return [type(each) for each in events[start:] if getattr(each, "account", None) == account]


def test_the_steps_of_a_recovery_come_in_their_order(rig):
    """Reset, guard, stream, snapshot, finish what was begun, and only then OPEN."""
    first = rig(LOSS)
    first.broker.hanging[A] = False
    first.order(A, "MNQ", 2)
    first.fill(A, "-500")
    first.stop()
    first.broker.hanging.clear()
    first.clock.advance(DAYS_S)

    run = rig(LOSS, broker=first.broker)
    run.advance(5)

    order = (DayReset, AccountGuarded, StreamConnected, SnapshotTaken, AccountOpened)
    assert tuple(each for each in steps(run) if each in order) == order
    assert steps(run).index(EnforcementFinished) < steps(run).index(AccountOpened)
    assert run.held(A) == {}
    assert run.status().starting is None


def test_lockouts_bind_before_anything_is_read(rig):
    """The journal's lock holds at once; what appears is closed though nothing can be read."""
    first = rig(LOSS)
    first.fill(A, "-500")
    first.stop()
    first.broker.blind.add(A)

    run = rig(LOSS, broker=first.broker)
    run.order(A, "MNQ", 2)

    assert run.status().phase is not Phase.OPEN
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003"]
    assert run.held(A) == {}
    assert run.status().starting == (
        "waiting for a snapshot (generation 1), the last failed: HTTP 500"
    )
    assert AccountLocked not in steps(run)


def test_the_status_names_the_stream_that_is_awaited(rig):
    """Without a stream nothing after it is believed, and no account opens."""
    run = rig(LOSS, gateway=SilentGateway)

    assert run.status().phase is Phase.STARTING
    assert run.status().starting == "waiting for the user stream"
    assert AccountOpened not in steps(run)


def test_the_status_names_the_snapshot_that_failed_and_its_generation(rig):
    """A is guarded and says what it waits for; B is open and waits for nothing."""
    first = rig(LOSS)
    first.stop()
    first.broker.blind.add(A)
    run = rig(LOSS, broker=first.broker)
    run.do(lambda gateway: gateway.reconnect())

    assert run.status(A).phase is Phase.STARTING
    assert run.status(A).starting == (
        "waiting for a snapshot (generation 2), the last failed: HTTP 500"
    )
    assert run.status(B).starting is None

    run.broker.blind.clear()
    run.advance(40)
    assert (run.status(A).phase, run.status(A).starting) == (Phase.OPEN, None)


def test_the_status_names_the_enforcement_that_is_being_finished(rig):
    """What was begun is finished before OPEN; until then the status says which enforcement it is."""
    first = rig(LOSS)
    first.broker.hanging[A] = False
    first.order(A, "MNQ", 2)
    first.fill(A, "-500")
    first.stop()

    run = rig(LOSS, broker=first.broker)

    assert run.status().starting == f"finishing enforcement {A}/e1"
    run.broker.hanging.clear()
    run.advance(10)
    run.advance(10)
    assert (run.status().phase, run.status().starting) == (Phase.LOCKED, None)


def test_the_worse_of_journal_and_broker_counts(rig):
    """A loss only the journal knows and one only the broker knows: both count, each once."""
    first = rig(LOSS)
    known = first.fill(A, "-300")
    first.stop()
    del first.broker.exchange.accounts[A].trades[known]
    offline = rig(LOSS.replace("500", "5000"), broker=first.broker, folder=_beside(first))
    offline.fill(A, "-250")
    offline.stop()

    run = rig(LOSS, broker=first.broker)

    assert run.status().realised_usd == Decimal(-550)
    assert run.status().phase is Phase.LOCKED
    assert AccountOpened not in steps(run)


def test_an_account_that_cannot_be_read_is_judged_by_what_is_known(rig):
    """Journal and stream together reach the limit: enforced, although no snapshot has succeeded yet."""
    first = rig(LOSS)
    first.fill(A, "-300")
    first.stop()
    first.broker.blind.add(A)
    run = rig(LOSS, broker=first.broker)
    run.order(A, "MNQ", 2)
    assert run.events(EnforcementStarted) == []

    run.fill(A, "-200")

    assert run.held(A) == {}
    run.advance(6)
    assert run.status().phase is not Phase.OPEN
    assert [each.lockout.rule for each in run.events(AccountLocked)] == ["RULE-003"]


def test_a_breach_the_journal_holds_is_enforced_though_nothing_can_be_read(rig):
    """The loss was on disk, its intent was not: found again before any snapshot succeeds."""
    first = rig(LOSS.replace("500", "5000"))
    first.fill(A, "-500")
    first.stop()
    first.broker.blind.add(A)

    run = rig(LOSS, broker=first.broker)
    run.advance(6)

    assert [each.lockout.rule for each in run.events(AccountLocked)] == ["RULE-003"]


def held_and_never_read(rig):
    """Return a run whose journal shows 2 MNQ held, and whose every read fails."""
    first = rig(OPEN_LOSS)
    first.price("MNQ", "21000")
    first.order(A, "MNQ", 2)
    first.stop()
    first.broker.blind.add(A)
    return rig(OPEN_LOSS, broker=first.broker)


def test_what_the_journal_holds_is_valued_though_nothing_can_be_read(rig):
    """$40 lost by what the journal shows held: found by quotes, before any snapshot succeeds."""
    run = held_and_never_read(rig)
    assert run.events(EnforcementStarted) == []

    run.price("MNQ", "20990")
    run.advance(6)

    assert run.held(A) == {}
    assert [each.lockout.rule for each in run.events(AccountLocked)] == ["RULE-003"]


def test_what_the_journal_holds_and_no_quote_values_is_told(rig):
    """No read and no quote: people are told that the open P&L is unknown."""
    run = held_and_never_read(rig)

    run.advance(6)

    assert AlarmCode.QUOTE_STALE in [each.code for each in run.events(AlarmRaised)]


def _beside(run):
    folder = run.folder / "beside"
    folder.mkdir()
    return folder
