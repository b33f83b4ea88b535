"""What holds for every command of main.py as a process, also for one that is added later.

Help, unknown options, readers that go away, closed and full streams, no colour, JSON. A command that
is new fails here until it says how it is called.
"""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import main
from actors.journal import Store
from actors.runtime import SystemClock
from messages.events import SystemStopped
from messages.values import Side
from tests.cli import MAIN, WITHIN_S, config_for, environment, free_port
from tests.rig import TOKENS, A
from tests.security.test_no_unlock import commands
from tests.test_cli import front_month

SEED = Path(__file__).parent / "config" / "seed"
ANSWERS = "--max-loss-usd 5 --max-contracts 1 --yes"

CALLS = {
    "demo": ("demo", 0),
    "init": ("init -c {folder}/new.toml --api-url {nobody} " + ANSWERS, 69),
    "run": ("run -c {config}", 69),
    "watchdog": ("watchdog -c {config} --nope", 2),
    "simulate": ("simulate --port {taken}", 1),
    "check": ("check -c {config}", 0),
    "doctor": ("doctor -c {config}", 69),
    "rules": ("rules", 0),
    "import": (f"import {SEED / 'accounts.yaml'}", 78),
    "status": ("status -c {config}", 0),
    "reload": ("reload -c {config}", 69),
    "lock": ("lock 5 --for 30m --reason x --yes -c {config}", 69),
    "journal verify": ("journal verify -c {config}", 0),
    "journal anchor": ("journal anchor -c {config}", 0),
    "journal export": ("journal export -c {config}", 0),
    "journal archive": ("journal archive -c {config}", 0),
    "journal show": ("journal show 5 -c {config}", 2),
    "journal dead-letters": ("journal dead-letters -c {config}", 0),
}
"""Per command how it is called so that it ends by itself, with nobody running, and its exit code."""

PRINTS = [
    *("check", "doctor", "rules", "status", "journal verify", "journal anchor"),
    *("journal export", "journal archive"),
]
"""Those that print an answer then."""

JSON = {
    "check": 0,
    "rules": 0,
    "status": 0,
    "journal dead-letters": 0,
    "reload": 69,
    "lock": 69,
    "doctor": 69,
}
"""Those that take --json, with their exit codes."""


@pytest.fixture
def call(tmp_path):
    """Return the words of a command, for a configuration and a journal that are there."""
    config = tmp_path / "lockstep.toml"
    config.write_text(config_for(None, tmp_path))
    clock = SystemClock()
    store = Store.open(tmp_path / "lockstep.db", clock=clock)
    store.append([SystemStopped(at=clock.now(), cause="test", reason="one")])
    store.close()
    taken = socket.create_server(("127.0.0.1", 0))
    places = {
        "folder": tmp_path,
        "config": config,
        "nobody": f"http://127.0.0.1:{free_port()}/api",
        "taken": taken.getsockname()[1],
    }

    def words(command):
        text, code = CALLS[command]
        return text.format(**places).split(), code

    with taken:
        yield words


def started(words, **how):
    """Run a command to its end with streams of its own."""
    return subprocess.run(  # noqa: S603 - our own program
        [*how.pop("before", []), sys.executable, str(MAIN), *words],
        env=environment(**TOKENS, LOCKSTEP_TOKEN="x" * 20, PYTHONUNBUFFERED=""),  # as most people's
        timeout=WITHIN_S,
        check=False,
        text=True,
        **how,
    )


def test_every_command_is_in_the_table():
    """Who adds one says here how it is called."""
    assert commands(main.app) == set(CALLS)


def helped(command, capsys):
    """Return the help of a command; not a process each, for there are many."""
    assert main.main([*command.split(), "--help"]) == 0
    return capsys.readouterr()


@pytest.mark.parametrize("command", CALLS)
def test_help_fits_a_terminal(command, capsys, monkeypatch):
    """On stdout, at most 80 columns, exit 0."""
    monkeypatch.setenv("COLUMNS", "80")
    printed = helped(command, capsys)

    assert printed.err == ""
    assert printed.out.startswith(f"Usage: lockstep {command}")
    assert max(map(len, printed.out.splitlines())) <= 80


