"""Fault rounds: some fifteen accounts over the wire, most of them breaching while something goes wrong.

The whole system with the real SDK, hubs and SQLite in this process against the wire-level simulator; the
plan says who breaches when and which faults strike. In the end everything is healed, and what was left
behind is judged: by the checker, and by what each account must have come to. Used by `./run chaos`
and, with a fixed and a random seed, by the tests.
"""

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from actors.gateway import GatewayActor
from actors.runtime import OffsetClock
from actors.simulator import Simulator
from actors.simulator.broker import Limits
from actors.simulator.contracts import ContractSpec, catalogue
from actors.simulator.refusals import RefusedError
from messages.queries import AccountStatus
from messages.values import OrderType, Side
from tests.chaos import fault_verdict
from tests.chaos.evidence import AtBroker, BrokerWatch, Judged, last_seq
from tests.chaos.exposure import Exposure, exposed_by
from tests.chaos.fault_plan import AccountPlan, Dealt, Plan, plan_of
from tests.chaos.fault_results import FaultRound, Strike
from tests.chaos.faults import Breach, Turn, two_and_an_order
from tests.chaos.walk import Violation
from tests.rig import NOON
from tests.wire_rig import (
    FIRST_USER,
    SECOND_LOGIN,
    SECOND_USER,
    TOKENS_OF_BOTH,
    WatchedGateway,
    WireRig,
    new_simulator,
    wire_config,
)

SIZE_LIMIT = 6
_RULES: dict[str, dict[str, Any]] = {
    "daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": True},
    "max_contracts": {"limit": SIZE_LIMIT},
    "symbol_blocks": {"patterns": ["RTY", "CL"]},
}
_MORE = """silence_s = 0.6
requests_per_minute = 20000
[money]
quote_max_age_s = 30.0
"""
_BUDGET = Limits(requests=30, window_s=1.0)
"""What the broker allows while its budget is a fault; Lockstep believes in more."""
_LOSS = Decimal(-600)
_TICK_EVERY_S = 0.2
_REST_S = 60.0
"""How long after the last fault everything may take to come to rest."""


class _QuickGateway(WatchedGateway):
    """The real gateway, without the wire rig's look at the journal."""

    def on_receive(self, message: Any) -> object:
        return GatewayActor.on_receive(self, message)


