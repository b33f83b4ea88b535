"""A trading week of one desk on the virtual clock: `./run load --profile soak`.

The whole system with its journal on disk, hurried through five days with their sessions, breaches, locks
and resets. Every evening the ledger of each account is compared with the broker's own books, and memory
and journal are weighed. What only the rig keeps (its record of events and commands, the exchange's
finished orders) is thrown away then, for it grows by design.
"""

import gc
import random
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.simulator import RefusedError
from messages.events import DeadLettered, RuleBreached
from messages.values import Phase
from tests.load.figures import Figures
from tests.load.report import logged, rss_mb, say, table
from tests.load.whole import CLOCK
from tests.rig import Rig, config_of

MONDAY_MORNING = datetime.fromisoformat("2025-10-27T13:35:00+00:00")
"""08:35 in Chicago."""
DAYS, SESSION_MINUTES, FIRST_ACCOUNT = 5, 380, 1001
PRODUCTS = {"MNQ": Decimal(26100), "MES": Decimal(6900)}
RULES: dict[str, dict[str, Any]] = {
    "max_contracts": {"limit": 6},
    "max_contracts_per_instrument": {"limits": {"MNQ": 4}, "default_limit": 3},
    "daily_realized_loss": {"max_loss_usd": 150, "include_open_loss": True},
    "daily_unrealized_loss": {"max_loss_usd": 100},
    "max_unrealized_profit": {"target_usd": 150},
    "cooldown_after_loss": {"tiers": [{"loss_usd": 60, "cooldown_s": 600}]},
    "trade_frequency_limit": {"per_minute": 6, "per_hour": 60, "per_session": 300},
    "no_stop_loss_grace": {"grace_s": 3600},
    "session_block_outside": {"start": "08:30", "end": "15:00"},
    "symbol_blocks": {"patterns": ["RTY"]},
    "daily_realized_profit": {"target_usd": 300},
}


@dataclass(slots=True)
class Soak:
    """The desk's week."""

    rig: Rig
    accounts: tuple[int, ...]
    minutes: int
    """Minutes traded a day."""
    chance: random.Random
    prices: dict[str, Decimal] = field(default_factory=lambda: dict(PRODUCTS))
    days: list[dict[str, float]] = field(default_factory=list)

    def day(self, opens: datetime) -> None:
        """Trade a session, let it end, and compare."""
        begun = CLOCK.monotonic()
        self.rig.at(opens)
        for _ in range(self.minutes):
            self._minute()
        self.rig.at(opens + timedelta(hours=7))
        events = self.rig.testimony.events()
        self.days.append(
            {
                "drift_usd": float(sum(map(self.drift, self.accounts))),
                "exposed": sum(bool(self.rig.held(each)) for each in self.accounts),
                "locked": sum(
                    each.phase is Phase.LOCKED for each in self.rig.system.status().accounts
                ),
                "events": len(events),
                "breaches": sum(isinstance(each, RuleBreached) for each in events),
                "dead letters": sum(isinstance(each, DeadLettered) for each in events),
                "seconds": CLOCK.monotonic() - begun,
            }
        )
        self._forget()
        folder = self.rig.folder
        self.days[-1] |= {
            "journal_mb": sum(each.stat().st_size for each in folder.glob("lockstep.db*")) / 2**20,
            "rss_mb": rss_mb(),
        }

    def _minute(self) -> None:
        for product, price in self.prices.items():
            step = Decimal(self.chance.randint(-12, 12)) / 4
            self.prices[product] = price + step
            self.rig.price(product, str(price + step))
        for account in self.chance.sample(self.accounts, 3):
            product = self.chance.choice(list(self.prices))
            size = self.chance.choice((-2, -1, 1, 2))
            with suppress(RefusedError):
                self.rig.order(account, product, size)
        self.rig.advance(60)

    def drift(self, account: int) -> Decimal:
        """Return by how much the ledger and the broker's books differ, in dollars."""
        trades = self.rig.broker.exchange.accounts[account].trades.values()
        booked = sum((each.net for each in trades if not each.voided), Decimal(0))
        return abs(self.rig.status(account).realised_usd - booked)

    def _forget(self) -> None:
        """Throw away what only the rig keeps, after the reset."""
        self.rig.advance(timedelta(hours=3).total_seconds())
        self.rig.testimony._events.clear()
        self.rig.broker.received.clear()
        for account in self.rig.broker.exchange.accounts.values():
            account.trades.clear()
            account.orders = {key: each for key, each in account.orders.items() if each.working}
        gc.collect()


def soak(
    accounts: int, days: int = DAYS, minutes: int = SESSION_MINUTES
) -> tuple[Figures, list[str]]:
    """Play the week; return its figures and what went wrong."""
    numbers = tuple(range(FIRST_ACCOUNT, FIRST_ACCOUNT + accounts))
    with tempfile.TemporaryDirectory() as name, logged(Path(name)):
        rig = Rig(Path(name), config_of(**RULES), start=MONDAY_MORNING, accounts=numbers)
        try:
            week = Soak(rig, numbers, minutes, random.Random(6))  # noqa: S311 - the same week every time
            for number in range(days):
                week.day(MONDAY_MORNING + timedelta(days=number))
                say(f"day {number + 1}: {week.days[-1]['seconds']:.0f} s")
        finally:
            rig.stop()
    return _figures(week), _faults(week, rig)


def _faults(week: Soak, rig: Rig) -> list[str]:
    checks: tuple[tuple[str, Callable[[dict[str, float]], float]], ...] = (
        ("ledger and broker differ, $", lambda day: day["drift_usd"]),
        ("accounts hold something after the session", lambda day: day["exposed"]),
        ("dead letters", lambda day: day["dead letters"]),
    )
    found = [
        f"day {number}: {value:g} {what}"
        for number, day in enumerate(week.days, 1)
        for what, count in checks
        if (value := count(day))
    ]
    if not sum(day["breaches"] for day in week.days):
        found.append("nothing was breached all week: the soak shows nothing")
    return [*found, *rig.given_up]


def _figures(week: Soak) -> Figures:
    names = ("events", "breaches", "locked", "drift_usd", "journal_mb", "rss_mb", "seconds")
    table(
        ("day", *names),
        [
            (str(number), *(f"{day[name]:,.1f}".removesuffix(".0") for name in names))
            for number, day in enumerate(week.days, 1)
        ],
    )
    first, last = week.days[min(1, len(week.days) - 1)], week.days[-1]
    real_s = sum(day["seconds"] for day in week.days)
    return {
        "accounts": len(week.accounts),
        "days": len(week.days),
        "pace of the sessions ÷ real time": 60 * week.minutes * len(week.days) / real_s,
        "events journaled": sum(day["events"] for day in week.days),
        "breaches": sum(day["breaches"] for day in week.days),
        "drift, $": sum(day["drift_usd"] for day in week.days),
        "RSS from the second evening to the last, MB": last["rss_mb"] - first["rss_mb"],
        "journal, MB": last["journal_mb"],
        "journal, KB an account a day": 1024
        * last["journal_mb"]
        / len(week.accounts)
        / len(week.days),
    }
