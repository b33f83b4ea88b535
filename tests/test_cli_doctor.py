"""`main.py doctor` as a process: what it says, what it ends with, and that it touches nothing."""

import json
import socket

import pytest

from actors.runtime import SystemClock
from actors.simulator import SimAccount, Simulator, SimUser
from actors.simulator.record import Request
from tests.cli import lockstep
from tests.rig import TOKENS, A, B

KEY = TOKENS["PROJECT_X_API_KEY"]
CONFIRMED = "[defaults]\nplatform_loss_limit_confirmed = '{}'\n"
CHECKS = {
    *("configuration", "calendar", "credentials", "accounts", "request budget", "clock"),
    *("outer ring", "zones", "disk room", "disk sync", "journal", "permissions", "lease", "port"),
    *("sleep", "file descriptors", "python", "packages", "alerts"),
}


def doctor(config, *more, **env):
    """Return the examination as JSON and the exit code."""
    done = lockstep("doctor", "--config", config, "--json", *more, **(TOKENS | env))
    assert KEY not in done.stdout + done.stderr
    return json.loads(done.stdout), done.returncode


def found(examination, check):
    """Return levels and texts of one check."""
    return [
        (each["level"], each["what"]) for each in examination["findings"] if each["check"] == check
    ]


def test_a_sound_installation_has_nothing_critical(written, broker, tmp_path):
    """Every check is made, exit 0; a folder, a journal and a lease are not."""
    config = written(broker)

    told, code = doctor(config)

    assert code == told["exit_code"] == 0
    assert {each["check"] for each in told["findings"]} == CHECKS
    assert found(told, "accounts") == [("ok", "2 visible, and so to be guarded")]
    assert found(told, "journal")[0][0] == "ok"
    assert [each.name for each in tmp_path.iterdir()] == ["lockstep.toml"]


def test_it_only_logs_in_and_lists_the_accounts(written, broker):
    """No stream, no subscription, no command, whatever it finds."""
    doctor(written(broker))

    asked = [each.endpoint for each in broker.record().entries() if isinstance(each, Request)]
    assert asked == ["/Auth/loginKey", "/Account/search", "/Account/search"]


def test_people_get_a_table_and_what_to_do(written, broker):
    """Within 80 columns where it can be, without colour where none is wanted."""
    done = lockstep("doctor", "--config", written(broker), **TOKENS)

    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "WARNING outer ring" in done.stdout
    assert "fix: " in done.stdout
    assert done.stdout.rstrip().endswith("nothing critical")


def test_wrong_credentials_are_77(written, broker):
    """The rest is looked at all the same; accounts are unknown, not fine."""
    told, code = doctor(written(broker), PROJECT_X_API_KEY="another-api-key")

    assert code == 77
    assert [level for level, _ in found(told, "credentials")] == ["critical"]
    assert [level for level, _ in found(told, "accounts")] == ["unknown"]
    assert [level for level, _ in found(told, "request budget")] == ["unknown"]
    assert [level for level, _ in found(told, "python")] == ["ok"]


def test_missing_credentials_are_78(written, broker):
    """With the names of the variables."""
    done = lockstep("doctor", "--config", written(broker), "--json")

    said = " ".join(what for _, what in found(json.loads(done.stdout), "configuration"))
    assert done.returncode == 78
    assert "PROJECT_X_API_KEY" in said
    assert "PROJECT_X_USERNAME" in said


def test_an_unreachable_broker_is_69(written):
    """And the time is unknown with it."""
    told, code = doctor(written())

    assert code == 69
    assert [level for level, _ in found(told, "clock")] == ["unknown"]


def test_a_damaged_journal_is_70(written, broker, tmp_path):
    """It is left as it was found."""
    journal = tmp_path / "lockstep.db"
    journal.write_bytes(b"rubbish" * 1000)
    before = journal.read_bytes()

    told, code = doctor(written(broker))

    assert code == 70
    assert found(told, "journal")[0][0] == "critical"
    assert journal.read_bytes() == before


def test_an_account_that_is_not_there_is_78(written, broker):
    """As the start would end."""
    logins = f'[[logins]]\nname = "desk"\naccounts = [{A}, 4711]\n'

    told, code = doctor(written(broker, logins=logins))

    assert code == 78
    assert [level for level, _ in found(told, "accounts")] == ["critical", "ok"]


def test_a_port_that_another_program_has_is_1(written, broker):
    """Nothing else is wrong."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        told, code = doctor(written(broker, listen=f"127.0.0.1:{taken.getsockname()[1]}"))

    assert code == 1
    assert found(told, "port")[0][0] == "critical"


def test_beside_a_running_guard_it_finds_the_guard(guarding):
    """Lease and port are the guard's, and it goes on undisturbed."""
    run, config = guarding

    told, code = doctor(config)

    assert code == 0
    assert f"process {run.process.pid} " in found(told, "lease")[0][1]
    assert found(told, "port") == [("ok", "the running guard answers there")]
    assert run.process.poll() is None


def test_a_confirmed_outer_ring_is_ok(written, broker):
    """The day counts by the defaults here, by the account's own table before them."""
    today = f"{SystemClock().now():%Y-%m-%d}"
    own = f'[[accounts]]\naccount = {B}\nplatform_loss_limit_confirmed = "2020-01-01"\n'
    config = written(broker)
    text = config.read_text().replace(
        "[defaults.rules", CONFIRMED.format(today) + "[defaults.rules", 1
    )
    config.write_text(text + own)

    told, _ = doctor(config)

    rings = found(told, "outer ring")
    assert [level for level, _ in rings] == ["warning", "ok"]
    assert "2020-01-01" in rings[0][1]


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "2026-1-1"])
def test_a_day_that_is_none_is_a_bad_configuration(written, broker, day):
    """Exit 78 with its line, before anything is asked."""
    config = written(broker)
    config.write_text(f"{CONFIRMED.format(day)}{config.read_text()}")

    done = lockstep("doctor", "--config", config, **TOKENS)

    assert done.returncode == 78
    assert "platform_loss_limit_confirmed: must be a day" in done.stderr


def test_a_fall_of_many_accounts_is_counted(written):
    """More accounts than the budget lets close at once."""
    accounts = tuple(SimAccount(each) for each in range(1, 161))
    user = SimUser(TOKENS["PROJECT_X_USERNAME"], KEY, accounts)
    with Simulator(clock=SystemClock(), users=(user,)) as many:
        told, code = doctor(written(many))

    assert code == 0
    ((level, what),) = found(told, "request budget")
    assert level == "warning"
    assert "160 accounts" in what


def test_doctor_and_run_agree_about_a_record_that_nobody_can_read(written, started):
    """UNGUARDED, and the others guarded: no reason for either to end."""
    accounts = (SimAccount(A, "ONE"), SimAccount(B, 5))
    user = SimUser(TOKENS["PROJECT_X_USERNAME"], KEY, accounts)
    with Simulator(clock=SystemClock(), users=(user,), ping_every_s=0.2) as odd:
        config = written(odd)
        told, code = doctor(config)
        run = started("run", "--config", config)
        run.wait_line('"account_opened"', f'"account": {A}')
        status = json.loads(lockstep("status", "--config", config, "--json").stdout)

    assert code == 0
    assert [level for level, _ in found(told, "accounts")] == ["warning", "ok"]
    assert "would be UNGUARDED" in found(told, "accounts")[0][1]
    assert [each["account"] for each in status["unguarded"]] == ["unknown"]
    assert "ACCOUNT_UNGUARDED" in "".join(run.err)
