"""Who seems to be traded by a copier: a table of what gives it away, and the whole system under one."""

from datetime import UTC, datetime, timedelta

import pytest

from actors.ops.copying import Copiers
from messages.events import AlarmRaised, ExposureUnderLock
from messages.facts import TradeExecuted
from messages.values import AlarmCode, Duty, Fill, Lockout, Phase, ReleaseOn, Side
from tests.rig import A, B, config_of, contract

NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)
MNQ, ES = contract("MNQ"), contract("ES")
C = B + 1
LOCKOUT = Lockout(
    rule="RULE-003",
    scope="account",
    duty=Duty.FLAT,
    until=None,
    release_on=ReleaseOn.RESET,
    reason="",
    breach_id="b1",
    locked_at=NOON,
)
LOSS = config_of(daily_realized_loss={"max_loss_usd": 500})


def reentry(account, at_s, name=MNQ, appeared="position {} 2"):
    return ExposureUnderLock(
        account=account,
        at=NOON + timedelta(seconds=at_s),
        cause="test",
        appeared=appeared.format(name),
        rules_skipped=1,
        lockout=LOCKOUT,
        attempt=1,
    )


def fill(account, at_s, order, *, name=MNQ, pnl=None):
    at = NOON + timedelta(seconds=at_s)
    booked = Fill(
        trade_id=order,
        order_id=order,
        contract=name,
        side=Side.BUY,
        size=1,
        price=21000,
        profit_and_loss_usd=pnl,
        fees_usd=0,
        commissions_usd=0,
        voided=False,
        executed_at=at,
    )
    return TradeExecuted(account=account, at=at, cause="test", fill=booked)


def told(*events):
    """Return the accounts of each group that is told."""
    copiers = Copiers()
    found = [copiers.note(each) for each in events]
    return [each.accounts for each in found if each]


@pytest.mark.parametrize(
    ("events", "groups"),
    [
        pytest.param([reentry(A, 0), reentry(B, 1), reentry(C, 3)], [(A, B, C)], id="a crowd"),
        pytest.param([reentry(A, 0), reentry(B, 1), reentry(C, 3.1)], [], id="too far apart"),
        pytest.param(
            [reentry(A, 0), reentry(B, 1), reentry(A, 60), reentry(B, 61)], [(A, B)], id="again"
        ),
        pytest.param(
            [reentry(A, 0), reentry(B, 1), reentry(A, 599), reentry(B, 600)], [(A, B)], id="as late"
        ),
        pytest.param(
            [reentry(A, 0), reentry(B, 1), reentry(A, 599), reentry(B, 600.5)], [], id="too late"
        ),
        pytest.param(
            [reentry(A, 0), reentry(B, 1), reentry(A, 60), reentry(C, 61)], [], id="others again"
        ),
        pytest.param([reentry(A, each / 2) for each in range(9)], [], id="one alone"),
        pytest.param([reentry(A, 0), reentry(B, 1, ES), reentry(C, 2)], [], id="another contract"),
        pytest.param(
            [reentry(each, 0, appeared="order 77 {}") for each in (A, B, C)],
            [(A, B, C)],
            id="orders",
        ),
    ],
)
def test_locked_accounts_that_move_together_are_a_group(events, groups):
    """Three at once, or the same two again within ten minutes."""
    assert told(*events) == groups


def follows(*delays, pnl=None):
    """Let A fill, and B re-enter after each of these delays."""
    for number, delay in enumerate(delays):
        yield fill(A, 20 * number, 100 + number, pnl=pnl)
        yield fill(B, 20 * number + delay, 200 + number)  # its own fills say nothing of it
        yield reentry(B, 20 * number + delay)


@pytest.mark.parametrize(
    ("events", "groups"),
    [
        pytest.param(follows(0.5, 0.6, 0.75), [(A, B)], id="steady"),
        pytest.param(follows(0.5, 0.5), [], id="only twice"),
        pytest.param(follows(0.5, 0.5, 0.76), [], id="unsteady"),
        pytest.param(follows(0.5, 1.5, 0.5, 0.5, 0.5), [(A, B)], id="steady at last"),
        pytest.param(follows(3, 3, 3), [(A, B)], id="slow"),
        pytest.param(follows(3.1, 3.1, 3.1), [], id="too slow"),
        pytest.param(follows(0.5, 0.5, 4, 0.5), [], id="not each time"),
        pytest.param(follows(0.5, 0.5, 0.5, pnl=5), [], id="after closes"),
    ],
)
def test_an_account_that_follows_another_one_steadily_is_led(events, groups):
    """Three re-entries in a row, each the same while after a fill of an account, locked or not."""
    assert told(*events) == groups


def test_a_group_is_told_once_and_again_when_it_grows_or_after_a_quiet_hour():
    """An alarm per round would bury what it says."""
    rounds = [reentry(each, at + each / 1e9) for at in (0, 10, 3620) for each in (A, B, C)]
    more = [reentry(C + 1, 11)]

    assert told(*rounds[:6], *more, *rounds[6:]) == [(A, B, C), (A, B, C, C + 1), (A, B, C)]


def copier_alarms(run):
    alarms = run.events(AlarmRaised, None)
    return [each.text for each in alarms if each.code is AlarmCode.COPIER_SUSPECTED]


def test_three_locked_accounts_of_a_copier_are_named_in_one_alarm(rig):
    """Each is closed by itself, every time; a fourth that trades elsewhere is not named."""
    run = rig(LOSS, accounts=(A, B, C, C + 1))
    for account in (A, B, C, C + 1):
        run.fill(account, "-500")
        assert run.status(account).phase is Phase.LOCKED
    run.order(C + 1, "ES", 1)
    for _ in range(3):
        for account in (A, B, C):
            run.order(account, "MNQ", 2)
        run.advance(10)

    (text,) = copier_alarms(run)
    assert text.startswith(f"accounts {A}, {B}, {C} in {MNQ}: they re-entered under lock together")
    assert "stop the copier" in text
    assert [run.held(each) for each in (A, B, C)] == [{}, {}, {}]


def test_a_locked_account_that_follows_an_open_one_is_named_with_it(rig):
    """The leader trades on freely; the copier brings the locked follower in each time."""
    run = rig(LOSS)
    run.fill(B, "-500")
    for _ in range(3):
        run.order(A, "MNQ", 1)
        run.advance(0.4)
        run.order(B, "MNQ", 1)
        run.advance(20)
        run.order(A, "MNQ", -1)
        run.advance(20)

    (text,) = copier_alarms(run)
    assert text.startswith(f"accounts {A}, {B} in {MNQ}: {B} re-enters under lock each time")
    assert run.held(B) == {}
    assert run.status(A).phase is Phase.OPEN
