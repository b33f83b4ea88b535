"""Addresses: where an actor is told something by name, and where undeliverable messages end.

`tell` never raises and never blocks; a message for an unknown or dead address, one that waited in an
inbox when its address died, and one an actor failed on become dead letters, each reported once to
every observer. Made by the system (and by tests), thread-safe, read by every actor.
"""

import threading
from collections.abc import Callable
from typing import Any

import structlog
from pykka import ActorDeadError, ActorRef

from actors.runtime.fence import FencedError, acting
from actors.runtime.ref import PooledRef

DeadLetterObserver = Callable[[str, Any, str], None]
"""Called with address, message and error text, on the thread where the letter died."""

_log = structlog.get_logger()


class UnknownAddressError(LookupError):
    """No actor was ever registered under this address."""


class _Reporting(threading.local):
    active = False


class Directory:
    """The addresses of one system."""

    def __init__(self) -> None:
        self._refs: dict[str, ActorRef[Any]] = {}
        self._observers: tuple[DeadLetterObserver, ...] = ()
        self._reporting = _Reporting()

    def register(self, address: str, ref: ActorRef[Any]) -> None:
        """Let `address` lead to `ref`.

        Raises:
            ValueError: another living actor has the address.
        """
        known = self._refs.get(address)
        if known is not None and known is not ref and known.is_alive():
            raise ValueError(f"address {address!r} belongs to {known}: stop that one first")
        self._refs[address] = ref
        if isinstance(ref, PooledRef):
            ref.actor_inbox.undelivered = lambda message: self.dead_letter(
                address, message, "the actor ended before it handled the message"
            )

    def unregister(self, address: str) -> None:
        """Forget an address; an unknown one is no error."""
        self._refs.pop(address, None)

    def ref(self, address: str) -> ActorRef[Any]:
        """Return the reference behind an address.

        Raises:
            UnknownAddressError: nothing is registered there.
        """
        try:
            return self._refs[address]
        except KeyError:
            known = ", ".join(sorted(self._refs)) or "none"
            raise UnknownAddressError(
                f"no actor at address {address!r}; known addresses: {known}"
            ) from None

    def is_alive(self, address: str) -> bool:
        """Tell whether messages to the address reach an actor, now or after its restart."""
        ref = self._refs.get(address)
        return ref is not None and ref.is_alive()

    def waiting(self, address: str) -> int:
        """Return how many messages wait at an address, those of which only the latest counts apart."""
        ref = self._refs.get(address)
        return len(ref.actor_inbox.items) if isinstance(ref, PooledRef) else 0

    def addresses(self, prefix: str = "") -> list[str]:
        """List the living addresses that begin with `prefix`, sorted."""
        return sorted(
            address
            for address, ref in tuple(self._refs.items())
            if address.startswith(prefix) and ref.is_alive()
        )

    def tell(self, address: str, message: Any) -> None:
        """Tell the actor at `address`; what cannot be delivered becomes a dead letter. Never raises."""
        ref = self._refs.get(address)
        if ref is None:
            self.dead_letter(address, message, "unknown address")
            return
        try:
            ref.tell(message)
        except FencedError as error:
            self.dead_letter(address, message, str(error))
        except ActorDeadError:
            self.dead_letter(address, message, "the actor is dead")

    def on_dead_letter(self, observer: DeadLetterObserver) -> None:
        """Have every dead letter reported to `observer` from now on."""
        self._observers = (*self._observers, observer)

    def dead_letter(self, address: str, message: Any, error: str) -> None:
        """Report a message that nobody will handle; never raises."""
        _log.error("dead_letter", to=address, message=type(message).__name__, error=error)
        if self._reporting.active:
            # An observer's own message died while it reported one: logged, or it would go on for ever.
            return
        self._reporting.active = True
        # The report itself is not an act of whoever is fenced here.
        nobody = acting.set(None)
        try:
            for observer in self._observers:
                self._report(observer, address, message, error)
        finally:
            acting.reset(nobody)
            self._reporting.active = False

    def _report(self, observer: DeadLetterObserver, address: str, message: Any, error: str) -> None:
        try:
            observer(address, message, error)
        except Exception:  # noqa: BLE001  (one bad observer must not silence the others)
            _log.exception("dead_letter_observer_failed", to=address)
