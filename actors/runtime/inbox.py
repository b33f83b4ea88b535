"""The durable half of an actor: its inbox, which outlives the instance that reads it.

Guarantees: messages of one sender are handled in the order they were put; never two turns at once; no
wake-up is lost; nothing put is forgotten: what cannot be handled any more is answered with
`ActorDeadError` (asks), `None` (stop requests) or handed to `undelivered` (tells). Kinds of which only
the latest counts wait apart (`conflation.py`), behind the others. Kinds that hasten keep
their place; with them all that waits before them is handled before the turns of other actors.

One lock, `_turn`, is the whole state machine: whoever acquires it owns the next turn. It is held from
birth until the actor starts, while a turn is scheduled or runs, while a failed actor waits for its
successor, and for ever once the address is dead. Putters try it without waiting: success means the
actor was idle and has to be scheduled. A turn that hangs can be seized: it holds a claim, and whoever
pops that, the turn at its end or the supervisor before, goes on with the inbox.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from pykka import ActorDeadError
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from actors.runtime.conflation import KeyOf, Latest
from actors.runtime.dispatcher import Dispatcher


class Exit(NamedTuple):
    """How an instance ended."""

    error: BaseException | None
    """What it failed with; None = it stopped as asked."""
    message: Any | None
    """The message it failed on, if it was one."""


class Nudge:
    """Nothing to handle: it only makes sure that there is a turn."""


class Watcher(Protocol):
    """Who is told how a supervised instance fares; called on the actor's thread, must not block."""

    def started(self) -> None:
        """Hear that `on_start` succeeded."""

    def up(self) -> None:
        """Hear that the first turn is over: started, and what had waited is being handled."""

    def exited(self, exit_: Exit) -> None:
        """Hear that the instance ended; its inbox is kept and held."""


TakeTurn = Callable[[int], tuple[int, Exit | None]]


