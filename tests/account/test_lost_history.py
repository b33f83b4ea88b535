"""What an account owes to a journal accepted without its past: to be flat and locked until the reset."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from actors.account.lost_history import LOST_HISTORY, intent
from actors.account.pretence import binding
from actors.account.state import AccountState
from actors.account.trading_day import TradingDay
from messages.events import AnchorAccepted, EnforcementJoined, EnforcementStarted
from messages.values import ACCOUNT_SCOPE, Duty, FlatAccount, FlatProduct, Lockout, ReleaseOn

NOON = datetime(2025, 10, 29, 17, 0, tzinfo=UTC)
RESET = datetime(2025, 10, 29, 22, 0, tzinfo=UTC)
ACCEPTED = AnchorAccepted(at=NOON, cause="accept", refused="it is gone", events=0)


@pytest.fixture
def state() -> AccountState:
    day = TradingDay(reset=time(17), zone=ZoneInfo("America/Chicago"))
    return AccountState.new(1, day, gross=False)


def under_way(*lockouts: Lockout) -> EnforcementStarted:
    return EnforcementStarted(
        account=1,
        at=NOON,
        cause="1/b1",
        enforcement_id="1/e1",
        breaches=("1/b1",),
        targets=(FlatProduct(product="MNQ"),),
        lockouts=lockouts,
        deadline_at=NOON,
    )


def lockout(scope: str) -> Lockout:
    return Lockout(
        rule="RULE-011",
        scope=scope,
        duty=Duty.FLAT,
        until=None,
        release_on=ReleaseOn.CONFIG,
        reason="blocked",
        breach_id="1/b1",
        locked_at=NOON,
    )


def test_a_journal_that_was_never_accepted_so_owes_nothing(state):
    """The usual case."""
    assert intent(state, None, NOON, 5) is None


@pytest.mark.parametrize(
    ("at", "owed"),
    [(NOON, True), (RESET - timedelta(seconds=1), True), (RESET, False)],
    ids=["at once", "just before the reset", "at the reset"],
)
def test_it_is_owed_until_the_reset_after_the_acceptance(state, at, owed):
    """However often it is started meanwhile, and never on a later day."""
    assert (intent(state, ACCEPTED, at, 5) is not None) == owed


def test_it_is_an_intent_like_any_other(state):
    """The whole account flat, one lockout until the reset, the deadline of the configuration."""
    owed = intent(state, ACCEPTED, NOON, 5)

    assert isinstance(owed, EnforcementStarted)
    assert (owed.enforcement_id, owed.targets) == ("1/e1", (FlatAccount(),))
    (lock,) = owed.lockouts
    assert (lock.rule, lock.scope, lock.duty) == (LOST_HISTORY, ACCOUNT_SCOPE, Duty.FLAT)
    assert (lock.until, lock.release_on) == (RESET, ReleaseOn.RESET)
    assert owed.deadline_at == NOON + timedelta(seconds=5)


def test_once_it_is_decided_it_is_not_owed_again(state):
    """A restart in the middle of it goes on with that one."""
    owed = intent(state, ACCEPTED, NOON, 5)
    state.evolve(owed)

    assert intent(state, ACCEPTED, NOON, 5) is None


@pytest.mark.parametrize(("pending", "deadline_s"), [((), 5), ((lockout("product:MNQ"),), 0)])
def test_it_joins_what_the_accepted_journal_has_under_way(state, pending, deadline_s):
    """Nothing of that is given up, and a lock that is due is not put off."""
    state.evolve(under_way(*pending))

    owed = intent(state, ACCEPTED, NOON, 5)

    assert isinstance(owed, EnforcementJoined)
    assert owed.enforcement_id == "1/e1"
    assert FlatAccount() in owed.targets
    assert {each.rule for each in owed.lockouts} == {
        LOST_HISTORY,
        *(each.rule for each in pending),
    }
    assert owed.deadline_at == NOON + timedelta(seconds=deadline_s)


def test_it_joins_nothing_that_is_only_pretended(state):
    """What shadow pretends ends at the next start in truth, and would take this lock with it."""
    state.evolve(structs.replace(under_way(lockout("MNQ")), shadow=True))

    owed = intent(state, ACCEPTED, NOON, 5)

    assert isinstance(owed, EnforcementStarted)
    assert not owed.shadow
    state.evolve(owed)
    assert [each.rule for each in state.duties] == [LOST_HISTORY]
    assert list(binding(state, NOON))
