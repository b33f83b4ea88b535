"""Pushes at the intended times, whatever happened before, and notes how late each push was written.

Runs on the simulator's loop. The load is open-loop: a push that is late does not put off the next one,
and how late it was is part of every latency measured from the time at which it was meant to go out.
"""

import asyncio
from array import array
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

from actors.runtime import SystemClock
from actors.simulator import Simulator
from actors.simulator.wire import timestamp
from tests.load.traffic import Quoted, Step

_BREATH = 16
"""Pushes in a row after which the sockets get their turn, when the sender is late."""
_CLOCK = SystemClock()


class Due(NamedTuple):
    """Something to do so many seconds after the beginning."""

    after_s: float
    what: Step | Quoted | Callable[[float], object]
    """A callable is given the intended monotonic time."""


class Sender:
    """The simulator's pushes beside what its own exchange does."""

    def __init__(self, simulator: Simulator) -> None:
        self._broker: Any = simulator.control._broker
        self.user_lag_s = array("d")
        self.market_lag_s = array("d")
        self.trades: dict[int, float] = {}
        """When each trade was meant to be pushed, by its id."""
        self.traders: dict[int, int] = {}
        """Whose it is."""

    async def send(self, due: Iterable[Due], begin: float) -> None:
        """Do everything in its time; what is due lies in order."""
        for number, each in enumerate(due):
            intended = begin + each.after_s
            wait = intended - _CLOCK.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            elif number % _BREATH == 0:
                await asyncio.sleep(0)
            self._do(each.what, intended)
        while self._queued():  # noqa: ASYNC110 - nobody says that a socket's queue is empty
            await asyncio.sleep(0.01)

    def _do(self, what: Step | Quoted | Callable[[float], object], intended: float) -> None:
        match what:
            case Step():
                self._push(what, intended)
            case Quoted():
                self._quote(what, intended)
            case _:
                what(intended)

    def _push(self, step: Step, intended: float) -> None:
        broker, now = self._broker, self._broker.now()
        step.enter(broker.exchange.accounts[step.account], now)
        stamp = timestamp(now)
        note = partial(_note, self.user_lag_s, intended)
        for text in step.texts:
            if text.trade_id is not None:
                self.trades[text.trade_id] = intended
                self.traders[text.trade_id] = step.account
            for connection in broker.hubs._subscriptions.of_account(text.target, step.account):
                connection.send(text.at(stamp), note)

    def _quote(self, quoted: Quoted, intended: float) -> None:
        hubs = self._broker.hubs
        text = quoted.text.at(timestamp(self._broker.now()))
        note = partial(_note, self.market_lag_s, intended)
        for connection in hubs._subscriptions.of_contract("GatewayQuote", quoted.contract):
            connection.send(text, note)

    def _queued(self) -> bool:
        return any(each._outbox.qsize() for each in self._broker.hubs._connections)


def _note(lags: "array[float]", intended: float) -> None:
    lags.append(_CLOCK.monotonic() - intended)
