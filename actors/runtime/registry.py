"""pykka's registry of living actors, in which one among many is found at once.

pykka keeps a list and looks through it twice for each actor that ends, so that ending 20,000 took the
square of that: most of a stop. A dictionary keeps the order, too. `actor.py` puts it in the list's place,
before anything is started.
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from pykka import ActorRef, ActorRegistry


class Refs:
    """As much of a list as pykka's registry uses; each reference is in it once."""

    def __init__(self, refs: Iterable[ActorRef[Any]]) -> None:
        self._refs = dict.fromkeys(refs)

    def append(self, ref: ActorRef[Any]) -> None:
        """Add one that began."""
        self._refs[ref] = None

    def remove(self, ref: ActorRef[Any]) -> None:
        """Take one out that ended."""
        del self._refs[ref]

    def __contains__(self, ref: object) -> bool:
        return ref in self._refs

    def __iter__(self) -> Iterator[ActorRef[Any]]:
        return iter(self._refs)

    def __getitem__(self, part: slice) -> list[ActorRef[Any]]:
        return list(self._refs)[part]

    def __len__(self) -> int:
        return len(self._refs)


def find_at_once() -> None:
    """Let pykka's registry find an actor at once, however many there are."""
    with ActorRegistry._actor_refs_lock:  # noqa: SLF001 - there is no other way in
        known = ActorRegistry._actor_refs  # noqa: SLF001
        if not isinstance(known, Refs):
            ActorRegistry._actor_refs = cast("list[ActorRef[Any]]", Refs(known))  # noqa: SLF001
