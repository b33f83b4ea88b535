"""Four other ways to carry the same messages between the same handlers, to compare Lockstep with.

The handlers are the product's own: what an actor does with a message is the same code in each, and so is
the decoding. What differs is who calls it: pooled actors without a disk; plain pykka, a thread each;
direct calls, the floor; and one dispatcher thread with a store write per trade, as in the system the
seed describes. Nothing here has supervision, deadlines or enforcement: the facts fed break no rule.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pykka

from actors.account.actor import AccountActor
from actors.account.core import AccountCore
from actors.account.state import AccountState
from actors.gateway import QuoteActor
from actors.rules.actor import RuleActor
from actors.rules.registry import all_rules
from actors.runtime import Directory, LoopThread, OffsetClock, PooledActor, WorkerPool
from config.loader import load
from messages.commands import GuardAccounts
from messages.facts import TradeExecuted
from messages.journal import Append, Appended
from messages.queries import Ping
from messages.values import AccountRecord, Phase
from tests.load.lean_broker import LeanGateway
from tests.load.report import ENVIRONMENT, NOON, rules
from tests.load.whole import CHUNK, LOSS_USD, PATIENCE_S

SINKS = ("journal", "clock", "enforcer")
PING = Ping(at=NOON, cause="load")


class Sink(PooledActor):
    """Where nothing is kept; it says of an append that it is durable, for that is waited for."""

    def __init__(self, *, directory: Any, dispatcher: WorkerPool) -> None:
        super().__init__(dispatcher=dispatcher)
        self._directory = directory

    def on_receive(self, message: Any) -> Any:
        """Drop the message."""
        if isinstance(message, Append):
            self.keep(message)
            if message.asker:
                token = message.token
                answer = Appended(at=message.at, cause=token, token=token, last_seq=0)
                self._directory.tell(message.asker, answer)
        return "" if isinstance(message, Ping) else None

    def keep(self, append: Append) -> None:
        """Keep nothing."""


class Pipeline:
    """The product's handlers for so many accounts, and how they are wired."""

    def __init__(self, folder: Path, accounts: range) -> None:
        self.accounts = accounts
        self.folder = folder
        path = folder / "lockstep.toml"
        path.write_text('[[logins]]\nname = "load"\n' + rules(LOSS_USD, open_loss=False))
        self.clock = OffsetClock(NOON)
        self.config = load(path, now=self.clock.now(), environment=ENVIRONMENT)
        self.pool = WorkerPool()
        self.loop = LoopThread("gateway-load")
        self.cores: list[AccountCore] = []

    def handlers(self, directory: Any) -> dict[str, PooledActor]:
        """Return every handler by its address, none of them started as an actor."""
        wiring = {"clock": self.clock, "directory": directory, "dispatcher": self.pool}
        made: dict[str, PooledActor] = {
            f"rule/{rule.id}": RuleActor(rule=rule, **wiring) for rule in all_rules()
        }
        made["gateway/load"] = LeanGateway(
            self.accounts, lambda: None, **{**wiring, "dispatcher": self.loop}
        )
        made["quotes/load"] = QuoteActor(login="load", **wiring)
        for account in self.accounts:
            made[f"account/{account}"] = AccountActor(core=self._core(account), **wiring)
        made |= {each: Sink(directory=directory, dispatcher=self.pool) for each in SINKS}
        return made

    def _core(self, account: int) -> AccountCore:
        record = AccountRecord(
            account=account,
            name=str(account),
            balance_usd=Decimal(0),
            can_trade=True,
            simulated=True,
        )
        settings = self.config.account_settings(record, "load")
        state = AccountState.new(account, settings.day, gross=settings.gross)
        core = AccountCore(settings, state, epoch="1")
        self.cores.append(core)
        return core

    def start(self) -> None:
        """Start everything, guard the accounts, and return when all are open."""
        self.carry()
        guard = GuardAccounts(at=NOON, cause="load", accounts=tuple(self.accounts), poll_s=None)
        self.tell("gateway/load", guard)
        self.finish()
        self.check()

    def check(self) -> None:
        """Refuse to measure accounts that are not open: they would judge nothing, and fast."""
        if closed := [core for core in self.cores if core.phase is not Phase.OPEN]:
            raise AssertionError(
                f"{len(closed)} of {len(self.cores)} are not open: {closed[0].status(NOON)}"
            )

    def feed(self, records: list[bytes]) -> None:
        """Push these records, and wait until they are judged."""
        for at in range(0, len(records), CHUNK):
            chunk = records[at : at + CHUNK]
            self.tell("gateway/load", lambda gateway, chunk=chunk: gateway.hear(chunk))
        self.finish()

    def hold(self, holders: range) -> None:
        """Have these accounts hold a contract."""
        self.tell("gateway/load", lambda gateway: [gateway.hold(each, 1) for each in holders])
        self.finish()

    def quote(self, records: list[bytes]) -> None:
        """Push these quotes, none of which overtakes the one before."""
        for record in records:
            self.tell("gateway/load", lambda gateway, record=record: gateway.hear_quote(record))
            self.ask(["gateway/load"])
            self.ask(["quotes/load"])
        self.finish()

    def finish(self) -> None:
        """Wait until every inbox on the way of a fact has been emptied, and again for the answers."""
        accounts = [f"account/{each}" for each in self.accounts]
        rule_actors = [f"rule/{rule.id}" for rule in all_rules()]
        way = (["gateway/load"], ["quotes/load"], accounts, rule_actors, [*SINKS])
        for addresses in (*way, *way, accounts):
            self.ask(addresses)

    def carry(self) -> None:
        """Make and start whatever carries messages."""
        raise NotImplementedError

    def tell(self, address: str, message: Any) -> None:
        """Carry a message."""
        raise NotImplementedError

    def ask(self, addresses: list[str]) -> None:
        """Wait until these have handled what they were told."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop everything."""
        pykka.ActorRegistry.stop_all()
        self.loop.stop()
        self.pool.stop()


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


class Floor(Pipeline):
    """No actors: to tell is to call."""

    def carry(self) -> None:
        """Begin every account."""
        self._made = self.handlers(self)
        for address, handler in self._made.items():
            if address.startswith("account/"):
                handler.on_start()

    def tell(self, address: str, message: Any) -> None:
        """Call the handler."""
        handler = self._made["enforcer" if address.startswith("enforcer/") else address]
        handler.on_receive(message)
        if isinstance(handler, QuoteActor):
            handler.on_turn_end()

    def ask(self, addresses: list[str]) -> None:
        """Nothing is ever under way."""


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
