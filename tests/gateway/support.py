"""A whole gateway against a running simulator, with probes where accounts, enforcers and journal are."""

import threading
from datetime import UTC, datetime
from decimal import Decimal

from actors.gateway import GatewayActor, LoginSettings, QuoteActor
from actors.gateway.fanout import Known
from actors.gateway.feeds import Feeds
from actors.gateway.plausible import QuoteCheck
from actors.runtime import Directory, LoopThread, PooledActor, WorkerPool
from messages.commands import GuardAccounts, OpenSession
from messages.facts import StreamConnected
from messages.journal import Append
from messages.values import Side

A, B = 1001, 1002
USER, KEY = "trader", "canary-key-4711"
MNQ, MES = "CON.F.US.MNQ.Z26", "CON.F.US.MES.Z26"
AT = datetime(2026, 10, 30, 15, 0, tzinfo=UTC)
# A Friday on which the December contracts are the front months.
PATIENCE_S = 100.0
IN_TIME_S = 30.0
# What a command may take on a busy machine: shorter than the window of the request budget.
UNCHECKED = QuoteCheck(Decimal(1), 0.0)


class Heard:
    """What one probe was told; tests wait on it."""

    def __init__(self):
        self._changed = threading.Condition()
        self._messages = []

    def add(self, message):
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def all(self, kind=object):
        with self._changed:
            return [message for message in self._messages if isinstance(message, kind)]

    def wait(self, kind, where=lambda _message: True, count=1, timeout=PATIENCE_S):
        """Return the first `count` messages of a kind; a TimeoutError says what came instead."""
        found = []

        def enough():
            found[:] = [m for m in self._messages if isinstance(m, kind) and where(m)]
            return len(found) >= count

        with self._changed:
            if not self._changed.wait_for(enough, timeout):
                raise TimeoutError(f"{len(found)} of {count} {kind.__name__}: {self._messages}")
        return found[:count]

    def one(self, kind, where=lambda _message: True, timeout=PATIENCE_S):
        return self.wait(kind, where, 1, timeout)[0]


class Probe(PooledActor):
    """Stands where another actor stands, and remembers."""

    def __init__(self, *, dispatcher, heard):
        super().__init__(dispatcher=dispatcher)
        self._heard = heard

    def on_receive(self, message):
        for each in message.events if isinstance(message, Append) else (message,):
            self._heard.add(each)


class Rig:
    """A gateway, its quote actor and probes."""

    def __init__(self, simulator, clock):
        self.sim = simulator
        self.clock = clock
        self.directory = Directory()
        self.pool = WorkerPool()
        self.loop = LoopThread("gateway")
        self.dead = Heard()
        self.directory.on_dead_letter(lambda *letter: self.dead.add(letter))
        addresses = [f"{role}/{each}" for role in ("account", "enforcer") for each in (A, B)]
        self.heard = {address: self._probe(address) for address in (*addresses, "journal", "clock")}
        self.gateway = self.quotes = None
        self.shadows: set[int] = set()
        """Accounts that are only watched."""
        self.fenced = ""
        """Why the process may not act any more."""

    def _probe(self, address):
        heard = Heard()
        ref = Probe.start(dispatcher=self.pool, heard=heard)
        self.directory.register(address, ref)
        return heard

    def settings(self, **changes):
        urls = {
            "api_url": self.sim.api_url,
            "user_hub_url": self.sim.user_hub_url,
            "market_hub_url": self.sim.market_hub_url,
        }
        defaults = {"name": "sim", "username": USER, "api_key": KEY, "reconcile_every_s": 3600.0}
        return LoginSettings(**(defaults | urls | changes))

    def start(self, guarded=(), poll_s=None, **changes):
        """Start the gateway and the quote actor, no session yet."""
        common = {"clock": self.clock, "directory": self.directory}
        self.quotes = QuoteActor.start(
            known=Known(Feeds(["sim"])), check=UNCHECKED, dispatcher=self.pool, **common
        )
        self.directory.register("quotes", self.quotes)
        login = self.settings(**changes)
        self.gateway = GatewayActor.start(
            login=login,
            dispatcher=self.loop,
            guarded=guarded,
            poll_s=poll_s,
            fence=self.fence,
            in_shadow=self.shadows.__contains__,
            **common,
        )
        self.directory.register("gateway/sim", self.gateway)
        return self

    def fence(self):
        return self.fenced

    def head(self, **fields):
        return {"at": self.clock.now(), "cause": "test"} | fields

    def open(self, **changes):
        """Start it and log in."""
        self.start(**changes)
        self.session = self.gateway.ask(OpenSession(**self.head()), timeout=PATIENCE_S)
        return self

    def guard(self, *accounts, poll_s=None, **changes):
        """Start it, log in, and wait until these accounts' streams are up."""
        self.open(**changes)
        self.gateway.tell(GuardAccounts(**self.head(accounts=accounts, poll_s=poll_s)))
        for account in accounts:
            self.account(account).one(StreamConnected)
        return self

    def alone(self):
        """Return what a client without a gateway is given."""
        nothing = lambda *_: None  # noqa: E731
        return {
            "clock": self.clock,
            "alarm": nothing,
            "report_time": nothing,
            "fence": self.fence,
        }

    def account(self, account=A):
        return self.heard[f"account/{account}"]

    def enforcer(self, account=A):
        return self.heard[f"enforcer/{account}"]

    @property
    def journal(self):
        return self.heard["journal"]

    def ask(self, kind, account=A, **fields):
        """Tell the gateway a command that an account's enforcer is answered for."""
        self.gateway.tell(kind(**self.head(account=account), **fields))

    def hold(self, account=A, contract=MNQ, size=1, price=25_000):
        """Give an account a position, by the trader's hand."""
        self.sim.control.set_price(contract, Decimal(price))
        self.sim.control.place_order(account, contract, Side.BUY, size)

    def stop(self):
        for ref in (self.gateway, self.quotes):
            if ref is not None and ref.is_alive():
                ref.stop(timeout=PATIENCE_S)
        self.loop.stop()
        for address in self.directory.addresses():
            self.directory.ref(address).stop(timeout=PATIENCE_S)
        self.pool.stop()
