"""main.py as a process: help, exit codes, status, journal and HTTP, as its user meets them."""

import json
import os
import pty
import resource
import signal
import socket
import sqlite3
import subprocess
import sys

import httpx
import pytest

from actors.journal import Store
from actors.runtime import SystemClock
from actors.simulator.contracts import catalogue
from actors.system import VERSION
from messages.events import SystemStopped
from messages.values import Side
from tests.cli import (
    MAIN,
    WITHIN_S,
    environment,
    lockstep,
    one_error,
)
from tests.journal.conftest import reset
from tests.journal.test_anchoring import locked
from tests.rig import TOKENS, A, B

KEY = TOKENS["PROJECT_X_API_KEY"]
STATUS_KEYS = [
    *("version", "config", "config_version", "at", "live", "unrecorded", "accounts", "unanswered"),
    *("down", "channels", "unguarded", "unfit"),
]
ACCOUNT_KEYS = [
    *("account", "name", "login", "phase", "health", "health_reason"),
    *("trading_date", "realised_usd"),
    *("open_usd", "positions", "working_orders", "lockouts", "enforcement", "queued"),
    *("starting", "caveats", "limits", "shadow"),
]
LOCK_KEYS = {
    *("rule", "scope", "duty", "until", "release_on", "reason", "breach_id", "locked_at"),
    "shadow",
}


def refused(command, config, code, **env):
    return one_error(lockstep(*command, "--config", config, **(TOKENS | env)), code)


def front_month():
    """Return the contract of MNQ that is traded now."""
    listed = catalogue(SystemClock().now().date()).values()
    return next(each.id for each in listed if each.active and each.product.symbol == "MNQ")


# --- help and usage -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        *("", "demo", "run", "watchdog", "simulate", "check", "rules", "status", "reload"),
        *("lock", "doctor"),
        *("journal", "journal verify", "journal anchor", "journal export", "journal dead-letters"),
        "journal show",
    ],
)
def test_every_command_explains_itself(command):
    """A newcomer gets help for each command on stdout, within 80 columns, and exit 0."""
    done = lockstep(*command.split(), "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: lockstep " + command)
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    "command",
    [
        *("nope", "check --nope", "journal nope", "run --config", "check one two"),
        *("simulate --port x", "simulate --port 70000", "simulate --accounts 0"),
    ],
)
def test_a_command_that_does_not_exist_is_a_usage_error(command):
    """Exit 2 and a message on stderr; nothing was started."""
    done = lockstep(*command.split())

    assert (done.returncode, done.stdout) == (2, "")
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_the_systems_own():
    """One number, whoever is asked."""
    assert lockstep("--version").stdout.strip() == VERSION


def test_rules_lists_every_rule_with_its_parameters():
    """`rules --json` is for programs what `rules` is for people."""
    pages = json.loads(lockstep("rules", "--json").stdout)

    ids = {page["id"] for page in pages}
    assert ids >= {"RULE-001", "RULE-002", "RULE-003", "RULE-007", "RULE-009", "RULE-013"}
    for page in pages:
        assert list(page) == ["id", "key", "name", "summary", "parameters"]
        assert all(field["text"] for field in page["parameters"])
    text = lockstep("rules").stdout
    assert all(page["name"] in text for page in pages)


def test_check_as_json_names_rules_and_warnings():
    """`check --json` prints one object."""
    told = json.loads(lockstep("check", "--json").stdout)

    assert list(told) == ["config", "warnings", "rules", "lock_unjudged_after_s"]
    assert "RULE-003" in told["rules"]["every account"]


# --- what keeps a run from starting -------------------------------------------------------------


def test_missing_credentials_are_named_with_their_variables(written):
    """Exit 78, both at once, before anything is contacted."""
    said = one_error(lockstep("run", "--config", written()), 78)

    assert "PROJECT_X_USERNAME" in said
    assert "PROJECT_X_API_KEY" in said


def test_an_unreachable_broker_is_69(written):
    """It names the address, and keeps the key to itself."""
    said = refused(["run"], written(), 69)

    assert "http://127.0.0.1:" in said
    assert KEY not in said


def test_a_broker_that_never_answers_is_69(written, broker):
    """A login that hangs ends within its own deadline."""
    broker.control.fault("hang_before", "/Auth/loginKey")

    assert "no answer" in refused(["run"], written(broker), 69)


