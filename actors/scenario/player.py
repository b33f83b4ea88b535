"""Plays a scenario on a stage, step by step, and says what was expected and what was seen.

Nothing of a stage's own shows here, so that a file means the same over the wire and in the tests' rig.
An expectation that is not met ends nothing: the rest of the file is played, for the report.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import assert_never

from actors.scenario import checks, settings, times
from actors.scenario.checks import Finding, Sight
from actors.scenario.reading import Act, Scenario
from actors.scenario.stage import ACCOUNTS, Stage, Ticket
from actors.scenario.words import (
    Amount,
    Broker,
    Buys,
    Cancels,
    CanTrade,
    Closes,
    HalfTurn,
    Happening,
    Modifies,
    Prices,
    Realises,
    Sells,
    Step,
    Stream,
    System,
    Then,
    Voids,
    Waits,
    WallClock,
)
from messages.values import OrderType

_ROOTS = {"ES": "EP", "NQ": "ENQ", "CL": "CLE", "MCL": "MCLE", "GC": "GCE"}
_MOST_STRIDES = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one expectation."""

    step: int
    """Counted from 1."""
    account: str
    """`A` or `B`."""
    finding: Finding


@dataclass(slots=True)
class Player:
    """One performance of one scenario."""

    scenario: Scenario
    raise_stage: Callable[[datetime], Stage]
    """Makes a new stage whose clock stands at an instant."""
    say: Callable[[str], None] = lambda _line: None
    """Told each happening as it begins."""
    judge: Callable[[Verdict], None] = lambda _verdict: None
    """Told each verdict as it falls."""
    verdicts: list[Verdict] = field(default_factory=list)
    _stage: Stage | None = None
    _names: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Name → account and id of an order or a fill."""
    _seen: dict[str, tuple[int, int]] = field(default_factory=lambda: defaultdict(lambda: (0, 0)))
    """Account → commands and events that an earlier `then` has looked at."""

    def play(self) -> list[Verdict]:
        """Play it from beginning to end."""
        try:
            if not (self.scenario.acts and self.scenario.acts[0].step.anew):
                self._begin(self.scenario.start)
            for act in self.scenario.acts:
                self._play(act)
        finally:
            if self._stage is not None:
                self._stage.end()
        return self.verdicts

    def _begin(self, start: datetime) -> None:
        given = self.scenario.file.given
        if self._stage is not None:
            self._stage.end()
        self._names.clear()
        self._seen.clear()
        self.say(f"It is {start:%A %Y-%m-%d %H:%M:%S} ({start.tzinfo}).")
        self._stage = stage = self.raise_stage(start.astimezone(UTC))
        for product, price in given.prices.items():
            stage.price(self._contract(product), Decimal(price))
        for each in self.scenario.before:
            self._happen(each)
        stage.start(settings.tables(given), given.calendar)

    @property
    def _on(self) -> Stage:
        if self._stage is None:
            raise RuntimeError("nothing is on the stage before the scenario has begun")
        return self._stage

    def _play(self, act: Act) -> None:
        step = act.step
        if step.anew:
            text = step.anew if isinstance(step.anew, str) else None
            start = self.scenario.start
            self._begin(times.moment(text, start) if text else start)
        for _ in range(step.repeat):
            self._let_pass(step)
            for each in act.when:
                self._happen(each)
        for account, then in (("A", step.then), ("B", step.then_b)):
            if then is not None:
                self._look(act.number, account, then)

    # --- time ---

    @property
    def _zone(self) -> tzinfo | None:
        return self.scenario.start.tzinfo

    def _now(self) -> datetime:
        return self._on.clock.now().astimezone(self._zone)

    def _let_pass(self, step: Step) -> None:
        if step.at is not None:
            self._until(times.moment(step.at, self._now()).astimezone(UTC))
        elif step.after_s is not None:
            self._until(self._on.clock.now() + timedelta(seconds=float(step.after_s)))

    def _until(self, moment: datetime) -> None:
        """Stride there, so that what becomes due on the way happens on the way."""
        clock = self._on.clock
        whole = (moment - clock.now()).total_seconds()
        stride = max(1, whole // _MOST_STRIDES)  # whole seconds: their sums are exact
        while (left := (moment - clock.now()).total_seconds()) > 0:
            clock.advance(min(stride, left))
            self._on.settle()
        self.say(f"Time passes until {self._now():%a %H:%M:%S.%f}"[:-3])

    # --- what happens ---

    def _happen(self, word: Happening) -> None:  # noqa: C901, PLR0912 - one case per word
        stage = self._on
        self.say(word.said())
        match word:
            case Buys() | Sells():
                self._order(word)
            case Closes():
                stage.close(ACCOUNTS[word.account], self._contract(word.closes), word.size)
            case Realises():
                gross, fees = Decimal(word.realises), Decimal(word.fees)
                trade = stage.fill(ACCOUNTS[word.account], self._contract(word.of), gross, fees)
                self._name(word.name, word.account, trade)
            case HalfTurn():
                contract = self._contract(word.half_turn)
                stage.fill(ACCOUNTS[word.account], contract, None, Decimal(0))
            case Voids():
                stage.void(*self._named(word.voids))
            case Cancels():
                stage.cancel(*self._named(word.cancels))
            case Modifies():
                account, order = self._named(word.modifies)
                limit, stop = _price(word.limit), _price(word.stop)
                stage.modify(account, order, limit=limit, stop=stop, size=word.size)
            case Prices():
                for product, price in word.price.items():
                    stage.price(self._contract(product), Decimal(price))
            case CanTrade():
                stage.can_trade(ACCOUNTS[word.account], flag=word.can_trade)
            case Broker():
                stage.mood(ACCOUNTS[word.account], word.broker)
            case Stream():
                stage.stream(word.stream)
            case System():
                self._system(word)
            case WallClock():
                stage.clock.set_wall(stage.clock.now() + timedelta(seconds=word.wall_clock_s))
            case Waits():
                self._until(stage.clock.now() + timedelta(seconds=float(word.wait_s)))
            case _:
                assert_never(word)
        stage.settle()

    def _system(self, word: System) -> None:
        given = self.scenario.file.given
        match word.system:
            case "stops":
                self._on.stop()
            case "starts":
                self._on.start(settings.tables(given, word.rules), given.calendar)
            case "loses its account actor":
                self._on.fail(f"account/{ACCOUNTS['A']}")
            case "loses its enforcer":
                self._on.fail(f"enforcer/{ACCOUNTS['A']}")

    def _order(self, word: Buys | Sells) -> None:
        ticket = Ticket(
            contract=self._contract(word.of),
            size=word.signed,
            type=_type_of(word),
            limit=_price(word.limit),
            stop=_price(word.stop if word.trailing is None else word.trailing),
        )
        order = self._on.order(ACCOUNTS[word.account], ticket, quietly=word.quietly)
        self._name(word.name, word.account, order)

    def _name(self, name: str | None, account: str, number: int) -> None:
        if name is not None:
            self._names[name] = (account, number)

    def _named(self, name: str) -> tuple[int, int]:
        account, number = self._names[name]
        return ACCOUNTS[account], number

    def _contract(self, product: str) -> str:
        """Return the contract a product stands for: `MNQ`, `MNQ.H26`, or an id as it is."""
        if product.startswith("CON."):
            return product
        root, _, expiry = product.partition(".")
        return f"CON.F.US.{_ROOTS.get(root, root)}.{expiry or self.scenario.file.given.expiry}"

    # --- what must be seen ---

    def _look(self, step: int, account: str, then: Then) -> None:
        found = checks.findings(then, self._sight(account))
        while not all(each.met for each in found) and self._on.another_look():
            found = checks.findings(then, self._sight(account))
        for finding in found:
            self.verdicts.append(Verdict(step, account, finding))
            self.judge(self.verdicts[-1])
        self._seen[account] = (
            len(self._on.received(ACCOUNTS[account])),
            len(self._on.journal(ACCOUNTS[account])),
        )

    def _sight(self, account: str) -> Sight:
        stage, number = self._on, ACCOUNTS[account]
        commands, events = self._seen[account]
        journal = stage.journal(number)
        return Sight(
            status=stage.status(number),
            held=stage.held(number),
            working=stage.working(number),
            received=[
                checks.sentence(kind, contract and self._product(contract), size)
                for kind, contract, size in stage.received(number)[commands:]
            ],
            in_order=stage.in_order,
            journal=journal,
            news=journal[events:],
            now=self._now(),
            product=self._product,
        )

    def _product(self, contract: str) -> str:
        return checks.name_of(contract, self.scenario.file.given.expiry)


def _price(amount: Amount | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)


def _type_of(word: Buys | Sells) -> OrderType:
    if word.trailing is not None:
        return OrderType.TRAILING_STOP
    match word.limit is not None, word.stop is not None:
        case True, True:
            return OrderType.STOP_LIMIT
        case True, False:
            return OrderType.LIMIT
        case False, True:
            return OrderType.STOP
        case _:
            return OrderType.MARKET
