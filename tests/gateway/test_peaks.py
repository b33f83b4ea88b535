"""How far quotes went since a moment, beside looking at all of them again."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.peaks import Peaks
from messages.values import PriceKind, Quote

AT = datetime(2025, 10, 29, 17, tzinfo=UTC)
PRICES = st.none() | st.integers(1, 12).map(Decimal)


def quote(contract, last, bid=None, ask=None):
    return Quote(contract=contract, last=last, bid=bid, ask=ask, at=AT)


@given(
    told=st.lists(st.tuples(st.sampled_from("XY"), PRICES, PRICES, PRICES), max_size=40),
    since=st.integers(0, 40),
)
def test_the_furthest_price_since_any_moment_is_that_of_all_quotes_since(told, since):
    """Of each contract, kind and side."""
    peaks = Peaks()
    for each in told:
        peaks.note(quote(*each))

    assert peaks.count == len(told)
    for contract in "XY":
        later = [prices for name, *prices in told[since:] if name == contract]
        for index, (kind, highest) in enumerate(
            [(PriceKind.LAST, True), (PriceKind.BID, True), (PriceKind.ASK, False)]
        ):
            known = [prices[index] for prices in later if prices[index] is not None]
            furthest = (max if highest else min)(known, default=None)
            assert peaks.best(contract, kind, highest=highest, since=since) == furthest
        lasts = [last for last, _, _ in later if last is not None]
        lowest = min(lasts, default=None)
        assert peaks.best(contract, PriceKind.LAST, highest=False, since=since) == lowest


def test_a_contract_nobody_holds_is_forgotten_but_the_count_goes_on():
    """Who holds it again looks from then on, and finds nothing of before."""
    peaks = Peaks()
    peaks.note(quote("X", Decimal(9)))
    peaks.forget("X")
    since = peaks.count
    peaks.note(quote("X", Decimal(4)))

    assert since == 1
    assert peaks.best("X", PriceKind.LAST, highest=True, since=0) == 4


def test_a_chain_holds_no_price_twice_however_long_the_day():
    """So it grows with the range of prices, not with the quotes."""
    peaks = Peaks()
    for number in range(5_000):
        peaks.note(quote("X", Decimal(100 - number % 50)))
    depth, peak = 0, peaks._heads["X", PriceKind.LAST, True]
    while peak is not None:
        depth, peak = depth + 1, peak.earlier

    assert depth <= 50
