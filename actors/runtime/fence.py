"""Which instance is acting here, and whether it still may.

An actor that hangs is replaced while its thread is still in its hands. From then on the instance is
*fenced*: what it tells, asks or stops when the thread comes back is refused, also from tasks it left on a
loop. The turn says who acts; every `PooledRef` looks here, and the gateway before a command leaves.
"""

from contextvars import ContextVar
from typing import Protocol

from pykka import ActorDeadError


class Fenceable(Protocol):
    """An instance that acts."""

    fenced: bool
    """It was replaced and must not act any more."""


class FencedError(ActorDeadError):
    """The instance that tried to act has been replaced."""


acting: ContextVar[Fenceable | None] = ContextVar("acting", default=None)
"""The instance whose turn, or task, runs here; tasks inherit it from the turn that began them."""


def refuse_fenced() -> None:
    """Raise if whoever acts here has been replaced.

    Raises:
        FencedError: names the instance.
    """
    actor = acting.get()
    if actor is not None and actor.fenced:
        raise FencedError(f"{actor} hung and was replaced: nothing it does counts any more")
