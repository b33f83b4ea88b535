"""Bites of the rules that watch open positions, orders, trades and the firm's flag."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from messages.values import OrderType
from tests.config.stage import Bite, Stage, after, locked_s, rule, sizes
from tests.rig import A, Rig


def long_mnq(stage: Stage, *prices: str) -> Rig:
    """Hold one MNQ bought at 21000, with a stop far below, while the market goes these ways."""
    run = stage.run()
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 1)
    run.order(A, "MNQ", -1, OrderType.STOP, stop=Decimal(20000))
    for price in prices:
        run.price("MNQ", price)
        run.advance(1)
    return run


def held_after(*prices: str) -> Callable[[Stage], dict[str, int]]:
    """Return a play that looks at what is left of it."""
    return lambda stage: sizes(long_mnq(stage, *prices))


def stop_after(*prices: str) -> Callable[[Stage], Decimal]:
    """Return a play that looks at where its stop is now."""

    def play(stage: Stage) -> Decimal:
        orders = long_mnq(stage, *prices).broker.exchange.accounts[A].orders.values()
        (stop,) = (each for each in orders if each.working)
        return stop.stop_price

    return play


def _unrealized(key: str, field: str, price: str) -> Iterator[tuple[str, Bite]]:
    one, play = {field: 20}, held_after(price)
    yield "enabled", rule(key, one, {**one, "enabled": False}, play, {}, {"MNQ": 1})
    yield field, rule(key, one, {field: Decimal("20.01")}, play, {}, {"MNQ": 1})


def _frequency() -> Iterator[tuple[str, Bite]]:
    key = "trade_frequency_limit"

    def trading(count: int, pnl: str | None = None, every_s: float = 1) -> Callable[[Stage], Any]:
        def play(stage: Stage) -> list[float | None]:
            run = stage.run()
            for _ in range(count):
                run.advance(every_s)
                run.fill(A, pnl)
            return locked_s(run)

        return play

    def limit(window: str, cooldown_s: int = 100) -> dict[str, Any]:
        return {window: 2, "cooldown_s": {window: cooldown_s}}

    minute = limit("per_minute")
    yield "enabled", rule(key, minute, {**minute, "enabled": False}, trading(3), [103], [])
    yield (
        "count_exits",
        rule(key, minute, {**minute, "count_exits": False}, trading(3, "1"), [103], []),
    )
    yield (
        "cooldown_s",
        rule(
            *(
                key,
                minute,
                {"per_minute": 2, "cooldown_s": {"per_minute": 60}},
                trading(3),
                [103],
                [63],
            )
        ),
    )
    for window in ("per_minute", "per_hour", "per_session"):
        one = limit(window)
        yield window, rule(key, one, {**one, window: 3}, trading(3), [103], [])
        yield f"cooldown_s.{window}", rule(key, one, limit(window, 50), trading(3), [103], [53])


def _stop_loss() -> Iterator[tuple[str, Bite]]:
    key, five = "no_stop_loss_grace", {"grace_s": 5}

    def bare(stage: Stage) -> dict[str, int]:
        run = stage.run()
        run.price("MNQ", "21000")
        run.order(A, "MNQ", 1)
        run.advance(8)
        return sizes(run)

    yield "enabled", rule(key, five, {**five, "enabled": False}, bare, {}, {"MNQ": 1})
    yield "grace_s", rule(key, five, {"grace_s": 10}, bare, {}, {"MNQ": 1})


def _auth_loss() -> Iterator[tuple[str, Bite]]:
    key, often = "auth_loss_guard", {"poll_s": 10}

    def forbidden(stage: Stage) -> list[float | None]:
        """The firm takes the permission away, and no push says so."""
        run = stage.run()
        account = run.broker.exchange.accounts[A]
        run.do(lambda _gateway: setattr(account, "can_trade", False))
        run.advance(12)
        return locked_s(run)

    yield "enabled", rule(key, often, {**often, "enabled": False}, forbidden, [None], [])
    yield "poll_s", rule(key, often, {"poll_s": 20}, forbidden, [None], [])


def _blocks() -> Iterator[tuple[str, Bite]]:
    key, play = "symbol_blocks", after(("MNQ", 1))
    one = {"patterns": ["M*"]}
    yield "enabled", rule(key, one, {**one, "enabled": False}, play, {}, {"MNQ": 1})
    yield "patterns", rule(key, one, {"patterns": ["RTY"]}, play, {}, {"MNQ": 1})


def _management() -> Iterator[tuple[str, Bite]]:
    key, kept = "trade_management", Decimal(20000)

    def even(after_ticks: int, offset: int = 1) -> dict[str, Any]:
        return {"breakeven": {"after_ticks": after_ticks, "offset_ticks": offset}}

    def trail(activate: int, behind: int = 4) -> dict[str, Any]:
        return {"trailing": {"activate_ticks": activate, "trail_ticks": behind}}

    up = stop_after("21002")  # eight ticks
    moved, trailed = Decimal("21000.25"), Decimal("21001.00")
    yield "enabled", rule(key, even(8), {**even(8), "enabled": False}, up, moved, kept)
    yield "breakeven", rule(key, trail(99), {**trail(99), **even(8)}, up, kept, moved)
    yield "breakeven.after_ticks", rule(key, even(8), even(9), up, moved, kept)
    yield "breakeven.offset_ticks", rule(key, even(8), even(8, 2), up, moved, Decimal("21000.50"))
    yield "trailing", rule(key, even(99), {**even(99), **trail(8)}, up, kept, trailed)
    yield "trailing.activate_ticks", rule(key, trail(8), trail(9), up, trailed, kept)
    yield "trailing.trail_ticks", rule(key, trail(8), trail(8, 5), up, trailed, Decimal("21000.75"))


def watching_bites() -> Iterator[tuple[str, Bite]]:
    """Yield the bites of these rules by their keys."""
    for key, bites in (
        ("daily_unrealized_loss", _unrealized("daily_unrealized_loss", "max_loss_usd", "20990")),
        ("max_unrealized_profit", _unrealized("max_unrealized_profit", "target_usd", "21010")),
        ("trade_frequency_limit", _frequency()),
        ("no_stop_loss_grace", _stop_loss()),
        ("auth_loss_guard", _auth_loss()),
        ("symbol_blocks", _blocks()),
        ("trade_management", _management()),
    ):
        yield from ((f"{key}.{name}", bite) for name, bite in bites)
