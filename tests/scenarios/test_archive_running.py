"""A guard that runs for months: its journal stays small, and any step of archiving may be its last."""

import shutil
from contextlib import closing
from datetime import timedelta

from actors.journal import History, Store, StoreError, verify_history
from actors.journal.anchor import Anchor, default_anchor
from actors.journal.anchoring import BEHIND_S
from actors.journal.archivist import AFTER_S, PAUSE_S
from actors.journal.connection import connect_reader
from actors.runtime import VirtualClock
from messages.events import AccountLocked, AlarmRaised, JournalArchived
from messages.values import AlarmCode, Phase
from tests.rig import NOON, A, B
from tests.scenarios.test_archive import KEEPS, KEEPS_ALL, lasting

STEPS = 60
"""More than the archiving of a test's journal takes."""


def trade_for(run, weeks):
    """Trade and breach from week to week; return how many pages the journal had after each."""
    sizes = []
    for week in range(1, weeks + 1):
        for _ in range(40):
            run.order(A, "MNQ", 1)
            run.order(A, "MNQ", -1)
        run.fill(B, "-150" if week % 2 else "-20")
        run.at(NOON + timedelta(weeks=week))
        archive(run)
        with closing(connect_reader(journal_of(run))) as connection:
            sizes.append(connection.execute("PRAGMA page_count").fetchone()[0])
    return sizes


def archive(run, look=lambda: None):
    """Let the archivist do its work of the day, and look at each step."""
    run.advance(AFTER_S + 1)
    for _ in range(STEPS):
        look()
        run.advance(PAUSE_S)


def journal_of(run):
    return run.folder / "lockstep.db"


def everything(path):
    """Return the events of journal and archives, as one chain, but for what archiving itself says."""
    with History(path) as history:
        records = list(history.records())
    assert [each.seq for each in records] == list(range(1, len(records) + 1))
    return [each.event for each in records if each.event.cause != "archive"]


def archived(run):
    return [each for each in run.testimony.events() if isinstance(each, JournalArchived)]


def test_a_guard_that_is_never_stopped_keeps_its_journal_small(rig, tmp_path):
    """Eight weeks in one run: the file stops growing, journal and archives are one chain, and say all."""
    (tmp_path / "whole").mkdir()
    whole, tidy = rig(KEEPS_ALL, folder=tmp_path / "whole"), rig(KEEPS)

    grown, bounded = trade_for(whole, 8), trade_for(tidy, 8)

    assert len(archived(tidy)) >= 5
    assert not archived(whole)
    assert bounded[-1] < grown[-1] / 2
    assert max(bounded[4:]) <= max(bounded[:4])
    path = journal_of(tidy)
    verified, parts = verify_history(path, Anchor(default_anchor(path)), None)
    assert verified.archived == parts[-1].last == archived(tidy)[-1].last
    for account in (A, B):
        assert lasting(whole.status(account)) == lasting(tidy.status(account))


def test_every_moment_of_archiving_may_be_the_last(rig, tmp_path):
    """The files as a power cut at each step would leave them: each opens and says what it said before."""
    run = rig(KEEPS)
    trade_for(run, 1)
    run.order(A, "MNQ", 1)
    run.fill(B, "-150")
    run.at(NOON + timedelta(weeks=2))
    before, images = everything(journal_of(run)), []

    def keep_image():
        folder = tmp_path / f"image-{len(images)}"
        shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("image-*"))
        images.append(folder)

    archive(run, keep_image)

    assert archived(run)
    assert len({tuple(sorted(each.name for each in folder.iterdir())) for folder in images}) > 2
    for folder in images:
        path = folder / "lockstep.db"
        assert everything(path)[: len(before)] == before
        store = Store.open(path, clock=VirtualClock(run.clock.now()))
        assert B in store.accounts()
        store.close()
        verify_history(path, Anchor(default_anchor(path)), None)


