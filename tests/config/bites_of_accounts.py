"""Bites of what an account inherits beside its rules: from its own table, its profile, the defaults."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from actors.ops.doctor.finding import Level
from actors.ops.doctor.ring import RingRead, judge_ring
from messages.values import AccountRecord
from tests.config.bites_of_tables import HTTP, LOGIN, files
from tests.config.stage import Bite, Stage
from tests.rig import NOON, A

RECORD = AccountRecord(
    account=A, name="ONE", balance_usd=Decimal(0), can_trade=True, simulated=True
)
PLACES = {
    "[defaults]": "[defaults]\n{}\n",
    "[profiles].<name>": '[defaults]\nprofile = "a"\n[profiles.a]\n{}\n',
    "[accounts][]": f"[[accounts]]\naccount = {A}\n{{}}\n",
}
"""Where such a key may stand."""


def _confirmed(stage: Stage) -> list[Level]:
    said = stage.load().loss_limit_confirmed(RECORD, "desk")
    day = date.fromisoformat(said) if said else None
    return [each.level for each in judge_ring((RingRead("one", day),), NOON)]


def account_bites() -> Iterator[tuple[str, Bite]]:
    """Yield the bites of these keys in every table they may stand in."""
    for place, table in PLACES.items():
        head = LOGIN + HTTP + table
        confirmed = files(
            head.format('platform_loss_limit_confirmed = "§"'), "2025-10-20", "2024-10-20"
        )
        yield (
            f"{place}.platform_loss_limit_confirmed",
            Bite(confirmed, _confirmed, ([Level.OK], [Level.WARNING])),
        )
