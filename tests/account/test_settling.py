"""What frees an account is waited for until it is on disk, however often the journal must be asked."""

import itertools
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from actors.account.settling import WOKEN, Settling
from actors.account.state import AccountState
from actors.account.trading_day import TradingDay
from actors.account.turn import Turn
from messages.commands import CancelWake, WakeAfter
from messages.events import AccountOpened, LockoutReleased
from messages.journal import Append

NOON = datetime(2025, 10, 29, 17, 0, tzinfo=UTC)
NAMES = map(str, itertools.count())


def a_turn() -> Turn:
    day = TradingDay(reset=time(17), zone=ZoneInfo("America/Chicago"))
    state = AccountState.new(1, day, gross=False)
    return Turn(state=state, now=NOON, cause="test", token=next(NAMES))


def released() -> tuple[Settling, Turn]:
    """Return what waits for a lockout's end, and the turn in which it ended."""
    turn, settling = a_turn(), Settling()
    head = turn.head()
    turn.record(LockoutReleased(**head, rule="RULE-003", scope="account", released_by="reset"))
    settling.follow(turn)
    return settling, turn


def appends(turn: Turn) -> list[Append]:
    return [message for _, message in turn.sends() if isinstance(message, Append)]


def test_the_end_of_a_lockout_is_waited_for():
    """Its own turn asks for the answer, and for a reminder in case none comes."""
    settling, turn = released()

    (append,) = appends(turn)
    assert settling.waits
    assert append.asker == "account/1"
    assert any(isinstance(each, WakeAfter) and each.key == WOKEN for _, each in turn.sends())


def test_what_frees_nothing_is_not_waited_for():
    """The disk is not asked at every turn."""
    turn, settling = a_turn(), Settling()
    turn.record(AccountOpened(**turn.head()))
    settling.follow(turn)

    assert not settling.waits
    assert not turn.durable


def test_only_its_own_answer_ends_the_wait():
    """An intent of another turn that is on disk says nothing about this."""
    settling, turn = released()
    later = a_turn()

    assert not settling.on_durable(later, "another")
    assert settling.waits
    assert settling.on_durable(later, turn.token)
    assert not settling.waits
    assert [type(each) for _, each in later.sends()] == [CancelWake]


def test_as_long_as_it_is_not_on_disk_the_journal_is_asked_again():
    """With nothing to store: the answer comes behind everything that was told before; either counts."""
    settling, _ = released()
    other, first = released()
    again = a_turn()

    settling.ask_again(again)

    (append,) = appends(again)
    assert (append.events, append.asker, append.token) == ((), "account/1", again.token)
    assert settling.on_durable(a_turn(), again.token)
    other.ask_again(a_turn())
    assert other.on_durable(a_turn(), first.token)


def test_a_turn_that_is_answered_anyway_asks_once():
    """Its own events carry the question."""
    settling, _ = released()
    again = a_turn()
    again.durable = True

    settling.ask_again(again)

    assert appends(again) == []
    assert settling.on_durable(a_turn(), again.token)


@pytest.mark.parametrize("answered", [True, False])
def test_a_reminder_that_comes_too_late_asks_nothing(answered: bool):
    """Nothing is waited for any more, or never was."""
    settling = Settling()
    if answered:
        settling, turn = released()
        settling.on_durable(a_turn(), turn.token)
    late = a_turn()

    settling.ask_again(late)

    assert late.sends() == []
