"""What the chain alone cannot show: an end cut off, an old copy put back, a history written anew."""

import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from actors.journal import Anchor, Store, StoreError, accept, refusal, verify, verify_anchored
from actors.journal.chain import GENESIS, link
from actors.runtime import VirtualClock
from messages.events import AnchorAccepted
from tests.journal.conftest import NOW, moved, opened

FIRST = 5


@pytest.fixture
def anchor(path: Path) -> Path:
    return path.with_name("lockstep.db.anchor")


@pytest.fixture
def closed(store: Store, path: Path) -> Path:
    """Return the file of a store with five events; beside it stands a copy from when it had three."""
    store.append([moved(1, size) for size in range(3)])
    store.close()
    for each in (path, path.with_name("lockstep.db.anchor")):
        shutil.copy(each, each.with_name(f"old-{each.name}"))
    again = Store.open(path, clock=VirtualClock(NOW))
    again.append([moved(1, size) for size in range(3, FIRST)])
    again.close()
    return path


def rewritten(path: Path, *statements: str) -> None:
    """Change a store as somebody would who knows how it is built, and make its chain anew."""
    connection = sqlite3.connect(path)
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
    triggers = triggers.fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    previous = GENESIS
    query = "SELECT seq, account, kind, at, body FROM events ORDER BY seq"
    rows = connection.execute(query).fetchall()
    for row in rows:
        previous = link(previous, row)
        connection.execute("UPDATE events SET hash = ? WHERE seq = ?", (previous, row[0]))
    connection.execute("UPDATE meta SET value = ? WHERE name = 'last_seq'", (len(rows),))
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


def put_back(path: Path) -> None:
    shutil.copy(path.with_name("old-lockstep.db"), path)


def cut(path: Path) -> None:
    rewritten(path, "DELETE FROM events WHERE seq > 3")


def edit(path: Path) -> None:
    rewritten(path, "UPDATE events SET account = 2 WHERE seq = 4")


def edit_and_go_on(path: Path) -> None:
    edit(path)
    store = Store.open_unanchored(path, clock=VirtualClock(NOW))
    store.append([moved(1, 9)])
    store.close()


def exchange(path: Path) -> None:
    path.unlink()
    store = Store.open_unanchored(path, clock=VirtualClock(NOW))
    store.append([moved(1, size) for size in range(FIRST)])
    store.close()


def forget_identity(path: Path) -> None:
    rewritten(path, "DELETE FROM meta WHERE name = 'identity'")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def delete_anchor(path: Path) -> None:
    path.with_name("lockstep.db.anchor").unlink()


def begin_anew(path: Path) -> None:
    path.unlink()
    Store.open_unanchored(path, clock=VirtualClock(NOW)).close()


def old_anchor_of_another(path: Path) -> None:
    other = path.with_name("other.db")
    Store.open(other, clock=VirtualClock(NOW)).close()
    shutil.copy(other.with_name("other.db.anchor"), path.with_name("lockstep.db.anchor"))


def spoil_anchor(path: Path) -> None:
    path.with_name("lockstep.db.anchor").write_text('{"store":"')


TAMPERING = [
    (put_back, "rolled back"),
    (cut, "ends at seq 3, but its anchor .* knows 5"),
    (edit, "seq 5 is not what its anchor"),
    (edit_and_go_on, "seq 5 is not what its anchor"),
    (exchange, "another journal"),
    (forget_identity, "another journal"),
    (Path.unlink, "missing or empty, but its anchor .* knows 5"),
    (empty, "missing or empty, but its anchor .* knows 5"),
    (begin_anew, "holds no event, but its anchor .* knows 5"),
    (delete_anchor, "there is no anchor"),
    (old_anchor_of_another, "another journal"),
    (spoil_anchor, "damaged"),
]


def files(path: Path) -> dict[str, bytes]:
    """Return what is there, but for the empty log and index that a reader leaves behind."""
    return {
        each.name: each.read_bytes()
        for each in sorted(path.parent.iterdir())
        if each.stat().st_size and not each.name.endswith("-shm")
    }


@pytest.mark.parametrize(("tamper", "why"), TAMPERING, ids=[each.__name__ for each, _ in TAMPERING])
def test_a_journal_that_its_anchor_does_not_bear_out_starts_nothing(
    closed: Path, anchor: Path, clock: VirtualClock, tamper, why
):
    """The start and `verify` say the same, name the way out, and leave everything as it was found."""
    tamper(closed)
    before = files(closed)

    with pytest.raises(StoreError, match=why) as started:
        Store.open(closed, clock=clock)
    with pytest.raises(StoreError, match=why) as verified:
        verify_anchored(closed, Anchor(anchor))

    assert "journal anchor --accept" in started.value.fix
    assert str(started.value) == str(verified.value)
    assert before == files(closed)


