"""RULE-004 and RULE-005 through the whole system: S-20 to S-26, and S-65 with RULE-003."""

from decimal import Decimal

import pytest

from messages.commands import BrokerCommand, CancelOrder, CloseContract
from messages.events import (
    AccountLocked,
    AlarmRaised,
    EnforcementFinished,
    EnforcementStarted,
    RuleBreached,
)
from messages.facts import QuoteHeard
from messages.values import AlarmCode, Health, OrderType, Phase, Quote, Rejected
from tests.rig import A, B, config_of, contract

LOSS = config_of(daily_unrealized_loss={"max_loss_usd": 20})
PROFIT = config_of(max_unrealized_profit={"target_usd": 500})


def closed(run, account=A):
    return [each.contract for each in run.commands(CloseContract, account)]


def enter(run, product, size, price, account=A):
    run.price(product, price)
    run.order(account, product, size)


def stale(run):
    alarms = run.events(AlarmRaised)
    return [each.text for each in alarms if each.code is AlarmCode.QUOTE_STALE]


def test_the_limit_is_exact_and_the_account_is_not_locked(rig):
    """S-20: -19.00 is nothing; -20.00 closes that contract; entering again is allowed."""
    run = rig(LOSS)
    enter(run, "MNQ", 2, "21000")
    run.price("MNQ", "20995.25")
    assert run.commands(BrokerCommand) == []

    run.price("MNQ", "20995.00")

    assert closed(run) == [contract("MNQ")]
    assert run.held() == {}
    assert run.status().phase is Phase.OPEN
    assert run.events(AccountLocked) == []
    assert run.events(RuleBreached)[0].breach.measure == (
        f"{contract('MNQ')} long 2 @ 21000, mark 20995.00 = $-20.00, Limit: $-20.00"
    )


def test_a_re_entry_is_judged_afresh(rig):
    """From its own entry: it stays, until it breaks the limit itself, and is then closed again."""
    run = rig(LOSS)
    enter(run, "MNQ", 2, "21000")
    run.price("MNQ", "20990")
    assert run.held() == {}

    run.order(A, "MNQ", 2)
    run.price("MNQ", "20985.25")
    assert run.held() == {contract("MNQ"): 2}

    run.price("MNQ", "20985")
    assert run.held() == {}
    assert len(run.events(RuleBreached)) == 2
    assert len(run.events(EnforcementFinished)) == 2


def test_a_short_position_is_bought_back(rig):
    """S-22: 20990 is a gain; 21010 is the limit."""
    run = rig(LOSS)
    enter(run, "MNQ", -1, "21000")
    run.price("MNQ", "20990")
    run.price("MNQ", "21009.75")
    assert run.held() == {contract("MNQ"): -1}

    run.price("MNQ", "21010")

    assert run.held() == {}


def test_a_scale_in_counts_from_the_new_average(rig):
    """2 @ 21000 and 2 @ 20996 are 4 @ 20998: the limit is 2.50 below."""
    run = rig(LOSS)
    enter(run, "MNQ", 2, "21000")
    enter(run, "MNQ", 2, "20996")
    run.price("MNQ", "20995.75")
    assert run.held() == {contract("MNQ"): 4}

    run.price("MNQ", "20995.50")

    assert run.held() == {}


def test_positions_are_judged_one_by_one_and_the_others_are_left_alone(rig):
    """S-21: -15 and -15 are nothing; -25 goes, although ES is 500 ahead; nothing else is touched."""
    run = rig(LOSS)
    enter(run, "MNQ", 1, "21000")
    enter(run, "MES", 1, "6000")
    run.price("MNQ", "20992.50")
    run.price("MES", "5997")
    assert run.commands(BrokerCommand) == []
    enter(run, "ES", 1, "6000")
    kept = run.order(A, "ES", -1, OrderType.STOP, stop=Decimal(5990))
    gone = run.order(A, "MNQ", -1, OrderType.STOP, stop=Decimal(20900))
    run.order(B, "MNQ", 1)
    run.price("ES", "6010")

    run.price("MNQ", "20987.50")

    assert closed(run) == [contract("MNQ")]
    assert [each.order_id for each in run.commands(CancelOrder)] == [gone]
    assert run.held() == {contract("MES"): 1, contract("ES"): 1}
    assert run.broker.exchange.accounts[A].orders[kept].working
    assert run.held(B) == {contract("MNQ"): 1}
    assert run.commands(BrokerCommand, B) == []


def test_two_positions_that_break_one_after_the_other_are_closed_once_each(rig):
    """The second joins what is under way while the broker hangs; none is closed twice."""
    run = rig(LOSS)
    enter(run, "MNQ", 1, "21000")
    enter(run, "ES", 1, "6000")
    run.broker.hanging[A] = True
    run.price("MNQ", "20990")
    run.price("ES", "5999.50")
    run.price("MNQ", "20989")
    run.broker.hanging.clear()
    run.advance(10)

    assert sorted(closed(run)) == [contract("ES"), contract("MNQ")]
    assert run.held() == {}
    assert len(run.events(RuleBreached)) == 2
    assert len(run.events(EnforcementStarted)) == 1
    assert run.status().phase is Phase.OPEN


def test_a_refused_close_is_tried_again_and_told_once(rig):
    """Every further quote finds the same breach; it is one, and the enforcer keeps on."""
    run = rig(LOSS)
    enter(run, "MNQ", 2, "21000")
    run.broker.refusing[A] = Rejected(code=4, text="market closed")
    for price in ("20995", "20994", "20993"):
        run.price("MNQ", price)
        run.advance(1)
    assert len(run.events(RuleBreached)) == 1

    run.broker.refusing.clear()
    run.advance(20)

    assert run.held() == {}


