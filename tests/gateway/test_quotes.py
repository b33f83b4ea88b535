"""Quotes: merged, conflated, and only for those who hold the contract."""

from decimal import Decimal

from actors.gateway import QuoteActor
from actors.gateway.fanout import Known
from actors.gateway.feeds import Feeds
from actors.gateway.quotes import AnnounceHeld
from messages.commands import HoldQuotes, WatchBands, WatchQuotes
from messages.events import AlarmRaised
from messages.facts import QuoteChanged, QuoteHeard, QuotesLost
from messages.queries import Ping
from messages.values import AlarmCode, Band, PriceKind, Quote
from tests.gateway.support import MES, MNQ, PATIENCE_S, UNCHECKED, A, B, Heard, Probe


def hold(rig, account, *contracts):
    rig.quotes.tell(HoldQuotes(**rig.head(account=account), contracts=contracts))


def push(rig, delta):
    """Let the market hub say just this of MNQ, as a bid that moves without a trade does."""
    broker = rig.sim.control._broker
    quote = broker.exchange.market.quote(MNQ, delta, rig.clock.now())
    rig.sim.control.on_loop(lambda: broker.hubs.send_market("GatewayQuote", MNQ, quote))


def sides(changed):
    quote = changed.quote
    return quote.last, quote.bid, quote.ask


def test_sparse_deltas_are_merged_into_whole_quotes(rig):
    """A side that is not repeated is still there."""
    rig.guard(A)
    rig.sim.control.set_price(MNQ, Decimal(25_000), Decimal(24_999), Decimal(25_001))
    hold(rig, A, MNQ)
    rig.account().one(QuoteChanged, lambda changed: None not in sides(changed))

    rig.sim.control.set_price(MNQ, Decimal(25_000), Decimal(24_998), Decimal(25_001))

    changed = rig.account().one(QuoteChanged, lambda c: c.quote.bid == 24_998)
    assert sides(changed) == (25_000, 24_998, 25_001)
    assert changed.at == changed.quote.at


def test_a_delta_without_a_last_trade_keeps_the_former_one(rig):
    """Bids and asks move between trades; before the first trade there is no last, and it is not 0."""
    rig.guard(A)
    hold(rig, A, MNQ)
    endpoint = "/hubs/market/SubscribeContractQuotes"
    subscribed = lambda entry: getattr(entry, "endpoint", "") == endpoint  # noqa: E731
    rig.sim.record().wait_for(subscribed, PATIENCE_S)
    deltas = [{"bestBid": 24_999}, {"lastPrice": 25_000}, {"bestAsk": 25_001}, {"bestBid": 24_998}]

    for delta in deltas:
        push(rig, delta)

    rig.account().one(QuoteChanged, lambda changed: changed.quote.bid == 24_998)
    told = [sides(changed) for changed in rig.account().all(QuoteChanged)]
    assert told[-1] == (25_000, 24_998, 25_001)
    assert set(told) <= {
        (None, 24_999, None),
        (25_000, 24_999, None),
        (25_000, 24_999, 25_001),
        (25_000, 24_998, 25_001),
    }


def test_all_holders_of_a_login_share_one_subscription(rig):
    """However many accounts hold a contract, the broker is asked for its quotes once."""
    rig.guard(A, B)
    hold(rig, A, MNQ)
    hold(rig, B, MNQ)
    rig.sim.control.set_price(MNQ, Decimal(25_000))
    for account in (A, B):
        rig.account(account).one(QuoteChanged)

    endpoint = "/hubs/market/SubscribeContractQuotes"
    asked = [
        each for each in rig.sim.record().entries() if getattr(each, "endpoint", "") == endpoint
    ]
    assert len(asked) == 1


def test_the_market_hub_carries_exactly_what_is_held(rig):
    """Subscribed with the first holder, unsubscribed with the last."""
    rig.guard(A, B)
    hold(rig, A, MNQ)
    hold(rig, B, MNQ, MES)
    for contract, price in ((MNQ, 25_000), (MES, 6_000)):
        rig.sim.control.set_price(contract, Decimal(price))
        rig.account(B).one(QuoteChanged, lambda c, name=contract: c.quote.contract == name)
    assert {c.quote.contract for c in rig.account(A).all(QuoteChanged)} == {MNQ}
    hold(rig, B)
    hold(rig, A)
    endpoint = "/hubs/market/UnsubscribeContractQuotes"
    rig.sim.record().wait_for(
        lambda entry: (
            (getattr(entry, "endpoint", ""), getattr(entry, "status", 0)) == (endpoint, 200)
        ),
        PATIENCE_S,
        count=2,
    )
    after = rig.sim.record().last_seq
    for contract in (MNQ, MES):
        rig.sim.control.set_price(contract, Decimal(5_000))

    assert not rig.sim.record().pushes("GatewayQuote", after=after)


def test_after_a_lost_market_hub_old_sides_are_forgotten(rig):
    """A bid from before the gap must not pass as the present one; the loss is alarmed."""
    rig.guard(A)
    rig.sim.control.set_price(MNQ, Decimal(25_000), Decimal(24_999), Decimal(25_001))
    hold(rig, A, MNQ)
    rig.account().one(QuoteChanged, lambda changed: None not in sides(changed))
    rig.sim.control.drop_connections()

    rig.journal.one(AlarmRaised, lambda alarm: alarm.code == AlarmCode.STREAM_LOST)
    rig.account().wait(QuoteChanged, lambda changed: None not in sides(changed), count=2)


