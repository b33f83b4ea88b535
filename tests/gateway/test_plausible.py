"""Which quotes are believed at once: a table, and what holds for every market."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.plausible import Credence, QuoteCheck
from messages.values import Quote

NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)
CHECK = QuoteCheck(max_jump_percent=Decimal("0.2"), confirm_within_s=0.5)
BASE = 10_000  # the band is 20 points either way


def quote(last=None, bid=None, ask=None, *, after_s=0.0):
    sides = {
        side: None if price is None else Decimal(str(price))
        for side, price in (("last", last), ("bid", bid), ("ask", ask))
    }
    return Quote(contract="CON.F.US.MNQ.Z25", at=NOON + timedelta(seconds=after_s), **sides)


def believed(*quotes, check=CHECK):
    """Return the (last, bid, ask) that holders are told of each quote; None where it waits."""
    credence = Credence(check)
    told = (credence.hear(quote(*each)).believed for each in quotes)
    return [each and (each.last, each.bid, each.ask) for each in told]


CALM = (BASE, BASE - 1, BASE + 1)


@pytest.mark.parametrize(
    ("following", "told"),
    [
        pytest.param([(9980.25, None, None)], [True], id="inside the band"),
        pytest.param([(9980, None, None)], [True], id="at the band"),
        pytest.param([(9979.75, None, None)], [False], id="beyond the band"),
        pytest.param([(10020, None, None)], [True], id="at the band above"),
        pytest.param([(10020.25, None, None)], [False], id="beyond the band above"),
        pytest.param([(9900, None, None), (9999, None, None)], [False, True], id="lone spike"),
        pytest.param([(9900, None, None), (9890, None, None)], [False, True], id="it goes on"),
        pytest.param([(9900, None, None), (9950, None, None)], [False, True], id="half way back"),
        pytest.param([(9900, None, None), (10100, None, None)], [False, False], id="both ways"),
        pytest.param(
            [(9900, None, None), (10100, None, None), (9905, None, None)],
            [False, False, True],
            id="two of three",
        ),
        pytest.param([(9900, None, None)] * 2, [False, False], id="merely the same again"),
        pytest.param([(9900, 9999, 10001), (9900, 9899, 10001)], [False, True], id="bid follows"),
        pytest.param([(BASE, 10002, 10001)], [False], id="crossed"),
        pytest.param([(BASE, 10001, 10001)], [True], id="locked"),
        pytest.param([(BASE, 10002, 10001), (BASE, 10002, 10003)], [False, True], id="uncrossed"),
        pytest.param(
            [(BASE, 10002, 10001), (BASE, 10003, 10001), (BASE, 10004, 10001)],
            [False, True, True],
            id="it is crossed and stays so",
        ),
        pytest.param([(BASE, 9979.25, 10001)], [True], id="a bid just inside"),
        pytest.param([(BASE, 9978, 10001)], [False], id="a bid beyond"),
        pytest.param([(BASE, 9999, 10022)], [False], id="an ask beyond"),
        pytest.param([(BASE, None, None)], [True], id="a side that is gone"),
        pytest.param(
            [(BASE, None, None), (BASE, 9900, None)], [True, False], id="and is back elsewhere"
        ),
    ],
)
def test_what_is_implausible_waits(following, told):
    """After a calm quote at 10,000, 9,999 and 10,001."""
    assert [each is not None for each in believed(CALM, *following)[1:]] == told


@pytest.mark.parametrize(
    ("first", "is_believed"),
    [
        ((BASE, None, None), True),
        ((None, 9999, 10001), True),
        ((9900, 9999, 10001), False),
        ((10100, 9999, 10001), False),
        ((9980, 9999, 10001), True),
        ((9900, 9999, None), True),
        ((BASE, 10002, 10001), False),
    ],
)
def test_a_first_quote_is_measured_by_its_own_sides(first, is_believed):
    """By both of them: there is nothing else to measure it by."""
    assert (believed(first)[0] is not None) is is_believed


def test_a_print_that_the_stream_repeats_is_not_confirmed_by_that():
    """Only bids and asks move after it, and stay: the last trade believed stands in its place."""
    bad = 9500
    told = believed(CALM, (bad, 9999, 10001), (bad, 9999.25, 10001), (bad, 9998, 10000))

    assert told == [CALM, None, (BASE, Decimal("9999.25"), 10001), (BASE, 9998, 10000)]


def test_a_repeated_print_is_judged_again_once_the_book_has_gone_there():
    """Bid and ask walk down to it in small steps: what stood in its place is no longer plausible."""
    bad, credence = 9900, Credence(CHECK)
    credence.hear(quote(*CALM))
    assert credence.hear(quote(bad, 9999, 10001)).believed is None
    walk = [credence.hear(quote(bad, bid, bid + 2)) for bid in range(9998, 9890, -4)]

    assert [each.doubt for each in walk if each.doubt is not None] == [2]
    told = [each.believed.last for each in walk if each.believed]
    assert told == sorted(told, reverse=True)
    assert set(told) == {BASE, bad}


def test_what_nothing_confirms_counts_when_the_bound_is_over():
    """Once; an earlier doubt's bound ends nothing that began later."""
    credence = Credence(CHECK)
    credence.hear(quote(*CALM))
    first = credence.hear(quote(9900, 9999, 10001)).doubt
    credence.hear(quote(*CALM))
    second = credence.hear(quote(9800, 9999, 10001)).doubt

    assert credence.overdue(first) == ()
    assert [each.last for each in credence.overdue(second)] == [9800]
    assert credence.overdue(second) == ()
    assert credence.hear(quote(9801, 9999, 10001)).believed


