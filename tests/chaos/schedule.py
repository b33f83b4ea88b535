"""Random schedules: what a trader, a market, a bad broker and a killer do, all drawn from one seed.

`play` runs one schedule in a world of its own and returns what came of it. Seed and index name a
schedule for good: the same two give the same configuration, steps, kills and interleaving.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from messages.events import AccountLocked, EnforcementStarted, FlatConfirmed, SystemStarted
from messages.values import OrderType, Rejected
from tests.chaos.evidence import Evidence
from tests.chaos.walk import Violation
from tests.chaos.world import World, fill, order
from tests.rig import A, B, config_of, contract

_C = A + 2
_PRODUCTS = ("MNQ", "MNQ", "MES")
_RULES: tuple[dict[str, dict[str, object]], ...] = (
    {"daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": False}},
    {"daily_realized_loss": {"max_loss_usd": 500}, "max_contracts": {"limit": 3}},
    {
        "daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": False},
        "cooldown_after_loss": {"tiers": [{"loss_usd": 100, "cooldown_s": 60}]},
        "daily_realized_profit": {"target_usd": 700},
    },
    {
        "daily_realized_profit": {"target_usd": 500},
        "trade_frequency_limit": {"per_minute": 4},
    },
    {
        "max_contracts_per_instrument": {"limits": {"MNQ": 2, "MES": 2}, "unknown": "block"},
        "symbol_blocks": {"patterns": ["MES"]},
        "auth_loss_guard": {},
    },
)
_EDGES = (
    None,
    "intent is durable",
    "intent is durable",
    "lock is durable",
    "lock is durable",
    "commands is durable",
    "answers is durable",
    "flat is durable",
    "close_contract",
    "cancel_order",
    "answer unseen",
    "reset is durable",
    "release is durable",
    "exposure is durable",
    "read",
)
_AT_START = (None, "start", "recovery", "read", "reset", "close_contract", "facts", "open")


@dataclass
class Result:
    """What came of one schedule."""

    seed: str
    index: int
    steps: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    poisoned: int = 0
    violations: list[Violation] = field(default_factory=list)
    evidence: Evidence | None = None
    to_flat_s: float = 0.0
    """Longest virtual time from an intent, or the restart after it, to a proof."""
    to_lock_s: float = 0.0
    """Likewise to a lock."""

    def __str__(self) -> str:
        lines = [f"schedule {self.seed}/{self.index}", *(f"  {each}" for each in self.steps)]
        return "\n".join([*lines, *(f"  VIOLATION {each}" for each in self.violations)])


class _Player:
    """Plays one schedule, step by step."""

    def __init__(self, world: World, random: Random, result: Result) -> None:
        self._world = world
        self._random = random
        self._result = result
        self._orders: dict[int, list[int]] = {account: [] for account in world.accounts}
        self._acts: tuple[tuple[int, Callable[[int], None]], ...] = (
            (20, self._market),
            (6, self._resting),
            (14, self._book),
            (6, self._burst),
            (8, self._breach),
            (6, self._price),
            (4, self._cancel),
            (3, self._void),
            (3, self._flag),
            (8, self._misfortune),
            (5, self._relief),
            (3, self._liquidity),
            (3, self._stream),
            (14, self._wait),
            (3, self._poison),
            (18, self._kill),
        )

    def play(self, steps: int) -> None:
        """Do so many things; whoever has died is started again after a while."""
        weights = [weight for weight, _ in self._acts]
        for _ in range(steps):
            (_, act) = self._random.choices(self._acts, weights)[0]
            act(self._random.choice(self._world.accounts))
            if self._world.life.dead and self._random.random() < 0.6:
                self._come_back()
        self._say("heal")
        self._world.heal(self._random)

    def _say(self, text: str) -> None:
        died = f" [dead: {self._world.life.dead_at}]" if self._world.life.dead else ""
        self._result.steps.append(text + died)

    def _come_back(self) -> None:
        arm = None
        if self._random.random() < 0.4:
            arm = (self._random.choice(_AT_START), self._random.randint(1, 6))
        if self._random.random() < 0.5:
            self._market(self._random.choice(self._world.accounts))  # while nobody guards
        self._say(f"restart, to die at {arm}" if arm else "restart")
        self._world.restart(arm)

    # --- the trader and the market ---

    def _product(self) -> str:
        return self._random.choice(_PRODUCTS)

    def _size(self) -> int:
        return self._random.choice((1, 1, 2, 3, 5)) * self._random.choice((1, 1, -1))

    def _market(self, account: int) -> None:
        product, size = self._product(), self._size()
        self._world.trade([order(account, product, size)], self._random)
        self._say(f"{account} {size} {product}")

    def _resting(self, account: int) -> None:
        product, size = self._product(), self._size()
        last = self._world.broker.exchange.market.listing(contract(product)).last
        away = Decimal(self._random.choice((20, 100)))
        type_ = self._random.choice((OrderType.LIMIT, OrderType.STOP))
        below = (size > 0) is (type_ is OrderType.LIMIT)
        price = last - away if below else last + away
        prices = {"limit" if type_ is OrderType.LIMIT else "stop": price}
        self._world.trade([order(account, product, size, type_, **prices)], self._random)
        self._say(f"{account} {size} {product} {type_.name} {price}")

    def _book(self, account: int) -> None:
        usd = self._random.choice((-600, -300, -250, -120, -50, 100, 400, 800))
        self._world.trade([fill(account, usd)], self._random)
        self._say(f"{account} realises {usd}")

    def _burst(self, account: int) -> None:
        changes = [order(account, self._product(), self._size()) for _ in range(2)]
        changes.insert(self._random.randrange(3), fill(account, -300))
        self._world.trade(changes, self._random)
        self._say(f"{account} two orders and -300 at once")

    def _breach(self, account: int) -> None:
        size = self._size()
        self._world.trade(
            [order(account, self._product(), size), fill(account, -600)], self._random
        )
        self._say(f"{account} opens {size} and loses 600 at once")

    def _price(self, _account: int) -> None:
        product, ticks = self._product(), self._random.choice((-200, -40, 40, 200))
        name = contract(product)
        price = self._world.broker.exchange.market.listing(name).last + Decimal(ticks) / 4
        move = lambda exchange, now: exchange.move(name, (price, price, price), now)[1]  # noqa: E731
        self._world.trade([move], self._random)
        self._world.do(lambda gateway: gateway.quote(name), self._random)
        self._say(f"{product} at {price}")

    def _cancel(self, account: int) -> None:
        orders = self._world.broker.exchange.accounts[account].orders.values()
        working = [each.id for each in orders if each.working]
        if working:
            chosen = self._random.choice(working)
            cancel = lambda exchange, now: exchange.cancel(account, chosen, now)  # noqa: E731
            self._world.trade([cancel], self._random)
            self._say(f"{account} cancels {chosen}")

    def _void(self, account: int) -> None:
        trades = self._world.broker.exchange.accounts[account].trades.values()
        real = [each.id for each in trades if not each.voided]
        if real:
            chosen = self._random.choice(real)
            void = lambda exchange, _now: exchange.void_trade(account, chosen)  # noqa: E731
            self._world.trade([void], self._random)
            self._say(f"{account} trade {chosen} is void")

    def _flag(self, account: int) -> None:
        may = not self._world.broker.exchange.accounts[account].can_trade
        change = lambda exchange, _now: exchange.change_account(account, {"can_trade": may})  # noqa: E731
        self._world.trade([change], self._random)
        self._say(f"{account} may trade: {may}")

    # --- misfortune ---

    def _misfortune(self, account: int) -> None:
        broker = self._world.broker
        self._world.healthy.discard(account)
        kind = self._random.choice(("lost", "unsent", "refused", "deaf", "blind", "late"))
        match kind:
            case "lost" | "unsent":
                broker.hanging[account] = kind == "lost"
            case "refused":
                broker.refusing[account] = Rejected(code=5, text="not now")
            case "deaf":
                broker.deaf.add(account)
            case "blind":
                broker.blind.add(account)
            case _:
                broker.late.add(account)
        self._say(f"{account} broker is {kind}")

    def _relief(self, account: int) -> None:
        broker = self._world.broker
        for trouble in (broker.hanging, broker.refusing):
            trouble.pop(account, None)
        broker.blind.discard(account)
        broker.deaf.discard(account)
        self._world.do(lambda gateway: gateway.flush(account), self._random)
        self._say(f"{account} broker is well")

    def _liquidity(self, _account: int) -> None:
        name, size = contract(self._product()), self._random.choice((0, 1, 2, None))
        self._world.healthy.clear()
        self._world.broker.exchange.market.listing(name).liquidity = size
        rematch = lambda exchange, now: exchange.rematch(name, now)  # noqa: E731
        self._world.trade([rematch], self._random)
        self._say(f"{name} has liquidity {size}")

    def _stream(self, account: int) -> None:
        self._world.broker.muted.update(self._world.accounts)
        self._world.do(lambda gateway: gateway.lose(), self._random)
        self._world.trade([order(account, self._product(), self._size())], self._random)
        self._world.broker.muted.clear()
        self._world.do(lambda gateway: gateway.reconnect(), self._random)
        self._say(f"stream lost and back; {account} traded meanwhile")

    def _wait(self, _account: int) -> None:
        seconds = self._random.choice((0.1, 0.5, 1, 3, 5, 10, 61, 300))
        if self._random.random() < 0.15:
            seconds = self._to_reset_s() + self._random.choice((-1, 0, 1, 60))
        self._world.advance(seconds, self._random)
        self._say(f"{seconds} s pass")

    def _to_reset_s(self) -> float:
        now = self._world.clock.now()
        reset = now.replace(hour=22, minute=0, second=0, microsecond=0)
        if reset <= now + timedelta(seconds=1):
            reset += timedelta(days=1)
        return (reset - now).total_seconds()

    def _poison(self, account: int) -> None:
        role = self._random.choice(("account", "enforcer"))
        self._world.poison(f"{role}/{account}", self._random)
        self._world.healthy.discard(account)
        self._result.poisoned += 1
        self._say(f"{role}/{account} fails")

    def _kill(self, account: int) -> None:
        if self._world.life.dead:
            return
        edge, count = self._random.choice(_EDGES), self._random.choice((1, 1, 1, 2, 3, 5))
        self._world.life.arm(edge, count)
        self._say(f"to die at {edge or 'any edge'}, {count}")
        self._random.choice((self._breach, self._book, self._market, self._burst, self._wait))(
            account
        )


def play(seed: str, index: int, *, keep_evidence: bool = False) -> Result:
    """Play one schedule and check what it leaves behind."""
    result = Result(seed, index)
    random = Random(f"{seed}/{index}")  # noqa: S311 - to be repeated, not to be secret
    rules = random.choice(_RULES)
    accounts = random.choice(((A,), (A, B), (A, B, _C)))
    result.steps.append(f"accounts {accounts}, {', '.join(rules)}")
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        world = World(Path(name), config_of(**rules), accounts)
        try:
            _Player(world, random, result).play(random.randint(6, 24))
            evidence = world.evidence()
            result.violations = world.violations()
        finally:
            result.deaths = world.deaths
            world.close()
    result.to_flat_s, result.to_lock_s = _times(evidence)
    result.evidence = evidence if keep_evidence else None
    return result


def _times(evidence: Evidence) -> tuple[float, float]:
    """Measure where nothing was wrong at the broker; down time is not Lockstep's."""
    begun: dict[str, datetime] = {}
    flat, lock = [0.0], [0.0]
    for _, event in evidence.journal:
        match event:
            case SystemStarted():
                begun = dict.fromkeys(begun, event.at)
            case EnforcementStarted() if event.account in evidence.healthy:
                begun[event.enforcement_id] = event.at
            case FlatConfirmed() | AccountLocked() if event.enforcement_id in begun:
                taken = (event.at - begun[event.enforcement_id]).total_seconds()
                (flat if isinstance(event, FlatConfirmed) else lock).append(taken)
            case _:
                pass
    return max(flat), max(lock)
