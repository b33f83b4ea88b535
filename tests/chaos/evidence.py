"""What a run leaves behind, as seen from outside: the journal's rows, the broker's record, the status.

Everything the checker judges by. The journal is read by a reader of its own, straight from the SQLite
file; the broker is watched at its exchange, below everything Lockstep can talk to, so that the same
watch serves the rig (in process) and the wire (another process).
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from actors.simulator.exchange import Exchange
from actors.simulator.ledger import Order
from actors.simulator.refusals import RefusedError
from actors.simulator.wire import Push
from messages import codec
from messages.events import Event
from messages.queries import AccountStatus
from messages.values import Duty, Lockout


class Stored(NamedTuple):
    """One row of the journal."""

    seq: int
    event: Event


class Close(NamedTuple):
    """A close that reached the exchange: Lockstep's, for the trader of these runs only places orders."""

    account: int
    contract: str
    size: int | None
    """None = the whole position."""
    at: datetime
    durable_seq: int
    """Last event on disk when it came."""
    refused: bool


class Moved(NamedTuple):
    """A fill that changed a position, as the exchange booked it."""

    account: int
    contract: str
    before: int
    after: int
    by_lockstep: bool
    raced: bool
    """The trader's own fills came between a close of Lockstep's and its fill."""


class Judged(NamedTuple):
    """A rule was asked to judge."""

    account: int
    rule: str
    at: datetime
    duties: tuple[Lockout, ...]


class AtBroker(NamedTuple):
    """What the broker holds of an account at the end."""

    positions: dict[str, int]
    working: dict[int, str]
    """Contract by order id."""
    realised_usd: Decimal
    """Net P&L of the fills of the trading day."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A whole run: all lives on one journal against one broker, at rest at the end."""

    journal: tuple[Stored, ...]
    closes: tuple[Close, ...] = ()
    moves: tuple[Moved, ...] = ()
    judged: tuple[Judged, ...] = ()
    statuses: tuple[AccountStatus, ...] = ()
    broker: dict[int, AtBroker] = field(default_factory=dict)
    healthy: frozenset[int] = frozenset()
    """Accounts with whom the broker did nothing wrong."""


def read_journal(path: Path) -> tuple[Stored, ...]:
    """Read every row beside whoever writes it; knows nothing of `Store`."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as connection:
        rows = connection.execute("SELECT seq, body FROM events ORDER BY seq").fetchall()
    return tuple(Stored(seq, codec.unpack(body)) for seq, body in rows)


def last_seq(path: Path) -> int:
    """Return the last seq on disk; 0 while there is no journal."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as connection:
            (seq,) = connection.execute("SELECT max(seq) FROM events").fetchone()
    except sqlite3.OperationalError:  # not made yet, or nothing in it
        return 0
    return seq or 0


class BrokerWatch:
    """Watches one exchange: which closes reach it, and what every fill does to a position."""

    def __init__(self, exchange: Exchange, durable_seq: Callable[[], int]) -> None:
        self.closes: list[Close] = []
        self.moves: list[Moved] = []
        self._exchange = exchange
        self._durable_seq = durable_seq
        self._closing = False
        self._own: dict[int, int] = {}
        """By order of Lockstep's, the trader's fills of its contract when it was made."""
        self._by_trader: dict[tuple[int, str], int] = {}
        self._fill, self._submit = exchange.matcher.fill, exchange.matcher.submit
        self._whole, self._part = exchange.close, exchange.partial_close
        exchange.matcher.fill = self._on_fill  # type: ignore[method-assign]
        exchange.matcher.submit = self._on_submit  # type: ignore[method-assign]
        exchange.close = self._on_close  # type: ignore[method-assign]
        exchange.partial_close = self._on_partial  # type: ignore[method-assign]

    def _on_close(self, account: int, contract: str, at: datetime) -> list[Push]:
        return self._note(account, contract, None, at, lambda: self._whole(account, contract, at))

    def _on_partial(self, account: int, contract: str, size: int, at: datetime) -> list[Push]:
        return self._note(
            account, contract, size, at, lambda: self._part(account, contract, size, at)
        )

    def _note(
        self, account: int, contract: str, size: int | None, at: datetime, do: Callable[[], Any]
    ) -> list[Push]:
        seq = self._durable_seq()
        self._closing, refused = True, False
        try:
            return do()
        except RefusedError:
            refused = True
            raise
        finally:
            self._closing = False
            self.closes.append(Close(account, contract, size, at, seq, refused))

    def _on_submit(self, family: list[Order], at: datetime, out: list[Push]) -> None:
        if self._closing:
            entry = family[0]
            self._own[entry.id] = self._by_trader.get((entry.account, entry.spec.id), 0)
            self._closing = False  # what its fill sets off is not Lockstep's
        self._submit(family, at, out)

    def _on_fill(
        self, order: Order, size: int, price: Decimal, at: datetime, out: list[Push]
    ) -> None:
        key = (order.account, order.spec.id)
        before = self._size(key)
        own = order.id in self._own
        raced = own and self._own[order.id] != self._by_trader.get(key, 0)
        if not own:
            self._by_trader[key] = self._by_trader.get(key, 0) + 1
        signed = size if order.side == 0 else -size
        self.moves.append(Moved(*key, before, before + signed, own, raced))
        self._fill(order, size, price, at, out)

    def _size(self, key: tuple[int, str]) -> int:
        position = self._exchange.accounts[key[0]].positions.get(key[1])
        return position.size if position else 0

    def end(self, account: int, trading_day: Callable[[datetime], str], today: str) -> AtBroker:
        """Return how an account stands at the broker."""
        books = self._exchange.accounts[account]
        return AtBroker(
            positions={name: each.size for name, each in books.positions.items() if each.size},
            working={each.id: each.spec.id for each in books.orders.values() if each.working},
            realised_usd=sum(
                (
                    trade.net
                    for trade in books.trades.values()
                    if not trade.voided and trading_day(trade.created) == today
                ),
                Decimal(0),
            ),
        )


def is_account_flat(lockout: Lockout) -> bool:
    """Say whether a lockout leaves nothing in the whole account."""
    return lockout.duty is Duty.FLAT and lockout.scope == "account"
