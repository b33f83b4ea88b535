"""One account's broker hangs, another's actors crash again and again, the log too: 500 notice nothing.

Everything is played twice on the virtual clock, once without the troubles: what the 500 have in the
journal, and in which second, must be the same.
"""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from actors.simulator.exchange import Exchange
from actors.simulator.ledger import Execution, Ticket
from actors.simulator.wire import Push
from messages.base import Message
from messages.commands import CloseContract
from messages.events import AccountLocked, ActorRestarted, AlarmRaised, DeadLettered
from messages.values import OrderType, Phase, Side
from tests.rig import Rig, config_of, contract

HANGING, CRASHING = 3001, 3002
OTHERS = tuple(range(3003, 3503))
CONFIG = config_of(daily_realized_loss={"max_loss_usd": 100, "include_open_loss": False})
MNQ = contract("MNQ")
POISON = "no message of an account"


def exposed(exchange: Exchange, now: datetime) -> list[Push]:
    """Give every account a position."""
    buy = Ticket(MNQ, OrderType.MARKET, Side.BUY, 1)
    accounts = (HANGING, CRASHING, *OTHERS)
    return [push for account in accounts for push in exchange.place(account, buy, now)[1]]


def losing(accounts: tuple[int, ...], exchange: Exchange, now: datetime) -> list[Push]:
    """Let accounts lose more than they may, beside the position they hold."""
    loss = Execution(1, Decimal(26_000), Decimal(-101), Decimal(0), Decimal(0))
    sell = Ticket(MNQ, OrderType.MARKET, Side.SELL, 1)
    booked = (
        exchange.book_trade(account, sell, loss, now, order_id=None, moves_position=False)
        for account in accounts
    )
    return [push for _, pushes in booked for push in pushes]


def play(folder: Path, *, troubled: bool) -> Rig:
    """Have all of them breach, in five bursts; return the stopped rig."""
    folder.mkdir()
    rig = Rig(folder, CONFIG, accounts=(HANGING, CRASHING, *OTHERS))
    try:
        rig.do(lambda gateway: gateway.trade(exposed))
        if troubled:
            rig.broker.hanging[HANGING] = False
            rig.do(lambda gateway: gateway.trade(lambda *now: losing((HANGING,), *now)))
        for first in range(0, len(OTHERS), 100):
            if troubled:
                poison(rig)
            burst = OTHERS[first : first + 100]
            rig.do(lambda gateway, burst=burst: gateway.trade(lambda *now: losing(burst, *now)))
            rig.advance(11)  # after the period in which failures add up to a back-off
        assert {rig.status(each).phase for each in OTHERS[::50]} == {Phase.LOCKED}
    finally:
        rig.stop()
    return rig


def poison(rig: Rig) -> None:
    """Tell three actors what they fail on."""
    for address in (f"account/{CRASHING}", f"enforcer/{CRASHING}", "log"):
        rig.system.directory.tell(address, POISON)


def seen_by(rig: Rig, account: int) -> list[tuple[str, datetime]]:
    """Return what an account's journal says happened, and in which second of virtual time.

    Within an instant the broker's answer and its stream race each other, troubled or not.
    """
    events = of(rig.testimony.events(), account)
    return sorted((type(each).__name__, each.at.replace(microsecond=0)) for each in events)


def of(events: list[Message], account: int) -> list[Message]:
    """Return the events of an account."""
    return [each for each in events if getattr(each, "account", None) == account]


def test_what_goes_wrong_with_two_accounts_and_the_log_changes_nothing_for_500_others(tmp_path):
    """Judged, enforced and locked as if nothing had happened, at the same instants."""
    calm = play(tmp_path / "calm", troubled=False)
    troubled = play(tmp_path / "troubled", troubled=True)

    restarted = {
        each.address for each in troubled.testimony.events() if isinstance(each, ActorRestarted)
    }
    died = [each for each in troubled.testimony.events() if isinstance(each, DeadLettered)]
    assert {f"account/{CRASHING}", f"enforcer/{CRASHING}", "log"} <= restarted
    assert len(died) == 3 * 5
    assert troubled.held(HANGING), "its closes hang"
    assert calm.held(HANGING), "nothing ever made it lose"
    assert {account: seen_by(troubled, account) for account in OTHERS} == {
        account: seen_by(calm, account) for account in OTHERS
    }
    assert [troubled.held(account) for account in OTHERS] == [{}] * len(OTHERS)
    closes = [len(troubled.commands(CloseContract, account)) for account in OTHERS]
    assert closes == [1] * len(OTHERS)
    assert [len(of_kind(troubled, AccountLocked, each)) for each in OTHERS] == [1] * len(OTHERS)
    assert [of_kind(troubled, AlarmRaised, each) for each in OTHERS] == [[]] * len(OTHERS)


def of_kind(rig: Rig, kind: type[Message], account: int) -> list[Message]:
    """Return an account's events of a kind."""
    return [each for each in of(rig.testimony.events(), account) if isinstance(each, kind)]
