"""`main.py demo` as a newcomer runs it: it tells the seed's case, in order, and ends by itself."""

import os
import pty
import re
import subprocess
import sys

import pytest

from tests.cli import MAIN, WITHIN_S, environment, lockstep, one_error

LOCKED = (
    "Account 13298777 locked until 2025-10-31T22:00:00+00:00: "
    "Daily loss limit exceeded: $-35.50 (limit: $-5.00)"
)
STORY = (
    "13298777 (50KTC-13298777) guarded by 6 rules",
    "RULE-003 DailyRealizedLoss: day's realised loss of $5.00",
    "13298777 OPEN",
    "At the broker, 13298777: 2 MNQ, 2 working orders",
    "Account 13298777 Daily P&L: $-35.50, Limit: $-5.00",
    "VIOLATION: RULE-003 - Daily loss limit exceeded: $-35.50 (limit: $-5.00)",
    "ENFORCING RULE-003: Account 13298777 Daily P&L: $-35.50, Limit: $-5.00",
    "Flattening all positions of account 13298777",
    "Account 13298777: closing CON.F.US.MNQ.Z25",
    "Account 13298777: cancelling order ",
    "Account 13298777: cancelling order ",
    "Account 13298777 verified by two complete reads of the broker",
    LOCKED,
    "At the broker, 13298777: no position, no working orders",
    "PRE-CHECK: a locked account is not judged",
    "appeared in locked account 13298777",
    "HARD LOCKOUT ACTIVE",
    "   Reason: Daily loss limit exceeded: $-35.50 (limit: $-5.00)",
    "   Until: 2025-10-31T22:00:00+00:00",
    "   Skipping ALL 6 rules (account locked)",
    "Account 13298777: closing CON.F.US.MNQ.Z25",
    "Account 13298777 verified by two complete reads of the broker",
    "At the broker, 13298777: no position, no working orders",
    "What happened",
    "How fast",
    "hash chain verified from first to last",
)


@pytest.fixture(scope="module")
def played():
    """Play the demo once, read through a pipe."""
    return lockstep("demo")


def test_the_demo_ends_well_and_says_nothing_on_stderr(played):
    """Exit 0, a clean stderr, no alarm, no log line between the lines of the story."""
    assert played.returncode == 0
    assert played.stderr == ""
    assert "ALARM" not in played.stdout
    assert not [line for line in played.stdout.splitlines() if line.startswith("{")]


def test_the_demo_tells_the_seeds_case_in_order(played):
    """The loss against its limit, the violation, the enforcement, the lock, and the PRE-CHECK."""
    place = 0
    for line in STORY:
        found = played.stdout.find(line, place)
        assert found >= 0, f"{line!r} is not told after:\n{played.stdout[:place][-400:]}"
        place = found + len(line)


def test_each_rule_is_printed_once_and_what_differs_with_its_account(played):
    """A newcomer reads six rules and one difference, not eighteen lines."""
    for rule in ("RULE-001 Max", "RULE-002 Max", "RULE-007 C", "RULE-009 S", "RULE-013 D"):
        assert played.stdout.count(rule) == 1
    assert played.stdout.count("RULE-003 DailyRealizedLoss") == 2


def test_the_table_shows_one_account_locked_and_the_others_open(played):
    """The last word is the state of every account, with the whole time the lock ends."""
    rows = {
        row[0]: row[1:]
        for line in played.stdout.partition("What happened")[2].splitlines()
        if (row := line.split()) and row[0].isdigit()
    }

    assert rows["13298777"] == [
        *("locked", "$-71.00", "0", "0", "RULE-003", "2025-10-31", "22:00", "UTC")
    ]
    assert rows["13298778"][:2] == ["open", "$19.00"]
    assert rows["13298779"][:2] == ["open", "$0.00"]


def test_the_times_are_measured_and_in_the_order_of_the_invariant(played):
    """Decision, then the first close at the broker, then flat, then locked."""
    table = played.stdout.partition("How fast")[2]
    took = [float(each) for each in re.findall(r" ([\d.]+) ms", table)]

    assert len(took) == 4
    assert took == sorted(took)
    assert took[0] < took[1] < took[2]


@pytest.mark.parametrize("columns", [80, 120])
def test_in_a_terminal_the_tables_are_whole_and_the_lines_can_be_searched(columns):
    """Nothing is cut with an ellipsis, and no seed line is broken."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), "demo"],
        env=environment(COLUMNS=str(columns), TERM="xterm", NO_COLOR="1"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    told = b""
    while chunk := read(ours):
        told += chunk
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;]*m", "", told.decode())

    assert process.wait(WITHIN_S) == 0
    assert "…" not in text
    assert "2025-10-31 22:00 UTC" in text
    assert LOCKED in text
    table = text.partition("What happened")[2].splitlines()
    assert max(map(len, table)) <= columns


def read(terminal):
    """Return what is next in a terminal; nothing once its program has ended."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_the_journal_of_the_demo_can_be_kept_and_read(tmp_path):
    """`--journal` keeps it; it verifies and exports."""
    path = tmp_path / "demo.db"

    kept = lockstep("demo", "--journal", path)

    assert kept.returncode == 0
    assert f"journal export --path {path}" in kept.stdout
    assert "chain intact" in lockstep("journal", "verify", "--path", path).stdout
    assert '"kind":"account_locked"' in lockstep("journal", "export", "--path", path).stdout

    again = one_error(lockstep("demo", "--journal", path), 2)
    assert "exists already" in again
