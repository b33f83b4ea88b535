"""Many accounts at once, for correctness only: nothing is lost, mixed up or left open. Never on speed.

200 accounts in one process, each with a position and a working order, all of them broken in one burst;
a journal on disk, the broker in the same process.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import pytest

from actors.journal import Store, verify
from actors.simulator.exchange import Exchange
from actors.simulator.ledger import Execution, Ticket
from actors.simulator.wire import Push
from messages.events import (
    AccountLocked,
    AccountOpened,
    DeadLettered,
    EnforcementFinished,
    EnforcementStarted,
    FlatConfirmed,
    RuleBreached,
)
from messages.facts import TradeExecuted
from messages.values import OrderType, Phase, Side
from tests.rig import Rig, config_of, contract

ACCOUNTS = tuple(range(2001, 2201))
FILLS = 5
CONFIG = config_of(daily_realized_loss={"max_loss_usd": 100, "include_open_loss": False})
MNQ = contract("MNQ")


def exposed(exchange: Exchange, now: datetime) -> list[Push]:
    """Give every account a position and a working order."""
    buy = Ticket(MNQ, OrderType.MARKET, Side.BUY, 2)
    rest = Ticket(MNQ, OrderType.LIMIT, Side.BUY, 1, limit_price=Decimal(20_000))
    return [
        push
        for account in ACCOUNTS
        for ticket in (buy, rest)
        for push in exchange.place(account, ticket, now)[1]
    ]


def losses(exchange: Exchange, now: datetime) -> list[Push]:
    """Let every account lose in several fills, in turn; only the last one breaks the limit."""
    sell = Ticket(MNQ, OrderType.MARKET, Side.SELL, 1)
    return [
        push
        for number in range(1, FILLS + 1)
        for account in ACCOUNTS
        for push in exchange.book_trade(
            account,
            sell,
            Execution(1, Decimal(26_000), loss_of(account, number), Decimal(0), Decimal(0)),
            now,
            order_id=None,
            moves_position=False,
        )[1]
    ]


def loss_of(account: int, number: int) -> Decimal:
    """Return an amount that tells whose fill it is, and which."""
    own = Decimal(account - ACCOUNTS[0]) / 100
    return -own - number if number < FILLS else Decimal(-101)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Play the burst once; the tests look at what it left."""
    rig = Rig(tmp_path_factory.mktemp("smoke"), CONFIG, accounts=ACCOUNTS)
    try:
        rig.do(lambda gateway: gateway.trade(exposed))
        assert all(rig.held(account) for account in ACCOUNTS)
        rig.do(lambda gateway: gateway.trade(losses))
        yield rig
    finally:
        rig.stop()


def test_every_account_is_breached_and_locked_exactly_once(rig: Rig):
    """A burst neither loses a breach nor enforces one twice."""
    once = (AccountOpened, RuleBreached, EnforcementStarted, AccountLocked, EnforcementFinished)

    assert {
        (account, kind.__name__): len(rig.events(kind, account))
        for account in ACCOUNTS
        for kind in once
    } == {(account, kind.__name__): 1 for account in ACCOUNTS for kind in once}


def test_every_account_is_flat_at_the_broker_and_says_that_it_is_locked(rig: Rig):
    """The broker's own books show it, not our picture of them."""
    left = {each: (rig.held(each), rig.working(each)) for each in ACCOUNTS}

    assert left == dict.fromkeys(ACCOUNTS, ({}, 0))
    assert {each.phase for each in rig.system.status().accounts} == {Phase.LOCKED}


def test_each_account_keeps_its_own_facts_in_the_order_in_which_they_came(rig: Rig):
    """Actors run side by side; the messages of one account never overtake each other or stray."""
    booked = {
        account: [
            each.fill.profit_and_loss_usd
            for each in rig.events(TradeExecuted, account)
            if each.fill.profit_and_loss_usd is not None
        ][:FILLS]
        for account in ACCOUNTS
    }

    assert booked == {
        account: [loss_of(account, number) for number in range(1, FILLS + 1)]
        for account in ACCOUNTS
    }


def test_each_account_decides_then_flattens_then_locks(rig: Rig):
    """The journal has I1's order for every account, whatever the others did in between."""
    steps = (RuleBreached, EnforcementStarted, FlatConfirmed, AccountLocked, EnforcementFinished)
    taken: dict[int, list[type]] = {account: [] for account in ACCOUNTS}
    store = Store.open_read_only(rig.folder / "lockstep.db")
    try:
        for each in store.records():
            if isinstance(each.event, steps):
                taken[each.event.account].append(type(each.event))
    finally:
        store.close()

    assert taken == {account: list(steps) for account in ACCOUNTS}


def test_nothing_is_lost_and_no_actor_fails(rig: Rig):
    """Every fill the broker knows is on disk, once, in an unbroken chain; no message died."""
    fills = [each for each in rig.testimony.events() if isinstance(each, TradeExecuted)]
    at_the_broker = [
        (account, trade)
        for account in ACCOUNTS
        for trade in rig.broker.exchange.accounts[account].trades
    ]

    assert sorted((each.account, each.fill.trade_id) for each in fills) == sorted(at_the_broker)
    assert verify(rig.folder / "lockstep.db").events > len(rig.testimony.events())
    assert [each for each in rig.testimony.events() if isinstance(each, DeadLettered)] == []
    assert rig.given_up == []