@pytest.mark.parametrize("command", CALLS)
def test_an_unknown_option_is_a_usage_error(command, capsys):
    """Exit 2, said on stderr, nothing done."""
    assert main.main([*command.split(), "--nope"]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err


@pytest.mark.parametrize("command", [each for each in CALLS if each != "demo"])
def test_its_ordinary_call_ends_without_a_traceback(command, call):
    """The table says the truth: its exit code, data on stdout only, errors in one line on stderr."""
    words, code = call(command)

    done = started(words, capture_output=True, stdin=subprocess.DEVNULL)

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert bool(done.stdout) == (command in PRINTS)


@pytest.mark.parametrize("command", PRINTS)
def test_a_reader_that_goes_away_is_no_error(command, call):
    """`| head -1`: exit 0, and not a word about a pipe."""
    words, _ = call(command)
    reading, writing = os.pipe()
    os.close(reading)

    done = started(words, stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)

    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "roken" not in done.stderr


@pytest.mark.parametrize("words", ["--help", "--version", "journal --help"])
def test_a_reader_of_help_that_goes_away_is_no_error_either(words):
    """`--help | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)

    done = started(words.split(), stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)

    assert (done.returncode, done.stderr) == (0, "")


def test_wrong_usage_is_2_when_nobody_reads_it():
    """Both streams are gone."""
    reading, writing = os.pipe()
    os.close(reading)

    done = started(["nope"], stdout=writing, stderr=writing)
    os.close(writing)

    assert done.returncode == 2


@pytest.mark.parametrize("command", ["run", "init", "reload", "journal show"])
def test_an_error_keeps_its_exit_code_when_nobody_reads_it(command, call):
    """`2>&1 | true`: what a service manager goes by is the code."""
    words, code = call(command)
    reading, writing = os.pipe()
    os.close(reading)

    done = started(words, stdout=subprocess.PIPE, stderr=writing)
    os.close(writing)

    assert (done.returncode, done.stdout) == (code, "")


@pytest.mark.parametrize(
    ("command", "closed"),
    [
        *(("check", each) for each in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-")),
        *((each, "<&- >&- 2>&-") for each in ("status", "journal export", "lock", "init", "run")),
    ],
)
def test_closed_streams_change_no_exit_code(command, call, closed):
    """As some service managers start things; no file of ours may become stream number 1 or 2."""
    words, code = call(command)

    done = started(
        words, before=["/bin/sh", "-c", f'exec "$@" {closed}', "sh"], capture_output=True
    )

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["check", "rules", "journal export"])
def test_a_full_disk_under_stdout_is_1_in_one_line(command, call):
    """An answer that was lost must not look like one that was given."""
    words, _ = call(command)

    with Path("/dev/full").open("w") as full:
        done = started(words, stdout=full, stderr=subprocess.PIPE)

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["check", "status"])
def test_no_color_is_respected_on_a_terminal(command, call):
    """Not one escape sequence, however colourful it is otherwise."""
    words, code = call(command)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), *words],
        env=environment(**TOKENS, TERM="xterm-256color"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    shown = b""
    try:
        while read := os.read(ours, 65536):
            shown += read
    except OSError:
        pass  # how Linux tells of the end of a terminal
    os.close(ours)

    assert process.wait(WITHIN_S) == code
    assert shown
    assert b"\x1b[3" not in shown
    assert b"\x1b[9" not in shown


def test_every_command_with_json_is_in_the_table(capsys):
    """`--json` is a promise to programs."""
    takes = {each for each in CALLS if "--json" in helped(each, capsys).out}

    assert takes == set(JSON)


@pytest.mark.parametrize("command", JSON)
def test_json_is_json_or_nothing(command, call):
    """What is on stdout parses, also where the command failed."""
    words, _ = call(command)

    done = started([*words, "--json"], capture_output=True)

    assert done.returncode == JSON[command]
    assert [json.loads(line) for line in done.stdout.splitlines()] or done.stdout == ""
    assert bool(done.stdout) == (command in PRINTS)


def full_pipe():
    """Return both ends of a pipe that takes no more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while os.write(writing, bytes(1 << 16)):
            pass
    with suppress(BlockingIOError):
        while os.write(writing, b"."):
            pass
    os.set_blocking(writing, True)
    return reading, writing


@pytest.fixture(
    params=["a reader that went away", "a reader that has stopped reading", "/dev/full"]
)
def nobody(request):
    """Return where nobody takes what is written."""
    reading = None
    if request.param == "/dev/full":
        writing = os.open(request.param, os.O_WRONLY)
    elif request.param == "a reader that went away":
        reading, writing = os.pipe()
        os.close(reading)
        reading = None
    else:
        reading, writing = full_pipe()
    yield writing
    os.close(writing)
    if reading is not None:
        os.close(reading)


@pytest.fixture
def unread(nobody, written, broker):
    """Run the guard where nobody takes its log, until both accounts are watched."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), "run", "--verbose", "--config", str(written(broker))],
        env=environment(**TOKENS),
        stdout=nobody,
        stderr=nobody,
    )
    broker.record().wait_for(lambda each: "SubscribeTrades" in str(each), WITHIN_S, count=2)
    yield process
    process.kill()
    process.wait()


def test_a_log_that_nobody_takes_does_not_end_or_hold_up_the_guard(unread, broker):
    """`run 2>&1 | head`, a terminal that is held, a full disk under the log: what must be closed is."""
    broker.control.place_order(A, front_month(), Side.BUY, 1)
    broker.control.book_trade(A, front_month(), profit_and_loss=-35)
    broker.record().wait_for(lambda each: "closeContract" in str(each), WITHIN_S)

    unread.send_signal(signal.SIGTERM)
    assert unread.wait(WITHIN_S) == 0


def test_who_has_lost_the_journal_ends_although_nobody_takes_its_log(unread, tmp_path):
    """It may not act any more: whoever stands by waits for its end."""
    (tmp_path / "lockstep.db.lock").unlink()

    assert unread.wait(WITHIN_S) == 75
