"""A pykka reference whose life is that of the address, not of the instance behind it.

The same object stays valid over any number of supervised restarts: what is told or asked while the actor
is down waits in the inbox. A blocking call is refused before the message leaves, not after.
"""

import weakref
from typing import TYPE_CHECKING, Any

from pykka import ActorDeadError, ActorRef
from pykka._envelope import Envelope

from actors.runtime.blocking import refuse_blocking
from actors.runtime.fence import acting, refuse_fenced

if TYPE_CHECKING:
    from actors.runtime.actor import PooledActor
    from actors.runtime.inbox import Inbox


class PooledRef[A: "PooledActor"](ActorRef[A]):
    """Reference to a pooled actor; safe to hand around and to keep."""

    actor_inbox: "Inbox"

    def tell(self, message: Any) -> None:
        """Send a message; never blocks.

        Raises:
            ActorDeadError: the address is dead.
            FencedError: whoever tells has been replaced.
        """
        # `refuse_fenced`, but for the call: every message passes here.
        if (actor := acting.get()) is not None and actor.fenced:
            refuse_fenced()
        if self.actor_stopped.is_set():
            raise ActorDeadError(f"{self} not found")
        self.actor_inbox.put(Envelope(message))

    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any:
        """Send a message and wait for the answer, or return its future with `block=False`.

        Raises:
            BlockingCallError: this thread must not wait; nothing was sent.
            FencedError: whoever asks has been replaced.
        """
        refuse_fenced()
        if block and self.is_alive():
            refuse_blocking(f"ask({type(message).__name__}) of {self}")
        return super().ask(message, block=block, timeout=timeout)

    def stop(self, *, block: bool = True, timeout: float | None = None) -> Any:
        """Ask the actor to stop after what it was told before; as pykka does.

        Raises:
            BlockingCallError: this thread must not wait; nothing was sent.
            FencedError: whoever asks for it has been replaced.
        """
        refuse_fenced()
        if block and self.is_alive():
            refuse_blocking(f"stop() of {self}")
        return super().stop(block=block, timeout=timeout)

    def succeed(self, actor: A) -> None:
        """Stand for a new instance from now on."""
        self._actor_weakref = weakref.ref(actor)
        self.actor_class = actor.__class__

    def follow(self, ref: "PooledRef[A]") -> None:
        """Lead to the same address as `ref`: this one was made by a constructor that inherits it."""
        self.actor_urn = ref.actor_urn
        self.actor_inbox = ref.actor_inbox
        self.actor_stopped = ref.actor_stopped
