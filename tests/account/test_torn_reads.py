"""A read whose parts are not of one moment: its positions older than a close that its fills show."""

from decimal import Decimal

import msgspec
import pytest

from actors.rules import daily_realized_loss
from messages.commands import Evaluate, ReconcileAccount, TakeSnapshot, WakeAfter, Woken
from messages.facts import ContractDescribed, QuoteChanged, SnapshotTaken, TradeExecuted
from messages.values import Contract, Quote
from tests.account.alone import MNQ, Alone, after, fill, position
from tests.account.replays import differences, rebuilt

LIMIT = (daily_realized_loss.RULE, daily_realized_loss.DailyRealizedLoss(max_loss_usd=Decimal(500)))
MICRO = Contract(
    contract=MNQ, name="MNQ", tick_size=Decimal("0.25"), tick_value_usd=Decimal("0.50")
)


def closing(size, pnl, at=3.05):
    """Return a fill that closes something, executed then."""
    return msgspec.structs.replace(fill(2, -size, pnl), executed_at=after(at))


@pytest.fixture
def account():
    """Hold 2 MNQ that have lost $300 of the $500 allowed, with a read on its way since second 3."""
    account = Alone(LIMIT)
    account.connect()
    account.hear(ContractDescribed, 1, contract=MICRO)
    account.hear(TradeExecuted, 1, fill=fill(1, 2))
    account.hold(1, 2)
    account.hear(QuoteChanged, 2, quote=quote(25, 2))
    account.hear(ReconcileAccount, 3)
    return account


def quote(price, seconds):
    return Quote(contract=MNQ, last=Decimal(price), bid=None, ask=None, at=after(seconds))


def answer(account, seconds, *positions, fills=(), asked=None):
    """Answer the last read, asked for then, with positions read at that time and fills read after."""
    return account.hear(
        SnapshotTaken,
        seconds,
        request_id=account.pending[-1].request_id,
        generation=1,
        requested_at=after(seconds if asked is None else asked),
        positions=positions,
        orders=(),
        fills=(fill(1, 2), *fills),
        can_trade=True,
        balance_usd=None,
    )


def found(account):
    """Return what RULE-003 finds in the pictures it is shown now."""
    verdicts = (LIMIT[0].evaluate(each.view, LIMIT[1]) for each in account.of(Evaluate))
    return [each.value for each in verdicts if each]


@pytest.mark.parametrize("pushed", [True, False], ids=["pushed during it", "first told by it"])
def test_a_close_that_a_torn_read_still_shows_held_counts_once(account, pushed):
    """$300 lost, not 600: what is open is unknown until a read that was asked for after the close."""
    close = closing(2, -300)
    if pushed:
        account.hear(TradeExecuted, 3.06, fill=close)

    answer(account, 3.08, position(2), fills=(close,), asked=3)
    assert account.core.status(after(3.08)).open_usd is None
    assert found(account) == []

    account.hear(Woken, 4.1, key="settle")
    answer(account, 4.2, fills=(close,))
    assert found(account) == []
    assert account.core.status(after(4.2)).realised_usd == -300


def test_a_torn_read_has_the_account_read_again_in_a_moment(account):
    """Nothing may come that ends it: what is left open is judged a second later, whatever is told."""
    partial = closing(1, -300)
    answer(account, 3.08, position(2), fills=(partial,), asked=3)
    assert [each.after_s for each in account.of(WakeAfter) if each.key == "settle"] == [1.0]

    account.hear(Woken, 4.08, key="settle")
    assert account.of(TakeSnapshot)
    answer(account, 4.2, position(1), fills=(partial,))
    account.hear(QuoteChanged, 4.3, quote=quote(-1, 4.3))

    assert found(account) == [-502]


def test_a_realised_loss_is_judged_whatever_a_read_shows_of_what_is_open(account):
    """The close alone breaks the limit: nothing waits for the next read."""
    answer(account, 3.08, position(2), fills=(closing(2, -500),), asked=3)

    assert found(account) == [-500]


@pytest.mark.parametrize(
    ("at", "open_usd"), [(-58, -150), (-56, None)], ids=["a minute before", "just before"]
)
def test_only_a_close_of_just_now_can_be_missing_from_the_positions(account, at, open_usd):
    """What was closed long before the read its positions do show: their open loss is known at once."""
    answer(account, 3.08, position(1), fills=(closing(1, -100, at),), asked=3)

    assert account.core.status(after(3.08)).open_usd == open_usd


def test_a_close_that_its_position_has_overtaken_is_not_waited_for(account):
    """The stream told the position that a fill of the read has led to."""
    account.hold(3.06, 1)
    answer(account, 3.08, position(2), fills=(closing(1, -100),), asked=3)

    assert account.core.status(after(3.08)).open_usd == -150


def test_a_close_stays_unsettled_over_a_restart(account):
    """I10: who follows knows from the journal what is settled and what is not."""
    answer(account, 3.08, position(2), fills=(closing(2, -300),), asked=3)

    again = rebuilt(account.journal)

    assert again.unsettled == {MNQ}
    assert differences(again, account.core.state) == {}
