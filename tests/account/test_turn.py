"""What a turn writes at the head of all it says."""

from actors.account.state import AccountState
from actors.account.turn import Turn
from tests.account.world import ACCOUNT, DAY, START


def test_what_a_turn_says_names_its_message_as_the_cause_unless_another_is_named():
    """The journal's chain of causes: a lockout's end follows from its breach, the rest from the turn."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    turn = Turn(state=state, now=START, cause="wake", token="t")

    assert turn.head() == {"account": ACCOUNT, "at": START, "cause": "wake"}
    assert turn.head("1/b1") == {"account": ACCOUNT, "at": START, "cause": "1/b1"}
