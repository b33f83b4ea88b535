"""Pooled actors: genuine `pykka.Actor`s that hold no thread while they have nothing to do.

Everything pykka documents holds: start, tell, ask, proxies, stop, the hooks, the registry. Differences:
a dispatcher runs the turns; a blocking call on a shared thread is refused; `on_turn_end` follows each
turn; on a `LoopThread` a handler may return an awaitable, which runs as a task the actor owns.
Started by `start()` with pykka's failure rules, or by a Supervisor (`start_supervised`): then a failure
costs only the message it failed on. A supervised instance can be suspended (it ends, the inbox waits for
its successor) and fenced (it hangs; wherever its thread is, it acts no more).
"""

import logging
import sys
import threading
from collections.abc import Awaitable, Mapping
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self

import pykka
from pykka import ActorDeadError, ActorRegistry
from pykka._envelope import Envelope
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from actors.runtime.blocking import GuardedFuture
from actors.runtime.conflation import KeyOf
from actors.runtime.dispatcher import Dispatcher
from actors.runtime.fence import acting
from actors.runtime.inbox import Exit, Inbox, Nudge, Watcher
from actors.runtime.ref import PooledRef
from actors.runtime.registry import find_at_once
from actors.runtime.tasks import OwnedTasks, TaskFailure, is_async

_pykka_log = logging.getLogger("pykka")
find_at_once()


class Suspend(NamedTuple):
    """Told by a supervisor ahead of all other messages: end; a successor takes over the inbox."""


_NOT_FOR_ON_RECEIVE = frozenset(
    {_ActorStop, ProxyCall, ProxyGetAttr, ProxySetAttr, TaskFailure, Suspend, Nudge}
)

_BEGINNING = Envelope("on_start")


