"""What a fill would change, before it is booked: said outright, since the journal is written by it."""

from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from actors.account.ledger import Booking, Ledger
from messages.values import Fill, Side
from tests.rules.pictures import NOW

DAY = date(2025, 10, 29)
FILL = Fill(
    trade_id=1,
    order_id=1,
    contract="CON.F.US.MNQ.Z25",
    side=Side.SELL,
    size=1,
    price=Decimal(1),
    profit_and_loss_usd=Decimal(-100),
    fees_usd=Decimal(0),
    commissions_usd=Decimal(0),
    voided=False,
    executed_at=NOW,
)
VOID = msgspec.structs.replace(FILL, voided=True)


@pytest.mark.parametrize(
    ("known", "told", "days", "booking"),
    [
        ((), FILL, 0, Booking.BOOKED),
        ((), VOID, 0, Booking.VOID),
        ((), VOID, 1, Booking.VOID),
        ((), VOID, -1, Booking.UNCHANGED),
        ((VOID,), VOID, 0, Booking.UNCHANGED),
        ((VOID,), FILL, 0, Booking.UNCHANGED),
        ((FILL,), FILL, 0, Booking.UNCHANGED),
        ((FILL,), VOID, 0, Booking.VOIDED),
        ((FILL, VOID), VOID, 0, Booking.UNCHANGED),
        ((FILL, VOID), FILL, 0, Booking.UNCHANGED),
        ((), FILL, 1, Booking.AHEAD),
        ((FILL,), FILL, 1, Booking.UNCHANGED),
        ((), FILL, -1, Booking.UNCHANGED),
    ],
)
def test_what_a_fill_would_change(known, told, days, booking):
    """New, a repeat, void before or after its original, of the coming day, of a day that is closed."""
    ledger = Ledger(DAY)
    for each in known:
        ledger.book(each, DAY)

    assert ledger.weigh(told, DAY + timedelta(days=days)) is booking
