"""S-100 for every write there is: the disk is full or its fsync fails at the Nth transaction of a breach.

The real store on a log that the kernel refuses (`tests/journal/disk.py`). At the broker nothing may show:
closed once, locked. The journal gets everything in its order once the disk takes it again.
"""

import json
from functools import partial
from pathlib import Path

import httpx
import pytest

from actors.journal import Anchor, Store, StoreError, default_anchor, verify_anchored
from messages.commands import CloseContract, SettleTime
from messages.events import (
    AccountLocked,
    AccountOpened,
    AlarmRaised,
    BrokerCommandSent,
    DayReset,
    EnforcementStarted,
    EnforcementUnrecorded,
    LockoutReleased,
    RuleBreached,
)
from messages.queries import Ping
from messages.values import AlarmCode, Phase
from tests.journal.disk import CAN_FAIL, Disk, How
from tests.rig import NOON, PATIENCE_S, A, B, config_of
from tests.scenarios.test_resets import RESET

pytestmark = pytest.mark.skipif(not CAN_FAIL, reason="needs Linux to fail a disk")

RULES = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})
LONGER = "\n[enforcement]\njournal_deadline_s = 2\n"
DECIDED = (
    *(RuleBreached, EnforcementStarted, BrokerCommandSent, AccountLocked, LockoutReleased),
    *(DayReset, AccountOpened),
)


@pytest.fixture
def disk(monkeypatch) -> Disk:
    """Return the disk under every store of this test."""
    under = Disk()
    monkeypatch.setattr(Store, "append_rows", lambda *each: under.append_rows(*each))  # noqa: PLW0108 - bound
    return under


def breach(run) -> None:
    """Hold two contracts and lose the day's limit."""
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 2)
    run.fill(A, "-300")
    run.fill(A, "-200")
    for _ in range(4):
        run.advance(1)


def ready(run) -> tuple[int, str]:
    answer = httpx.get(f"{run.system.http.url}/readyz", trust_env=False)
    return answer.status_code, answer.text


def kinds(run) -> list[type]:
    """Return what the journal holds of the account's decisions, in order."""
    return [type(each.event) for each in run.stored() if isinstance(each.event, DECIDED)]


def undisturbed(rig, disk: Disk, folder: Path) -> tuple[int, int, list[type]]:
    """Play the breach on a good disk: transactions before it and after it, and what is decided."""
    folder.mkdir()
    run = rig(RULES, folder=folder)
    before = len(disk.written)
    breach(run)
    after, decided = len(disk.written), kinds(run)
    run.stop()
    disk.written.clear()
    return before, after, decided


def test_whichever_write_fails_the_position_is_closed_once_and_the_account_locked(
    rig, disk, tmp_path
):
    """From the Nth transaction on nothing is written, until the disk is mended: every N of it all."""
    before, after, decided = undisturbed(rig, disk, tmp_path / "good")
    assert after - before >= 4
    assert decided.count(AccountLocked) == 1
    for number in range(2, after + 1):  # the first is of the start itself, which refuses
        disk.written.clear()
        disk.failed.clear()
        disk.fails = lambda each, number=number: each >= number
        folder = tmp_path / str(number)
        folder.mkdir()
        run = rig(RULES, folder=folder)

        breach(run)

        assert len(run.commands(CloseContract)) == 1, number
        assert run.held() == {}, number
        assert run.status().phase is Phase.LOCKED, number
        assert disk.failed or number > before, number
        if disk.failed:
            assert run.system.status().unrecorded, number
            code, text = ready(run)
            assert code == 503, number
            assert "not on disk" in text, number
        disk.fails = lambda _number: False
        run.advance(1.5)

        assert run.system.status().unrecorded == 0, number
        assert ready(run)[0] == 200, number
        assert run.status(B).phase is Phase.OPEN, number
        if number > before:
            assert kinds(run) == decided, number
        assert kinds(run).count(AccountLocked) == 1, number
        alarms = [each.code for each in run.testimony.events() if isinstance(each, AlarmRaised)]
        assert (AlarmCode.JOURNAL_FAILED in alarms) == bool(disk.failed), number
        run.advance(1.5)
        run.stop()
        path = folder / "lockstep.db"
        verify_anchored(path, Anchor(default_anchor(path)))


def test_a_single_write_that_fails_leaves_no_trace_but_its_alarm(rig, disk, tmp_path):
    """Any one transaction fails and the next is taken: nothing is lost, doubled or out of its order."""
    before, after, decided = undisturbed(rig, disk, tmp_path / "good")
    for number in range(before + 1, after + 1):
        disk.written.clear()
        disk.fails = lambda each, number=number: each == number
        folder = tmp_path / str(number)
        folder.mkdir()
        run = rig(RULES, folder=folder)
        breach(run)
        run.advance(1.5)

        assert len(run.commands(CloseContract)) == 1, number
        assert run.status().phase is Phase.LOCKED, number
        assert kinds(run) == decided, number
        assert run.system.status().unrecorded == 0, number
        run.stop()


def test_whichever_fsync_fails_first_the_position_is_closed_once_and_found_locked_later(
    rig, disk, tmp_path
):
    """From the Nth transaction on no commit is believed; the next start is locked, with one close."""
    before, after, _ = undisturbed(rig, disk, tmp_path / "good")
    disk.how = How.NO_FSYNC
    for number in range(before + 1, after + 1):
        disk.written.clear()
        disk.failed.clear()
        disk.fails = lambda each, number=number: each >= number
        folder = tmp_path / str(number)
        folder.mkdir()
        run = rig(RULES, folder=folder)
        breach(run)

        assert run.held() == {}, number
        assert run.status().phase is Phase.LOCKED, number
        assert disk.failed or number > before + 1, number
        if disk.failed:
            assert ready(run)[0] == 503, number
        run.stop()
        disk.fails = lambda _number: False
        again = rig(RULES, folder=folder, broker=run.broker)

        assert again.status().phase is Phase.LOCKED, number
        assert len(again.commands(CloseContract)) == 1, number
        again.stop()


