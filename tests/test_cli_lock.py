"""The `lock` command against a running process: flat, locked, and what it says."""

import json
import os
import pty
import subprocess
import sys

import httpx
import pytest

from messages.values import Side
from tests.cli import MAIN, WITHIN_S, environment, lockstep, one_error
from tests.rig import A, B
from tests.test_cli import front_month
from tests.test_cli_reload import TOKEN, listening, status


@pytest.fixture
def guarding(started, written, broker):
    """Run the guard, started with a token, until both accounts are open."""
    config = written(broker)
    run = started("run", "--config", config, **TOKEN)
    for account in (A, B):
        run.wait_line('"account_opened"', f'"account": {account}')
    return run, config


def lock(config, *words, **env):
    return lockstep("lock", *words, "--config", config, **(TOKEN | env))


def told(config, account=A):
    return next(each for each in status(config)["accounts"] if each["account"] == account)


def test_it_closes_locks_and_says_until_when_and_that_nothing_unlocks_it(guarding, broker):
    """Exit 0 only once the broker has confirmed flat and the lock is on disk; B trades on."""
    _, config = guarding
    broker.control.place_order(A, front_month(), Side.BUY, 2)

    done = lock(config, "ONE", "--for", "30m", "--reason", "three losses in a row", "--yes")

    assert (done.returncode, done.stderr) == (0, "")
    first, last = done.stdout.splitlines()
    account = told(config)
    (held,) = account["lockouts"]
    until = held["until"][:19].replace("T", " ")
    assert first.startswith(f"{A} (ONE) is flat and LOCKED until {until} UTC (")
    assert first.endswith("America/Chicago): three losses in a row")
    assert last.startswith("NOTHING unlocks it earlier")
    assert (account["phase"], held["rule"], held["duty"]) == ("locked", "SELF", "flat")
    assert not broker.control.positions(A)
    assert told(config, B)["phase"] == "open"


def test_a_shorter_one_changes_nothing_and_says_so_and_a_restart_neither(guarding, started):
    """The answer names what binds, for people and as JSON; the next process is locked as this one."""
    run, config = guarding
    first = json.loads(
        lock(config, A, "--for", "2h", "--reason", "enough", "--yes", "--json").stdout
    )

    shorter = lock(config, A, "--for", "1m", "--reason", "let me out", "--yes")

    assert list(first) == ["account", "name", "asked_until", "lockout"]
    assert first["lockout"]["until"] == first["asked_until"]
    assert shorter.returncode == 0
    assert "is to be locked longer already" in shorter.stdout
    assert shorter.stdout.rstrip().count("enough") == 1
    assert told(config)["lockouts"] == [first["lockout"]]
    assert run.stop() == 0
    again = started("run", "--config", config, **TOKEN)
    again.wait_line('"account_opened"', f'"account": {B}')
    assert told(config)["lockouts"] == [first["lockout"]]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--for", "30"], "30m, 2h"),
        (["--until", "25:00"], "write 15:30"),
        (["--until", "2020-01-01T00:00Z"], "is over already"),
        (["--for", "30m", "--until", "15:30"], "say either how long (--for 30m)"),
        ([], "say either how long (--for 30m)"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_before_anybody_is_asked(written, words, says):
    """Exit 2 with the fix; no process is needed to be told so."""
    done = lock(written(), A, *words, "--reason", "x", "--yes")

    assert says in one_error(done, 2)


def test_what_the_process_refuses_is_a_usage_error(guarding):
    """An account that is not guarded, a length or a reason that cannot be: exit 2, nothing is locked."""
    _, config = guarding

    unknown = lock(config, "4711", "--for", "30m", "--reason", "x", "--yes")
    too_long = lock(config, A, "--for", "367d", "--reason", "x", "--yes")
    no_reason = lock(config, A, "--for", "30m", "--reason", " ", "--yes")

    assert f"4711 is not among the guarded accounts: {A} (ONE), {B} (TWO)" in one_error(unknown, 2)
    assert "longer than 366 days" in one_error(too_long, 2)
    assert "the reason must be" in one_error(no_reason, 2)
    assert [each["lockouts"] for each in status(config)["accounts"]] == [[], []]


def test_it_needs_a_running_process_and_its_token(guarding):
    """69, 77 and 78, as `reload` does; no wish is kept for later."""
    run, config = guarding
    words = (A, "--for", "30m", "--reason", "x", "--yes")

    none = one_error(lock(config, *words, LOCKSTEP_TOKEN=""), 78)
    wrong = one_error(lock(config, *words, LOCKSTEP_TOKEN="canary-wrong-token"), 77)
    assert run.stop() == 0
    gone = one_error(lock(config, *words), 69)

    assert "LOCKSTEP_TOKEN" in none
    assert "SIGHUP" not in none + wrong
    assert listening(config) in gone
    assert all(each["lockouts"] == [] for each in status(config)["accounts"])


def on_terminal(config, typed):
    """Run `lock` with a terminal as its input; return exit code, stdout and stderr."""
    ours, theirs = pty.openpty()
    words = [A, "--for", "30m", "--reason", "enough", "--config", config]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), "lock", *map(str, words)],
        env=environment(**TOKEN),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    out, err = process.communicate(timeout=WITHIN_S)
    os.close(ours)
    return process.returncode, out, err


