"""Bites of what an account inherits beside its rules: from its own table, its profile, the defaults."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from actors.ops.doctor.finding import Level
from actors.ops.doctor.ring import RingRead, judge_ring
from messages.values import AccountRecord
from tests.config.bites_of_tables import HTTP, LIMIT, LOGIN, files
from tests.config.stage import Bite, Stage, sizes
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


def _failing_closed(stage: Stage) -> float | None:
    return stage.load().account_settings(RECORD, "desk").lock_unjudged_after_s


def _closed(stage: Stage) -> tuple[dict[str, int], int]:
    """Buy three where one may be held; look what is left, and what the broker was asked."""
    run = stage.run()
    run.order(A, "MNQ", 3)
    return sizes(run), len(run.broker.received)


def account_bites() -> Iterator[tuple[str, Bite]]:
    """Yield the bites of these keys in every table they may stand in."""
    for place, table in PLACES.items():
        head = LOGIN + HTTP + table
        limited = head + LIMIT.format("defaults", 1)
        yield (
            f"{place}.shadow",
            Bite(
                files(limited.format("shadow = §"), "true", "false"),
                _closed,
                (({"MNQ": 3}, 0), ({"MNQ": 1}, 1)),
            ),
        )
        confirmed = files(
            head.format('platform_loss_limit_confirmed = "§"'), "2025-10-20", "2024-10-20"
        )
        yield (
            f"{place}.platform_loss_limit_confirmed",
            Bite(confirmed, _confirmed, ([Level.OK], [Level.WARNING])),
        )
        yield (
            f"{place}.lock_unjudged_after_s",
            Bite(
                files(head.format("lock_unjudged_after_s = §"), 60, 0),
                _failing_closed,
                (60, None),
                and_then="tests/scenarios/test_failing_closed.py::"
                "test_s_84_a_rule_that_cannot_judge_for_so_long_locks_until_the_reset",
            ),
        )
