"""What a supervisor says to the journal about its children: alarms, and restarts with their duration.

Made and used by one Supervisor, on its thread. It tells, and waits for nothing.
"""

import itertools
from typing import Any

from actors.runtime.child import Child
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.spec import SupervisorFlags
from messages.events import ActorRestarted, AlarmRaised, Event
from messages.journal import Append
from messages.values import AlarmCode


class Reports:
    """The words of one supervisor."""

    def __init__(self, address: str, directory: Directory, clock: Clock) -> None:
        self._address = address
        self._directory = directory
        self._clock = clock
        self._tokens = itertools.count(1)

    def said(self) -> dict[str, Any]:
        """Return what every message of this supervisor begins with."""
        return {"at": self._clock.now(), "cause": self._address}

    def journal(self, *events: Event) -> None:
        """Have events recorded."""
        token = f"{self._address}/{next(self._tokens)}"
        append = Append(**self.said(), events=events, asker=None, token=token)
        self._directory.tell("journal", append)

    def alarm(self, code: AlarmCode, text: str) -> None:
        """Call a person."""
        self.journal(self._alarm(code, text))

    def _alarm(self, code: AlarmCode, text: str) -> AlarmRaised:
        return AlarmRaised(**self.said(), account=None, code=code, text=text)

    def up(self, child: Child, down_s: float) -> None:
        """Say that a successor does its work, and how long nobody did."""
        address, restarts = child.spec.address, child.failures
        error = child.error or "ended with a sibling that failed"
        text = (
            f"{address} failed ({error}) and was restarted, {restarts} in a row; it was down for "
            f"{down_s:.3f} s"
        )
        restarted = ActorRestarted(
            **self.said(), address=address, error=error, restarts=restarts, down_s=down_s
        )
        self.journal(restarted, self._alarm(AlarmCode.ACTOR_RESTARTED, text))

    def down(self, child: Child, back_off_s: float) -> None:
        """Say that a child stays down for a while."""
        text = (
            f"{child.spec.address} failed {child.failures} times in a row, last with {child.error}: "
            f"it is down until it is tried again in {back_off_s:.1f} s"
        )
        self.alarm(AlarmCode.ACTOR_DOWN, text)

    def hung(self, child: Child, hung_s: float) -> None:
        """Say that a child gets no further."""
        text = f"{child.spec.address} has been at one message for {hung_s:g} s"
        self.alarm(AlarmCode.ACTOR_HUNG, text)

    def gave_up(self, child: Child, error: str, flags: SupervisorFlags) -> None:
        """Say that the children are begun anew from above."""
        text = (
            f"the children of {self._address} failed more than {flags.intensity} times in "
            f"{flags.period_s:g} s, last {child.spec.address} ({error}): all of them are ended and "
            "begun anew, later and later"
        )
        self.alarm(AlarmCode.ACTOR_GAVE_UP, text)

    def ends(self, child: Child, error: str) -> None:
        """Say that the program ends."""
        text = (
            f"{child.spec.address} cannot be kept alive ({error}): the program ends, for whoever "
            "runs it to start it again"
        )
        self.alarm(AlarmCode.ACTOR_GAVE_UP, text)