class Stage:
    """One round's system, broker and threads."""

    def __init__(self, folder: Path, plan: Plan, seed: str) -> None:
        self.plan = plan
        self.seed = seed
        self.clock = OffsetClock(NOON)
        self.accounts = tuple(each.account for each in plan.accounts)
        shares = [self.accounts[n :: plan.logins] for n in range(plan.logins)]
        self.sim: Simulator = new_simulator(self.clock, *shares, limits=_BUDGET)
        self.control = self.sim.control
        self.control.limit_requests(False)
        self.control.set_costs(Decimal(0), Decimal(0))
        broker = self.sim._broker
        self.watch = BrokerWatch(broker.exchange, lambda: last_seq(folder / "lockstep.db"))
        self.exposure = Exposure(broker)
        self.over, self.closed = threading.Event(), threading.Event()
        self.market = threading.Thread(target=self._market, name="market", daemon=True)
        self.breached = {account: threading.Event() for account in self.accounts}
        self.strikes: list[Strike] = []
        self.errors: list[str] = []
        self.specs = _allotted(("MNQ", "MES", "MYM", "M2K"), self.accounts)
        self.blocked = _allotted(("RTY", "CLE"), self.accounts)
        self.sim.start()
        self.rig: WireRig | None = None
        self.judged: list[Judged] = []

    def open(self, folder: Path) -> None:
        """Start the system and wait until it guards every account."""
        config = (
            wire_config(deadline_s=self.plan.deadline_s, reconcile_every_s=0.1, **_RULES)
            + _MORE
            + (SECOND_LOGIN if self.plan.logins > 1 else "")
        )
        with fault_verdict.rules_watched() as self.judged:
            self.rig = WireRig(
                folder,
                config,
                simulator=self.sim,
                clock=self.clock,
                open_accounts=self.accounts,
                gateway=_QuickGateway,
                on_event=self.exposure.on_event,
                tokens=TOKENS_OF_BOTH,
            )

    def equip(self) -> None:
        """Quote every contract, and give every account what its round begins with."""
        for each in self.plan.accounts:
            for spec in (self.specs[each.account], self.blocked[each.account]):
                self.control.set_price(spec.id, spec.product.reference)
            cards = [dealt.card.equip for dealt in each.cards if dealt.card.equip]
            turn = self.turn(each.account, "equip", 0.0)
            (cards[0] if cards and each.breach else two_and_an_order)(turn)

    def turn(self, account: int, name: str, seconds: float) -> Turn:
        """Return what a card is played with."""
        return Turn(
            control=self.control,
            record=self.sim.record(),
            random=Random(f"{self.seed}/{account}/{name}"),  # noqa: S311 - to be repeated
            seconds=seconds,
            accounts=self.accounts,
            users=(FIRST_USER, SECOND_USER)[: self.plan.logins],
            account=account,
            spec=self.specs[account],
            over=self.over,
            breached=self.breached[account],
            is_locked=partial(self.exposure.is_locked, account),
            is_settled=partial(self.exposure.is_settled, account),
        )

    def play(self) -> None:
        """Let everything happen, each on a thread of its own, and return when it has."""
        self.market.start()
        begun = time.monotonic()
        work: list[tuple[float, Callable[[], None]]] = []
        for each in self.plan.accounts:
            work.append((each.at_s, partial(self._breach, each)))
            work += [(d.at_s, partial(self._strike, each.account, d)) for d in each.cards]
        work += [(d.at_s, partial(self._strike, None, d)) for d in self.plan.login]
        threads = [
            threading.Thread(target=self._later, args=(begun + at_s, act), daemon=True)
            for at_s, act in work
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(_REST_S)
        assert not any(each.is_alive() for each in threads), "a fault has not come to its end"
        assert not self.errors, self.errors

    def _market(self) -> None:
        """Let every contract go a tick up and down for as long as the round lasts: a market is not still.

        Who has lost a quote sees the next one.
        """
        up = -1
        while not self.closed.wait(_TICK_EVERY_S):
            up = -up
            for spec in self.specs.values():
                self.control.on_loop(partial(self._tick, spec, up))

    def _tick(self, spec: ContractSpec, up: int) -> None:
        last = self.sim._broker.exchange.market.listing(spec.id).last
        self.control.set_price(spec.id, last + up * spec.product.tick_size)

    def _later(self, at_s: float, act: Callable[[], None]) -> None:
        self.over.wait(max(0.0, at_s - time.monotonic()))
        try:
            act()
        except Exception as error:  # noqa: BLE001 - it belongs to the thread that plays the round
            self.errors.append(f"{type(error).__name__}: {error}")

    def _strike(self, account: int | None, dealt: Dealt) -> None:
        begun = time.monotonic()
        turn = self.turn(account or self.accounts[0], dealt.card.name, dealt.seconds)
        struck = int(dealt.card.play(turn))
        self.strikes.append(
            Strike(dealt.card.name, account, struck, begun, time.monotonic(), dealt.card.hides)
        )

    def _breach(self, plan: AccountPlan) -> None:
        """Breach, again and again while the exchange is shut."""
        breach, spec, blocked = plan.breach, self.specs[plan.account], self.blocked[plan.account]
        while breach is not None:
            exposed = exposed_by(breach, blocked.id, SIZE_LIMIT)
            self.exposure.begin(plan.account, breach, exposed)
            try:
                self._act(plan.account, breach, spec, blocked)
            except RefusedError:
                del self.exposure.watched[plan.account]
                self.over.wait(0.02)
            else:
                break
        self.breached[plan.account].set()

    def _act(self, account: int, breach: Breach, spec: ContractSpec, blocked: ContractSpec) -> None:
        match breach:
            case Breach.LOSS:
                self.control.book_trade(account, spec.id, profit_and_loss=_LOSS)
            case Breach.OPEN_LOSS:
                points = -_LOSS / (2 * spec.value_per_point)
                self.control.set_price(spec.id, spec.product.reference - points)
            case Breach.SIZE:
                self.control.place_order(account, spec.id, Side.BUY, SIZE_LIMIT + 1)
            case Breach.SYMBOL:
                self.control.place_order(account, blocked.id, Side.BUY, 2)
                far = blocked.product.reference / 2
                with suppress(RefusedError):  # halted in between
                    self.control.place_order(
                        account, blocked.id, Side.BUY, 1, OrderType.LIMIT, limit_price=far
                    )

    def at_broker(self, status: AccountStatus) -> AtBroker:
        """Return how an account stands at the broker."""
        day = self.rig.system.config.context.trading_day
        label = lambda at: day.label(at).isoformat()  # noqa: E731
        return self.control.on_loop(
            lambda: self.watch.end(status.account, label, status.trading_date)
        )

    def heal(self) -> None:
        """End everything that may still be wrong."""
        self.over.set()
        control = self.control
        control.clear_faults()
        control.silence(False)
        control.freeze(False)
        control.limit_requests(False)
        control.shorten_tokens(86_400.0)
        control.date_answers(0.0)
        control.set_market_open(True)
        for spec in self.specs.values():
            control.set_liquidity(spec.id, None)

    def close(self) -> None:
        """End the round, whatever has become of it."""
        self.closed.set()
        if self.market.ident:
            self.market.join()
        self.heal()
        if self.rig is not None:
            self.rig.stop()
        self.sim.stop()


def _allotted(roots: tuple[str, ...], accounts: tuple[int, ...]) -> dict[int, ContractSpec]:
    """Give every account a contract of its own."""
    listed = [
        spec
        for spec in catalogue(NOON.date()).values()
        if spec.product.root in roots and not spec.id.endswith("U25")
    ]
    return {account: listed[n % len(listed)] for n, account in enumerate(accounts)}


def play_fault_round(seed: str, index: int, folder: Path | None = None) -> FaultRound:
    """Play one round and judge what it leaves behind."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="chaos-") as name:
            return play_fault_round(seed, index, Path(name))
    plan = plan_of(seed, index)
    round_ = FaultRound(seed, index, plan.lines())
    stage = Stage(folder, plan, f"{seed}/{index}")
    try:
        stage.open(folder)
        stage.equip()
        stage.play()
        stage.heal()
        fault_verdict.wait_at_rest(stage, _REST_S)
        fault_verdict.judge(stage, round_)
    except (AssertionError, TimeoutError) as error:  # what must come has not come
        round_.violations.append(Violation("I5", None, None, str(error)[:2000]))
    finally:
        round_.strikes = sorted(stage.strikes, key=lambda each: each.begun_s)
        stage.close()
    return round_
