"""`run --shadow` as a process: what it says everywhere, and that a lock in truth refuses it."""

import json
import signal

from actors.simulator.record import Request
from messages.values import Side
from tests.cli import WITHIN_S, lockstep
from tests.rig import TOKENS, A, B
from tests.test_cli import front_month

MUTATIONS = ("/Order/cancel", "/Order/modify", "/Order/place")


def lines(run):
    return [json.loads(line) for line in run.err if line.startswith("{")]


def mutations(broker):
    """Return what was asked of the broker beyond reading; the trader of a test does not ask."""
    asked = [each for each in broker.record().entries() if isinstance(each, Request)]
    return [
        each.endpoint
        for each in asked
        if each.endpoint in MUTATIONS
        or (each.endpoint.lower().startswith("/position/") and "close" in each.endpoint.lower())
    ]


def test_every_line_status_and_the_journal_say_shadow_and_nothing_is_sent(
    started, written, broker, tmp_path
):
    """From the banner to the last line of the day; the position is still there at the end."""
    config = written(broker)
    run = started("run", "--shadow", "--config", config)
    for account in (A, B):
        run.wait_line('"account_opened"', f'"account": {account}')
    broker.control.place_order(A, front_month(), Side.BUY, 1)
    broker.control.book_trade(A, front_month(), profit_and_loss=-10)
    run.wait_line('"enforcement_finished"', f'"account": {A}')

    told = json.loads(lockstep("status", "--config", config, "--json").stdout)
    shown = lockstep("status", "--config", config).stdout
    run.process.send_signal(signal.SIGTERM)
    run.process.wait(WITHIN_S)

    assert mutations(broker) == []
    assert broker.control.positions(A) == {front_month(): 1}
    assert all(line.get("shadow") is True for line in lines(run))
    assert any(line["event"] == "run_in_shadow" for line in lines(run))
    assert [each["shadow"] for each in told["accounts"]] == [True, True]
    assert "SHADOW: 2 of 2 accounts are only watched" in " ".join(shown.split())
    day = lockstep("journal", "show", A, "--path", tmp_path / "lockstep.db").stdout.splitlines()
    assert sum("SHADOW" in line for line in day) > len(day) / 2
    assert any("would be locked until" in line for line in day)


def test_with_one_account_in_shadow_its_lines_alone_say_so(started, written, broker):
    """The other is guarded in truth, and the start warns of the key."""
    config = written(broker, more=f"[[accounts]]\naccount = {A}\nshadow = true\n")
    run = started("run", "--config", config)
    for account in (A, B):
        run.wait_line('"account_opened"', f'"account": {account}')
    run.process.send_signal(signal.SIGTERM)
    run.process.wait(WITHIN_S)

    said = {each.get("shadow", False) for each in lines(run) if each.get("account") == A}
    assert said == {True}
    assert not any(each.get("shadow") for each in lines(run) if each.get("account") == B)
    assert any("SHADOW" in each.get("text", "") for each in lines(run))


def test_what_is_locked_in_truth_refuses_a_shadow_with_78(started, written, broker):
    """One line names account and lock, as `doctor --shadow` does; the next armed start is locked."""
    config = written(broker)
    run = started("run", "--config", config)
    run.wait_line('"account_opened"', f'"account": {A}')
    broker.control.book_trade(A, front_month(), profit_and_loss=-10)
    run.wait_line('"account_locked"', f'"account": {A}')
    run.process.send_signal(signal.SIGTERM)
    run.process.wait(WITHIN_S)

    done = lockstep("run", "--shadow", "--config", config, **TOKENS)
    examined = lockstep("doctor", "--shadow", "--config", config, **TOKENS)
    armed = lockstep("doctor", "--config", config, **TOKENS)
    again = started("run", "--config", config)
    again.wait_line('"account_opened"', f'"account": {B}')
    told = json.loads(lockstep("status", "--config", config, "--json").stdout)

    assert done.returncode == 78
    assert f"account {A} (ONE): locked by RULE-003" in done.stderr
    assert (examined.returncode, armed.returncode) == (78, 0)
    assert f"account {A} (ONE): locked by RULE-003" in " ".join(examined.stdout.split())
    assert "Traceback" not in done.stderr
    assert {each["account"]: each["phase"] for each in told["accounts"]}[A] == "locked"


def test_a_watchdog_passes_it_on(started, written, broker):
    """Each guard it starts only watches, the ones after a crash too."""
    run = started("watchdog", "--shadow", "--config", written(broker))

    run.wait_line('"run_in_shadow"')
    run.wait_line('"account_opened"', '"shadow": true')
