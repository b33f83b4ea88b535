"""The unmodified SDK project-x-py 4.4.1 against the simulator: the contract everything else stands on."""

import asyncio
from decimal import Decimal

import pytest

from messages.values import Side
from tests.simulator.support import MNQ, A, B

MARK = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
pytestmark = [MARK]


def client(simulator, api_key="key"):
    from project_x_py import ProjectX, ProjectXConfig

    config = ProjectXConfig(
        api_url=simulator.api_url,
        user_hub_url=simulator.user_hub_url,
        market_hub_url=simulator.market_hub_url,
    )
    return ProjectX("trader", api_key, config)


def test_the_sdk_logs_in_reads_and_closes_on_two_accounts(simulator):
    """One token serves every account of the user."""
    simulator.control.place_order(A, MNQ, Side.BUY, 2)
    simulator.control.place_order(B, MNQ, Side.SELL, 3)

    async def session():
        async with client(simulator) as sdk:
            await sdk.authenticate()
            accounts = await sdk.list_accounts()
            positions = [(await sdk.search_open_positions(account))[0] for account in (A, B)]
            for account in (A, B):
                body = {"accountId": account, "contractId": MNQ}
                await sdk._make_request("POST", "/Position/closeContract", data=body)
            trades = await sdk.search_trades(account_id=A)
            instrument = await sdk.get_instrument(MNQ)
            return accounts, positions, trades, instrument, await sdk.ping()

    accounts, positions, trades, instrument, pong = asyncio.run(session())

    assert [(a.id, a.canTrade) for a in accounts] == [(A, True), (B, True)]
    assert [(p.type, p.size) for p in positions] == [(1, 2), (2, 3)]
    assert [trade.profitAndLoss for trade in trades] == [None, 0]
    assert (instrument.name, instrument.tickValue) == ("MNQZ5", 0.5)
    assert pong == "pong"
    assert simulator.control.positions(A) == simulator.control.positions(B) == {}


def test_the_sdk_places_modifies_queries_and_cancels(simulator):
    """OrderManager's own requests are understood."""
    simulator.control.set_price(MNQ, Decimal(21000))

    async def session():
        from project_x_py import EventBus
        from project_x_py.order_manager import OrderManager

        async with client(simulator) as sdk:
            await sdk.authenticate()
            manager = OrderManager(sdk, EventBus())
            placed = await manager.place_stop_order(MNQ, side=1, size=1, stop_price=20990.0)
            await manager.modify_order(placed.orderId, stop_price=20995.0)
            working = await manager.query_orders(statuses=[1, 6, 7, 8])
            cancelled = await manager.cancel_order(placed.orderId)
            return placed.orderId, working, cancelled

    order_id, working, cancelled = asyncio.run(session())

    assert [(order.id, order.stopPrice) for order in working] == [(order_id, 20995)]
    assert cancelled
    assert simulator.control.working_orders(A) == []


def test_the_sdk_realtime_client_gets_events_of_both_hubs(simulator):
    """Both hubs connect by negotiation; user events and quotes reach the callbacks."""

    async def session():
        from project_x_py.realtime import ProjectXRealtimeClient

        async with client(simulator) as sdk:
            await sdk.authenticate()
            realtime = ProjectXRealtimeClient(
                sdk.get_session_token(), str(A), simulator.user_hub_url, simulator.market_hub_url
            )
            events = asyncio.Queue()
            names = ("order_update", "trade_execution", "position_update", "account_update")
            for name in (*names, "quote_update"):
                await realtime.add_callback(
                    name, lambda data, name=name: events.put_nowait((name, data))
                )
            assert await realtime.connect()
            assert await realtime.subscribe_user_updates()
            assert await realtime.subscribe_market_data([MNQ])
            await _subscribed(simulator)
            simulator.control.set_price(MNQ, Decimal(21000))
            simulator.control.place_order(A, MNQ, Side.BUY, 1)
            got = [await asyncio.wait_for(events.get(), 5) for _ in range(7)]
            await realtime.disconnect()
            return got

    got = asyncio.run(session())

    user = [name for name, _ in got if name != "quote_update"]
    assert user == [
        "order_update",
        "trade_execution",
        "order_update",
        "position_update",
        "account_update",
        "account_update",
    ]
    (quote,) = [data for name, data in got if name == "quote_update"]
    assert (quote["contract_id"], quote["data"]["lastPrice"]) == (MNQ, 21000)


async def _subscribed(simulator):
    """Wait for the subscriptions, which the SDK sends without asking for an acknowledgement."""
    last = {"/hubs/user/SubscribeTrades", "/hubs/market/SubscribeContractMarketDepth"}
    wait_for = simulator.record().wait_for
    await asyncio.to_thread(
        wait_for, lambda entry: getattr(entry, "endpoint", None) in last, 5, count=2
    )


def test_wrong_credentials_raise_in_the_sdk(simulator):
    """HTTP 200 with a null token is an authentication error there."""
    from project_x_py.exceptions import ProjectXAuthenticationError

    async def session():
        async with client(simulator, "wrong") as sdk:
            await sdk.authenticate()

    with pytest.raises(ProjectXAuthenticationError):
        asyncio.run(session())
