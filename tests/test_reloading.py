"""What a reload hears from the accounts: of all that answer, and within one time for all that do not."""

import threading

import pytest

from actors.reloading import adopted_by
from actors.runtime import Directory, OwnThread, PooledActor, SystemClock
from messages.events import RulesAdopted
from messages.queries import AccountAdoption
from tests.rig import A, B

SILENT = range(1, 101)
EACH_S = 0.3


class Account(PooledActor):
    """Answers with what it is made for, or fails at it."""

    def __init__(self, *, dispatcher, answer) -> None:
        super().__init__(dispatcher=dispatcher)
        self._says = answer

    def on_receive(self, _message):
        if isinstance(self._says, Exception):
            raise self._says
        if isinstance(self._says, threading.Event):
            self._says.wait()
        return self._says


@pytest.fixture
def directory():
    """Accounts of which A answers, B fails at it, and very many others hang."""
    addresses, gate = Directory(), threading.Event()
    lively, hung = OwnThread("lively"), OwnThread("hung")
    adopted = RulesAdopted(
        account=A,
        at=SystemClock().now(),
        cause="reload",
        config="",
        rules=(),
        applied=("RULE-003",),
        queued=(),
    )
    answers = {A: adopted, B: ValueError("boom")} | dict.fromkeys(SILENT, gate)
    refs = {
        account: Account.start(dispatcher=hung if account in SILENT else lively, answer=answer)
        for account, answer in answers.items()
    }
    for account, ref in refs.items():
        addresses.register(f"account/{account}", ref)
    yield addresses
    gate.set()
    for ref in refs.values():
        ref.stop()
    for thread in (lively, hung):
        thread.stop()


def test_who_is_silent_or_fails_takes_no_other_answer_away(directory):
    """The new rules are in force whatever an account answers: that must not end in an error."""
    adoptions = list(adopted_by((1, B, A), directory, SystemClock().now(), timeout_s=EACH_S))

    assert adoptions == [AccountAdoption(account=A, applied=("RULE-003",), queued=())]


def test_the_silent_are_waited_for_together(directory):
    """SIGTERM is not obeyed meanwhile: it takes as long for a hundred as for one."""
    clock = SystemClock()
    began = clock.monotonic()

    assert list(adopted_by(SILENT, directory, clock.now(), timeout_s=EACH_S)) == []

    assert clock.monotonic() - began < len(SILENT) * EACH_S / 2
