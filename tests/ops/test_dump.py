"""SIGUSR1: what everybody is at, in a file of the user's own, whoever hangs."""

import json
import re
import signal
import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from actors.ops.dump import KEPT, Dumps
from actors.runtime import VirtualClock
from tests.cli import MAIN, Running
from tests.rig import NOON, TOKENS, A, B, config_of

HANGS = """
import sys, threading
sys.path.insert(0, {root!r})
import main
from actors.account.actor import AccountActor
from messages.queries import GetAccountStatus

receive, seen = AccountActor.on_receive, set()

def hang_for_ever():
    threading.Event().wait()

def on_receive(self, message):
    if isinstance(message, GetAccountStatus) and message.account == {account}:
        hang_for_ever()
    return receive(self, message)

AccountActor.on_receive = on_receive
sys.exit(main.main(sys.argv[1:]))
"""


def dumped(run, count=1) -> Path:
    """Have a process dump itself, and return the file."""
    run.process.send_signal(signal.SIGUSR1)
    return Path(json.loads(run.wait_line('"dumped"', count=count))["path"])


def part(text: str, title: str) -> list[str]:
    """Return the lines below a title."""
    return text.partition(f"\n=== {title}")[2].partition("\n===")[0].splitlines()[1:]


@pytest.fixture
def dumps(tmp_path):
    """Make what writes dumps, here, and give the signal back afterwards."""
    before = signal.getsignal(signal.SIGUSR1)
    clock = VirtualClock(NOON)
    yield Dumps(tmp_path / "lockstep.db", clock=clock, clean=lambda text: text), clock
    signal.signal(signal.SIGUSR1, before)


def test_a_process_tells_how_everybody_stands_and_goes_on(guarding):
    """Every actor, login and account, every thread; nobody else may read it, and no secret is in it."""
    run, config = guarding

    path = dumped(run)

    text = path.read_text()
    assert path.name.startswith("lockstep.db.dump-")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert part(text, "wrong") == ["nothing"]
    actors = {line.partition(":")[0]: line for line in part(text, "actors")}
    assert {"supervisor", "journal", "clock", "gateway/desk", "log", "metrics"} <= set(actors)
    for account in (A, B):
        assert f"account/{account}: up, " in actors[f"account/{account}"]
        assert f"enforcer/{account}: up, " in actors[f"enforcer/{account}"]
    assert [json.loads(line)["account"] for line in part(text, "accounts")] == [A, B]
    assert json.loads(part(text, "logins")[0])["user_hub"] is True
    for thread in ("MainThread", "gateway-desk", "journal-0", "clock", "http"):
        assert f"=== thread {thread} (" in text
    assert part(text, "tasks of gateway-desk")
    assert not any(secret in text for secret in TOKENS.values() if secret != "trader")
    assert "eyJ" not in text

    again = dumped(run, count=2)
    assert again.exists()
    assert run.process.poll() is None
    assert '"dump_failed"' not in "".join(run.err)
    assert run.stop() == 0
    assert config.exists()


def test_an_actor_that_hangs_is_seen_where_it_hangs(written, broker, tmp_path):
    """It cannot answer; that is written, with the line of code it is at."""
    script = tmp_path / "hangs.py"
    script.write_text(HANGS.format(root=str(MAIN.parent), account=A))
    run = Running("run", "--config", written(broker), main=script)
    try:
        run.wait_line('"account_opened"', f'"account": {A}')
        run.wait_line('"account_opened"', f'"account": {B}')

        text = dumped(run).read_text()
        first = dumped(run, count=2).read_text()
    finally:
        run.stop(signal.SIGKILL)

    assert any(re.match(rf"{A} DOES NOT ANSWER", line) for line in part(text, "wrong"))
    assert [json.loads(line)["account"] for line in part(text, "accounts")] == [B]
    assert "hang_for_ever" in first  # asked by the dump before, and still there


def test_a_stand_by_dumps_too(guarding, started):
    """It has no actors yet, and does not die of the signal."""
    run, config = guarding
    second = started("run", "--standby", "--config", config)
    second.wait_line('"stands_by"')

    text = dumped(second).read_text()

    assert "=== thread MainThread" in text
    assert "not started yet" in text
    assert second.process.poll() is None
    assert run.process.poll() is None


def test_a_watchdog_passes_the_signal_on(started, written, broker):
    """Whoever is told stands for the guard, and lives."""
    watchdog = started("watchdog", "--config", written(broker))
    watchdog.wait_line('"guard_ready"')

    text = dumped(watchdog).read_text()

    assert f"account/{A}: up" in text
    assert watchdog.process.poll() is None
    assert watchdog.stop() == 0


def test_where_the_actors_cannot_tell_the_stacks_are_written_all_the_same(dumps):
    """What went wrong is in their place."""
    writer, _ = dumps

    def fail():
        raise RuntimeError("canary")

    writer.describe = fail
    text = writer._write().read_text()

    assert "cannot be told: RuntimeError('canary')" in text
    assert f"=== thread {threading.main_thread().name} (" in text


def test_only_the_last_dumps_are_kept(dumps, tmp_path):
    """And nothing else beside the journal is touched."""
    writer, clock = dumps
    other = tmp_path / "lockstep.db.dump-notes"
    other.write_text("mine")

    for _ in range(KEPT + 3):
        clock.advance(1)
        last = writer._write()

    left = sorted(tmp_path.glob("lockstep.db.dump-*Z"))
    assert len(left) == KEPT
    assert left[-1] == last
    first = clock.now() - timedelta(seconds=KEPT - 1)
    assert left[0].name == f"lockstep.db.dump-{first:%Y%m%dT%H%M%SZ}"
    assert other.read_text() == "mine"


def test_what_waits_is_told_by_its_kind_and_never_by_its_content(rig):
    """A broker's words, or a trader's, are nothing for a file that is sent around."""
    run = rig(config_of())
    for _ in range(2):
        run.system.directory.tell(f"enforcer/{A}", "canary")
        run.settle()
    run.system.directory.tell(f"enforcer/{A}", "canary")

    text = run.system.describe()

    (line,) = [line for line in text.splitlines() if line.startswith(f"enforcer/{A}:")]
    assert line == f"enforcer/{A}: DOWN, 1 waiting, first str"
    assert "canary" not in text
    assert f"enforcer/{A} IS DOWN" in text
    run.advance(60)
