"""One life of a system that can be killed at any append, send or answer, within this process.

Killed means: from that instant on nothing of it reaches the disk or the broker, and nobody who runs on
hears of it. What its actors still do is lost with them, exactly as after a SIGKILL. `mortal` lets a
`System` be made of such parts; the production code knows nothing of it.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import actors.system as wiring
from actors.journal import Store
from actors.journal.chain import Row
from actors.rules.actor import RuleActor
from messages.commands import Evaluate
from tests.chaos.evidence import Judged
from tests.chaos.turnstile import Turnstile

_LABELS = (
    ("day_reset", "reset"),
    ("enforcement_started", "intent"),
    ("enforcement_joined", "intent"),
    ("account_locked", "lock"),
    ("flat_confirmed", "flat"),
    ("lockout_released", "release"),
    ("system_started", "start"),
    ("account_guarded", "recovery"),
    ("account_opened", "open"),
    ("broker_command_sent", "commands"),
    ("broker_command_answered", "answers"),
    ("exposure_under_lock", "exposure"),
)


def labels_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return what a batch is called after its events that are decisions; `facts` when it has none."""
    kinds = {row.kind for row in rows}
    labels = dict.fromkeys(label for kind, label in _LABELS if kind in kinds)
    return tuple(labels) or ("facts",)


class Life:
    """Counts the points at which it may end, and ends at the one it is told."""

    def __init__(self) -> None:
        self.dead_at: str | None = None
        """The edge it died at."""
        self.durable_seq = 0
        self.points: Counter[str] = Counter()
        self._fatal: Callable[[str], bool] = lambda _edge: False

    @property
    def dead(self) -> bool:
        """Say whether it has ended."""
        return self.dead_at is not None

    def arm(self, edge: str | None, left: int) -> None:
        """Die at the `left`-th point from now on, of those whose name contains `edge`."""
        count = left

        def fatal(here: str) -> bool:
            nonlocal count
            if edge is None or edge in here:
                count -= 1
            return count == 0

        self._fatal = fatal

    def disarm(self) -> None:
        """Live on."""
        self._fatal = lambda _edge: False

    def reach(self, edge: str) -> bool:
        """Come to a point; say whether it is still alive there."""
        if self.dead:
            return False
        self.points[edge] += 1
        if self._fatal(edge):
            self.dead_at = edge
        return not self.dead


class FragileStore(Store):
    """The real store; a dead system's writes do not reach it."""

    life: ClassVar[Life]

    def append_rows(self, rows: Sequence[Row]) -> int:
        """Store rows, unless the system dies before; it may die just after, too."""
        labels = labels_of(rows)
        self._pass("before", labels)
        self.life.durable_seq = super().append_rows(rows)
        self._pass("after", labels)
        return self.life.durable_seq

    def _pass(self, when: str, labels: tuple[str, ...]) -> None:
        for label in labels:
            if not self.life.reach(f"{when} {label} is durable"):
                raise sqlite3.OperationalError("killed")


class NoHttp:
    """In the place of the HTTP server, which has nothing to do with it and takes long to stop."""

    def __init__(self, **_how: Any) -> None:
        self.url = ""

    def start(self) -> None:
        """Do nothing."""

    stop = start


@contextmanager
def mortal(life: Life, turnstile: Turnstile, judged: list[Judged]) -> Iterator[None]:
    """Let systems made meanwhile consist of mortal parts on one thread."""

    class WatchedRule(RuleActor):
        """The real rule; what it is asked is noted."""

        def on_receive(self, message: Any) -> Any:
            if isinstance(message, Evaluate) and not life.dead:
                rule, view = self._rule.id, message.view
                judged.append(Judged(message.account, rule, view.at, view.lockouts))
            return super().on_receive(message)

    parts = {
        "Store": type("MortalStore", (FragileStore,), {"life": life}),
        "RuleActor": WatchedRule,
        "HttpServer": NoHttp,
        "WorkerPool": lambda **_how: turnstile,
        "LoopThread": lambda *_how, **_more: turnstile,
        "LingeringThread": lambda *_how, **_more: turnstile,
    }
    before = {name: getattr(wiring, name) for name in parts}
    for name, part in parts.items():
        setattr(wiring, name, part)
    try:
        yield
    finally:
        for name, part in before.items():
            setattr(wiring, name, part)
