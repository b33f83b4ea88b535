"""What can be made to go wrong: at the HTTP door, at a mutation, and on the streams.

A `Fault` has a kind, a pattern for the endpoint or hub target, perhaps an account, and works `times`
times or until it is cleared. `Faults` answers "does one apply here?" and counts it down. A hanging
request waits on `Hangs` until it is released; stopping the simulator releases all of them.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import count

from actors.simulator.refusals import Refusal


class FaultKind(StrEnum):
    """What goes wrong; README.md has the table with the fields each kind reads."""

    DELAY = "delay"
    """Wait `seconds` before doing anything."""
    HANG_BEFORE = "hang_before"
    """Receive, do nothing, never answer; once released it is carried out late."""
    HANG_AFTER = "hang_after"
    """Carry it out, never answer."""
    CUT_BEFORE = "cut_before"
    """Drop the connection without doing anything."""
    CUT_AFTER = "cut_after"
    """Carry it out, then drop the connection."""
    HTTP = "http"
    """Answer HTTP `status` (401, 429, 5xx) without doing anything; a hub lets nobody in."""
    REJECT = "reject"
    """Answer success:false with `code` or the endpoint's code for `refusal`, and `text`."""
    APPLIED_BUT_ERROR = "applied_but_error"
    """Carry it out, answer as `http` (with a `status`) or as `reject`."""
    OK_NOT_APPLIED = "ok_not_applied"
    """Answer success, carry out nothing."""
    NULL_LIST = "null_list"
    """Answer success with the list (or record) null."""
    GARBAGE = "garbage"
    """Answer HTTP 200 with a body that is not JSON."""
    DROP = "drop"
    """Lose the push."""
    DUPLICATE = "duplicate"
    """Send the push `copies` times."""
    LATE = "late"
    """Send the push after `seconds`; others overtake it."""
    REORDER = "reorder"
    """Gather pushes for `seconds`, then send them shuffled (seeded)."""


@dataclass(slots=True)
class Fault:
    """One fault that is switched on."""

    id: int
    kind: FaultKind
    where: str = "*"
    """Endpoint (`/Position/closeContract`, `/Order/*`), hub door (`/hubs/user`) or hub target
    (`GatewayUserTrade`)."""
    account: int | None = None
    times: int | None = None
    """How often it still works; None = until it is cleared."""
    seconds: float = 0.0
    status: int = 0
    code: int | None = None
    refusal: Refusal | None = None
    text: str | None = None
    copies: int = 2

    def __post_init__(self) -> None:
        if self.kind is FaultKind.HTTP and not self.status:
            raise ValueError("fault 'http' answers an HTTP status: give one, e.g. status=500")


class Faults:
    """The faults switched on at present."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._active: list[Fault] = []
        self.struck: Counter[int] = Counter()
        """How often each fault has struck so far, by id; kept when it is switched off."""

    def add(self, fault: Fault) -> int:
        """Switch a fault on and return its id."""
        fault.id = next(self._ids)
        self._active.append(fault)
        return fault.id

    def clear(self, fault_id: int | None = None) -> None:
        """Switch one fault, or all of them, off."""
        keep = () if fault_id is None else self._active
        self._active = [fault for fault in keep if fault.id != fault_id]

    def take(self, kinds: Iterable[FaultKind], where: str, account: int | None) -> Fault | None:
        """Return the oldest fault of these kinds that applies here, counting it down."""
        if not self._active:
            return None
        for fault in self._active:
            if fault.kind in kinds and _applies(fault, where, account):
                self._count_down(fault)
                return fault
        return None

    def _count_down(self, fault: Fault) -> None:
        self.struck[fault.id] += 1
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            self._active.remove(fault)


def _applies(fault: Fault, where: str, account: int | None) -> bool:
    return fault.account in {None, account} and fnmatchcase(where, fault.where)


class ConnectionCutError(Exception):
    """The connection is to be dropped instead of answered."""


class Hangs:
    """Where hanging requests wait."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Let requests hang again, on whichever loop runs from now on."""
        self._released = asyncio.Event()
        self._stopping = False

    async def wait(self) -> None:
        """Hang until released.

        Raises:
            ConnectionCutError: the simulator stops; nobody is answered any more.
        """
        await self._released.wait()
        self.check()

    def check(self) -> None:
        """Go on, unless the simulator stops.

        Raises:
            ConnectionCutError: it does.
        """
        if self._stopping:
            raise ConnectionCutError

    def release(self) -> None:
        """Let everything that hangs go on; what comes later hangs anew."""
        self._released.set()
        self._released = asyncio.Event()

    def stop(self) -> None:
        """End every hang, now and later, with a cut connection."""
        self._stopping = True
        self._released.set()
