"""One instance guards: real processes that are killed, stopped and robbed of their lock's file."""

import ctypes
import json
import os
import re
import signal
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.cli import WITHIN_S, Running, free_port, lockstep, one_error
from tests.desk import CLOSE, FIRST, SECOND, SIM_TOKENS, Venue

LOGIN = "/Auth/loginKey"
LIMIT_S = 10


@pytest.fixture
def venue():
    place = Venue()
    yield place
    place.stop()


@pytest.fixture
def config(venue, tmp_path):
    path = tmp_path / "lockstep.toml"
    path.write_text(venue.config(tmp_path))
    return path


@pytest.fixture
def data(config, tmp_path):
    """Return the journal's folder, which is one of its own."""
    folder = tmp_path / "data"
    config.write_text(
        config.read_text().replace(f"{tmp_path}/lockstep.db", f"{folder}/lockstep.db")
    )
    return folder


@pytest.fixture
def start(started, config):
    """Start a command with the configuration."""

    def begin(command, *more) -> Running:
        return started(command, "--config", config, *more, **SIM_TOKENS)

    return begin


def open_accounts(run, *accounts, count=1):
    for account in accounts or (FIRST, SECOND):
        run.wait_line('"account_opened"', f'"account": {account}', count=count)


def lock_first(venue, run):
    """Lose what account FIRST may not lose."""
    venue.lose(FIRST, 500)
    run.wait_line('"account_locked"', f'"account": {FIRST}')
    run.wait_line('"enforcement_finished"', f'"account": {FIRST}')


def status_of(config, account):
    told = json.loads(lockstep("status", "--json", "--config", config).stdout)
    assert told["live"]
    return next(each for each in told["accounts"] if each["account"] == account)


def export(config):
    lines = lockstep("journal", "export", "--config", config).stdout.splitlines()
    return [json.loads(line) for line in lines]


def epochs(config):
    return [each["epoch"] for each in export(config) if each["kind"] == "system_started"]


def field(line, name):
    return json.loads(line)[name]


def guard_pid(watchdog, count=1):
    return field(watchdog.wait_line('"guard_started"', count=count), "pid")


# --- a second instance ----------------------------------------------------------------------------


def test_a_second_instance_refuses_with_one_error_and_75(start, config, venue):
    """It names who guards, contacts nobody, and leaves the first one alone."""
    first = start("run")
    open_accounts(first)
    logins = len(venue.requests(LOGIN))

    said = one_error(lockstep("run", "--config", config, **SIM_TOKENS), 75)

    assert f"process {first.process.pid} on" in said
    assert "--standby" in said
    assert len(venue.requests(LOGIN)) == logins
    assert status_of(config, FIRST)["phase"] == "open"
    assert first.stop() == 0


def test_the_stand_by_takes_over_what_a_killed_holder_had_begun(start, config, venue):
    """The lock stands, the position that appeared under it is closed once, by the new one alone."""
    first = start("run")
    open_accounts(first)
    lock_first(venue, first)
    second = start("run", "--standby")
    second.wait_line('"stands_by"', f"process {first.process.pid} on")
    venue.do("fault", kind="hang_before", where=CLOSE, account=FIRST, times=1)
    venue.enter(FIRST, 2)
    venue.wait_request(CLOSE)

    first.process.kill()
    second.wait_line('"takes_over"', f"process {first.process.pid} on")
    second.wait_line('"enforcement_finished"', f'"account": {FIRST}')
    open_accounts(second, SECOND)

    theirs, ours = venue.requests(CLOSE)
    assert (theirs["applied"], ours["applied"]) == (False, True)
    assert venue.positions(FIRST) == {}
    account = status_of(config, FIRST)
    assert account["phase"] == "locked"
    assert [each["rule"] for each in account["lockouts"]] == ["RULE-003"]
    second.wait_line("RUN_CUT_SHORT", f"process {first.process.pid} on")
    assert second.stop() == 0
    first_epoch, second_epoch = epochs(config)
    assert first_epoch < second_epoch
    after = [each for each in export(config) if each["seq"] > second_epoch]
    answers = [each for each in after if each["kind"] == "broker_command_answered"]
    # What never left (the session is being opened meanwhile) is tried again; the broker got it once.
    assert [each["outcome"]["outcome"] for each in answers].count("done") == 1
    assert not any(each["kind"] == "account_opened" and each["account"] == FIRST for each in after)


