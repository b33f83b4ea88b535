"""Bites of the rules' parameters: one function per rule, its keys as in the configuration."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.config.stage import (
    CHRISTMAS,
    NEXT_DAY_S,
    RESET_S,
    Bite,
    Stage,
    after,
    after_a_fall,
    after_fill,
    at_start,
    rule,
)
from tests.rig import A


def _max_contracts() -> Iterator[tuple[str, Bite]]:
    key, two = "max_contracts", after(("MNQ", 2))
    yield (
        "enabled",
        rule(key, {"limit": 1}, {"limit": 1, "enabled": False}, two, {"MNQ": 1}, {"MNQ": 2}),
    )
    yield "limit", rule(key, {"limit": 1}, {"limit": 2}, two, {"MNQ": 1}, {"MNQ": 2})
    hedged = after(("MNQ", 2), ("MES", -1))
    yield (
        "count",
        rule(
            *(key, {"limit": 2, "count": "net"}, {"limit": 2, "count": "gross"}, hedged),
            *({"MNQ": 2, "MES": -1}, {"MNQ": 1, "MES": -1}),
        ),
    )
    yield (
        "action",
        rule(
            *(key, {"limit": 1, "action": "reduce"}, {"limit": 1, "action": "close_all"}, two),
            *({"MNQ": 1}, {}),
        ),
    )


def _per_instrument() -> Iterator[tuple[str, Bite]]:
    key, two = "max_contracts_per_instrument", after(("MNQ", 2))
    one = {"default_limit": 1}
    yield "enabled", rule(key, one, {**one, "enabled": False}, two, {"MNQ": 1}, {"MNQ": 2})
    yield "default_limit", rule(key, one, {"default_limit": 2}, two, {"MNQ": 1}, {"MNQ": 2})
    yield (
        "limits",
        rule(
            *(key, {**one, "limits": {"MNQ": 2}}, {**one, "limits": {"MNQ": 1}}, two),
            *({"MNQ": 2}, {"MNQ": 1}),
        ),
    )
    yield (
        "unknown",
        rule(*(key, {**one, "unknown": "block"}, {**one, "unknown": "allow"}, two, {}, {"MNQ": 2})),
    )
    yield (
        "action",
        rule(key, {**one, "action": "reduce"}, {**one, "action": "close"}, two, {"MNQ": 1}, {}),
    )


def _daily_loss() -> Iterator[tuple[str, Bite]]:
    key, loss, limit = "daily_realized_loss", after_fill("-100"), {"max_loss_usd": 100}
    yield "enabled", rule(key, limit, {**limit, "enabled": False}, loss, [RESET_S], [])
    yield "max_loss_usd", rule(key, limit, {"max_loss_usd": Decimal("100.01")}, loss, [RESET_S], [])
    yield (
        "include_open_loss",
        rule(
            *(key, {**limit, "include_open_loss": True}, {**limit, "include_open_loss": False}),
            *(after_a_fall, [RESET_S], []),
        ),
    )


def _daily_profit() -> Iterator[tuple[str, Bite]]:
    key, gain, target = "daily_realized_profit", after_fill("100"), {"target_usd": 100}
    yield "enabled", rule(key, target, {**target, "enabled": False}, gain, [RESET_S], [])
    yield "target_usd", rule(key, target, {"target_usd": Decimal("100.01")}, gain, [RESET_S], [])

    def reason(stage: Stage) -> str:
        run = stage.run()
        run.fill(A, "100")
        return run.status().lockouts[0].reason.partition(":")[0]

    yield (
        "message",
        rule(
            *(
                key,
                {**target, "message": "Done"},
                {**target, "message": "Home"},
                reason,
                "Done",
                "Home",
            )
        ),
    )


def _cooldown() -> Iterator[tuple[str, Bite]]:
    key, loss = "cooldown_after_loss", after_fill("-100")

    def tiers(*steps: tuple[int, int]) -> dict[str, Any]:
        return {"tiers": [{"loss_usd": usd, "cooldown_s": seconds} for usd, seconds in steps]}

    one = tiers((100, 60))
    yield "enabled", rule(key, one, {**one, "enabled": False}, loss, [60], [])
    yield "tiers", rule(key, one, tiers((100, 60), (200, 90)), after_fill("-200"), [60], [90])
    yield "tiers[].loss_usd", rule(key, one, tiers((101, 60)), loss, [60], [])
    yield "tiers[].cooldown_s", rule(key, one, tiers((100, 61)), loss, [60], [61])


def _session() -> Iterator[tuple[str, Bite]]:
    key, hours = "session_block_outside", {"start": "08:30", "end": "15:00"}
    early = {"start": "08:30", "end": "11:00"}
    yield "enabled", rule(key, early, {**early, "enabled": False}, at_start, [NEXT_DAY_S], [])
    yield "start", rule(key, hours, {**hours, "start": "12:30"}, at_start, [], [1800])
    yield "end", rule(key, hours, early, at_start, [], [NEXT_DAY_S])
    yield (
        "timezone",
        rule(
            *(
                key,
                {**hours, "timezone": "America/Chicago"},
                {**hours, "timezone": "Europe/Berlin"},
            ),
            *(at_start, [], [NEXT_DAY_S - 7 * 3600 + 3600]),
        ),
    )
    yield (
        "days",
        rule(
            *(
                key,
                {**hours, "days": ["wed", "thu"]},
                {**hours, "days": ["thu"]},
                at_start,
                [],
                [NEXT_DAY_S],
            )
        ),
    )

    def christmas(stage: Stage) -> int:
        return len(stage.run(start=CHRISTMAS).status().lockouts)

    yield "holidays", rule(key, hours, {**hours, "holidays": False}, christmas, 1, 0)
    wide = {"start": "tue 18:00", "end": "fri 16:00"}
    late, brief = {**wide, "start": "wed 13:00"}, {**wide, "end": "wed 11:00"}
    play = after(("MES", 1), ("MNQ", 1))
    both, only = {"MES": 1, "MNQ": 1}, {"MES": 1}

    def products(mnq: dict[str, str], name: str = "MNQ") -> dict[str, Any]:
        return {**hours, "products": {name: mnq}}

    yield "products", rule(key, products(late, "MYM"), products(late), play, both, only)
    yield "products.<name>.start", rule(key, products(wide), products(late), play, both, only)
    yield "products.<name>.end", rule(key, products(wide), products(brief), play, both, only)


def rule_bites() -> Iterator[tuple[str, Bite]]:
    """Yield the bites of all rules by their keys."""
    for key, bites in (
        ("max_contracts", _max_contracts()),
        ("max_contracts_per_instrument", _per_instrument()),
        ("daily_realized_loss", _daily_loss()),
        ("cooldown_after_loss", _cooldown()),
        ("session_block_outside", _session()),
        ("daily_realized_profit", _daily_profit()),
    ):
        yield from ((f"{key}.{name}", bite) for name, bite in bites)
