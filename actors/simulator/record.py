"""The broker's own record: every request it received and every push it made, in one order.

What tests and the demo assert on. Written on the simulator's loop, read from any thread. An entry that
is answered later supersedes its first version under the same `seq`. Old entries go beyond `limit`.
`wait_for` and `wait_until` sleep on a condition, never poll.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Condition
from typing import Any

from actors.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, websocket or hub invocation (`/hubs/user/SubscribeOrders`).

    `status` is None while (or because) nobody answered it; refused invocations never get one.
    """

    seq: int
    monotonic_s: float
    at: datetime
    user: str | None
    endpoint: str
    account: int | None
    body: Any
    status: int | None = None
    error_code: int | None = None
    applied: bool = False
    """Whether it changed the exchange, whatever was answered."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One event pushed to so many connections (0: nobody was subscribed, or a fault swallowed it)."""

    seq: int
    monotonic_s: float
    at: datetime
    target: str
    account: int | None
    data: Any
    receivers: int
    written_s: float | None = None
    """When it was written to the first socket, monotonic; None: to none, or not yet."""


type Entry = Request | Pushed


class Record:
    """An append-only log of entries; see the module."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._changed = Condition()
        self._log: list[Entry] = []
        self._trimmed = 0
        self._last_seq = 0

    @property
    def last_seq(self) -> int:
        """Return the number of the latest entry, to wait for later ones."""
        return self._last_seq

    def entries(self, after: int = 0) -> tuple[Entry, ...]:
        """Return the latest version of every entry beyond `after`, in order of arrival."""
        with self._changed:
            latest = {entry.seq: entry for entry in self._log if entry.seq > after}
        return tuple(latest[seq] for seq in sorted(latest))

    def requests(
        self, endpoint: str | None = None, account: int | None = None, after: int = 0
    ) -> tuple[Request, ...]:
        """Return the requests to an endpoint and about an account; None = any."""
        return tuple(
            entry
            for entry in self.entries(after)
            if isinstance(entry, Request)
            and endpoint in {None, entry.endpoint}
            and account in {None, entry.account}
        )

    def pushes(
        self, target: str | None = None, account: int | None = None, after: int = 0
    ) -> tuple[Pushed, ...]:
        """Return the pushes of a target and about an account; None = any."""
        return tuple(
            entry
            for entry in self.entries(after)
            if isinstance(entry, Pushed)
            and target in {None, entry.target}
            and account in {None, entry.account}
        )

    def wait_for(
        self,
        matches: Callable[[Entry], bool],
        timeout: float,
        *,
        count: int = 1,
        after: int = 0,
    ) -> tuple[Entry, ...]:
        """Return the first `count` matching entries beyond `after`, waiting for them if need be.

        Raises:
            TimeoutError: fewer came in `timeout` seconds; the message says how many and what came last.
        """
        found: dict[int, Entry] = {}
        position = 0

        def scan() -> bool:
            nonlocal position
            start = max(position - self._trimmed, 0)
            for entry in self._log[start:]:
                if entry.seq > after and matches(entry):
                    found[entry.seq] = entry
            position = self._trimmed + len(self._log)
            return len(found) >= count

        with self._changed:
            if not self._changed.wait_for(scan, timeout):
                raise TimeoutError(
                    f"{len(found)} of {count} matching entries after seq {after} in {timeout} s; "
                    f"the latest entries: {self._log[-5:]}"
                )
        return tuple(found[seq] for seq in sorted(found)[:count])

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:
        """Return once a condition holds; it is asked again after every new entry.

        Raises:
            TimeoutError: it did not hold within `timeout` seconds.
        """

        def holds() -> bool:
            while True:
                seen = self._version()
                # released meanwhile: the condition may ask the simulator, whose loop writes here
                self._changed.release()
                try:
                    held = condition()
                finally:
                    self._changed.acquire()
                if held or seen == self._version():
                    return held

        with self._changed:
            if not self._changed.wait_for(holds, timeout):
                raise TimeoutError(f"{condition} did not hold within {timeout} s")

    # --- written by the simulator ---------------------------------------------------------------------

    def received(self, user: str | None, endpoint: str, account: int | None, body: Any) -> Request:
        """Note a request as it arrives."""
        with self._changed:
            request = Request(*self._stamp(), user, endpoint, account, body)
            self._append(request)
        return request

    def update(self, request: Request, **changes: Any) -> Request:
        """Note what became of a request."""
        updated = replace(request, **changes)
        with self._changed:
            self._append(updated)
        return updated

    def pushed(self, target: str, account: int | None, data: Any, receivers: int) -> Pushed:
        """Note an event that is being pushed."""
        with self._changed:
            pushed = Pushed(*self._stamp(), target, account, data, receivers)
            self._append(pushed)
        return pushed

    def written(self, pushed: Pushed) -> None:
        """Note that an event is being written to a socket."""
        with self._changed:
            self._append(replace(pushed, written_s=self._clock.monotonic()))

    def _stamp(self) -> tuple[int, float, datetime]:
        self._last_seq += 1
        return self._last_seq, self._clock.monotonic(), self._clock.now()

    def _append(self, entry: Entry) -> None:
        self._log.append(entry)
        if len(self._log) > 2 * self._limit:
            del self._log[: self._limit]
            self._trimmed += self._limit
        self._changed.notify_all()

    def _version(self) -> int:
        return self._trimmed + len(self._log)