def test_a_stand_by_that_is_not_needed_contacts_nobody_and_ends_when_told(start, venue):
    """It has no session that could disturb the holder's; SIGHUP does not end it."""
    first = start("run")
    open_accounts(first)
    logins = len(venue.requests(LOGIN))
    second = start("run", "--standby")
    second.wait_line('"stands_by"')

    second.process.send_signal(signal.SIGHUP)
    code = second.stop()

    assert code == 0
    assert len(venue.requests(LOGIN)) == logins
    assert first.stop() == 0


def test_a_stand_by_reads_its_file_again_and_does_without_a_broken_one(start, config):
    """It takes over with what was valid when it began to wait, loudly, and not with nothing."""
    first = start("run")
    open_accounts(first)
    second = start("run", "--standby")
    second.wait_line('"stands_by"')
    config.write_text(config.read_text().replace("max_loss_usd = 5", "max_loss_usd = -5"))

    first.process.kill()

    assert "max_loss_usd" in second.wait_line('"changed_file_refused"')
    open_accounts(second)


# --- a second journal for the same login ---------------------------------------------------------


@pytest.fixture
def elsewhere(config, tmp_path):
    """The same login in another file, with a journal and a port of its own."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    text = config.read_text()
    port = re.search(r'listen = "127.0.0.1:(\d+)"', text)[1]
    path = folder / "lockstep.toml"
    text = text.replace(f"{tmp_path}/lockstep.db", f"{folder}/lockstep.db")
    path.write_text(text.replace(f":{port}", f":{free_port()}"))
    return path


def test_a_second_journal_for_the_same_login_is_refused(start, elsewhere, venue):
    """It names who guards, contacts nobody, and once that one is gone, however it ended, it may."""
    first = start("run")
    open_accounts(first)
    logins = len(venue.requests(LOGIN))

    said = one_error(lockstep("run", "--config", elsewhere, **SIM_TOKENS), 78)

    assert f"process {first.process.pid}, guards this user's accounts" in said
    assert "--shadow" in said
    assert len(venue.requests(LOGIN)) == logins
    assert status_of(elsewhere.parent.parent / "lockstep.toml", FIRST)["phase"] == "open"
    first.process.kill()
    second = Running("run", "--config", elsewhere, **SIM_TOKENS)
    try:
        open_accounts(second)
    finally:
        assert second.stop() == 0


def test_who_only_watches_runs_beside_a_guard(started, start, elsewhere):
    """Shadow sends nothing, so it claims nothing; neither end disturbs the other."""
    first = start("run")
    open_accounts(first)

    watching = started("run", "--shadow", "--config", elsewhere, **SIM_TOKENS)

    watching.wait_line('"account_guarded"', f'"account": {FIRST}')
    assert watching.stop() == 0
    assert first.stop() == 0


# --- a lease that is lost --------------------------------------------------------------------------


@pytest.mark.parametrize("robbed", ["lock", "store"])
def test_who_lost_the_lease_sends_nothing_more_and_ends_with_75(start, venue, tmp_path, robbed):
    """The position stays until the next one, who has the lease, closes it: never two at once."""
    first = start("run")
    open_accounts(first)
    lock_first(venue, first)
    robbed_file = tmp_path / ("lockstep.db.lock" if robbed == "lock" else "lockstep.db")
    copy = tmp_path / "copy"
    if robbed == "store":  # somebody restores a backup under it
        source = sqlite3.connect(f"file:{robbed_file}?mode=ro", uri=True)
        with sqlite3.connect(copy) as target:
            source.backup(target)
        source.close()
        target.close()
        copy.replace(robbed_file)
    else:
        robbed_file.unlink()

    venue.enter(FIRST, 2)

    assert first.process.wait(WITHIN_S) == 75
    first.wait_line('"lease_lost"', '"critical"')
    assert venue.requests(CLOSE) == []
    assert venue.positions(FIRST) == {venue.contract: 2}
    if robbed == "store":
        return
    second = start("run")
    second.wait_line('"enforcement_finished"', f'"account": {FIRST}')
    assert venue.positions(FIRST) == {}
    assert [each["applied"] for each in venue.requests(CLOSE)] == [True]


def test_an_idle_holder_notices_too(start, tmp_path):
    """Nothing has to be sent for it: the lease is looked at every second."""
    first = start("run")
    open_accounts(first)

    (tmp_path / "lockstep.db.lock").unlink()

    assert first.process.wait(WITHIN_S) == 75
    first.wait_line("ALARM LEASE_LOST")
    first.wait_line("lockstep: the lease of ", "leave the journal and its lock where they are")


def test_a_folder_that_is_moved_away_ends_holder_and_stand_by_with_70(data, start, tmp_path):
    """Neither begins a new journal, nor has itself started again to begin one: it would know no lock."""
    first = start("run")
    open_accounts(first)
    second = start("run", "--standby")
    second.wait_line('"stands_by"')

    data.rename(tmp_path / "away")

    assert first.process.wait(WITHIN_S) == 70
    first.wait_line("ALARM LEASE_LOST")
    assert second.process.wait(WITHIN_S) == 70
    second.wait_line(
        f"lockstep: journal {data / 'lockstep.db'}: it was guarded until now and is gone"
    )
    assert not data.exists()


def test_systemd_hears_that_it_is_ready_that_it_lives_and_that_it_stops(started, config, tmp_path):
    """`Type=notify` with `WatchdogSec=`: READY first, heartbeats while it turns, STOPPING last."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WITHIN_S)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        run = started("run", "--config", config, **SIM_TOKENS, **told)

        assert systemd.recv(4096).splitlines()[::2] == [b"READY=1", b"STATUS=guarding"]
        run.wait_line('"listening"')
        assert [systemd.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        run.process.send_signal(signal.SIGTERM)
        heard = b""
        while not heard.startswith(b"STOPPING=1"):
            heard = systemd.recv(4096)

    assert heard == b"STOPPING=1\nSTATUS=SIGTERM"
    assert run.process.wait(WITHIN_S) == 0


# --- the watchdog -----------------------------------------------------------------------------------


def test_a_guard_that_stands_still_is_killed_and_replaced(start, config, venue):
    """SIGSTOP: the successor says why it was started, finds the lock, and closes what came meanwhile."""
    watchdog = start("watchdog", "--limit-s", LIMIT_S)
    first = guard_pid(watchdog)
    open_accounts(watchdog)
    lock_first(venue, watchdog)

    os.kill(first, signal.SIGSTOP)
    venue.enter(FIRST, 2)
    watchdog.wait_line('"guard_stalled"', '"critical"', "no heartbeat")
    second = guard_pid(watchdog, count=2)
    watchdog.wait_line("ALARM RUN_CUT_SHORT", f"process {first} on", "stalled: no heartbeat")
    watchdog.wait_line('"enforcement_finished"', f'"account": {FIRST}', count=2)

    assert second != first
    assert not Path(f"/proc/{first}").exists()
    assert venue.positions(FIRST) == {}
    assert [each["applied"] for each in venue.requests(CLOSE)] == [True]
    assert watchdog.stop() == 0
    assert not Path(f"/proc/{second}").exists()
    starts = [each for each in export(config) if each["kind"] == "system_started"]
    assert starts[0]["restarted"] == ""
    assert starts[1]["restarted"].startswith("stalled: no heartbeat")
    assert starts[0]["epoch"] < starts[1]["epoch"]


PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000


def stop_thread(pid, name):
    """Stop one thread of a process, as a debugger does; return its id."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    thread = next(int(each.name) for each in tasks if (each / "comm").read_text().strip() == name)
    trace = ctypes.CDLL(None, use_errno=True).ptrace
    trace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
        if trace(request, thread, None, None) != 0:
            pytest.skip(f"this machine lets nobody trace: {os.strerror(ctypes.get_errno())}")
    assert os.WIFSTOPPED(os.waitpid(thread, WALL)[1])
    return thread


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are found in /proc")
def test_a_guard_whose_journal_hangs_is_replaced(start):
    """Everything else turns, but nothing would ever be on disk again: no heartbeat goes out."""
    watchdog = start("watchdog", "--limit-s", LIMIT_S)
    first = guard_pid(watchdog)
    open_accounts(watchdog)
    watchdog.wait_line('"guard_ready"')

    thread = stop_thread(first, "journal-0")

    watchdog.wait_line('"guard_stalled"')
    watchdog.wait_line('"guard_killed"')
    assert os.WIFSIGNALED(os.waitpid(thread, WALL)[1])
    watchdog.wait_line("ALARM RUN_CUT_SHORT", "stalled: no heartbeat")
    open_accounts(watchdog, count=2)


def test_a_guard_that_is_killed_is_back_at_once(start):
    """The alarm of the successor names the signal."""
    watchdog = start("watchdog")
    open_accounts(watchdog)

    os.kill(guard_pid(watchdog), signal.SIGKILL)

    watchdog.wait_line("ALARM RUN_CUT_SHORT", "its watchdog says: killed by SIGKILL")
    open_accounts(watchdog, count=2)


def test_a_guard_that_is_killed_is_not_started_on_a_new_journal(start, data, tmp_path):
    """Where the journal's folder went with it, a person must bring it back: the locks are in there."""
    watchdog = start("watchdog")
    open_accounts(watchdog)
    watchdog.wait_line('"guard_ready"')

    os.kill(guard_pid(watchdog), signal.SIGSTOP)  # or it might still see it and end by itself
    data.rename(tmp_path / "away")
    os.kill(guard_pid(watchdog), signal.SIGKILL)

    assert watchdog.process.wait(WITHIN_S) == 70
    watchdog.wait_line(
        "lockstep: journal ", "it was guarded until now and is gone", "move its folder back"
    )
    assert not data.exists()


def test_with_a_stand_by_there_is_always_one_that_guards_and_one_that_waits(start, config):
    """Whoever loses the race for the lease becomes the next stand-by."""
    watchdogs = [start("watchdog"), None]
    open_accounts(watchdogs[0])
    watchdogs[1] = start("watchdog", "--standby")
    watchdogs[1].wait_line('"stands_by"')

    os.kill(guard_pid(watchdogs[0]), signal.SIGKILL)
    open_accounts(watchdogs[1])
    watchdogs[0].wait_line('"stands_by"')
    os.kill(guard_pid(watchdogs[1]), signal.SIGKILL)
    open_accounts(watchdogs[0], count=2)
    watchdogs[1].wait_line('"stands_by"', count=2)

    started = epochs(config)
    assert len(started) == 3
    assert started == sorted(set(started))


def test_sighup_reaches_the_guard_and_sigint_ends_both(start, config):
    """The watchdog stands for the guard, towards whoever sends signals."""
    watchdog = start("watchdog")
    guard = guard_pid(watchdog)
    watchdog.wait_line('"guard_ready"')

    config.write_text(config.read_text().replace("max_loss_usd = 5", "max_loss_usd = 4"))
    watchdog.process.send_signal(signal.SIGHUP)
    watchdog.wait_line('"reloaded"', '"config_version": 2')

    assert watchdog.stop(signal.SIGINT) == 130
    assert not Path(f"/proc/{guard}").exists()


def test_a_second_watchdog_is_refused_as_a_second_guard_is(start, config):
    """75 before it ever guarded is no reason to try for ever."""
    first = start("run")
    open_accounts(first)

    done = lockstep("watchdog", "--config", config, **SIM_TOKENS)

    assert done.returncode == 75
    assert f"process {first.process.pid} on" in done.stderr
    assert "guard_not_restarted" in done.stderr


def test_what_starting_again_cannot_mend_ends_the_watchdog(config, tmp_path):
    """A refused login, a damaged store and a wrong file: the guard's own error and code come through."""
    wrong_key = SIM_TOKENS | {"PROJECT_X_API_KEY": "wrong"}
    login = lockstep("watchdog", "--config", config, **wrong_key)
    (tmp_path / "lockstep.db").write_bytes(b"no database" * 1000)
    store = lockstep("watchdog", "--config", config, **SIM_TOKENS)
    config.write_text("[nonsense]\n")
    wrong = lockstep("watchdog", "--config", config, **SIM_TOKENS)

    assert [each.returncode for each in (login, store, wrong)] == [77, 70, 78]
    for each in (login, store, wrong):
        assert each.stderr.count("lockstep: ") == 1
        assert "guard_not_restarted" in each.stderr


def test_a_guard_whose_watchdog_dies_goes_on_and_says_so(start, config):
    """Guarding unwatched is better than not guarding."""
    watchdog = start("watchdog", "--limit-s", LIMIT_S)
    guard = guard_pid(watchdog)
    open_accounts(watchdog)

    watchdog.process.kill()
    try:
        watchdog.wait_line("ALARM WATCHDOG_GONE")
        assert status_of(config, FIRST)["phase"] == "open"
    finally:
        os.kill(guard, signal.SIGTERM)
    watchdog.stop()