def test_a_wrong_key_is_77(written, broker):
    """Refused by the broker: trying again would not help."""
    said = refused(["run"], written(broker), 77, PROJECT_X_API_KEY="canary-wrong-key")

    assert "desk" in said
    assert "trader" not in said
    assert "canary-wrong-key" not in said


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"more": "[[accounts]]\naccount = 5\n"}, "accounts.5: 5 is not among the guarded"),
        ({"logins": '[[logins]]\nname = "desk"\naccounts = [7]\n'}, "7 is no active account"),
        (
            {"more": f'[[accounts]]\naccount = {A}\n[[accounts]]\naccount = "ONE"\n'},
            "are the same account",
        ),
        (
            {
                "logins": '[[logins]]\nname = "one"\n'
                '[[logins]]\nname = "two"\nusername_env = "USER_TWO"\n'
            },
            "logins.one.username_env: PROJECT_X_USERNAME and USER_TWO (login 'two') hold",
        ),
    ],
)
def test_accounts_that_do_not_fit_the_broker_are_78(written, broker, parts, expected):
    """S-109: unknown, doubled or twice guarded accounts refuse to start."""
    user_two = TOKENS["PROJECT_X_USERNAME"].upper()

    assert expected in refused(["run"], written(broker, **parts), 78, USER_TWO=user_two)


def test_a_taken_http_address_is_1(written, broker):
    """It names the address and what to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused(["run"], written(broker, listen=listen), 1)

    assert listen in said
    assert "http.listen" in said


def test_a_taken_simulator_port_is_1():
    """Likewise for `simulate`."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = one_error(lockstep("simulate", "--port", port), 1)

    assert f"port {port} on 127.0.0.1 is in use" in said


# --- the store ----------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path):
    """Return a journal with two events."""
    path = tmp_path / "lockstep.db"
    clock = SystemClock()
    store = Store.open(path, clock=clock)
    for reason in ("one", "two"):
        store.append([SystemStopped(at=clock.now(), cause="test", reason=reason)])
    store.close()
    return path


def change(path, statement):
    """Do to a closed journal what only an outsider would."""
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_journal_that_is_garbage_is_70_and_left_alone(written, tmp_path):
    """Never started unlocked, never written over."""
    path = tmp_path / "lockstep.db"
    path.write_bytes(b"garbage " * 1000)

    said = refused(["run"], written(), 70)

    assert str(path) in said
    assert path.read_bytes() == b"garbage " * 1000


def test_a_journal_from_the_future_is_70(written, journal):
    """It names what to run instead."""
    change(journal, "UPDATE meta SET value = 99 WHERE name = 'message_schema'")

    assert "newer Lockstep" in refused(["run"], written(), 70)


def test_an_edited_journal_fails_its_verification(written, journal):
    """`journal verify` names the first bad event; `run` refuses it too."""
    intact = lockstep("journal", "verify", "--path", journal)
    assert (intact.returncode, intact.stderr) == (0, "")
    assert "2 events, chain intact" in intact.stdout

    change(journal, "DROP TRIGGER events_are_never_changed")
    change(journal, "UPDATE events SET at = '2020-01-01' WHERE seq = 2")

    said = one_error(lockstep("journal", "verify", "--path", journal), 70)
    assert "seq 2" in said
    assert "seq 2" in refused(["run"], written(), 70)


def test_a_deleted_journal_is_70_until_a_person_accepts_it(written, journal):
    """`run` and `anchor` refuse and say how it goes on; `anchor --accept` makes a new one."""
    journal.unlink()
    config = written()

    for command in (["run"], ["journal", "anchor"], ["journal", "verify"]):
        said = refused(command, config, 70)
        assert f"{journal}.anchor knows 2 events" in said
        assert "journal anchor --accept" in said
    assert not journal.exists()

    done = lockstep("journal", "anchor", "--accept", "--config", config)

    assert (done.returncode, done.stderr) == (0, "")
    assert "every account is locked until the next reset" in done.stdout
    assert lockstep("journal", "verify", "--config", config).returncode == 0
    again = lockstep("journal", "anchor", "--accept", "--config", config)
    assert "nothing is to be accepted" in again.stdout


def test_a_disk_that_is_full_at_the_start_is_70(written, journal):
    """It cannot record, so it does not begin; said in a line, and the journal is as it was."""
    before = journal.read_bytes()
    limit = (64, 64)  # no file may grow beyond: neither the log's first page nor an anchor
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), "run", "--config", str(written())],
        env=environment(**TOKENS),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )

    assert str(journal) in one_error(done, 70)
    assert before == journal.read_bytes()


def test_an_anchor_can_be_named(journal, tmp_path):
    """For a journal that was copied away with its anchor."""
    anchor = tmp_path / "lockstep.db.anchor"
    apart = anchor.rename(tmp_path / "apart")

    said = one_error(lockstep("journal", "verify", "--path", journal), 70)
    assert "there is no anchor" in said
    assert (
        "as its anchor"
        in lockstep("journal", "verify", "--path", journal, "--anchor", apart).stdout
    )


def test_status_with_nothing_running_and_no_journal_is_70(written, tmp_path):
    """It says what would make one."""
    said = refused(["status"], written(), 70)

    assert f"{tmp_path}/lockstep.db" in said
    assert "start Lockstep once" in said


