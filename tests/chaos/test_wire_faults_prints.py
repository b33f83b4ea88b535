"""Row 38, bad prints, over the wire: one closes nothing, a true fall waits for one quote or the bound."""

import pytest

from messages.events import AlarmRaised, EnforcementFinished, RuleBreached
from messages.facts import ContractDescribed
from messages.values import AlarmCode, Phase
from tests.rig import A, contract
from tests.wire_rig import CLOSE, wire_config

LOSS = {"daily_unrealized_loss": {"max_loss_usd": 200}}
LONG_BOUND = "\n[quotes]\nconfirm_within_s = 2\n"


def long_mnq(run):
    """Hold one MNQ bought at 21000, and the stream has told so."""
    run.price("MNQ", "21000")
    run.buy(A, "MNQ", 1)
    run.wait(ContractDescribed)


def doubted(alarm):
    return alarm.code == AlarmCode.QUOTE_DOUBTED


@pytest.mark.parametrize("mark", ["last", "conservative"])
def test_a_bad_print_closes_nothing(wire, mark):
    """A thousand points off and back: told as an alarm, and no rule saw it."""
    run = wire(wire_config(**LOSS) + f'\n[money]\nmark = "{mark}"\n' + LONG_BOUND)
    long_mnq(run)
    run.price("MNQ", "20000")
    run.mark(A)  # or it is conflated with the next one, and was never seen
    run.price("MNQ", "20999.75")

    alarm = run.wait(AlarmRaised, doubted, account=None)
    run.mark(A)
    assert f"{contract('MNQ')} at 20000" in alarm.text
    assert "not counted" in alarm.text
    assert run.events(RuleBreached) == []
    assert run.requests(CLOSE) == ()
    assert run.held(A) == {contract("MNQ"): 1}
    assert run.status().phase is Phase.OPEN


def test_a_market_that_falls_closes_with_its_second_quote(wire):
    """Quotes a hundred points apart: the second one seen confirms the first, long before the bound."""
    run = wire(wire_config(**LOSS) + LONG_BOUND)
    long_mnq(run)
    for price in ("20800", "20700", "20600", "20500"):  # some may be conflated, never all
        run.price("MNQ", price)
        run.mark(A)
    run.wait(EnforcementFinished)

    assert run.held(A) == {}
    assert run.wait(RuleBreached).breach.value in {-600, -800, -1000}
    assert [each for each in run.events(AlarmRaised, None) if doubted(each)] == []


def test_a_market_that_falls_and_says_no_more_closes_at_the_bound(wire):
    """Unknown is never safe: what nothing confirms or drops counts, and is told."""
    run = wire(wire_config(**LOSS))
    long_mnq(run)
    run.price("MNQ", "20000")
    run.wait(EnforcementFinished)

    alarm = run.wait(AlarmRaised, doubted, account=None)
    assert run.held(A) == {}
    assert run.wait(RuleBreached).breach.value == -2000
    assert "it counts" in alarm.text
