"""A journal that starts tidy: weeks on the virtual clock, with locks that must outlast their archives."""

import shutil
from datetime import timedelta

import msgspec

from actors.journal import History, verify_history
from actors.journal.anchor import Anchor, default_anchor
from messages.events import AccountLocked, AlarmRaised
from messages.queries import AccountStatus
from messages.values import AlarmCode, Phase
from tests.rig import NOON, A, B, config_of

RULES = config_of(daily_realized_loss={"max_loss_usd": 100})
KEEPS = f"{RULES}\n[journal]\nkeep_days = 7\n"
KEEPS_ALL = f"{RULES}\n[journal]\nkeep_days = 0\n"


def lasting(status: AccountStatus) -> AccountStatus:
    """Return what does not differ from one start to the next."""
    return msgspec.structs.replace(status, starting=None)


def weeks(rig, tmp_path, config, name):
    """Trade, breach and restart once a week; return the last run, and each week's journal in bytes."""
    folder = tmp_path / name
    folder.mkdir()
    run, sizes = rig(config, folder=folder), []
    for week in range(1, 7):
        run.order(A, "MNQ", 1)
        run.fill(B, "-150" if week % 2 else "-20")
        run.at(NOON + timedelta(weeks=week))
        run.stop()
        sizes.append(sum(each.stat().st_size for each in folder.glob("lockstep.db")))
        run = rig(config, folder=folder, broker=run.broker)
    return run, sizes


def test_a_start_from_the_archived_journal_is_one_from_the_whole(rig, tmp_path):
    """Six weeks, twice: once everything is kept, once a week."""
    kept, grown = weeks(rig, tmp_path, KEEPS_ALL, "whole")
    tidy, bounded = weeks(rig, tmp_path, KEEPS, "tidy")

    for account in (A, B):
        assert lasting(kept.status(account)) == lasting(tidy.status(account))
    tidy.stop()
    path = tidy.folder / "lockstep.db"
    verified, parts = verify_history(path, Anchor(default_anchor(path)), None)
    assert verified.archived == parts[-1].last
    assert len(parts) >= 4
    assert max(bounded[2:]) < grown[-1]


def test_what_an_account_is_replayed_from_stays_though_nobody_guards_it(rig):
    """It was locked, and has been gone from broker and configuration for weeks; it may come back."""
    run = rig(KEEPS)
    run.fill(A, "-150")
    assert run.status(A).phase is Phase.LOCKED
    stored = [each.event for each in run.stored(A)]
    run.stop()
    without = KEEPS.replace('name = "desk"', f'name = "desk"\naccounts = [{B}]')
    del run.broker.exchange.accounts[A]
    alone = rig(without, broker=run.broker)
    alone.at(NOON + timedelta(weeks=3))
    alone.stop()
    rig(without, broker=run.broker).stop()

    assert any(run.folder.glob("*.archive"))
    with History(run.folder / "lockstep.db") as history:
        kept = [each.event for each in history.store.account_events(A)]
    assert kept == stored[len(stored) - len(kept) :]
    assert any(isinstance(each, AccountLocked) for each in kept)


def test_what_cannot_be_archived_is_alarmed_and_the_accounts_are_guarded(rig):
    """A full disk or a folder in the way must not keep a start from its accounts."""
    run = rig(KEEPS)
    run.at(NOON + timedelta(weeks=2))
    run.stop()
    identity = Anchor(default_anchor(run.folder / "lockstep.db")).read().store
    (run.folder / f"lockstep.db.{identity[:8]}.000000000001.archive").mkdir()

    again = rig(KEEPS, broker=run.broker)

    codes = [each.code for each in again.testimony.events() if isinstance(each, AlarmRaised)]
    assert AlarmCode.ARCHIVE_FAILED in codes
    again.fill(A, "-150")
    assert again.status(A).phase is Phase.LOCKED


def test_a_start_after_a_crash_archives_nothing(rig, tmp_path):
    """Then accounts stand unguarded: first things first; the next start in order makes up for it."""
    run = rig(KEEPS)
    run.at(NOON + timedelta(weeks=2))
    folder = tmp_path / "killed"
    folder.mkdir()
    for each in run.folder.glob("lockstep.db*"):
        shutil.copy(each, folder)

    after = rig(KEEPS, folder=folder, broker=run.broker)
    assert not list(folder.glob("*.archive"))
    after.stop()
    rig(KEEPS, folder=folder, broker=run.broker)
    assert list(folder.glob("*.archive"))