class Inbox:
    """Messages waiting for one address, and the right to handle them."""

    __slots__ = (
        "_always_ahead",
        "_claim",
        "_hastened",
        "_on_close",
        "_starting",
        "_stood_back",
        "_take_turn",
        "_turn",
        "conflates",
        "dead",
        "dispatcher",
        "hastens",
        "in_flight",
        "items",
        "latest",
        "undelivered",
        "watcher",
    )

    def __init__(self) -> None:
        self.items: deque[Envelope[Any]] = deque()
        self.latest = Latest()
        """What waits behind all `items`, and may be replaced while it does."""
        self.conflates: Mapping[type, KeyOf] = {}
        self.hastens: frozenset[type] = frozenset()
        self._always_ahead = self._hastened = False
        self._turn = threading.Lock()
        self._turn.acquire()
        self._take_turn: TakeTurn | None = None
        self._on_close: Callable[[], None] | None = None
        self._starting = 0
        self._stood_back = False
        self._claim: list[None] = []
        self.watcher: Watcher | None = None
        self.undelivered: Callable[[Any], None] | None = None

    def bind(self, dispatcher: Dispatcher, dead: threading.Event, *, ahead: bool = False) -> None:
        """Say who runs the turns, which event means that the address is dead, and if it comes ahead."""
        self.dispatcher = dispatcher
        self.in_flight = dispatcher.in_flight
        self.dead = dead
        self._always_ahead = ahead

    @property
    def ahead(self) -> bool:
        """Tell whether its turns come before those of the others now."""
        return self._always_ahead or self._hastened

    def move_to(self, inbox: "Inbox") -> None:
        """Hand what a successor was told before it inherited `inbox` over to it, dispatcher included."""
        inbox.dispatcher = self.dispatcher
        self.latest.overtake(self.items)
        while self.items:
            inbox.items.append(self.items.popleft())

    def attach(self, take_turn: TakeTurn, on_close: Callable[[], None]) -> None:
        """Let an instance handle the messages from now on; its first turn starts it.

        `on_close` tells it that its address is declared dead, by whomever.
        """
        # A start is in flight like a message, or nobody could wait for what `on_start` sends.
        self._starting = 1
        if self.in_flight is not None:
            self.in_flight.entered()
        self._take_turn = take_turn
        self._on_close = on_close
        self.dispatcher.submit(self)

    def put(self, envelope: Envelope[Any], /) -> None:
        """Add a message; never blocks."""
        if self.conflates and self._conflated(envelope):
            return
        if self.in_flight is not None:
            self.in_flight.entered()
        self.items.append(envelope)
        if type(envelope.message) in self.hastens:
            self._hastened = True
            self._hasten()
        else:
            self._wake()

    def _conflated(self, envelope: Envelope[Any]) -> bool:
        """Tell whether a message was put among those that may be replaced."""
        message = envelope.message
        if isinstance(message, _ActorStop):
            self.latest.overtake(self.items)  # what it was told before is handled before it stops
        key_of = self.conflates.get(type(message))
        if key_of is None or envelope.reply_to is not None:
            return False
        key = key_of(message)
        if key is None:
            return False
        # Counted before it can be taken, and no more if it took the place of one that was counted.
        if self.in_flight is not None:
            self.in_flight.entered()
        if self.latest.put(key, envelope):
            self._wake()
        elif self.in_flight is not None:
            self.in_flight.left(1)
        return True

    def put_first(self, envelope: Envelope[Any]) -> None:
        """Add a message that is handled before all that wait."""
        if self.in_flight is not None:
            self.in_flight.entered()
        self.items.appendleft(envelope)
        self._hasten()

    def put_back(self, envelope: Envelope[Any]) -> None:
        """Leave a message that was taken to the successor; only whoever owns the turn."""
        self.items.appendleft(envelope)

    def _hasten(self) -> None:
        """Have a turn, soon, also where one was scheduled behind those of others."""
        if self._turn.acquire(blocking=False):
            self.dispatcher.submit(self)
        elif self.dead.is_set():
            self._drain()
        else:
            self.dispatcher.promote(self)

    def _wake(self) -> None:
        if self._turn.acquire(blocking=False):
            self.dispatcher.submit(self)
        elif self.dead.is_set():
            # It died between the sender's look and its put: nobody else would ever empty the inbox.
            self._drain()

    def get(self) -> Envelope[Any]:
        """Take the first message; part of pykka's protocol.

        Raises:
            IndexError: there is none.
        """
        return self.items.popleft()

    def take_in_turn(self) -> Callable[[], Envelope[Any]]:
        """Return what takes message after message in the turn that begins.

        What is conflated comes last, but in a turn after one in which it stood back all the time, first:
        what never ends must not keep it for ever. The turn after that one is the others' again.
        """
        return self._take_latest_first if self._stood_back else self.items.popleft

    def _take_latest_first(self) -> Envelope[Any]:
        waiting = self.latest.take()
        return self.items.popleft() if waiting is None else waiting

    def empty(self) -> bool:
        """Tell whether nothing waits; part of pykka's protocol."""
        return not (self.items or self.latest)

    def run_turn(self, limit: int) -> None:
        """Handle up to `limit` messages; the dispatcher calls it once for each `submit`."""
        take_turn, watcher = self._take_turn, self.watcher
        done, self._starting = self._starting, 0
        if take_turn is None:
            # Closed while it was scheduled; the turn stays taken, so later putters drain themselves.
            self._drain()
        else:
            self._claim = claim = [None]
            handled, exit_ = take_turn(limit)
            done += handled
            if exit_ is None:
                self._end_turn(claim, full=handled >= limit)
            else:
                self._exit(claim, watcher, exit_)
        # Last, so that whatever the turn has sent is counted before the turn's own messages are done.
        if self.in_flight is not None and done:
            self.in_flight.left(done)

    def _come_back(self) -> None:
        """End a turn that was seized while it hung: the inbox is another's now."""
        if self.dead.is_set():
            self._drain()

    def _exit(self, claim: list[None], watcher: Watcher | None, exit_: Exit) -> None:
        if not _settle(claim):
            self._come_back()
        elif watcher is None:
            self.close()
        else:
            watcher.exited(exit_)

    def seize(self) -> bool:
        """Take the turn from an instance that was fenced; False: it ends by itself, and says so.

        It is only taken from a turn that runs, or from nobody. One that is only scheduled finds out
        that it is fenced as soon as it runs.
        """
        if self._turn.acquire(blocking=False) or _settle(self._claim):
            self._take_turn = None
            return True
        self.put_first(Envelope(Nudge()))
        return False

    def withdraw(self, envelope: Envelope[Any]) -> bool:
        """Take back what was put first and is not handled yet; False if it was."""
        try:
            self.items.remove(envelope)
        except ValueError:
            return False
        if self.in_flight is not None:
            self.in_flight.left(1)
        return True

    def _end_turn(self, claim: list[None], *, full: bool) -> None:
        if not _settle(claim):
            self._come_back()
            return
        # Not twice running: prices that come as fast as they are handled must not keep facts waiting.
        self._stood_back = full and bool(self.latest) and not self._stood_back
        self._hastened = self._hastened and full  # else all is handled, also what hastened
        if not self.empty():
            self.dispatcher.submit(self)
            return
        self._turn.release()
        # A message may have come between the look and the release; its putter saw the lock held.
        if not self.empty() and self._turn.acquire(blocking=False):
            self.dispatcher.submit(self)

    def close(self) -> None:
        """Declare the address dead and answer what waits; any number of times, from any thread."""
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()
        self.dead.set()
        self._take_turn = None
        self._drain()

    def _drain(self) -> None:
        while True:
            self.latest.overtake(self.items)
            try:
                envelope = self.get()
            except IndexError:
                return
            self._refuse(envelope)
            if self.in_flight is not None:
                self.in_flight.left(1)

    def _refuse(self, envelope: Envelope[Any]) -> None:
        is_stop = isinstance(envelope.message, _ActorStop)
        if envelope.reply_to is None:
            if self.undelivered is not None and not isinstance(
                envelope.message, _ActorStop | Nudge
            ):
                self.undelivered(envelope.message)
        elif is_stop:
            envelope.reply_to.set(None)
        else:
            error = ActorDeadError("the actor stopped before handling the message")
            envelope.reply_to.set_exception((ActorDeadError, error, None))


def _settle(claim: list[None]) -> bool:
    """Tell whether the turn is the caller's to end: a pop succeeds once."""
    try:
        claim.pop()
    except IndexError:
        return False
    return True