def test_on_a_terminal_it_asks_and_only_yes_is_a_yes(guarding):
    """Anything else ends with 1, and nothing is locked."""
    _, config = guarding

    code, out, err = on_terminal(config, "y\n")
    assert (code, out) == (1, "")
    assert f"Close every position of {A}, cancel every order, and lock it for 30m?" in err
    assert "NOTHING unlocks it earlier" in err
    assert "nothing was locked" in err
    assert told(config)["lockouts"] == []

    code, out, _ = on_terminal(config, "yes\n")
    assert code == 0
    assert "LOCKED until" in out
    assert [each["rule"] for each in told(config)["lockouts"]] == ["SELF"]


def test_where_nobody_can_be_asked_it_wants_to_be_told_that_it_is_meant(written):
    """Exit 2 names --yes."""
    assert "--yes" in one_error(lock(written(), A, "--for", "30m", "--reason", "x"), 2)


def test_a_broker_that_does_not_answer_is_no_success(guarding, broker):
    """Locked with exposure is not flat: exit 1, and it says what binds and where to look."""
    run, config = guarding
    broker.control.place_order(A, front_month(), Side.BUY, 1)
    broker.control.fault("http", "/Position/*", status=500)
    broker.control.fault("http", "/Order/*", status=500)

    done = lock(config, A, "--for", "30m", "--reason", "enough", "--yes")

    assert done.returncode == 1
    assert "NOT confirmed flat and locked yet" in done.stdout
    run.wait_line('"account_locked"', f'"account": {A}')


def test_over_http_it_takes_the_token(guarding):
    """As the dashboard asks; a client that only reads cannot lock anybody out."""
    _, config = guarding
    url = f"http://{listening(config)}/api/lock"
    body = {"account": A, "for_s": 60, "reason": "x"}

    refused = httpx.post(url, json=body, trust_env=False)
    assert (refused.status_code, told(config)["lockouts"]) == (403, [])

    bearer = {"Authorization": f"Bearer {TOKEN['LOCKSTEP_TOKEN']}"}
    answer = httpx.post(url, json=body, headers=bearer, trust_env=False)
    assert answer.status_code == 200
    assert answer.json()["lockout"]["rule"] == "SELF"
    assert httpx.get(url, headers=bearer, trust_env=False).status_code == 405


def test_the_script_hands_lock_to_the_program():
    """A word of its own for it would lock nobody, and say nothing."""
    shown = subprocess.run(  # noqa: S603 - our own script
        [MAIN.with_name("run"), "lock", "--help"], capture_output=True, text=True, check=True
    )

    assert "--reason" in shown.stdout
