"""Lockstep in a process of its own that kills itself (SIGKILL, by its own hand) at an exact edge.

The very same system as `main.py run`, over the wire; only its store and its gateway are told where to
die. Used by the kill matrix, whose parent holds the simulated broker. Without an edge it lives until its
parent kills it.
"""

import logging
import os
import signal
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import actors.gateway.client  # noqa: F401 - loaded once, in the server all children are forked from
import actors.system as wiring
from actors.gateway import GatewayActor
from actors.journal.chain import Row
from actors.ops.logging import configure_logging
from actors.runtime import OffsetClock, SystemClock
from config.loader import load
from messages.commands import BrokerCommand, TakeSnapshot
from tests.chaos.life import FragileStore, Life, labels_of


class Orders(NamedTuple):
    """What a child is to do."""

    config: Path
    journal: Path
    log: Path
    ahead: timedelta
    """How far its clock is ahead of the machine's."""
    environment: dict[str, str]
    edge: str | None
    """Name of the edge to die at, or a part of it; None = live."""
    nth: int


class DoomedLife(Life):
    """A life that ends with its process."""

    def reach(self, edge: str) -> bool:
        """Come to a point, and not go on from a fatal one."""
        if not super().reach(edge):
            os.kill(os.getpid(), signal.SIGKILL)
        return True


class DoomedStore(FragileStore):
    """The real store; the process may die before, inside and after every transaction."""

    def append_rows(self, rows: Sequence[Row]) -> int:
        """Store rows, or die."""
        labels = labels_of(rows)

        def traced(statement: str) -> None:
            if statement == "COMMIT":  # told before it runs: the rows are in, nothing is durable
                for label in labels:
                    self.life.reach(f"inside the commit of {label}")

        self._connection.set_trace_callback(traced)
        try:
            return super().append_rows(rows)
        finally:
            self._connection.set_trace_callback(None)


class DoomedGateway(GatewayActor):
    """The real gateway; the process may die before a request and before its answer is told."""

    def __init__(self, *, life: Life, **how: Any) -> None:
        super().__init__(**how)
        self._life = life

    def on_receive(self, message: Any) -> object:
        """Handle a message, or die."""
        if isinstance(message, BrokerCommand):
            self._life.reach(f"before {message.__struct_config__.tag} is sent")
        if isinstance(message, TakeSnapshot):
            self._life.reach("before a read is sent")
        return super().on_receive(message)

    def _tell_outcome(self, command: BrokerCommand, task: Any) -> None:
        self._life.reach(f"{command.__struct_config__.tag} applied, answer unseen")
        super()._tell_outcome(command, task)

    def _tell_snapshot(self, command: TakeSnapshot, task: Any) -> None:
        self._life.reach("read, answer unseen")
        super()._tell_snapshot(command, task)


def live(orders: Orders) -> None:
    """Run Lockstep until something kills this process."""
    os.dup2(os.open(orders.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    configure_logging(logging.INFO, [])
    life = DoomedLife()
    if orders.edge is not None:
        life.arm(orders.edge, orders.nth)
    wiring.Store = type("Store", (DoomedStore,), {"life": life})  # type: ignore[misc]
    clock = OffsetClock(SystemClock().now() + orders.ahead)
    system = wiring.System(
        config=load(orders.config, now=clock.now(), environment=orders.environment),
        clock=clock,
        environment=orders.environment,
        on_give_up=lambda _address, _error: os.abort(),
        journal_path=orders.journal,
        gateway=lambda login, own, dispatcher, guarded: DoomedGateway(
            life=life,
            login=login,
            guarded=guarded,
            poll_s=own.poll_s(login.name),
            fence=own.fence,
            in_shadow=own.in_shadow,
            **own.wiring(dispatcher),
        ),
    )
    system.start()
    threading.Event().wait()
