"""Which accounts a quote is told to: those that have no band, and those whose band it leaves."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.gateway.edges import Edges
from actors.gateway.fanout import Fanout, Known
from actors.gateway.feeds import Feeds
from messages.facts import QuoteChanged
from messages.values import Band, PriceKind, Quote

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
MNQ, MES = "CON.F.US.MNQ.Z25", "CON.F.US.MES.Z25"
A, B, C = 1, 2, 3
PRICES = st.integers(-6, 6).map(Decimal)
BANDS = st.builds(
    Band,
    contract=st.just(MNQ),
    price=st.sampled_from(PriceKind),
    low=st.none() | PRICES,
    high=st.none() | PRICES,
)


def quote_of(last, contract=MNQ, **sides):
    price = Decimal(last)
    return Quote(contract=contract, at=NOW, **({"last": price, "bid": price, "ask": price} | sides))


def changed(last, contract=MNQ):
    return QuoteChanged(at=NOW, cause="quote", quote=quote_of(last, contract))


def band(low, high, contract=MNQ, price=PriceKind.LAST):
    return Band(contract=contract, price=price, low=Decimal(low), high=Decimal(high))


def fanout_of(*holders, contracts=(MNQ,)):
    made = Fanout(Known(Feeds(())))
    for account in holders:
        made.hold(account, frozenset(contracts))
    return made


def told(fanout, last, contract=MNQ):
    fanout.note(changed(last, contract))
    return sorted(account for account, _ in fanout.leaving())


class EdgesMachine(RuleBasedStateMachine):
    """Bands come, change, go and are left; a look at every band would find the same."""

    @initialize()
    def begin(self):
        self.edges, self.bands = Edges(), {}

    @rule(account=st.integers(1, 9), band=BANDS)
    def put(self, account, band):
        self.edges.put(account, band)
        self.bands[account] = band

    @rule(account=st.integers(1, 9), bands=st.lists(BANDS, min_size=70, max_size=90))
    def put_often(self, account, bands):
        for each in bands:
            self.put(account, each)

    @rule(account=st.integers(1, 9))
    def drop(self, account):
        self.edges.drop(account)
        self.bands.pop(account, None)

    @rule(last=st.none() | PRICES, bid=st.none() | PRICES, ask=st.none() | PRICES)
    def quote(self, last, bid, ask):
        quote = Quote(contract=MNQ, at=NOW, last=last, bid=bid, ask=ask)
        left = {account for account, band in self.bands.items() if not band.holds(quote)}
        found = self.edges.left_by(quote)
        self.bands = {key: band for key, band in self.bands.items() if key not in left}

        assert sorted(found) == sorted(left)

    @invariant()
    def the_bands_in_force_are_known(self):
        assert all(self.edges.band(account) == self.bands.get(account) for account in range(1, 10))

    @invariant()
    def what_is_no_longer_in_force_is_cleared_away(self):
        for kind in self.edges._kinds.values():
            assert len(kind.lows) <= 2 * len(self.bands) + 65
            assert len(kind.highs) <= 2 * len(self.bands) + 65


EdgesMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestEdgesMachine = EdgesMachine.TestCase


@given(band=BANDS, last=PRICES)
def test_a_band_holds_what_lies_between_its_edges(band, last):
    """The edges themselves lie outside."""
    low = Decimal("-Infinity") if band.low is None else band.low
    high = Decimal("Infinity") if band.high is None else band.high
    assert band.holds(quote_of(last)) == (low < last < high)


def test_without_a_band_every_quote_is_told():
    """To every holder, and to nobody else."""
    fanout = fanout_of(A, B)
    fanout.hold(C, frozenset({MES}))

    assert [told(fanout, last) for last in (100, 100, 101)] == [[A, B]] * 3


def test_a_band_that_was_left_is_told_every_quote_until_it_is_set_anew():
    """Inside again or not: the account has not said what it need not hear of."""
    fanout = fanout_of(A, B)
    fanout.watch(A, [band(90, 110)])
    assert [told(fanout, last) for last in (100, 110, 100)] == [[B], [A, B], [A, B]]
    fanout.watch(A, [band(90, 110)])

    assert told(fanout, 100) == [B]


def test_a_band_is_compared_with_the_latest_quote_when_it_arrives():
    """Inside: nothing. Outside, or taken back although others may have passed: told at once."""
    fanout = fanout_of(A)
    fanout.watch(A, [band(90, 110)])
    assert told(fanout, 100) == []
    assert fanout.watch(A, [band(95, 105)]) == []
    assert fanout.watch(A, [band(101, 105)]) == [(A, changed(100))]
    assert told(fanout, 102) == []
    assert fanout.watch(A, []) == [(A, changed(102))]
    assert fanout.watch(A, []) == []


def test_a_band_that_arrives_before_the_turn_ends_gets_its_quote_once():
    """What has changed in the turn is told at its end, not twice."""
    fanout = fanout_of(A)
    fanout.watch(A, [band(90, 110)])
    fanout.note(changed(100))

    assert fanout.watch(A, [band(101, 110)]) == []
    assert list(fanout.leaving()) == [(A, changed(100))]


def test_several_quotes_before_the_turn_ends_count_as_the_latest():
    """Conflated: the latest is never left out."""
    fanout = fanout_of(A)
    for last in (1, 2, 3):
        fanout.note(changed(last))

    assert list(fanout.leaving()) == [(A, changed(3))]


def test_a_quote_is_told_with_those_of_what_else_the_account_holds():
    """They may have passed inside their bands, untold."""
    fanout = fanout_of(A, contracts=(MNQ, MES))
    fanout.watch(A, [band(90, 110, MES)])
    assert told(fanout, 100, MES) == []
    fanout.note(changed(7))

    [(account, message)] = fanout.leaving()
    assert (account, message.quote, message.beside) == (A, quote_of(7), (quote_of(100, MES),))


def test_a_contract_that_is_held_again_begins_without_band_and_without_quote():
    """Nobody held it meanwhile, so nobody knows what it did."""
    fanout = fanout_of(A)
    fanout.watch(A, [band(90, 110)])
    told(fanout, 100)
    fanout.hold(A, frozenset())
    assert fanout.contracts == frozenset()

    assert fanout.hold(A, frozenset({MNQ})) == []
    assert told(fanout, 100) == [A]


def test_a_band_of_what_is_not_held_is_not_kept():
    """It crossed the word that the contract is no longer held."""
    fanout = fanout_of(A)

    assert fanout.watch(A, [band(90, 110, MES)]) == []
    assert told(fanout, 100) == [A]


def test_a_successor_tells_every_holder_the_next_quote():
    """It knows who holds what and what was quoted last, and no band; what it knows held is no news."""
    known = Known(Feeds(()))
    first = Fanout(known)
    first.hold(A, frozenset({MNQ, MES}))
    first.watch(A, [band(90, 110)])
    told(first, 100)
    successor = Fanout(known)

    assert successor.contracts == {MNQ, MES}
    assert told(successor, 101) == [A]
    assert successor.hold(A, frozenset({MNQ, MES})) == []
    assert successor.hold(B, frozenset({MNQ})) == [(B, changed(101))]


def test_ten_thousand_bands_cost_a_quote_inside_them_no_look_at_each(monkeypatch):
    """Only the nearest edges are looked at, and each band that is left."""
    edges, looked = Edges(), Counter()
    for account in range(10_000):
        edges.put(account, band(-1 - account, 1 + account))
    in_force = Edges._in_force

    def counted(self, number, account):
        looked["at"] += 1
        return in_force(self, number, account)

    monkeypatch.setattr(Edges, "_in_force", counted)
    assert edges.left_by(quote_of(0)) == []
    assert looked["at"] == 0
    assert len(edges.left_by(quote_of(10))) == 10
    assert looked["at"] == 10


def test_a_successor_that_tells_again_counts_no_quote_of_before_as_one_of_now():
    """A stop would trail by a price from before its position was opened."""
    known = Known(Feeds(()))
    first = Fanout(known)
    first.hold(A, frozenset({MNQ}))
    assert told(first, 9) == [A]
    opened = known.peaks.count

    successor = Fanout(known)

    assert sorted(account for account, _ in successor.leaving()) == [A]
    assert known.peaks.best(MNQ, PriceKind.LAST, highest=True, since=opened) is None


def test_a_successor_counts_what_its_predecessor_took_and_did_not_tell():
    """Or a stop would trail by less than what came."""
    known = Known(Feeds(()))
    first = Fanout(known)
    first.hold(A, frozenset({MNQ}))
    first.note(changed(9))

    list(Fanout(known).leaving())

    assert known.peaks.best(MNQ, PriceKind.LAST, highest=True, since=0) == 9
