"""Lockouts that stand side by side, with the numbers of S-66 and S-69: each ends by itself.

Under a flat duty no rule is asked, so several account-wide lockouts meet only where verdicts come late:
computed before the first one bound, delivered after.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from messages.commands import ReportVerdict
from messages.events import AccountLocked, LockoutReleased
from messages.values import (
    ACCOUNT_SCOPE,
    Breach,
    BreachCode,
    Duty,
    FlatAccount,
    FlatProduct,
    LockoutTerms,
    Phase,
    ReleaseOn,
)
from tests.rig import NOON, A, config_of

RESET = datetime(2025, 10, 29, 22, tzinfo=UTC)
SESSION = datetime(2025, 10, 30, 14, tzinfo=UTC)
"""09:00 in Chicago of the next day."""
RULES = config_of(
    daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False},
    daily_realized_profit={"target_usd": 1000},
    cooldown_after_loss={"tiers": [{"loss_usd": 100, "cooldown_s": 60}]},
    session_block_outside={"start": "09:00", "end": "14:00"},
    auth_loss_guard={},
    symbol_blocks={"patterns": ["RTY"]},
)


def late(run, rule, until, release_on, *, product=None):
    """Deliver a verdict late, as the rule would have given it."""
    scope = f"product:{product}" if product else ACCOUNT_SCOPE
    terms = LockoutTerms(scope=scope, duty=Duty.FLAT, until=until, release_on=release_on)
    breach = Breach(
        rule=rule,
        code=BreachCode.DAILY_REALIZED_LOSS,  # nothing looks at it here
        value=Decimal(-1),
        limit=Decimal(-1),
        reason=f"{rule}, told late",
        measure="",
        targets=(FlatProduct(product=product) if product else FlatAccount(),),
        lockouts=(terms,),
    )
    verdict = ReportVerdict(
        account=A,
        at=run.clock.now(),
        cause="late",
        rule=rule,
        breach=breach,
        moves=(),
        trading_date="2025-10-29",
        judgement=None,
    )
    run.system.directory.tell(f"account/{A}", verdict)
    run.settle()


def locks(run):
    return [each.rule for each in run.status().lockouts]


def test_a_cooldown_of_13_00_ends_at_13_01_under_a_lock_of_12_00_that_goes_on(rig):
    """S-66: at 13:01:01 locked by 003 alone, of the cooldown nothing is left; free at 17:00:00."""
    run = rig(RULES.replace('"14:00"', '"17:30"'))
    run.fill(A, "-500")
    assert locks(run) == ["RULE-003", "RULE-007"]
    run.at(NOON + timedelta(hours=1))
    assert locks(run) == ["RULE-003"]

    late(run, "RULE-007", run.clock.now() + timedelta(seconds=60), ReleaseOn.TIME)
    assert locks(run) == ["RULE-003", "RULE-007"]
    run.at(NOON + timedelta(hours=1, seconds=59))
    assert locks(run) == ["RULE-003", "RULE-007"]
    run.at(NOON + timedelta(hours=1, seconds=61))
    assert locks(run) == ["RULE-003"]
    run.at(RESET - timedelta(seconds=1))
    assert run.status().phase is Phase.LOCKED

    run.at(RESET)

    assert run.status().phase is Phase.OPEN
    assert [each.rule for each in run.events(LockoutReleased)] == [
        *("RULE-007", "RULE-007", "RULE-003")
    ]


@pytest.mark.parametrize("restarted", [False, True])
def test_of_five_lockouts_the_reset_ends_the_days_two(rig, restarted):
    """S-69: 003 and 013 go at 17:00; 009, 010 and the blocked product stay, over a restart too."""
    run = rig(RULES)
    run.order(A, "RTY", 1)
    run.let_trade(A, False)
    late(run, "RULE-003", RESET, ReleaseOn.RESET)
    late(run, "RULE-013", RESET, ReleaseOn.RESET)
    late(run, "RULE-009", SESSION, ReleaseOn.SESSION_START)
    five = {"RULE-003", "RULE-009", "RULE-010", "RULE-011", "RULE-013"}
    assert set(locks(run)) == five
    assert {each.lockout.rule for each in run.events(AccountLocked)} == five
    if restarted:
        run.stop()
        run = rig(RULES, broker=run.broker)
        assert set(locks(run)) == five
    run.at(RESET - timedelta(seconds=1))
    assert set(locks(run)) == five

    run.at(RESET)

    assert locks(run) == ["RULE-010", "RULE-009", "RULE-011"]
    assert {each.rule for each in run.events(LockoutReleased)} == {"RULE-003", "RULE-013"}
    assert run.status().phase is Phase.LOCKED
