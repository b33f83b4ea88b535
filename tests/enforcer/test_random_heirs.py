"""The random brokers again, with an enforcer that fails once or twice: its successors double nothing.

The rounds are always the same. What was proven flat and is opened again within seconds of a failure is
closed at once, as everything that was gone and came back, even beside a close that still hangs.
"""

import pytest

from actors.enforcer.core import EnforcerCore
from tests.enforcer.test_random_broker import Round

ROUNDS = 300


class Succeeded(Round):
    """A round whose enforcer fails while it works, and has a successor that knows nothing."""

    lives = 1

    def play(self):
        """Let it fail within the first six seconds."""
        for _ in range(self.dice.choice([1, 2])):
            self._in(self.dice.random() * 6, self.fail)
        return super().play()

    def enforce(self):
        """Say what is there; what was proven flat and came back is closed at once."""
        if self.is_proved():
            self.unanswered.clear()
        super().enforce()

    def fail(self):
        """Put a new one in its place, to which its account says again what is to be done."""
        if self.is_proved():
            return
        self.story.append(f"{self.now:7.3f} ✗ fails")
        self.lives += 1
        self.core = EnforcerCore(account=1, login="desk", epoch=str(self.lives))
        self.core.inherit(self.at())
        self._wakes.clear()
        self.due = max(self.due, self.now + 0.1)  # as the account does: that report may be lost
        self.reports.clear()
        self.enforce()


def play(seed):
    for number in range(ROUNDS):
        played = Succeeded(f"{seed} {number}")
        wrong = [each for each in played.play() if "reported" not in each]
        assert not wrong, "\n".join([f"round {number}:", *played.story, *wrong])


@pytest.mark.parametrize("seed", ["heirs", "96d03ad1", "ed098c93", "321396c0", "86cb681f"])
def test_no_successor_closes_beside_what_an_earlier_life_has_under_way(seed):
    """Each of these has found something that was wrong, or seemed so."""
    play(seed)
