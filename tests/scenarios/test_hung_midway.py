"""An actor hangs between two of the words in which an intent is said: all of it comes about, once."""

import threading

import pytest

from actors.runtime import SystemClock
from messages.commands import CloseContract
from messages.events import (
    AccountLocked,
    BrokerCommandAnswered,
    EnforcementStarted,
    RuleBreached,
)
from messages.journal import Append
from messages.values import Phase, Rejected
from tests.rig import PATIENCE_S, A, config_of
from tests.scenarios.test_supervision import BARRIER, restarted, restless

LOSS = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})


class Standing:
    """A directory in whose hands an actor stands still, so many words after its first of weight."""

    def __init__(self, directory, words):
        self._directory, self._words = directory, words
        self._said = None
        self.reached, self.opened = threading.Event(), threading.Event()

    def __getattr__(self, name):
        return getattr(self._directory, name)

    def tell(self, to, message):
        if self._said is not None or _has_weight(message):
            self._said = 0 if self._said is None else self._said + 1
            if self._said == self._words:
                self.reached.set()
                assert self.opened.wait(PATIENCE_S)
        self._directory.tell(to, message)


def _has_weight(message):
    if isinstance(message, Append):
        return any(isinstance(each, EnforcementStarted) for each in message.events)
    return isinstance(message, CloseContract)


@pytest.mark.parametrize("words", range(4))
@pytest.mark.parametrize("address", [f"account/{A}", f"enforcer/{A}"])
def test_what_hangs_in_the_middle_of_an_intent_is_finished_by_its_successor(rig, address, words):
    """Before the intent, the close, the deadline, or the answer: closed once, locked once."""
    run = rig(LOSS)
    run.order(A, "MNQ", 1)
    directory = run.system.directory
    actor = directory.ref(address)._actor_weakref()
    actor._directory = standing = Standing(directory, words)
    restless(run)
    run.fill(A, "-600")
    assert standing.reached.wait(PATIENCE_S)
    until = SystemClock().monotonic() + PATIENCE_S
    while not restarted(run, address):
        assert SystemClock().monotonic() < until, "it was not replaced"
        run.clock.advance(1)
        directory.ref("clock").ask(BARRIER, timeout=PATIENCE_S)
    standing.opened.set()
    del run.settle
    for _ in range(20):
        run.advance(1)

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    answers = run.events(BrokerCommandAnswered)
    for_nothing = [each for each in answers if isinstance(each.outcome, Rejected)]
    # The clock went on while threads worked: one more close may have been refused as nothing was held.
    assert len(run.commands(CloseContract)) - len(for_nothing) == 1
    assert len(run.events(RuleBreached)) == 1
    assert len(run.events(AccountLocked)) == 1