def test_what_says_no_price_ends_no_doubt():
    """As the first record after a loss may; it is told on, and what is doubted counts at the bound."""
    credence = Credence(CHECK)
    credence.hear(quote(*CALM))
    doubt = credence.hear(quote(9900)).doubt

    heard = credence.hear(quote())

    assert (heard.believed, heard.dropped) == (quote(), ())
    assert [each.last for each in credence.overdue(doubt)] == [9900]


def test_of_two_directions_both_count_at_the_bound():
    """A long is judged by the lower, a short by the higher; the latest is what stays."""
    credence = Credence(CHECK)
    credence.hear(quote(BASE))
    doubt = credence.hear(quote(9900, after_s=0.1)).doubt
    assert credence.hear(quote(10100, after_s=0.2)).doubt is None

    assert [each.last for each in credence.overdue(doubt)] == [9900, 10100]


def test_what_is_dropped_is_told():
    """For the alarm: the doubted quote itself."""
    credence = Credence(CHECK)
    credence.hear(quote(BASE))
    credence.hear(quote(9900))

    assert [each.last for each in credence.hear(quote(9999)).dropped] == [9900]


def test_without_a_bound_every_quote_counts_at_once():
    """`confirm_within_s = 0`."""
    off = CHECK._replace(confirm_within_s=0.0)

    assert None not in believed(CALM, (1, None, None), (BASE, 10002, 1), check=off)


ticks = st.lists(st.integers(-79, 79).map(lambda tick: Decimal(tick) / 4), max_size=20)


@given(before=ticks, spike=st.integers(25, 5000), up=st.booleans(), after=ticks)
def test_a_lone_spike_is_never_told(before, spike, up, after):
    """However the market wanders inside the band, before and after it."""
    bad, credence = BASE + (20 + spike) * (1 if up else -1), Credence(CHECK)
    for each in [0, *before, 0]:
        assert credence.hear(quote(BASE + each / 4)).believed
    assert credence.hear(quote(bad)).believed is None

    told = [credence.hear(quote(BASE + each / 4)).believed for each in [0, *after]]

    assert None not in told
    assert bad not in [each.last for each in told]


@given(steps=st.lists(st.integers(1, 400), min_size=2, max_size=40))
def test_a_market_that_keeps_falling_is_never_more_than_one_quote_ahead(steps):
    """Of two consecutive falling quotes at least one is believed: the other waits for it alone."""
    credence, last = Credence(CHECK), BASE * 2
    credence.hear(quote(last))
    told = []
    for step in steps:
        last -= step
        told.append(credence.hear(quote(last)).believed)

    assert all(a is not None or b is not None for a, b in pairwise(told))


@given(
    prices=st.lists(st.tuples(st.integers(8000, 12000), st.integers(1, 300)), max_size=60),
)
def test_nothing_is_held_back_beyond_the_bound(prices):
    """Whatever comes, and when: of all that was doubted, nothing is still open after the bound."""
    credence, doubted_since, doubt, now = Credence(CHECK), None, None, 0.0
    credence.hear(quote(BASE))
    for price, pause_ms in prices:
        now += pause_ms / 1000
        if doubt is not None and now >= doubted_since + CHECK.confirm_within_s:
            assert credence.overdue(doubt)
            doubt = None
        heard = credence.hear(quote(price, after_s=now))
        if heard.believed:
            doubt = None
        elif heard.doubt is not None:
            assert doubt is None
            doubt, doubted_since = heard.doubt, now
        assert heard.believed or doubt is not None


def test_what_the_check_costs_and_saves():
    """Measured: 20,000 quotes with 200 bad prints; none is told, no honest quote waits for long."""
    rng = random.Random(5)  # noqa: S311 - a market
    credence, last, told_bad, waited = Credence(CHECK), Decimal(BASE), 0, 0
    credence.hear(quote(last))
    for number in range(20_000):
        if number % 100 == 50:
            bad = last * rng.choice([Decimal("0.99"), Decimal("1.003")])
            told_bad += credence.hear(quote(bad)).believed is not None
        # honest: steps of a quarter of the band, and a jump of half a percent in every 5,000
        step = Decimal(rng.choice([-1, 1]) * rng.randrange(1, 21)) / 4
        last += last / 200 * rng.choice([-1, 1]) if number % 1000 == 999 else step
        waited += credence.hear(quote(last)).believed is None

    assert told_bad == 0
    assert waited == 20  # each of the honest jumps, for one quote
