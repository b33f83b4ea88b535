"""What the journal knows of earlier runs: who was seen, whether anybody was guarded, what binds in truth.

Read beside a running guard or without one, as `status` reads it: no lease is taken. A journal that is not
there, or that a start would refuse (`store.py` says so), tells nothing.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from actors.account import pretence
from actors.account.settings import AccountSettings
from actors.account.state import AccountState
from actors.journal import Store, StoreError
from actors.ops import exits
from actors.ops.doctor.finding import Check, Finding
from messages.events import SessionOpened

SHADOW = Check("shadow", "only watched, it would be a way out of every lock", exits.CONFIG)


@dataclass(frozen=True, slots=True)
class PastRead:
    """What was read."""

    has_guarded: bool = False
    """Accounts were guarded under it: a start is no first one."""
    sessions: tuple[SessionOpened, ...] = ()
    """The last ones of earlier runs, oldest first."""


def read_past(journal: Path) -> PastRead:
    """Read who was seen by earlier runs."""
    try:
        with closing(Store.open_read_only(journal)) as store:
            return PastRead(store.has_guarded(), tuple(store.last_sessions()))
    except StoreError:
        return PastRead()


@dataclass(frozen=True, slots=True)
class ShadowRead:
    """What keeps accounts from being only watched."""

    accounts: int
    """How many are to be only watched."""
    refused: tuple[str, ...] = ()
    """What binds them in truth, a line each."""


def read_shadow(journal: Path, guarded: Iterable[AccountSettings], now: datetime) -> ShadowRead:
    """Rebuild each account that is to be only watched, as a start would."""
    watched = [each for each in guarded if each.shadow]
    refused: list[str] = []
    if watched:
        try:
            with closing(Store.open_read_only(journal)) as store:
                for each in watched:
                    refused += pretence.refusals(
                        each, _state(store, each), store.last_accepted(), now
                    )
        except StoreError:
            pass  # there is none yet, or a start is refused for it anyway
    return ShadowRead(len(watched), tuple(refused))


def _state(store: Store, settings: AccountSettings) -> AccountState:
    state = AccountState.new(settings.account, settings.day, gross=settings.gross)
    for record in store.account_events(settings.account):
        state.evolve(record.event)
    return state


def judge_shadow(read: ShadowRead) -> Iterator[Finding]:
    """Judge whether what is to be only watched may be; nothing is said where nothing is."""
    for text in read.refused:
        yield SHADOW.critical(text, fix="start without shadow until that is over")
    if read.accounts and not read.refused:
        yield SHADOW.ok(f"nothing binds the {read.accounts} account(s) that are only watched")