def test_a_contract_without_quotes_is_alarmed_once(rig):
    """The hub refuses it; its open P&L is unknown, not zero."""
    rig.guard(A)
    hold(rig, A, "CON.F.US.NOPE.Z26")

    alarm = rig.journal.one(AlarmRaised, lambda alarm: alarm.code == AlarmCode.UNKNOWN_CONTRACT)
    assert "CON.F.US.NOPE.Z26" in alarm.text


def test_a_contract_that_is_refused_is_left_to_other_logins(rig):
    """That one alone."""
    rig.guard(A)
    rig.quotes.stop(timeout=PATIENCE_S)
    heard = rig._probe("quotes")
    rig.gateway.tell(WatchQuotes(**rig.head(), contracts=(MNQ, "CON.F.US.NOPE.Z26")))

    lost = heard.one(QuotesLost)

    assert (lost.login, lost.contract, lost.late_s) == ("sim", "CON.F.US.NOPE.Z26", 0)


def test_a_login_that_is_to_hear_nothing_stands_by(rig):
    """Its market hub is connected, or known to be lost, before another one's is lost."""
    rig.guard(A)
    rig.gateway.tell(WatchQuotes(**rig.head(), contracts=()))

    rig.sim.record().wait_for(
        lambda entry: getattr(entry, "endpoint", "") == "/hubs/market", PATIENCE_S
    )


# --- the QuoteActor alone -----------------------------------------------------------------------------


def quote_of(rig, price, contract=MNQ):
    quote = Quote(contract=contract, last=Decimal(price), bid=None, ask=None, at=rig.clock.now())
    return QuoteHeard(**rig.head(), login="alone", quote=quote)


def alone(rig):
    """Start a QuoteActor with a probe where its gateway would be."""
    gateway = Heard()
    rig.directory.register("gateway/alone", Probe.start(dispatcher=rig.pool, heard=gateway))
    rig.quotes = QuoteActor(
        known=Known(Feeds(["alone"])),
        check=UNCHECKED,
        clock=rig.clock,
        directory=rig.directory,
        dispatcher=rig.pool,
    )
    return gateway, rig.quotes.actor_ref


def test_of_many_quotes_in_one_turn_only_the_latest_is_told(rig):
    """Conflated per contract; the latest is never lost."""
    _, ref = alone(rig)
    ref.tell(HoldQuotes(**rig.head(account=A), contracts=(MNQ,)))
    for price in range(100, 150):
        ref.tell(quote_of(rig, price))
    rig.quotes._start_actor_loop()
    rig.quotes = ref

    assert rig.account().one(QuoteChanged, lambda c: c.quote.last == 149)
    assert len(rig.account().all(QuoteChanged)) == 1


def test_the_gateway_is_told_when_the_union_changes_and_only_then(rig):
    """A second holder of the same contract changes nothing, but hears the latest at once."""
    gateway, ref = alone(rig)
    rig.quotes._start_actor_loop()
    rig.quotes = ref
    hold(rig, A, MNQ)
    ref.tell(quote_of(rig, 100))
    rig.account(A).one(QuoteChanged)
    hold(rig, B, MNQ)
    assert rig.account(B).one(QuoteChanged).quote.last == 100
    hold(rig, B, MNQ, MES)
    hold(rig, A)
    hold(rig, B)
    ref.tell(AnnounceHeld(**rig.head(), login="alone"))
    hold(rig, A, MES)

    watched = [watch.contracts for watch in gateway.wait(WatchQuotes, count=4)]
    assert watched == [(MNQ,), (MES, MNQ), (), (MES,)]


def test_a_new_gateway_is_told_what_is_held(rig):
    """After a restart of the gateway nobody else would tell it."""
    gateway, ref = alone(rig)
    rig.quotes._start_actor_loop()
    rig.quotes = ref
    hold(rig, A, MNQ)
    ref.tell(AnnounceHeld(**rig.head(), login="alone"))

    assert [watch.contracts for watch in gateway.wait(WatchQuotes, count=2)] == [(MNQ,), (MNQ,)]


def test_an_account_is_told_only_what_leaves_its_band(rig):
    """Set by the account, through the actor; a quote of the other contract comes beside."""
    _, ref = alone(rig)
    rig.quotes._start_actor_loop()
    rig.quotes = ref
    hold(rig, A, MNQ, MES)
    band = Band(contract=MNQ, price=PriceKind.LAST, low=Decimal(90), high=Decimal(110))
    ref.tell(WatchBands(**rig.head(account=A), bands=(band,)))
    ref.tell(quote_of(rig, 7, MES))
    rig.account().one(QuoteChanged, lambda c: c.quote.contract == MES)
    for price in (100, 109, 110):
        ref.ask(Ping(**rig.head()))  # a turn of its own
        ref.tell(quote_of(rig, price))

    told = rig.account().one(QuoteChanged, lambda c: c.quote.contract == MNQ)
    assert told.quote.last == 110
    assert [each.contract for each in told.beside] == [MES]