def test_a_run_killed_while_it_archives_is_taken_up_and_the_archiving_too(rig, tmp_path):
    """Half of the events have left; the next run finds its lock, and after a while finishes."""
    run = rig(KEEPS)
    trade_for(run, 1)
    run.at(NOON + timedelta(weeks=3))
    run.fill(B, "-150")
    run.advance(AFTER_S + 1)
    while not archived(run):
        run.advance(PAUSE_S)
    run.advance(PAUSE_S)
    folder = tmp_path / "killed"
    shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("killed"))
    with History(folder / "lockstep.db") as history:
        assert 0 < history.store.base().seq < archived(run)[-1].last

    after = rig(KEEPS, folder=folder, broker=run.broker)
    assert after.status(B).phase is Phase.LOCKED
    archive(after)

    with History(folder / "lockstep.db") as history:
        assert history.store.base().seq >= archived(run)[-1].last
    path = folder / "lockstep.db"
    verify_history(path, Anchor(default_anchor(path)), None)


def test_who_breaches_while_it_archives_is_locked_on_disk_at_once(rig):
    """No step stands between a verdict and its lock."""
    run = rig(KEEPS)
    trade_for(run, 1)
    run.at(NOON + timedelta(weeks=3))
    run.advance(AFTER_S + 1)
    while not archived(run):
        run.advance(PAUSE_S)

    run.fill(A, "-150")

    assert run.status(A).phase is Phase.LOCKED
    assert any(isinstance(each.event, AccountLocked) for each in run.stored(A))


def test_what_cannot_be_archived_is_alarmed_and_tried_again_the_next_day(rig):
    """A folder in the way; taken away, the next day's reset finds the way free."""
    run = rig(KEEPS)
    identity = Anchor(default_anchor(journal_of(run))).read().store
    blocked = run.folder / f"lockstep.db.{identity[:8]}.000000000001.archive"
    blocked.mkdir()
    run.at(NOON + timedelta(weeks=2))
    archive(run)
    codes = [each.code for each in run.testimony.events() if isinstance(each, AlarmRaised)]
    assert codes.count(AlarmCode.ARCHIVE_FAILED) == 1

    blocked.rmdir()
    run.at(NOON + timedelta(weeks=2, days=1))
    archive(run)

    assert archived(run)


def test_what_the_anchor_does_not_know_is_not_archived(rig, tmp_path, monkeypatch):
    """Or the next start would take a good journal for one whose anchor was put back."""
    run = rig(KEEPS)
    run.advance(BEHIND_S)
    known = Anchor(default_anchor(journal_of(run))).read()

    def refuse(anchor, _mark):
        raise StoreError("no space left on device", where=anchor.path, fix="make room")

    with monkeypatch.context() as patch:
        patch.setattr(Anchor, "write", refuse)
        trade_for(run, 3)
        assert [each.last for each in archived(run)] == [known.seq]
        folder = tmp_path / "killed"
        shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("killed"))
    Store.open(folder / "lockstep.db", clock=VirtualClock(run.clock.now())).close()

    run.at(NOON + timedelta(weeks=4))
    archive(run)
    assert archived(run)[-1].last > known.seq


def test_an_export_goes_on_while_its_events_leave_for_an_archive(rig):
    """It was begun before, and finds in the archive what it had not read yet."""
    run = rig(KEEPS)
    trade_for(run, 1)
    run.at(NOON + timedelta(weeks=3))
    with History(journal_of(run)) as history:
        begun = history.mark().seq
        records = history.records()
        first = next(records)
        archive(run)
        assert archived(run)
        found = [first, *records]
        rows = history.rows(1, begun)

    assert [each.seq for each in found] == list(range(1, len(found) + 1))
    assert len(found) > begun
    assert [each.seq for each in rows] == list(range(1, begun + 1))


def test_a_journal_that_keeps_everything_has_no_archivist(rig):
    """Nothing ever leaves it."""
    run = rig(KEEPS_ALL)

    assert not run.system.directory.is_alive("archivist")
