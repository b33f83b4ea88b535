"""A trader at random under every rule, in shadow: nothing sent, no loop, a sound journal."""

import random
from decimal import Decimal

import pytest

from messages.events import AlarmRaised, EnforcementFinished, EnforcementStarted, RuleBreached
from messages.values import AlarmCode, Health, OrderType
from tests.rig import A, B, config_of
from tests.scenarios.test_shadow import again, faults

RULES = config_of(
    max_contracts={"limit": 3},
    max_contracts_per_instrument={"limits": {"MNQ": 2}, "default_limit": 1},
    daily_realized_loss={"max_loss_usd": 900},
    daily_unrealized_loss={"max_loss_usd": 60},
    max_unrealized_profit={"target_usd": 80},
    trade_frequency_limit={"per_minute": 4, "cooldown_s": {"per_minute": 120}},
    cooldown_after_loss={"tiers": [{"loss_usd": 100, "cooldown_s": 60}]},
    no_stop_loss_grace={"grace_s": 30},
    symbol_blocks={"patterns": ["M2K"]},
    trade_management={"trailing": {"activate_ticks": 8, "trail_ticks": 8}},
)
DEEDS = 60
MOST = 20
"""Events a deed may lead to at the very most, averaged; one that is told for ever is far beyond."""


def act(run, dice):
    """Do one thing a trader, the market or time does."""
    product = dice.choice(["MNQ", "MNQ", "MES", "M2K"])
    match dice.randrange(7):
        case 0 | 1:
            run.order(A, product, dice.choice([-2, -1, 1, 2]))
        case 2:
            run.order(A, product, 1, OrderType.LIMIT, limit=Decimal(1000))
        case 3:
            run.order(A, product, -1, OrderType.STOP, stop=Decimal(1000))
        case 4:
            run.fill(A, dice.choice(["-150", "-40", "25"]))
        case 5:
            run.price("MNQ", str(26000 + dice.randrange(-40, 40)))
        case _:
            run.advance(dice.choice([0.5, 5, 61]))


@pytest.mark.parametrize("seed", range(4))
def test_a_shadow_only_looks(rig, seed):
    """Over a restart in the middle, by the same checker as the chaos runs."""
    dice = random.Random(seed)  # noqa: S311 - reproducible
    run = rig(RULES, shadow=True)
    run.price("MNQ", "26000")
    for deed in range(DEEDS):
        if deed == DEEDS // 2:
            run = again(rig, run, shadow=True)
        act(run, dice)
        run.advance(1)  # what was begun is over before time jumps
    for _ in range(30):
        run.advance(10)

    assert run.broker.received == []
    assert faults(run) == []
    events = [each.event for each in run.stored()]
    begun, ended = (
        [each for each in events if isinstance(each, kind)]
        for kind in (EnforcementStarted, EnforcementFinished)
    )
    assert any(isinstance(each, RuleBreached) for each in events)
    assert [each.enforcement_id for each in begun] == [each.enforcement_id for each in ended]
    told = [each for each in events if isinstance(each, RuleBreached | EnforcementStarted)]
    assert len(told) < DEEDS * 3
    assert len(events) < (DEEDS + 30) * MOST
    codes = {each.code for each in events if isinstance(each, AlarmRaised)}
    assert codes <= {AlarmCode.REENTRY_PATTERN, AlarmCode.SNAPSHOT_DIFFERED, AlarmCode.QUOTE_STALE}
    assert run.status().health is not Health.UNKNOWN
    assert run.status(B).lockouts == ()