@pytest.mark.parametrize("tamper", [each for each, _ in TAMPERING], ids=lambda each: each.__name__)
def test_a_person_can_let_it_go_on_and_that_is_journaled(
    closed: Path, anchor: Path, clock: VirtualClock, tamper
):
    """After it the anchor knows the journal that is there, and the next start is like any other."""
    tamper(closed)
    refused = refusal(closed, Anchor(anchor))

    accept(closed, Anchor(anchor), refused, clock=clock)

    assert refusal(closed, Anchor(anchor)) is None
    store = Store.open(closed, clock=clock)
    *_, last = store.records()
    store.close()
    assert isinstance(last.event, AnchorAccepted)
    assert last.event.refused == refused.what
    assert last.event.events == last.seq - 1


def test_a_damaged_journal_is_not_accepted(closed: Path, anchor: Path, clock: VirtualClock):
    """Only what the anchor says can be overruled, never the chain."""
    rewritten(closed, "UPDATE events SET account = 2 WHERE seq = 2")
    rewritten(closed)
    connection = sqlite3.connect(closed)
    connection.execute("DROP TRIGGER events_are_never_changed")
    connection.execute("UPDATE events SET account = 3 WHERE seq = 2")
    connection.commit()
    connection.close()
    refused = refusal(closed, Anchor(anchor))
    before = anchor.read_bytes()

    with pytest.raises(StoreError):
        accept(closed, Anchor(anchor), refused, clock=clock)

    assert before == anchor.read_bytes()


def test_an_untouched_journal_is_not_refused(closed: Path, anchor: Path):
    """Nothing is to be accepted, and `verify` counts what is there."""
    assert refusal(closed, Anchor(anchor)) is None
    assert verify_anchored(closed, Anchor(anchor)) == verify(closed)


def test_a_journal_may_be_ahead_of_its_anchor(closed: Path, anchor: Path, clock: VirtualClock):
    """A crash between the commit and the anchor leaves just that; the start lets it catch up."""
    behind = closed.with_name("old-lockstep.db.anchor").read_bytes()
    anchor.write_bytes(behind)

    store = Store.open(closed, clock=clock)

    assert Anchor(anchor).read().seq == FIRST
    store.close()


def test_the_anchor_names_the_last_event_as_the_store_closes(closed: Path, anchor: Path):
    """After a stop in order nothing at all can be cut off unseen."""
    known = Anchor(anchor).read()

    assert (FIRST, verify(closed).last_hash) == (known.seq, known.hash)


def test_a_new_journal_has_an_anchor_before_its_first_event(store: Store, anchor: Path):
    """No event is ever acknowledged that an anchor could not have known of."""
    assert Anchor(anchor).read() == store.mark()
    assert store.mark().seq == 0
    assert len(store.mark().store) == 32


def test_a_first_start_that_was_killed_before_its_anchor_is_simply_done_again(
    store: Store, anchor: Path, clock: VirtualClock
):
    """An empty journal without an anchor has nothing to lose."""
    store.close()
    anchor.unlink()

    Store.open(store.path, clock=clock).close()

    assert anchor.exists()


def test_the_anchor_is_open_to_its_user_only_wherever_it_is(path: Path, clock: VirtualClock):
    """0600, in a folder that is made 0700, and nothing is left beside it."""
    apart = path.parent / "apart" / "anchor"

    Store.open(path, clock=clock, anchor=apart).close()

    assert stat.S_IMODE(apart.stat().st_mode) == 0o600
    assert stat.S_IMODE(apart.parent.stat().st_mode) == 0o700
    assert [each.name for each in apart.parent.iterdir()] == ["anchor"]


def test_a_link_laid_where_the_anchor_is_drafted_is_not_followed(
    store: Store, path: Path, anchor: Path
):
    """Else somebody could have another file of this user overwritten."""
    victim = path.with_name("victim")
    victim.write_text("mine")
    anchor.with_name("lockstep.db.anchor.new").symlink_to(victim)

    store.close()

    assert victim.read_text() == "mine"
    assert Anchor(anchor).read() is not None
    assert not anchor.is_symlink()


def test_an_anchor_that_cannot_be_written_starts_nothing(path: Path, clock: VirtualClock):
    """Nobody runs for a day believing that a roll-back would be found."""
    (path.parent).mkdir()
    (path.parent / "file").write_text("")

    with pytest.raises(StoreError, match="anchor") as caught:
        Store.open(path, clock=clock, anchor=path.parent / "file" / "anchor")

    assert "[journal] anchor" in caught.value.fix
    Store.open(path, clock=clock).close()  # and the lock was given back


def test_a_store_opened_for_reading_leaves_the_anchor_alone(closed: Path, anchor: Path):
    """`status` and `export` change nothing, whatever they find."""
    anchor.write_bytes(b"spoiled")

    reader = Store.open_read_only(closed)
    assert reader.accounts() == [1]
    reader.close()

    assert anchor.read_bytes() == b"spoiled"


def test_a_store_is_closed_and_unlocked_even_if_its_anchor_fails(
    store: Store, anchor: Path, clock: VirtualClock
):
    """It is then merely behind."""
    store.append([opened(1)])
    anchor.with_name("lockstep.db.anchor.new").mkdir()

    with pytest.raises(StoreError):
        store.close()

    anchor.with_name("lockstep.db.anchor.new").rmdir()
    again = Store.open(store.path, clock=clock)
    assert again.mark().seq == 1
    again.close()
