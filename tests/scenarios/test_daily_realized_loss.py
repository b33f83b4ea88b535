"""RULE-003 through the whole system: scenarios S-12 to S-19 and S-65."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from messages.commands import CancelOrder, CloseContract
from messages.events import AccountLocked, EnforcementStarted, FlatConfirmed, RuleBreached
from messages.values import OrderType, Phase
from tests.rig import A, B, config_of, contract

LIMIT_500 = config_of(daily_realized_loss={"max_loss_usd": 500})
LIMIT_5 = config_of(daily_realized_loss={"max_loss_usd": 5})


def test_a_day_inside_the_limit_changes_nothing(rig):
    """S-12: +100, +50, -200 is -50 of -500."""
    run = rig(LIMIT_500)

    for pnl in ("100", "50", "-200"):
        run.fill(A, pnl)

    assert run.status().phase is Phase.OPEN
    assert run.status().realised_usd == Decimal(-50)
    assert run.broker.received == []


def test_a_loss_beyond_the_limit_flattens_and_locks_until_the_reset(rig):
    """S-13: -450 then -100."""
    run = rig(LIMIT_500)
    run.order(A, "MNQ", 2)
    run.order(A, "ES", -1)
    run.order(A, "MNQ", 1, OrderType.LIMIT, limit=Decimal(20000))

    run.fill(A, "-450")
    assert run.status().phase is Phase.OPEN
    run.fill(A, "-100")

    assert run.held() == {}
    assert run.working() == 0
    assert {each.contract for each in run.commands(CloseContract)} == {
        contract("MNQ"),
        contract("ES"),
    }
    assert len(run.commands(CancelOrder)) == 1
    (lock,) = run.status().lockouts
    assert (lock.rule, lock.until) == ("RULE-003", datetime(2025, 10, 29, 22, tzinfo=UTC))
    assert run.status().phase is Phase.LOCKED


@pytest.mark.parametrize(
    ("last", "locked"), [("-199.99", False), ("-200", True), ("-200.01", True)]
)
def test_the_limit_itself_is_the_breach(rig, last, locked):
    """S-14: nulls change neither the sum nor the count; exactly -500 locks, a cent less does not."""
    run = rig(LIMIT_500)

    for pnl in ("-100", None, "-200", None, last):
        run.fill(A, pnl)

    assert (run.status().phase is Phase.LOCKED) is locked


def test_the_seed_case_is_locked_until_17_chicago_even_if_flatten_never_returns(rig):
    """S-15: -35.50 of -5 on 2025-10-31 11:43 Chicago; the lock exists after the deadline."""
    run = rig(LIMIT_5, start=datetime(2025, 10, 31, 16, 43, 1, tzinfo=UTC))
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False

    run.fill(A, "-35.50")
    assert run.events(EnforcementStarted)[0].lockouts[0].until == datetime(
        2025, 10, 31, 22, tzinfo=UTC
    )
    run.advance(5)

    (locked,) = run.events(AccountLocked)
    assert locked.lockout.until == datetime(2025, 10, 31, 22, tzinfo=UTC)
    assert locked.lockout.reason == "Daily loss limit exceeded: $-35.50 (limit: $-5.00)"
    assert not locked.flat_confirmed
    assert run.status().phase is Phase.ENFORCING


def test_two_daily_rules_share_one_sum(rig):
    """S-16: three trades of -100 are -300 for both."""
    run = rig(
        config_of(
            daily_realized_loss={"max_loss_usd": 500}, daily_realized_profit={"target_usd": 1000}
        )
    )

    for _ in range(3):
        run.fill(A, "-100")

    assert run.status().realised_usd == Decimal(-300)
    assert run.status().phase is Phase.OPEN


def test_fees_count_when_net_and_not_when_gross(rig, tmp_path):
    """S-17: -495 with 6.20 of fees is -501.20 net."""
    net = rig(LIMIT_500)
    net.fill(A, "-495", fees="6.20")
    assert net.status().phase is Phase.LOCKED
    net.stop()

    (tmp_path / "gross").mkdir()
    gross = rig(LIMIT_500 + '\n[money]\npnl = "gross"\n', accounts=(B,), folder=tmp_path / "gross")
    gross.fill(B, "-495", fees="6.20")
    assert gross.status(B).phase is Phase.OPEN
    assert gross.status(B).realised_usd == Decimal(-495)


def test_a_voided_loss_leaves_the_sum_but_not_the_lockout(rig):
    """S-17: what the broker takes back changes the P&L; a lockout already set stays."""
    run = rig(LIMIT_500)
    run.fill(A, "-300")
    big = run.fill(A, "-300")
    assert run.status().phase is Phase.LOCKED

    run.void(A, big)

    assert run.status().realised_usd == Decimal(-300)
    assert run.status().phase is Phase.LOCKED


def test_a_breach_after_the_reset_belongs_to_the_next_day(rig):
    """S-19: 18:00 Chicago on Wednesday locks until 17:00 on Thursday."""
    run = rig(LIMIT_5, start=datetime(2025, 10, 29, 23, tzinfo=UTC))

    run.fill(A, "-5")

    assert run.status().lockouts[0].until == datetime(2025, 10, 30, 22, tzinfo=UTC)


def test_realised_and_open_loss_count_together(rig):
    """S-65: -800 realised and -97.50 open is inside -900; -100 open is the breach."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 900}))
    for _ in range(4):
        run.fill(A, "-200")
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 5)

    run.price("MNQ", "20990.25")
    assert run.status().open_usd == Decimal("-97.50")
    assert run.status().phase is Phase.OPEN
    run.price("MNQ", "20990.00")

    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED


def test_a_closing_loss_does_not_count_twice_before_the_position_follows(rig):
    """A close that is booked while the position still shows must not add its open loss again."""
    run = rig(LIMIT_500)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 2)
    run.price("MNQ", "20925")
    assert run.status().open_usd == Decimal(-300)

    run.order(A, "MNQ", -2)

    assert run.status().realised_usd == Decimal(-300)
    assert run.events(RuleBreached) == []
    assert run.status().phase is Phase.OPEN


def test_the_journal_reads_intent_commands_flat_locked(rig):
    """I1 on the stored journal, with the broker's record beside it."""
    run = rig(LIMIT_5)
    run.order(A, "MNQ", 1)

    run.fill(A, "-5")

    kinds = [type(each.event).__name__ for each in run.stored()]
    order = [
        "RuleBreached",
        "EnforcementStarted",
        "BrokerCommandSent",
        "FlatConfirmed",
        "AccountLocked",
    ]
    places = [kinds.index(kind) for kind in order]
    assert places == sorted(places)
    assert len(run.commands(CloseContract)) == 1
    assert run.events(FlatConfirmed)[0].waves == 1
