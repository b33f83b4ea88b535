"""The whole system told quotes by bands does what it does when it is told every quote: at every step.

A random trader, market and misfortune, the same from one seed: with bands, and with a QuoteActor that
takes none, so that it tells every holder every quote.
"""

import random
from contextlib import suppress
from decimal import Decimal

import pytest

from actors.gateway.fanout import Fanout
from actors.simulator import RefusedError
from messages.values import OrderType
from tests.rig import A, B, Rig, config_of

TICK = Decimal("0.25")
START = {"MNQ": Decimal(25_000), "MES": Decimal(6_500)}
STEPS = {
    "market": 40,
    "order": 14,
    "stop": 8,
    "fill": 5,
    "time": 6,
    "reload": 4,
    "poison": 4,
    "stream": 3,
    "day": 4,
    "restart": 1,
}
"""How often each thing happens, of about ninety."""
MANAGED = {
    "breakeven": {"after_ticks": 12, "offset_ticks": 2},
    "trailing": {"activate_ticks": 20, "trail_ticks": 9},
}


class Story:
    """What happens, step by step; every choice is made before anything is seen."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a trader
        self.at = dict(START)
        self.conservative = self.chance.random() < 0.3
        self.limits = self._limits()

    def _limits(self) -> tuple[int, int, int]:
        return tuple(self.chance.choice([60, 100, 150, 240, 400]) for _ in range(3))

    def config(self) -> str:
        day, open_, target = self.limits
        text = config_of(
            daily_realized_loss={"max_loss_usd": day},
            daily_unrealized_loss={"max_loss_usd": open_},
            max_unrealized_profit={"target_usd": target},
            trade_management=MANAGED,
        )
        allowed = '[checks]\nallow = ["open_loss_above_daily_loss", "calendar_expires_soon"]\n'
        mark = '[money]\nmark = "conservative"\n' if self.conservative else ""
        return text.replace("[http]", mark + allowed + "[http]")

    def step(self, run: Rig) -> Rig:  # noqa: PLR0912 - one case each
        """Let one thing happen; return the system, perhaps a new one."""
        chance = self.chance
        what = chance.choices(
            [*STEPS],
            [*STEPS.values()],
        )[0]
        account, product = chance.choice([A, B]), chance.choice([*START])
        size, number = chance.choice([-3, -2, -1, 1, 2, 3]), chance.randrange(1_000_000)
        match what:
            case "market":
                for _ in range(3):
                    self._move(run, chance.choice([*START]))
            case "order":
                _place(run, account, product, size)
            case "stop":
                off = TICK * (10 + number % 30) * (1 if size > 0 else -1)
                _place(run, account, product, size, stop=self.at[product] + off)
            case "fill":
                run.fill(account, str(number % 90 - 50), product="MES" if number % 2 else "MNQ")
            case "time":
                run.advance(number % 9)
                for each in START:
                    self._move(run, each)
            case "reload":
                self.limits = self._limits()
                run.system.config.path.write_text(self.config())
                run.system.reload(run.system.config.path)
                run.settle()
            case "poison":
                address = [f"account/{account}", "quotes", "rule/RULE-004"][number % 3]
                run.system.directory.tell(address, "poison")
                run.settle()
                run.advance(30)  # it comes back the later the more often it has failed
                self._move(run, product)
            case "stream":
                run.do(lambda gateway: gateway.lose())
                self._move(run, product)
                run.do(lambda gateway: gateway.reconnect())
            case "day":
                run.advance(86_400)
                for each in START:
                    self._move(run, each)
            case "restart":
                run.stop()
                run = Rig(run.folder, self.config(), broker=run.broker)
        run.advance(0.6)  # whatever was doubted counts
        return run

    def _move(self, run: Rig, product: str) -> None:
        steps = self.chance.choice([1, 2, 4, 9, 25])
        self.at[product] += TICK * steps * self.chance.choice([-1, 1])
        run.price(product, str(self.at[product]))


def _place(run: Rig, account: int, product: str, size: int, **prices: Decimal) -> None:
    kind = OrderType.STOP if prices else OrderType.MARKET
    with suppress(RefusedError):  # such as a stop on the wrong side of the market
        run.order(account, product, size, kind, **prices)


def seen(run: Rig) -> list[object]:
    """Return what the broker holds and what binds each account."""
    found: list[object] = []
    for account in (A, B):
        status, orders = run.status(account), run.broker.exchange.accounts[account].orders
        stops = sorted(str(each.stop_price) for each in orders.values() if each.working)
        locks = sorted((each.rule, each.scope) for each in status.lockouts)
        money = (status.realised_usd, status.open_usd, status.phase, status.health)
        found.append((account, run.held(account), stops, locks, money))
    return found


def played(folder, seed: int) -> list[object]:
    story = Story(seed)
    folder.mkdir()
    run = Rig(folder, story.config())
    shown: list[object] = []
    try:
        for each, at in START.items():
            run.price(each, str(at))
        for _ in range(60):
            run = story.step(run)
            shown.append(seen(run))
    finally:
        run.stop()
    return shown


@pytest.mark.parametrize("seed", range(3))
def test_the_same_happens_with_bands_and_without(tmp_path, monkeypatch, seed):
    """Held, stopped, locked, worth and phase, of two accounts, after each of sixty steps."""
    with_bands = played(tmp_path / "on", seed)
    monkeypatch.setattr(Fanout, "watch", lambda *_: [])
    without = played(tmp_path / "off", seed)

    for number, (one, other) in enumerate(zip(with_bands, without, strict=True)):
        assert one == other, f"seed {seed}, step {number}"