def test_a_target_closes_its_contract_only(rig):
    """S-25: 487.50 is nothing; 500 closes ES; MNQ stays; no lock."""
    run = rig(PROFIT)
    enter(run, "MNQ", 1, "21000")
    enter(run, "ES", 1, "6000")
    run.price("ES", "6009.75")
    assert run.commands(BrokerCommand) == []

    run.price("ES", "6010.00")

    assert closed(run) == [contract("ES")]
    assert run.held() == {contract("MNQ"): 1}
    assert run.status().lockouts == ()


def test_after_a_target_one_may_enter_again_at_once(rig):
    """S-26: short 2 @ 21000 at 20995 is 20; the next entry stays."""
    run = rig(config_of(max_unrealized_profit={"target_usd": 20}))
    enter(run, "MNQ", -2, "21000")
    run.price("MNQ", "20995.25")
    assert run.held() == {contract("MNQ"): -2}

    run.price("MNQ", "20995")
    assert run.held() == {}
    run.order(A, "MNQ", -2)
    run.advance(1)

    assert run.held() == {contract("MNQ"): -2}
    assert len(run.events(RuleBreached)) == 1


def test_without_a_fresh_quote_a_position_is_unknown_and_the_next_quote_judges_it(rig):
    """S-24: not zero; STALE and alarmed as soon as the limit is passed, with no traffic at all."""
    run = rig(LOSS)
    enter(run, "MNQ", 2, "21000")
    run.advance(3)
    run.price("MNQ", "20999")
    run.advance(4.9)
    assert run.status().health is Health.LIVE
    assert run.status().open_usd == Decimal(-4)

    run.advance(0.2)
    assert run.status().health is Health.STALE
    assert run.status().open_usd is None
    assert len(stale(run)) == 1
    assert run.commands(BrokerCommand) == []

    run.price("MNQ", "20995")
    assert run.status().health is Health.LIVE
    assert run.held() == {}


def test_each_contract_that_falls_silent_is_alarmed(rig):
    """One that is stale already does not hide the next; the one that is quoted is still judged."""
    run = rig(LOSS)
    enter(run, "MNQ", 1, "21000")
    enter(run, "ES", 1, "6000")
    enter(run, "RTY", 1, "2200")
    for price in ("2200.1", "2200.2", "2200.3"):
        run.advance(2)
        run.price("RTY", price)
        run.price("ES", "6000.25")
    for _ in range(3):
        run.advance(2)
        run.price("RTY", "2200")

    first, second = stale(run)
    assert contract("MNQ") in first
    assert contract("ES") in second
    assert contract("MNQ") not in second
    run.price("RTY", "2199.6")
    assert closed(run) == [contract("RTY")]


def test_a_quote_without_the_price_that_values_a_position_is_no_quote(rig):
    """Bids and asks alone do not make a last trade: unknown, STALE, alarmed."""
    run = rig(LOSS)
    enter(run, "MNQ", 2, "21000")

    for _ in range(4):
        run.advance(2)
        quote = Quote(
            contract=contract("MNQ"),
            last=None,
            bid=Decimal(20990),
            ask=Decimal(20991),
            at=run.clock.now(),
        )
        told = QuoteHeard(at=run.clock.now(), cause="quote", login="desk", quote=quote)
        run.system.directory.tell("quotes", told)
        run.settle()

    assert run.status().open_usd is None
    assert run.status().health is Health.STALE
    assert len(stale(run)) == 1
    assert run.held() == {contract("MNQ"): 2}


def test_realised_and_open_loss_together_break_the_daily_limit(rig):
    """S-65: four closes of -200, then 5 MNQ: at -97.50 nothing, at -100 flat and locked."""
    both = config_of(
        daily_realized_loss={"max_loss_usd": 900}, daily_unrealized_loss={"max_loss_usd": 200}
    )
    run = rig(both)
    for _ in range(4):
        run.fill(A, "-200")
    enter(run, "MNQ", 5, "21000")
    run.price("MNQ", "20990.25")
    assert run.commands(BrokerCommand) == []

    run.price("MNQ", "20990.00")

    assert run.held() == {}
    assert [each.rule for each in run.status().lockouts] == ["RULE-003"]


@pytest.mark.parametrize("gain", ["0", "300"])
def test_a_day_s_gain_does_not_widen_the_limit_of_a_position(rig, gain):
    """S-65c: the position's limit stays what it is."""
    run = rig(
        config_of(
            daily_realized_loss={"max_loss_usd": 500}, daily_unrealized_loss={"max_loss_usd": 200}
        )
    )
    run.fill(A, gain)
    enter(run, "MNQ", 10, "21000")

    run.price("MNQ", "20990")

    assert run.held() == {}
    assert run.status().lockouts == ()


def test_losses_that_were_cut_add_up_to_the_daily_one(rig):
    """S-65d: closed at -35 and booked; the next close of -20 makes -55, beyond the daily -50."""
    run = rig(
        config_of(
            daily_realized_loss={"max_loss_usd": 50}, daily_unrealized_loss={"max_loss_usd": 30}
        )
    )
    enter(run, "MNQ", 2, "21000")
    run.price("MNQ", "20991.25")
    assert run.held() == {}
    assert run.status().realised_usd == Decimal(-35)
    assert run.status().phase is Phase.OPEN

    run.fill(A, "-20")

    assert [each.rule for each in run.status().lockouts] == ["RULE-003"]
