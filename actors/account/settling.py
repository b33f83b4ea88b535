"""What must be on disk before an account may be OPEN again: the end of a lockout, the reset of the day.

Pure. Enforcement goes ahead without the disk; opening never does. An account whose lock has ended only in
memory would be found locked by a restart, and its day not closed: while the store refuses it is not said
to be open. Asked again every second, for the journal answers an `Append` once.
"""

from collections import deque
from dataclasses import dataclass, field

from actors.account.turn import Turn
from messages.events import DayReset, LockoutReleased
from messages.journal import Append

WOKEN = "settling"
"""Key of its deadline."""

_AGAIN_S = 1.0
_KEPT = 60
"""Questions that may still be answered: a refusing disk answers none, for as long as it refuses."""
_FREEING = frozenset({LockoutReleased, DayReset})


@dataclass(slots=True)
class Settling:
    """Whether what frees an account is on disk."""

    _tokens: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """Questions whose answer says so: the journal may take longer than until the next one."""

    @property
    def waits(self) -> bool:
        """Say whether something that frees the account is not known to be on disk."""
        return bool(self._tokens)

    def begin(self, turn: Turn) -> None:
        """Wait for the disk as a life begins: the journal may only remember what it begins from."""
        turn.durable = True
        self._wait(turn)

    def follow(self, turn: Turn) -> None:
        """Wait for the disk if this turn ended a lockout or a day."""
        if turn.recorded(_FREEING):
            turn.durable = True
            self._tokens.clear()  # what was asked before does not answer for this
            self._wait(turn)

    def on_durable(self, turn: Turn, token: str) -> bool:
        """Take the journal's answer; return whether that was what was waited for."""
        if token not in self._tokens:
            return False
        self._tokens.clear()
        turn.cancel_wake(WOKEN)
        return True

    def ask_again(self, turn: Turn) -> None:
        """Ask whether everything told so far is on disk: an `Append` of nothing is answered in order."""
        if not self._tokens:
            return
        self._wait(turn)
        if not turn.durable:  # else this turn's own Append is answered
            append = Append(
                at=turn.now, cause=turn.cause, events=(), asker=turn.address, token=turn.token
            )
            turn.send("journal", append)

    def _wait(self, turn: Turn) -> None:
        self._tokens.append(turn.token)
        turn.wake_after(WOKEN, _AGAIN_S)
