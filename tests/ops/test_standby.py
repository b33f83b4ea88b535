"""Standing by, beside a real holder of the lease: what is taken over, and what must never be begun."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from actors.journal import Store, StoreError
from actors.ops.notify import Notifier
from actors.ops.standby import stand_by
from actors.runtime import SystemClock

CLOCK = SystemClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "lockstep.db"


def after(path: Path, happens: Callable[[], object], continues: str | None = None) -> Store | None:
    """Stand by; let this happen once it was seen that another guards."""
    told = iter([happens])

    def ended(_within_s: float) -> bool:
        if (happen := next(told, None)) is not None:
            happen()
        return False

    with closing(Notifier({})) as notifier:
        return stand_by(
            path, None, clock=CLOCK, notifier=notifier, ended=ended, continues=continues
        )


def test_what_a_holder_leaves_is_taken_over(path: Path):
    """The same store, with a higher epoch."""
    holder = Store.open(path, clock=CLOCK)
    identity, epoch = holder.mark().store, holder.lease.holder.epoch

    with closing(after(path, holder.close)) as store:
        assert store.mark().store == identity
        assert store.lease.holder.epoch > epoch


def test_before_the_first_guard_ever_it_begins_the_journal(path: Path):
    """Nobody was seen guarding: it is the first itself."""
    with closing(after(path, lambda: None)) as store:
        assert store.mark().seq == 0


def test_a_journal_that_was_held_and_is_gone_is_not_begun_anew(path: Path, tmp_path: Path):
    """Its folder was moved away, and its holder ended of that."""
    holder = Store.open(path, clock=CLOCK)

    def moved() -> None:
        path.parent.rename(tmp_path / "away")
        holder.close()

    with pytest.raises(StoreError, match="guarded until now and is gone"):
        after(path, moved)
    assert not path.parent.exists()


def test_another_journal_than_the_one_that_was_held_is_not_taken_over(path: Path, tmp_path: Path):
    """As where a disk was mounted over an older journal, and is not any more."""
    holder = Store.open(path, clock=CLOCK)

    def uncovered() -> None:
        path.parent.rename(tmp_path / "away")
        holder.close()
        Store.open(path, clock=CLOCK).close()

    with pytest.raises(StoreError, match="another journal"):
        after(path, uncovered)


def test_the_holder_that_is_seen_counts_for_more_than_the_one_before(path: Path):
    """A person went on with another journal meanwhile: that is what has the locks now."""
    holder = Store.open(path, clock=CLOCK)
    identity = holder.mark().store

    with closing(after(path, holder.close, continues="a1b2")) as store:
        assert store.mark().store == identity
