"""Whether what happens to an account is judged in time; one that is behind is STALE, never silently late.

Pure. What the stream pushes carries the instant at which the gateway received it, so its age is known as
it is judged; rules and whoever watches the threads report what is behind after that. An episode begins
with an alarm, and is over when for a while nothing was late any more. Lateness decides nothing: what is
late is booked, judged and enforced like everything else.
"""

from dataclasses import dataclass
from typing import Final

from actors.account.sync import Sync
from actors.account.turn import Turn
from messages.base import Message
from messages.commands import Woken
from messages.facts import (
    OrderChanged,
    PositionChanged,
    StreamConnected,
    StreamLost,
    TradeExecuted,
)
from messages.values import AlarmCode

WOKEN: Final = "late"
_CALM_S = 2.0
"""An episode ends when nothing was late for so long; longer than two looks at the threads are apart."""
_STAMPED = frozenset(
    {TradeExecuted, PositionChanged, OrderChanged, StreamConnected, StreamLost, Woken}
)
"""`at` says when it came. A polled record says when it was asked for, and a quote has its own limit."""


@dataclass(slots=True)
class Lateness:
    """One account's episode of lateness, if there is one."""

    after_s: float
    """Age beyond which a fact is late, in seconds."""
    sync: Sync
    """Before stream and snapshot are there the account is STALE anyway: at a start everything is late."""
    behind: str = ""
    """What was late last, for people; empty = nothing is."""
    _calm: bool = True
    """Nothing was late since the last look."""

    def weigh(self, turn: Turn, message: Message) -> None:
        """Measure how long a message has waited to be judged."""
        if type(message) in _STAMPED:
            age_s = (turn.now - message.at).total_seconds()
            if age_s > self.after_s:
                self.note(turn, age_s, f"a {message.__struct_config__.tag}")

    def note(self, turn: Turn, late_s: float, where: str) -> None:
        """Take note that something is late by so many seconds; only the first of an episode alarms."""
        if not self.sync.synced:
            return
        began, self._calm = not self.behind, False
        self.behind = f"behind: {where} came {late_s:.1f} s late"
        if began:
            turn.alarm(
                AlarmCode.FACTS_LATE,
                f"{where} is judged {late_s:.1f} s late (limit {self.after_s:g} s): the account is "
                "STALE until it has caught up; look at what else is late, and at the machine's load",
            )
            turn.wake_after(WOKEN, _CALM_S)

    def look(self, turn: Turn) -> None:
        """End the episode if nothing was late since the last look, or look again."""
        if self._calm:
            self.behind = ""
        elif self.behind:
            turn.wake_after(WOKEN, _CALM_S)
        self._calm = True
