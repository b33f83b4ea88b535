"""`run` on a machine that `doctor` finds critical: a first start arms nothing, a later one guards."""

import json
import subprocess
import sys
from contextlib import closing
from decimal import Decimal

import httpx
import pytest

from actors.journal import Store
from actors.runtime import SystemClock
from actors.simulator import Simulator, SimUser
from actors.simulator.record import Request
from config.loader import load
from messages.events import SessionOpened
from messages.values import AccountRecord
from tests.cli import MAIN, WITHIN_S, environment, lockstep
from tests.rig import TOKENS, A, B

IMPATIENT = "[enforcement]\njournal_deadline_s = 0.0000001\n"
"""No disk syncs within that, so `disk sync` is critical."""
FEW_FILES = ("sh", "-c", 'ulimit -Sn 90 && exec "$@"', "sh")


def with_few_files(*arguments):
    """Run a command to its end that may open fewer files than a guard needs."""
    return subprocess.run(  # noqa: S603 - our own program
        [*FEW_FILES, sys.executable, str(MAIN), *map(str, arguments)],
        env=environment(**TOKENS),
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )


def asked(broker):
    return [each.endpoint for each in broker.record().entries() if isinstance(each, Request)]


@pytest.mark.parametrize("words", [("run",), ("run", "--standby"), ("watchdog",)], ids=" ".join)
def test_a_first_start_on_a_disk_that_is_too_slow_arms_nothing(written, broker, words):
    """70 at once, in the doctor's words with the fix; no login, and a watchdog does not try again."""
    config = written(broker, more=IMPATIENT)

    done = lockstep(*words, "--config", config, **TOKENS)

    assert done.returncode == 70
    assert "nothing is armed" in done.stderr
    assert "CRITICAL disk sync" in done.stderr
    assert "why: an intent is on disk before the first close is sent" in done.stderr
    assert "fix: put the journal on a local SSD" in done.stderr
    assert done.stderr.count("lockstep: ") == 1
    assert "Traceback" not in done.stderr
    assert asked(broker) == []


def test_a_machine_that_is_not_fit_ends_with_72_as_doctor_does(written, broker):
    """It is for a person to mend, and both say it in the same words."""
    config = written(broker)

    done = with_few_files("run", "--config", config)

    assert done.returncode == 72
    assert asked(broker) == []
    examined = with_few_files("doctor", "--config", config, "--json")
    found = json.loads(examined.stdout)["findings"]
    (critical,) = [each for each in found if each["level"] == "critical"]
    assert examined.returncode == 72
    assert f"CRITICAL {critical['check']}: {critical['what']}" in done.stderr
    assert f"fix: {critical['fix']}" in done.stderr


def test_where_accounts_were_guarded_a_start_guards_and_then_says_it(started, written, broker):
    """Not to start would leave them unguarded: an alarm, and a hole of protection with the fix."""
    first = started("run", "--config", written(broker))
    first.wait_line('"account_opened"', f'"account": {A}')
    first.stop()
    config = written(broker, more=IMPATIENT)

    run = started("run", "--config", config)
    for account in (A, B):
        run.wait_line('"account_opened"', f'"account": {account}')
    alarm = run.wait_line("ALARM MACHINE_UNFIT")
    listen = load(config, now=SystemClock().now()).file.http.listen
    ready = httpx.get(f"http://{listen}/readyz", trust_env=False)
    told = json.loads(lockstep("status", "--config", config, "--json").stdout)
    shown = lockstep("status", "--config", config).stdout
    examined = lockstep("doctor", "--config", config, **TOKENS)

    assert "disk sync" in alarm
    assert ready.status_code == 503
    ((kind, text),) = [(each["kind"], each["text"]) for each in ready.json()["holes"]]
    assert kind == "machine"
    assert "fix: put the journal on a local SSD" in text
    assert [each["check"] for each in told["unfit"]] == ["disk sync"]
    assert {each["phase"] for each in told["accounts"]} == {"open"}
    assert "MACHINE UNFIT: disk sync" in " ".join(shown.split())
    assert examined.returncode == 70


def test_one_that_an_earlier_start_saw_and_has_gone_is_no_reason_for_either(
    started, written, broker, tmp_path
):
    """`doctor` knows it from the journal, without the lease; `run` shows it as UNGUARDED."""
    logins = f'[[logins]]\nname = "desk"\naccounts = [{A}, 4711]\n'
    config = written(broker, logins=logins)
    gone = AccountRecord(
        account=4711, name="OLD", balance_usd=Decimal(1), can_trade=True, simulated=True
    )
    with closing(Store.open(tmp_path / "lockstep.db", clock=SystemClock())) as store:
        now = SystemClock().now()
        store.append([SessionOpened(at=now, cause="test", login="desk", accounts=(gone,))])

    done = lockstep("doctor", "--config", config, "--json", **TOKENS)
    run = started("run", "--config", config)
    run.wait_line('"account_opened"', f'"account": {A}')
    told = json.loads(lockstep("status", "--config", config, "--json").stdout)

    said = [
        each["what"]
        for each in json.loads(done.stdout)["findings"]
        if (each["check"], each["level"]) == ("accounts", "warning")
    ]
    assert done.returncode == 0
    assert any("4711 would be UNGUARDED" in each for each in said)
    assert [each["account"] for each in told["unguarded"]] == ["4711"]


def test_doctor_and_a_first_start_refuse_to_guard_nobody(written):
    """78: a user without an active account is more likely a slip than meant."""
    user = SimUser(TOKENS["PROJECT_X_USERNAME"], TOKENS["PROJECT_X_API_KEY"])
    with Simulator(clock=SystemClock(), users=(user,)) as nobody:
        config = written(nobody)
        examined = lockstep("doctor", "--config", config, **TOKENS)
        done = lockstep("run", "--config", config, **TOKENS)

    assert (examined.returncode, done.returncode) == (78, 78)
    assert "nobody would be guarded" in done.stderr
