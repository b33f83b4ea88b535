"""The acceptance script against the simulator over the wire, end to end; and whom it refuses."""

import json
import zipfile

import pytest

from actors.runtime import SystemClock
from actors.simulator import SimAccount, Simulator, SimUser
from messages.values import Side
from tests.acceptance import __main__ as acceptance
from tests.acceptance import bundle
from tests.acceptance.assumptions import ASSUMPTIONS
from tests.cli import config_for
from tests.rig import TOKENS
from tests.test_cli import front_month

PRACTICE, COMBINE, FUNDED = 7001, 7002, 7003
USER, KEY = TOKENS["PROJECT_X_USERNAME"], TOKENS["PROJECT_X_API_KEY"]


@pytest.fixture
def sim():
    """Run a broker with a practice account, an evaluation and a funded one; quotes walk."""
    accounts = (
        SimAccount(PRACTICE, "PRAC-V2-1"),
        SimAccount(COMBINE, "50KTC-V2-1"),
        SimAccount(FUNDED, "PRAC-LIVE", simulated=False),
    )
    user = SimUser(USER, KEY, accounts)
    with Simulator(clock=SystemClock(), users=(user,), ping_every_s=0.2) as simulator:
        simulator.control.start_walk(front_month(), every_s=0.1)
        yield simulator


@pytest.fixture
def play(sim, tmp_path, monkeypatch):
    """Run the script; return its exit code and where its bundle is."""
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "mine.toml"
    config.write_text(config_for(sim, tmp_path))

    def run(account, *words):
        out = tmp_path / "evidence.zip"
        words = ("--config", config, "--account", account, "--out", out, *words)
        return acceptance.main([str(each) for each in words]), out

    return run


def placed(sim):
    return sim.record().requests("/Order/place")


@pytest.mark.timeout(240)
def test_every_step_is_taken_and_leaves_evidence_and_nothing_else(sim, play):
    """All of it but the browser: verdicts, hashes, the journal, no secret, and a flat account."""
    code, out = play("PRAC-V2-1", "--yes", "--rate-limit")

    with zipfile.ZipFile(out) as files:
        report = json.loads(files.read("report.json"))
        everything = b"".join(files.read(name) for name in files.namelist())
        names = set(files.namelist())
    verdicts = {name: each["verdict"] for name, each in report["steps"].items()}
    assert verdicts == dict.fromkeys(acceptance.STEPS, "as assumed") | {
        "browser": "not seen",
        "rate-limit": "otherwise",  # the simulator's 429 has no Retry-After
    }, report["steps"]
    assert code == 1
    assert names == {
        *("README.txt", "report.json", "report.txt", "wire.jsonl", "journal.jsonl", "hashes.json")
    }
    assert bundle.check(out) == []
    assert KEY.encode() not in everything
    assert b"eyJ" not in everything
    assert b'"GatewayUserTrade"' in everything.replace(b'\\"', b'"')
    assert sim.control.positions(PRACTICE) == {}
    assert sim.control.working_orders(PRACTICE) == []
    assert {each.account for each in placed(sim)} == {PRACTICE}
    assert set(report["assumptions"]) == set(ASSUMPTIONS)


@pytest.mark.parametrize("account", ["50KTC-V2-1", "PRAC-LIVE", FUNDED, "4711"])
def test_only_a_practice_account_is_traded(sim, play, account, capsys):
    """An evaluation is simulated too; a funded account may be called anything."""
    code, out = play(account, "--yes")

    assert (code, out.exists()) == (2, False)
    assert placed(sim) == ()
    assert "acceptance: " in capsys.readouterr().err


def test_an_account_that_is_not_flat_is_refused(sim, play, capsys):
    """What is held there is somebody's, and is left alone."""
    sim.control.place_order(PRACTICE, front_month(), Side.BUY, 2)

    code, _ = play(PRACTICE, "--yes")

    assert code == 2
    assert "holds 2 contracts and 0 orders" in capsys.readouterr().err
    assert sim.control.positions(PRACTICE) == {front_month(): 2}


def test_without_a_terminal_and_without_a_yes_nothing_is_asked(sim, play, capsys):
    """Consent cannot be had."""
    code, out = play(PRACTICE)

    assert (code, out.exists()) == (2, False)
    assert "say --yes" in capsys.readouterr().err
    assert sim.record().requests("/Auth/loginKey") == ()


def test_what_a_failing_step_left_at_the_broker_is_undone(sim, play):
    """The close is refused once; in the end nothing is held and nothing works."""
    sim.control.fault("reject", "/Position/closeContract", times=1)
    steps = [
        word for name in ("subscriptions", "quotes", "market", "close") for word in ("--step", name)
    ]

    play(PRACTICE, "--yes", *steps)

    assert sim.control.positions(PRACTICE) == {}
    assert sim.control.working_orders(PRACTICE) == []


def test_a_closed_market_is_no_verdict(sim, play):
    """Orders that are not taken prove nothing about orders."""
    sim.control.set_market_open(is_open=False)
    words = [word for name in ("subscriptions", "quotes", "market") for word in ("--step", name)]

    _, out = play(PRACTICE, "--yes", *words)

    with zipfile.ZipFile(out) as files:
        steps = json.loads(files.read("report.json"))["steps"]
    assert steps["market"]["verdict"] == "not seen"


def test_a_bundle_that_was_changed_is_found_out(play):
    """Each file is hashed."""
    _, out = play(PRACTICE, "--yes", "--step", "login")
    assert bundle.check(out) == []

    with zipfile.ZipFile(out) as files:
        kept = {name: files.read(name) for name in files.namelist()}
    with zipfile.ZipFile(out, "w") as files:
        for name, content in kept.items():
            files.writestr(name, content.replace(b"as assumed", b"otherwise"))

    assert bundle.check(out) == ["report.json", "report.txt"]


def test_every_assumption_has_a_step_or_a_reason():
    """What projectx.md lists as unverified is either tried here or named as not provable."""
    for each in ASSUMPTIONS.values():
        assert each.steps or each.not_provable
        assert set(each.steps) <= set(acceptance.STEPS)
    used = {step for each in ASSUMPTIONS.values() for step in each.steps}
    assert used == set(acceptance.STEPS)