def test_no_account_opens_while_the_end_of_its_lock_is_not_on_disk(rig, disk):
    """The disk fails at the reset: the day begins in memory, the account opens when it is recorded."""
    run = rig(RULES)
    breach(run)
    disk.fails = lambda _number: True
    run.advance((RESET - run.clock.now()).total_seconds())
    run.advance(5)

    assert run.status().phase is Phase.LOCKED
    assert run.status().lockouts == ()
    assert run.status().realised_usd == 0
    assert run.status(B).phase is Phase.OPEN  # it was before, and its rules go on
    assert ready(run)[0] == 503
    run.order(A, "MNQ", 1)
    run.fill(A, "-500")
    run.advance(2)
    assert run.held() == {}  # what is breached meanwhile is enforced meanwhile
    disk.fails = lambda _number: False
    run.advance(3)

    assert run.status().phase is Phase.LOCKED  # by the new breach
    assert [each.rule for each in run.status().lockouts] == ["RULE-003"]
    assert kinds(run).count(DayReset) == 2
    assert run.system.status().unrecorded == 0


def test_an_account_opens_within_a_second_of_the_repair(rig, disk):
    """And its opening stands behind the reset in the journal."""
    run = rig(RULES)
    breach(run)
    disk.fails = lambda _number: True
    run.advance((RESET - run.clock.now()).total_seconds())
    run.advance(5)
    assert run.status().phase is Phase.LOCKED
    disk.fails = lambda _number: False

    run.advance(1)
    run.advance(1)

    assert run.status().phase is Phase.OPEN
    assert kinds(run)[-3:] == [LockoutReleased, DayReset, AccountOpened]


def test_a_killed_system_whose_disk_was_full_comes_up_locked_or_not_at_all(rig, disk):
    """What was locked in memory alone is judged again from the broker's own fills; full, it refuses."""
    run = rig(RULES)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 2)
    disk.fails = lambda _number: True
    run.fill(A, "-500")
    run.advance(2)
    assert run.status().phase is Phase.LOCKED
    run.stop()  # nothing of it has come to the disk

    with pytest.raises(StoreError, match="disk I/O error"):
        rig(RULES, broker=run.broker)
    disk.fails = lambda _number: False
    again = rig(RULES, broker=run.broker)

    assert again.status().phase is Phase.LOCKED
    assert kinds(again).count(AccountLocked) == 1
    assert again.held() == {}
    assert len(run.broker.received) == 1


def test_a_disk_that_fills_after_the_start_lets_every_later_start_come_up_locked(rig, disk):
    """The lock is on disk, then it fails: restarts under the full disk find the lock, or refuse."""
    run = rig(RULES)
    breach(run)
    run.stop()
    for allowed in range(1, 6):
        disk.written.clear()
        disk.fails = lambda each, allowed=allowed: each > allowed
        again = rig(RULES, broker=run.broker)

        assert again.status().phase is Phase.LOCKED
        assert [each.rule for each in again.status().lockouts] == ["RULE-003"]
        again.stop()


def test_unrecorded_enforcement_is_said_in_the_journal_afterwards(rig, disk):
    """Who reads it later sees what was decided without the disk, and why."""
    run = rig(RULES)
    disk.fails = lambda _number: True
    breach(run)
    disk.fails = lambda _number: False
    run.advance(1.5)

    said = [each.event for each in run.stored() if isinstance(each.event, EnforcementUnrecorded)]
    assert said
    assert all("disk I/O error" in each.reason for each in said)
    assert json.loads(httpx.get(f"{run.system.http.url}/api/status").text)["unrecorded"] == 0
    assert run.clock.now() > NOON


def stir(run) -> None:
    """Let everybody but the journal finish what is under way: a message takes a hop a round at least."""
    ping, tick = Ping(at=NOON, cause="test"), SettleTime(at=NOON, cause="test")
    for _ in range(12):
        for address in ("gateway/desk", f"account/{A}", "rule/RULE-003", f"enforcer/{A}"):
            run.system.directory.ref(address).ask(ping, timeout=PATIENCE_S)
        run.system.directory.ref("clock").ask(tick, timeout=PATIENCE_S)


@pytest.mark.parametrize(("file", "waits_s"), [(RULES, 0.25), (f"{RULES}{LONGER}", 2)])
def test_a_sync_that_takes_seconds_delays_enforcement_by_the_journals_deadline_only(
    rig, disk, monkeypatch, file, waits_s
):
    """Nothing is closed before the intent is on disk or that time is over; then it goes on, loudly."""
    run = rig(file)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 2)
    disk.moves.clear()
    with monkeypatch.context() as hanging:
        hanging.setattr(run, "settle", partial(stir, run))
        run.fill(A, "-500")
        run.advance(waits_s - 0.05)
        assert run.commands(CloseContract) == []

        run.advance(0.1)
        assert len(run.commands(CloseContract)) == 1
        run.advance(waits_s + 0.05)
        assert run.held() == {}
        assert run.status().phase is Phase.LOCKED
        code, text = ready(run)
        assert code == 503
        assert "does not answer" in text
        disk.moves.set()
    run.settle()

    assert run.system.status().unrecorded == 0
    order = kinds(run)
    assert order.index(EnforcementStarted) < order.index(AccountLocked)
    late = [each.code for each in run.testimony.events() if isinstance(each, AlarmRaised)]
    assert late.count(AlarmCode.JOURNAL_LATE) == 2