def test_a_journal_in_a_place_that_cannot_be_is_70(written, tmp_path):
    """A folder that is a file, and a journal that is a folder."""
    (tmp_path / "lockstep.db").mkdir()

    assert str(tmp_path) in refused(["run"], written(), 70)


# --- running ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
def test_a_signal_stops_it_in_order_and_on_record(guarding, number, code):
    """The last event of the journal says why it ended; stdout carried no logs."""
    run, config = guarding

    assert run.stop(number) == code

    assert run.out == []
    assert all("event" in line for line in run.logs())
    lines = lockstep("journal", "export", "--config", config).stdout.splitlines()
    last = json.loads(lines[-1])
    assert (last["kind"], last["reason"]) == ("system_stopped", signal.Signals(number).name)
    assert lockstep("journal", "verify", "--config", config).returncode == 0


def test_a_signal_while_it_starts_stops_it_as_well(started, written, broker):
    """Nobody has to wait for a broker to be rid of us."""
    broker.control.fault("delay", "/Auth/loginKey", seconds=0.5)
    run = started("run", "--config", written(broker))
    broker.record().wait_for(
        lambda entry: getattr(entry, "endpoint", "") == "/Auth/loginKey", WITHIN_S
    )

    assert run.stop(signal.SIGTERM) == 0


def test_simulate_says_where_it_is_and_stops_on_a_signal(started):
    """What is needed to connect is printed at once; the addresses answer."""
    run = started("simulate", "--port", "0", "--accounts", "2")
    url = run.wait_line("api_url").split("=")[1].strip()
    assert "1001 to 1002" in run.wait_line("accounts")

    answer = httpx.post(
        f"{url}/Auth/loginKey", json={"userName": "sim", "apiKey": "sim-api-key"}, trust_env=False
    )

    assert answer.json()["success"]
    assert run.stop(signal.SIGINT) == 130


def test_status_of_a_running_process_and_of_its_journal_have_one_shape(guarding, broker):
    """Exactly the keys of the documented answer, live from the process, then from the journal."""
    run, config = guarding
    name = front_month()
    broker.control.place_order(B, name, Side.BUY, 1)
    broker.control.book_trade(A, name, profit_and_loss=-35)
    run.wait_line('"enforcement_finished"')

    live = json.loads(lockstep("status", "--json", "--config", config).stdout)
    people = lockstep("status", "--config", config)
    assert run.stop() == 0
    stored = json.loads(lockstep("status", "--json", "--config", config).stdout)

    assert (live["live"], stored["live"]) == (True, False)
    assert people.returncode == 0
    assert "RULE-003" in people.stdout
    for answer in (live, stored):
        assert list(answer) == STATUS_KEYS
        one, two = answer["accounts"]
        assert list(one) == list(two) == ACCOUNT_KEYS
        assert (one["account"], one["phase"], one["name"], one["login"]) == (
            *(A, "locked", "ONE", "desk"),
        )
        (lock,) = one["lockouts"]
        assert set(lock) == LOCK_KEYS
        assert (lock["rule"], lock["duty"], lock["release_on"]) == ("RULE-003", "flat", "reset")
        assert lock["until"].endswith("Z")
        assert isinstance(one["realised_usd"], str)
        (held,) = two["positions"]
        assert set(held) == {"contract", "size", "average_price"}
        assert (held["contract"], held["size"]) == (name, 1)
        assert isinstance(held["average_price"], str)
    assert one["health"] == "unknown"
    assert live["accounts"][0]["health"] == "live"
    assert live["config"] == stored["config"]


def test_health_readiness_and_status_are_served_on_loopback(guarding):
    """`/healthz` while it runs, `/readyz` when every account is on live data, `/api/status` always."""
    _, config = guarding
    listen = config.read_text().partition('listen = "')[2].partition('"')[0]

    def get(path):
        return httpx.get(f"http://{listen}{path}", trust_env=False)

    assert (get("/healthz").status_code, get("/healthz").json()) == (200, {"alive": True})
    assert (get("/readyz").status_code, get("/readyz").json()["ready"]) == (200, True)
    assert list(get("/api/status").json()) == STATUS_KEYS
    assert get("/nope").status_code == 404


def test_readiness_is_lost_with_the_stream(guarding, broker):
    """503 names every account that is not on live data."""
    run, config = guarding
    listen = config.read_text().partition('listen = "')[2].partition('"')[0]

    broker.stop()
    run.wait_line('"health_changed"', '"stale"', str(A))
    run.wait_line('"health_changed"', '"stale"', str(B))

    answer = httpx.get(f"http://{listen}/readyz", trust_env=False)
    assert answer.status_code == 503
    assert len(answer.json()["not_ready"]) == 2


