"""What a person and a service manager see of supervision: dead letters, and exit code 71."""

import json
import os
import subprocess
import sys

import pytest

from tests.cli import MAIN, WITHIN_S, environment, lockstep
from tests.rig import TOKENS, A, config_of

BREAK = """
import sys, threading
sys.path.insert(0, {root!r})
from actors.journal.actor import JournalActor
from actors.runtime import ChildSpec
import actors.system, main

actors.system.JOURNAL_HUNG_S = 2.0
main.END_WITHIN_S = 3.0
commit, guarded = JournalActor._commit, threading.Event()
def break_it(self):
    if any("account_opened" in str(each.rows) for each in self._waiting):
        guarded.set()
    if guarded.is_set():
        {how}
    commit(self)
JournalActor._commit = break_it
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.fixture
def journal(rig, tmp_path):
    """The journal of a run in which two messages could not be handled."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 500}))
    for address in (f"account/{A}", "nobody"):
        run.system.directory.tell(address, f"nonsense for {address}")
        run.settle()
    run.stop()
    return tmp_path / "lockstep.db"


def test_dead_letters_are_listed_for_people(journal):
    """When, to whom, why, and what it said; the oldest first."""
    told = lockstep("journal", "dead-letters", "--path", journal)

    assert told.returncode == 0
    first, said, second, _ = told.stdout.splitlines()
    assert f"account/{A}: TypeError('an account cannot be told str')" in first
    assert said.strip() == f"'nonsense for account/{A}'"
    assert "nobody: unknown address" in second


def test_dead_letters_are_listed_for_programs(journal):
    """One JSON object a line."""
    told = lockstep("journal", "dead-letters", "--json", "--path", journal)

    letters = [json.loads(line) for line in told.stdout.splitlines()]
    assert [each["address"] for each in letters] == [f"account/{A}", "nobody"]
    assert {"seq", "at", "kind", "cause", "address", "message", "error"} == set(letters[0])


def test_without_dead_letters_nothing_is_listed(rig, tmp_path):
    """And that is no failure."""
    rig(config_of()).stop()

    told = lockstep("journal", "dead-letters", "--path", tmp_path / "lockstep.db")

    assert (told.returncode, told.stdout) == (0, "")


@pytest.mark.parametrize(
    "how",
    ["raise RuntimeError('broken for good')", "threading.Event().wait()"],
    ids=["raises", "hangs"],
)
def test_a_journal_that_cannot_be_kept_alive_ends_the_process_with_71(
    written, broker, tmp_path, how
):
    """Whether it raises or hangs: the process says so and is gone, for its service manager."""
    script = tmp_path / "broken.py"
    script.write_text(BREAK.format(root=str(MAIN.parent), how=how))

    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, script, "run", "--config", written(broker)],
        env=environment(**TOKENS),
        capture_output=True,
        text=True,
        timeout=WITHIN_S + 30,
        check=False,
        cwd=os.fspath(tmp_path),
    )

    assert ended.returncode == 71
    assert "actor_gave_up" in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("lockstep: journal cannot be kept alive: ")
    assert last.endswith("; start it again: a new process starts from the journal")