class PooledActor(pykka.Actor):
    """An actor that is scheduled only while its inbox is not empty."""

    actor_inbox: Inbox
    ahead = False
    """Its turns are run before those of others; for who works off what those have told it."""
    conflates: Mapping[type, KeyOf] = MappingProxyType({})
    """Kinds of messages of which only the latest counts, by the key this gives: told again before it was
    handled, a message replaces the one that waits. They are handled when nothing else waits, or after a
    full turn of other messages."""
    hastens: frozenset[type] = frozenset()
    """Kinds of messages that wait behind what was told before them, and whose receiver's turn comes
    before those of others."""
    fenced = False
    """It hung and was replaced: nothing it does counts any more."""
    suspended = False
    """It ends for a successor, not for good."""
    under_way: Envelope[Any] | None = None
    """What is being handled; that it stays the same is how a hang is noticed. In a hook, the last."""
    in_hook = False
    """It is in `on_start` or `on_turn_end`: no message is being handled."""
    _actor_ref: PooledRef[Any]

    def __init__(self, *, dispatcher: Dispatcher) -> None:
        super().__init__()
        self.actor_inbox.bind(dispatcher, dead=self.actor_stopped, ahead=self.ahead)
        self.actor_inbox.conflates = self.conflates
        self.actor_inbox.hastens = self.hastens
        self._actor_ref = PooledRef(self)
        self._begun = False
        self._exit: Exit | None = None
        self._watcher: Watcher | None = None
        self._tasks: OwnedTasks | None = None
        if dispatcher.loop is not None:
            self._tasks = OwnedTasks(dispatcher.loop, dispatcher.in_flight, self._task_failed)

    @property
    def actor_ref(self) -> PooledRef[Self]:
        """The actor's reference; under a supervisor the same object for every successor."""
        return self._actor_ref

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return Inbox()

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return GuardedFuture()

    def _start_actor_loop(self) -> None:
        self.actor_inbox.attach(self._take_turn, self._closed)

    def _closed(self) -> None:
        if not self.actor_stopped.is_set():
            # Not of its own doing: its dispatcher is gone, or its supervisor has given it up.
            self.actor_stopped.set()
            ActorRegistry.unregister(self._actor_ref)

    def start_supervised(self, watcher: Watcher, predecessor: PooledRef[Any] | None = None) -> None:
        """Start this new instance so that failures go to `watcher` and the inbox is kept.

        With a predecessor it takes over that one's inbox, URN and reference.
        """
        # The instance ends alone: from here on only the supervisor ends the address.
        self.actor_stopped = threading.Event()
        if predecessor is not None:
            self._inherit(predecessor)
        self._watcher = self.actor_inbox.watcher = watcher
        ActorRegistry.register(self._actor_ref)
        self._start_actor_loop()

    def _inherit(self, ref: PooledRef[Any]) -> None:
        own_ref, own_inbox = self._actor_ref, self.actor_inbox
        self.actor_urn, self.actor_inbox, self._actor_ref = ref.actor_urn, ref.actor_inbox, ref
        own_ref.follow(ref)
        own_inbox.move_to(ref.actor_inbox)
        ref.succeed(self)

    def on_turn_end(self) -> None:
        """Run after each turn in which something was handled, and before a stop that came in it.

        Runs where `on_receive` runs; an exception is a failure. Not called for a turn that failed: what
        must survive a failure is saved in `on_failure` or at once.
        """

    def keep_running(self, awaitable: Awaitable[Any]) -> None:
        """Run something on the loop as long as this instance lives; only on a `LoopThread`.

        It is cancelled when the instance ends, a stop is answered when it has ended too, and its
        exception fails the actor.
        """
        assert self._tasks is not None, "keep_running() needs a LoopThread"  # noqa: S101
        self._tasks.keep(awaitable)

    def fail(self, error: BaseException) -> None:
        """End this instance as failed, though no message is lost; where `on_receive` runs."""
        self._fail(error, None)

    def fence(self, error: BaseException) -> None:
        """Let this instance act no more, wherever its thread is; on its supervisor's thread."""
        self._exit = Exit(error, None)
        self.fenced = True
        self.actor_stopped.set()
        ActorRegistry.unregister(self._actor_ref)

    # --- the turn: everything below runs where the dispatcher runs it ---------------------------------

    def _take_turn(self, limit: int) -> tuple[int, Exit | None]:  # noqa: C901 - inlined
        """Handle up to `limit` messages; return how many, and how the instance ended if it did."""
        acting.set(self)
        beginning = not self._begun
        if beginning:
            self._begin()
        handled = 0
        take = self.actor_inbox.take_in_turn()
        is_stopped = self.actor_stopped.is_set
        # pykka's `_actor_loop_running` inlined: calling it per message costs half of the throughput.
        while handled < limit:
            try:
                envelope = take()
            except IndexError:
                waiting = self.actor_inbox.latest.take()
                if waiting is None:
                    break
                envelope = waiting
            self.under_way = envelope
            if is_stopped():
                # At the message before, or fenced while it hung there: this one is its successor's.
                self.actor_inbox.put_back(envelope)
                break
            handled += 1
            message = envelope.message
            try:
                if type(message) in _NOT_FOR_ON_RECEIVE:
                    reply = self._handle_own(message, handled_before=handled > 1)
                else:
                    reply = self.on_receive(message)
                if reply is not None or envelope.reply_to is not None:
                    self._answer(envelope, reply)
            except Exception:  # noqa: BLE001  (pykka's rule: it ends the actor or goes to the asker)
                self._raised(envelope)
            except BaseException as error:  # noqa: BLE001  (likewise)
                self._aborted(envelope, error)
        if (handled or beginning) and not is_stopped():
            self._end_turn(handled=handled > 0, beginning=beginning)
        self.under_way = None
        acting.set(None)
        return handled, self._ending() if is_stopped() else None

    def _begin(self) -> None:
        self._begun = self.in_hook = True
        self.under_way = _BEGINNING
        try:
            self.on_start()
        except BaseException as error:  # noqa: BLE001  (a worker must survive any handler)
            if not self.fenced:
                self._handle_failure(*sys.exc_info())
                self._exit = Exit(error, None)
            return
        self.in_hook = False
        if self._watcher is not None and not self.fenced:
            self._watcher.started()

    def _end_turn(self, *, handled: bool, beginning: bool = False) -> None:
        self.in_hook = True
        try:
            if handled:
                self.on_turn_end()
        except BaseException as error:  # noqa: BLE001  (a failure like one in a handler)
            self._fail(error, None)
        self.in_hook = False
        if beginning and self._watcher is not None and not self.actor_stopped.is_set():
            self._watcher.up()

    def _ending(self) -> Exit:
        if self._tasks is not None:
            self._tasks.cancel()
        return self._exit or Exit(None, None)

    def _handle_own(self, message: Any, *, handled_before: bool) -> Any:
        if isinstance(message, TaskFailure):
            raise message.error
        if isinstance(message, Nudge):
            return None
        if isinstance(message, _ActorStop | Suspend):
            self.suspended = isinstance(message, Suspend)
            return self._stop_in_order(handled_before=handled_before)
        return self._handle_receive(message)

    def _stop_in_order(self, *, handled_before: bool) -> Any:
        if handled_before:
            self._end_turn(handled=True)
        if not self.actor_stopped.is_set():
            self._stop()
        if self._tasks is None:
            return None
        self._tasks.cancel()
        # The stop is answered when the last task has ended: then nothing of the actor runs any more.
        return self._tasks.ended()

    def _answer(self, envelope: Envelope[Any], reply: Any) -> None:
        if self._tasks is not None and is_async(reply):
            self._tasks.run(reply, envelope, name=str(self))
        elif envelope.reply_to is not None and not self.fenced:
            envelope.reply_to.set(reply)

    def _raised(self, envelope: Envelope[Any]) -> None:
        if self.fenced:
            _pykka_log.info("Exception in %s, which was replaced:", self, exc_info=True)
        elif envelope.reply_to is not None:
            _pykka_log.info("Exception returned from %s to caller:", self, exc_info=True)
            envelope.reply_to.set_exception()
        else:
            error = sys.exc_info()[1]
            assert error is not None  # noqa: S101  (called from an except block)
            self._fail(error, envelope.message)

    def _aborted(self, envelope: Envelope[Any], error: BaseException) -> None:
        if self.fenced:
            _pykka_log.info("Exception in %s, which was replaced: %r", self, error)
            return
        if envelope.reply_to is not None:
            dead = ActorDeadError(f"{self.actor_ref} was stopped by {error!r}")
            envelope.reply_to.set_exception((ActorDeadError, dead, None))
        if self._watcher is not None:
            self._fail(error, envelope.message)
        else:
            self._stop()
            # Not waiting, unlike pykka: the others may need this very worker to stop.
            ActorRegistry.stop_all(block=False)

    def _fail(self, error: BaseException, message: Any) -> None:
        if self.fenced:
            return
        failed_on = message.message if isinstance(message, TaskFailure) else message
        self._exit = Exit(error, failed_on)
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None]
        exc_info = (type(error), error, error.__traceback__)
        self._handle_failure(*exc_info)
        try:
            self.on_failure(*exc_info)
        except BaseException:  # noqa: BLE001  (pykka's rule: logged, the actor ends all the same)
            self._handle_failure(*sys.exc_info())

    def _task_failed(self, failure: TaskFailure) -> None:
        if self.actor_stopped.is_set():
            # Not pykka's `_handle_failure`: the registry may hold a successor under this reference.
            _pykka_log.error(
                "Unhandled exception in %s, which had ended:", self, exc_info=failure.error
            )
        else:
            self.actor_inbox.put_first(Envelope(failure))
