"""RULE-007 and RULE-013 through the real SDK, on the broker's record; and that every rule is."""

import re
from datetime import timedelta
from pathlib import Path

from actors.rules.registry import all_rules
from messages.events import (
    AccountLocked,
    AccountOpened,
    EnforcementFinished,
    EnforcementStarted,
    FlatConfirmed,
    LockoutReleased,
    RuleBreached,
)
from messages.facts import ContractDescribed, PositionChanged, TradeExecuted
from messages.queries import Ping
from messages.values import Duty, Phase
from tests.rig import PATIENCE_S, A, B, contract
from tests.wire_rig import CANCEL, CLOSE, wire_config

DECIDED = (RuleBreached, EnforcementStarted, FlatConfirmed, AccountLocked)


def decisions(run):
    """Return what the journal holds of the account's decisions, in order."""
    return [type(each) for each in run.stored() if isinstance(each, DECIDED)]


def pass_by(wire, run, seconds):
    """Let time pass at once, for the broker and for a machine that slept.

    A duration counts from when the clock is told of it: what happened so far has been by then.
    """
    run.status()
    run.system.directory.ref("clock").ask(
        Ping(at=run.clock.now(), cause="test"), timeout=PATIENCE_S
    )
    wire.skip(seconds)
    run.clock.skip(seconds)


def test_a_loss_of_a_tier_cools_for_its_time_and_not_a_moment_longer(wire):
    """S-33, S-36: a dollar less cools nobody; -200 is flat and locked for as long as that tier says."""
    run = wire(wire_config(cooldown_after_loss={}))
    run.buy(A, "MNQ", 2)
    run.limit(A, "MNQ", 1, "20000")
    run.fill(A, "-99", late=True)
    run.mark(A)
    assert run.events(RuleBreached) == []

    run.fill(A, "-200", late=True)
    locked = run.wait(AccountLocked)
    loss = run.wait(TradeExecuted, lambda each: each.fill.profit_and_loss_usd == -200).fill
    run.wait(EnforcementFinished)
    left_s = (locked.lockout.until - run.clock.now()).total_seconds()
    pass_by(wire, run, left_s - 60)
    run.mark(A)
    assert run.status().phase is Phase.LOCKED
    pass_by(wire, run, 60)
    run.wait(AccountOpened, count=2)

    assert locked.lockout.rule == "RULE-007"
    assert locked.lockout.duty is Duty.FLAT
    assert locked.lockout.until == loss.executed_at + timedelta(seconds=900)
    assert run.wait(LockoutReleased).at >= locked.lockout.until
    assert run.held(A) == {}
    assert run.trader.working_orders(A) == []
    assert (run.applied(CLOSE), run.applied(CANCEL)) == (1, 1)
    assert decisions(run) == list(DECIDED)
    run.buy(A, "MNQ", 1)
    run.mark(A)
    assert run.held(A) == {contract("MNQ"): 1}
    assert run.status(B).phase is Phase.OPEN


def test_the_profit_target_ends_the_day_and_a_later_loss_does_not_begin_it_again(wire):
    """S-63, S-64: 500 and 500 are the target; flattened at -150, 850 of the day stay locked."""
    run = wire(wire_config(daily_realized_profit={"target_usd": 1000}))
    run.price("MNQ", "21000")
    run.buy(A, "MNQ", 5)
    run.limit(A, "MNQ", 1, "20000")
    run.wait(ContractDescribed)
    run.price("MNQ", "20985")
    run.fill(A, "500", late=True)
    run.fill(A, "499.99", late=True)
    run.mark(A)
    assert run.events(RuleBreached) == []

    run.fill(A, "0.01", late=True)
    run.wait(EnforcementFinished)
    run.wait(TradeExecuted, lambda each: each.fill.profit_and_loss_usd == -150)

    breach = run.wait(RuleBreached).breach
    assert (breach.rule, breach.value, breach.limit) == ("RULE-013", 1000, 1000)
    assert run.held(A) == {}
    assert run.trader.working_orders(A) == []
    assert (run.applied(CLOSE), run.applied(CANCEL)) == (1, 1)
    assert decisions(run) == list(DECIDED)
    run.wait(PositionChanged, lambda each: each.position.size == 0)
    assert run.status().realised_usd == 850
    assert run.status().phase is Phase.LOCKED
    assert [each.rule for each in run.status().lockouts] == ["RULE-013"]
    assert run.status(B).phase is Phase.OPEN


def test_every_rule_is_played_over_the_wire():
    """A rule that is added is driven by real facts through the real SDK too."""
    tests = "".join(each.read_text() for each in Path(__file__).parent.glob("test_wire_*.py"))

    written = re.findall(r"\b(\w+)(?==\{|\": \{)", tests)
    assert {rule.key for rule in all_rules()} - set(written) == set()
