"""Other ways to carry the same messages between the same handlers, to compare Lockstep with.

Pooled actors without a disk; plain pykka, a thread each; direct calls, the floor, and of it the decoding
alone; and one dispatcher thread with a store write per trade, as in the system the seed describes.
"""

import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pykka

from actors.account.core import AccountCore
from actors.gateway import QuoteActor
from actors.runtime import Directory, PooledActor, WorkerPool
from messages.facts import TradeExecuted
from messages.journal import Append
from tests.load.pipeline import PING, Pipeline, Sink
from tests.load.whole import PATIENCE_S


class _ByReference(Pipeline):
    """Handlers behind actor references."""

    refs: dict[str, pykka.ActorRef[Any]]

    def begin(self, made: Mapping[str, pykka.Actor]) -> None:
        """Start these, once all can be told something: accounts speak as they start."""
        self.refs = {address: actor.actor_ref for address, actor in made.items()}
        for actor in made.values():
            pykka.ActorRegistry.register(actor.actor_ref)
            actor._start_actor_loop()

    def ask(self, addresses: list[str]) -> None:
        """Wait until these have handled what they were told."""
        futures = [self.refs[each].ask(PING, block=False) for each in addresses]
        for future in futures:
            future.get(timeout=PATIENCE_S)


class Pooled(_ByReference):
    """The product's actors and directory, but nothing is kept on disk."""

    def carry(self) -> None:
        """Start the actors as they are."""
        directory = Directory()
        self.tell = directory.tell
        made = self.handlers(_Sinks(directory))
        for address, actor in made.items():
            directory.register(address, actor.actor_ref)
        self.begin(made)


class _Sinks:
    """A directory in which all enforcers are one sink."""

    def __init__(self, directory: Directory) -> None:
        self._tell = directory.tell
        self.waiting = directory.waiting

    def tell(self, address: str, message: Any) -> None:
        """Tell it on."""
        self._tell("enforcer" if address.startswith("enforcer/") else address, message)


class Threaded(pykka.ThreadingActor):
    """A handler on a thread of its own."""

    use_daemon_thread = True

    def __init__(self, handler: PooledActor) -> None:
        super().__init__()
        self._handler = handler

    def on_start(self) -> None:
        """Start the handler."""
        self._handler.on_start()

    def on_receive(self, message: Any) -> Any:
        """Handle one message; it is a turn of its own."""
        reply = self._handler.on_receive(message)
        self._handler.on_turn_end()
        return reply


class PlainPykka(_ByReference):
    """A thread per actor."""

    def carry(self) -> None:
        """Start a ThreadingActor per handler."""
        self.begin({address: Threaded(each) for address, each in self.handlers(self).items()})

    def tell(self, address: str, message: Any) -> None:
        """Tell the actor behind an address."""
        self.refs["enforcer" if address.startswith("enforcer/") else address].tell(message)

    def waiting(self, address: str) -> int:
        """Return how many messages wait in an actor's queue."""
        return self.refs[address].actor_inbox.qsize()


class Floor(Pipeline):
    """No actors: to tell is to call."""

    def carry(self) -> None:
        """Begin every account."""
        self._calls: deque[tuple[str, Any]] = deque()
        self._calling = False
        self._made = self.handlers(self)
        for address, handler in self._made.items():
            if address.startswith("account/"):
                handler.on_start()

    def tell(self, address: str, message: Any) -> None:
        """Call the handler; what it tells itself is called when it has returned, as an actor's is."""
        self._calls.append((address, message))
        if not self._calling:
            self._calling = True
            while self._calls:
                self._call(*self._calls.popleft())
            self._calling = False

    def _call(self, address: str, message: Any) -> None:
        handler = self._made["enforcer" if address.startswith("enforcer/") else address]
        handler.on_receive(message)
        if isinstance(handler, QuoteActor):
            handler.on_turn_end()

    def waiting(self, address: str) -> int:  # noqa: ARG002 - to tell is to call
        """Nothing ever waits."""
        return 0

    def ask(self, addresses: list[str]) -> None:
        """Nothing is ever under way."""


class _NoBands:
    """In the place of `Watching`: no band is worked out or told, so every quote is."""

    def begin(self, turn: object) -> None:
        """Tell nothing."""

    heard = follow = begin


class EveryQuoteOnPykka(PlainPykka):
    """A thread per actor, and every quote judged for every holder: the system before it had bands."""

    def _core(self, account: int) -> AccountCore:
        return _without_bands(super()._core(account))


class EveryQuoteOnTheFloor(Floor):
    """No actors, and every quote judged for every holder."""

    def _core(self, account: int) -> AccountCore:
        return _without_bands(super()._core(account))


def _without_bands(core: AccountCore) -> AccountCore:
    core._watching = _NoBands()
    return core


class DecodeAlone(Floor):
    """Facts are decoded, and nobody is told."""

    def start(self) -> None:
        """Open the accounts, which then hear nothing more."""
        super().start()
        self._made |= dict.fromkeys(
            (each for each in self._made if each.startswith("account/")), self._made["enforcer"]
        )


class _Trades(Sink):
    """One table and one commit per trade, before anything else is done."""

    def __init__(self, *, path: Path, directory: Any, dispatcher: WorkerPool) -> None:
        super().__init__(directory=directory, dispatcher=dispatcher)
        self._store = sqlite3.connect(path, check_same_thread=False)
        self._store.execute("PRAGMA journal_mode = WAL")
        self._store.execute("CREATE TABLE trades (account INTEGER, id INTEGER, at TEXT, pnl TEXT)")

    def keep(self, append: Append) -> None:
        """Write each trade."""
        for event in append.events:
            if isinstance(event, TradeExecuted):
                fill = event.fill
                row = (
                    event.account,
                    fill.trade_id,
                    str(fill.executed_at),
                    str(fill.profit_and_loss_usd),
                )
                with self._store:
                    self._store.execute("INSERT INTO trades VALUES (?, ?, ?, ?)", row)


class SeedLike(Floor):
    """One dispatcher thread takes everything from one queue, and commits every trade by itself."""

    def carry(self) -> None:
        """Begin the dispatcher."""
        self._events: queue.Queue[tuple[Callable[..., Any], Iterable[Any]] | None] = queue.Queue()
        super().carry()
        path = self.folder / "trades.db"
        self._made["journal"] = _Trades(path=path, directory=self, dispatcher=self.pool)
        self._dispatcher = threading.Thread(target=self._dispatch, daemon=True)
        self._dispatcher.start()

    def tell(self, address: str, message: Any) -> None:
        """Queue what comes from the broker; what follows from it is called."""
        if callable(message):
            self._events.put((super().tell, (address, message)))
        else:
            super().tell(address, message)

    def ask(self, addresses: list[str]) -> None:  # noqa: ARG002 - one queue for all
        """Wait until the queue is empty."""
        self._events.join()

    def stop(self) -> None:
        """End the dispatcher too."""
        self._events.put(None)
        self._dispatcher.join()
        super().stop()

    def _dispatch(self) -> None:
        while (event := self._events.get()) is not None:
            call, arguments = event
            call(*arguments)
            self._events.task_done()
