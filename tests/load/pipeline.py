"""The product's handlers for many accounts, and how facts are fed to them.

The handlers are the product's own actors, made but not started: what one does with a message is the
same code whoever calls it, and so is the decoding. Supervision and journal, deadlines and
enforcement are left out or sinks: the facts fed break no rule.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pykka

from actors.account.actor import AccountActor
from actors.account.core import AccountCore
from actors.account.state import AccountState
from actors.gateway import QuoteActor
from actors.gateway.fanout import Known
from actors.gateway.feeds import Feeds
from actors.gateway.plausible import QuoteCheck
from actors.rules.actor import RuleActor
from actors.rules.registry import all_rules
from actors.runtime import LoopThread, OffsetClock, PooledActor, WorkerPool
from config.loader import load
from messages.commands import GuardAccounts
from messages.journal import Append, Appended
from messages.queries import Ping
from messages.values import AccountRecord, Phase
from tests.load.lean_broker import LeanGateway
from tests.load.minute import Beat
from tests.load.report import ENVIRONMENT, MONEY, NOON, rules
from tests.load.whole import CHUNK, LOSS_USD

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
        path.write_text('[[logins]]\nname = "load"\n' + MONEY + rules(LOSS_USD, open_loss=False))
        self.clock = OffsetClock(NOON)
        self.config = load(path, now=self.clock.now(), environment=ENVIRONMENT)
        self.pool = WorkerPool()
        self.loop = LoopThread("gateway-load")
        self.cores: list[AccountCore] = []

    def handlers(self, directory: Any) -> dict[str, PooledActor]:
        """Return every handler by its address, none of them started as an actor."""
        wiring = {"clock": self.clock, "directory": directory, "dispatcher": self.pool}
        known, said = Known(Feeds(["load"])), self.config.file.quotes
        check = QuoteCheck(said.max_jump_percent, said.confirm_within_s)
        late = {"late_after_s": self.config.file.health.late_after_s}
        made: dict[str, PooledActor] = {
            f"rule/{rule.id}": RuleActor(rule=rule, **late, **wiring) for rule in all_rules()
        }
        made["gateway/load"] = LeanGateway(
            self.accounts, lambda: None, **{**wiring, "dispatcher": self.loop}
        )
        made["quotes"] = QuoteActor(check=check, known=known, **wiring)
        for account in self.accounts:
            core = self._core(account)
            quoted = {"latest": known.latest, "peaks": known.peaks}
            made[f"account/{account}"] = AccountActor(core=core, **quoted, **wiring)
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
            self.ask(["quotes"])
        self.finish()

    def hold_each(self, holdings: dict[int, str]) -> None:
        """Have accounts hold a contract each."""
        self.tell(
            "gateway/load", lambda gateway: [gateway.hold(a, 1, c) for a, c in holdings.items()]
        )
        self.finish()

    def live(self, beats: list[Beat]) -> None:
        """Push the records of both hubs; no quote overtakes the one before."""
        for beat in beats:
            self.tell("gateway/load", lambda gateway, beat=beat: gateway.hear_beat(beat))
            self.ask(["gateway/load"])
            self.ask(["quotes"])
        self.finish()

    def finish(self) -> None:
        """Wait until every inbox on the way of a fact has been emptied, and again for the answers."""
        accounts = [f"account/{each}" for each in self.accounts]
        rule_actors = [f"rule/{rule.id}" for rule in all_rules()]
        way = (["gateway/load"], ["quotes"], accounts, rule_actors, [*SINKS])
        for addresses in (*way, *way, accounts):
            self.ask(addresses)

    def carry(self) -> None:
        """Make and start whatever carries messages."""
        raise NotImplementedError

    def tell(self, address: str, message: Any) -> None:
        """Carry a message."""
        raise NotImplementedError

    def waiting(self, address: str) -> int:
        """Return how many messages wait at an address."""
        raise NotImplementedError

    def ask(self, addresses: list[str]) -> None:
        """Wait until these have handled what they were told."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop everything."""
        pykka.ActorRegistry.stop_all()
        self.loop.stop()
        self.pool.stop()
