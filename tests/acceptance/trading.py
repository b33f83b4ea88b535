"""The steps that trade one contract on the practice account: an order, a fill, a close, the guard."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from actors import private
from messages.values import Done, OrderType, Rejected, Side
from tests.acceptance.bench import WITHIN_S, Bench, Seen, judged, unseen
from tests.acceptance.wire import Ears, _json

_CANCELLED = 3
_MAIN = Path(__file__).parents[2] / "main.py"
_START_S = 60.0


async def resting(bench: Bench) -> Seen:
    """Let two limit orders rest far below the market, list them page by page, and cancel them."""
    ears = await _ears(bench)
    outcomes = [
        await bench.place(OrderType.LIMIT, Side.BUY, limit_price=bench.near(share))
        for share in ("0.99", "0.985")
    ]
    if not all(isinstance(each, Done) for each in outcomes):
        return unseen(f"an order was not taken: {outcomes}")
    told = await ears.wait(lambda: _order(ears, bench.orders[-1]), WITHIN_S)
    pages = [await _page(bench, offset) for offset in (0, 1)]
    cancelled = [await bench.cancel(order) for order in bench.orders[-2:]]
    ended = await ears.wait(lambda: _order(ears, bench.orders[-1], status=_CANCELLED), WITHIN_S)
    again = await bench.cancel(bench.orders[-1])
    holds = (
        *(told, told and "data" in ears.of("GatewayUserOrder")[0][0], ended),
        *(all(isinstance(each, Done) for each in cancelled), isinstance(again, Rejected)),
        sorted(map(tuple, pages)) == sorted((each,) for each in bench.orders[-2:]),
    )
    return judged(
        all(holds),
        f"told: {bool(told)}; pages of one row: {pages}; cancelled: {bool(ended)}; again: {again}",
        order=told,
    )


async def market(bench: Bench) -> Seen:
    """Buy one contract at the market, and look at everything that is pushed."""
    ears = await _ears(bench)
    since = len(ears.heard)
    began = bench.clock.monotonic()
    outcome = await bench.place(OrderType.MARKET, Side.BUY)
    answered_ms = round((bench.clock.monotonic() - began) * 1000, 1)
    if not isinstance(outcome, Done):
        return unseen(f"the order was not taken: {outcome}")
    needed = {"gatewayuserorder", "gatewayusertrade", "gatewayuserposition", "gatewayuseraccount"}
    await ears.wait(
        lambda: needed <= {target.lower() for _, target, _ in ears.heard[since:]}, WITHIN_S
    )
    pushed = ears.heard[since:]
    order = [target for _, target, _ in pushed]
    trade = next(
        (_data(said) for _, name, said in pushed if name.lower() == "gatewayusertrade"), {}
    )
    held = await bench.held()
    holds = (
        *(held == 1, needed <= {each.lower() for each in order}),
        *(trade.get("profitAndLoss") is None, "fees" in trade),
    )
    return judged(
        all(holds),
        f"{held} held; answered in {answered_ms} ms; pushed {', '.join(dict.fromkeys(order))}",
        answered_ms=answered_ms,
        pushed_s=[at for at, _, _ in pushed],
        trade=trade,
    )


async def close(bench: Bench) -> Seen:
    """Set a stop, close the contract, see whether the stop is still there, and close again."""
    ears = await _ears(bench)
    stop = await bench.place(OrderType.STOP, Side.SELL, stop_price=bench.near("0.98"))
    began = bench.clock.monotonic()
    closed = await bench.close()
    answered_ms = round((bench.clock.monotonic() - began) * 1000, 1)
    if not isinstance(closed, Done):
        return unseen(f"the position was not closed: {closed}")
    flat = await ears.wait(lambda: _flat(ears), WITHIN_S)
    left = [each.order_id for each in await bench.working()]
    again = await bench.close()
    stays = isinstance(stop, Done) and stop.order_id in left
    undone = await bench.undo()
    return judged(
        flat and stays and isinstance(again, Rejected) and not undone,
        f"flat was told: {bool(flat)}, answered in {answered_ms} ms; the stop "
        f"{'stays' if stays else f'is gone ({stop})'}; closing again: {again}; {undone or 'all undone'}",
        answered_ms=answered_ms,
    )


async def lockstep(bench: Bench) -> Seen:
    """Run Lockstep with a rule that the next order breaks, and read its journal."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "lockstep.toml"
        private.write_file(config, bench.config.format(folder=folder).encode(), replace=False)
        guard = await _main("run", "--config", str(config), stderr=asyncio.subprocess.PIPE)
        try:
            started = await _said(guard, '"account_opened"', _START_S)
            if started:
                await bench.place(OrderType.MARKET, Side.BUY)
                await _said(guard, '"account_locked"', _START_S)
        finally:
            if guard.returncode is None:
                guard.terminate()
            await guard.communicate()
        export = await _main("journal", "export", "--config", str(config))
        out, _ = await export.communicate()
    bench.journal[:] = out.decode().splitlines()
    events = [json.loads(line) for line in bench.journal]
    kinds = [each["kind"] for each in events if each.get("account") == bench.account]
    wanted = ("rule_breached", "broker_command_sent", "flat_confirmed", "account_locked")
    places = [kinds.index(each) for each in wanted if each in kinds]
    held = await bench.held()
    await bench.undo()
    return judged(
        len(places) == len(wanted) and places == sorted(places) and not held,
        f"journal: {', '.join(each for each in wanted if each in kinds) or 'nothing of it'}; {held} held",
        ran=started,
    )


async def _ears(bench: Bench) -> Ears:
    if bench.user is None:
        raise AssertionError("the step `subscriptions` comes first")
    return bench.user


async def _page(bench: Bench, offset: int) -> list[int]:
    reply = await bench.post(
        "/Order/v2/query",
        filter={"accountId": bench.account, "statuses": [1, 6, 7, 8]},
        pageSize=1,
        pageOffset=offset,
        includeTotalCount=True,
    )
    return [row["id"] for row in _json(reply.content)["orders"]]


def _data(said: Any) -> dict[str, Any]:
    item = said[0] if isinstance(said, list) else said
    return item.get("data", item)


def _order(ears: Ears, order: int, status: int | None = None) -> dict[str, Any] | None:
    return next(
        (
            row
            for row in map(_data, ears.of("GatewayUserOrder"))
            if row["id"] == order and status in {None, row["status"]}
        ),
        None,
    )


def _flat(ears: Ears) -> bool:
    positions = ears.of("GatewayUserPosition")
    return bool(positions) and _data(positions[-1]).get("size") == 0


async def _main(*words: str, stderr: int | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(_MAIN), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        limit=2**20,
    )


async def _said(process: asyncio.subprocess.Process, text: str, within_s: float) -> bool:
    """Read its log until this was said; False when it ended or the time is up."""
    assert process.stderr is not None
    try:
        async with asyncio.timeout(within_s):
            while line := await process.stderr.readline():
                if text in line.decode():
                    return True
    except TimeoutError:
        pass
    return False
