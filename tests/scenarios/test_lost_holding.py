"""A QuoteActor fails at the word that an account holds a contract, which another account holds too."""

from decimal import Decimal

from actors.gateway import QuoteActor
from tests.rig import A, B, config_of

LOSS = config_of(daily_unrealized_loss={"max_loss_usd": 100})


def test_an_account_whose_holding_was_lost_hears_of_its_quotes_all_the_same(rig, monkeypatch):
    """The other account keeps the quotes fresh, so that none is missed for its age."""
    run = rig(LOSS)
    run.order(B, "MNQ", -1)
    left, hold = [A], QuoteActor._hold

    def fails(actor, account, contracts):
        if account in left:
            left.remove(account)
            raise RuntimeError("poison")
        hold(actor, account, contracts)

    monkeypatch.setattr(QuoteActor, "_hold", fails)
    run.order(A, "MNQ", 1)
    last = run.broker.exchange.market.listing("CON.F.US.MNQ.Z25").last
    for second in range(6):
        run.advance(1)
        run.price("MNQ", str(last - 100 - Decimal(second)))

    assert left == []
    assert run.held(A) == {}