def test_status_says_so_when_something_else_listens_there(written, broker):
    """Another program on the address is an error, not an answer and not a traceback."""
    listen = broker.api_url.removeprefix("http://").removesuffix("/api")

    said = refused(["status"], written(broker, listen=listen), 1)

    assert listen in said
    assert "http.listen" in said


# --- the journal as text ------------------------------------------------------------------------


def test_an_export_line_begins_and_ends_as_documented(guarding):
    """seq, at, account, kind, cause, the event's own fields, hash; system events without account."""
    run, config = guarding
    run.stop()

    lines = lockstep("journal", "export", "--config", config).stdout.splitlines()
    events = [json.loads(line) for line in lines]

    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    for event in events:
        assert list(event)[:5] == ["seq", "at", "account", "kind", "cause"]
        assert list(event)[-1] == "hash"
    assert (events[0]["kind"], events[0]["account"]) == ("system_started", None)
    assert {"session_opened", "account_guarded", "account_opened"} <= {
        event["kind"] for event in events
    }
    mine = lockstep("journal", "export", "--config", config, "--account", A).stdout.splitlines()
    assert {json.loads(line)["account"] for line in mine} == {A}


@pytest.mark.parametrize("events", [2, 3000])
def test_a_reader_that_stops_reading_is_no_error(tmp_path, events):
    """`journal export | head -1` is quiet, whether the rest would fit in the pipe or not."""
    path, clock = tmp_path / "long.db", SystemClock()
    store = Store.open(path, clock=clock)
    store.append([SystemStopped(at=clock.now(), cause="x" * 50, reason="x")] * events)
    store.close()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), "journal", "export", "--path", str(path)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    if events == 2:
        process.stdout.close()
        process.stdout = None
    else:
        os.read(process.stdout.fileno(), 10)
        process.stdout.close()
        process.stdout = None
    _, said = process.communicate(timeout=WITHIN_S)

    assert (process.returncode, said) == (0, b"")


# --- secrets ------------------------------------------------------------------------------------


def test_an_incident_is_exported_and_verified_by_whoever_gets_it(tmp_path):
    """A zip of its own name, never written over; a day that is not there says which are."""
    path, out = tmp_path / "lockstep.db", tmp_path / "mine.zip"
    store = Store.open(path, clock=SystemClock())
    store.append([reset(A), locked(A)])
    store.close()
    export = ("journal", "export", "--path", path, "--incident", A)

    done = lockstep(*export, "2025-10-31", "--out", out)
    again = lockstep(*export, "2025-10-31", "--out", out)
    other = lockstep(*export, "2025-10-30", "--out", tmp_path / "other.zip")
    checked = lockstep("journal", "verify", "--incident", out)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"account {A}, trading day 2025-10-31" in done.stdout
    assert "is there already" in one_error(again, 2)
    assert "only 2025-10-31" in one_error(other, 2)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "chain intact" in checked.stdout
    out.write_bytes(b"PK")
    assert "no bundle" in one_error(lockstep("journal", "verify", "--incident", out), 70)
    assert "--incident" in one_error(lockstep("journal", "export", "--path", path, "--out", out), 2)


def test_no_secret_leaves_by_log_screen_or_journal(started, written, broker, tmp_path):
    """Neither the key nor a token, even at the most talkative level, with faults on the way."""
    broker.control.fault("http", "/Position/*", status=500, times=2)
    run = started("run", "--verbose", "--config", written(broker))
    run.wait_line('"account_opened"', str(A))
    broker.control.revoke_tokens()
    broker.control.drop_connections()
    run.wait_line('"stream_lost"')
    run.wait_line('"health_changed"', '"live"', str(A), count=2)
    run.stop()

    everything = "".join([*run.out, *run.err]).encode()
    for path in tmp_path.glob("lockstep.db*"):
        everything += path.read_bytes()
    assert KEY.encode() not in everything
    assert b"eyJ" not in everything
    assert b"access_token" not in everything


def test_logs_to_a_file_are_json_and_the_sdk_is_silent(guarding):
    """One object a line, each with its event; none of them from a library."""
    run, _ = guarding
    run.stop()

    for line in run.logs():
        assert {"event", "level", "logged_at"} <= set(line)
        assert line["actor"] in {"log", "main"}


def test_logs_to_a_terminal_are_lines_for_people(written, broker):
    """The narrator's own lines, with time and level, instead of JSON."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), "run", "--config", str(written(broker))],
        env=environment(**TOKENS),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    told = b""
    while told.count(b" OPEN: ") < 2:
        told += os.read(ours, 65536)
    process.send_signal(signal.SIGTERM)

    assert process.wait(WITHIN_S) == 0
    assert f"| INFO     | Account {A} OPEN: every rule judged it clean" in told.decode()
    assert b"{" not in told
    os.close(ours)
