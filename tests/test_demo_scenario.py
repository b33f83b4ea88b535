"""`main.py demo --scenario FILE`: the same files over the wire, told line by line."""

from pathlib import Path

from tests.cli import lockstep, one_error

FILES = Path(__file__).parent / "scenarios" / "files"


def test_a_scenario_is_played_over_the_wire_and_every_then_told_as_met():
    """Exit 0, the happenings, what the journal says, and each expectation."""
    played = lockstep("demo", "--scenario", FILES / "s13_daily_loss_flattens_and_locks.toml")

    assert played.stderr == ""
    assert played.returncode == 0
    for line in (
        "▸ A: buys 2, of MNQ",
        "VIOLATION: RULE-003 - Daily loss limit exceeded: $-550.00 (limit: $-500.00)",
        "✓ step 2, A: lockouts RULE-003 flat until 17:00",
        "✓ step 2, B: phase open",
        "13 expectations, all met",
    ):
        assert line in played.stdout


def test_hours_pass_at_once_and_a_restart_is_one_step():
    """Down from 12:00 to 17:30: the reset is caught up, in a few seconds."""
    played = lockstep(
        "demo", "--scenario", FILES / "s88_lock_outlasts_a_restart_not_the_reset.toml"
    )

    assert (played.returncode, played.stderr) == (0, "")
    assert "Time passes until Wed 17:30:00" in played.stdout
    assert "trading day 2025-10-30 begins" in played.stdout


def test_what_is_not_as_the_file_says_is_told_and_ends_with_1(tmp_path):
    """A wrong expectation is shown with what was seen."""
    right = (FILES / "s12_inside_the_daily_limit.toml").read_text()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(right.replace("realised_usd = -50", "realised_usd = -51"))

    played = lockstep("demo", "--scenario", wrong)

    assert played.returncode == 1
    assert "✗ step 1, A: realised_usd -51, but seen -50" in played.stdout
    assert "3 expectations, 1 not met" in played.stdout


def test_a_file_that_cannot_be_played_is_a_plain_error(tmp_path):
    """Exit 2, with the step and what may have been meant."""
    right = (FILES / "s12_inside_the_daily_limit.toml").read_text()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(right.replace("realises", "realizes"))

    error = one_error(lockstep("demo", "--scenario", wrong), 2)

    assert "step 1, when 1: no happening is called realizes; did you mean realises?" in error


def test_a_configuration_that_is_refused_is_a_plain_error(tmp_path):
    """The rules of a scenario go through the real loader: exit 78."""
    right = (FILES / "s12_inside_the_daily_limit.toml").read_text()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(right.replace("max_loss_usd", "max_los_usd"))

    played = lockstep("demo", "--scenario", wrong)

    assert played.returncode == 78
    assert "did you mean max_loss_usd?" in played.stderr
    assert "Traceback" not in played.stderr


def test_a_trader_whose_order_the_broker_refuses_is_a_plain_error(tmp_path):
    """Nobody can close what is not held: exit 1, no traceback."""
    right = (FILES / "s12_inside_the_daily_limit.toml").read_text()
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(right.replace("{ realises = 100 }", '{ closes = "MNQ" }'))

    played = lockstep("demo", "--scenario", wrong)

    assert played.returncode == 1
    assert "the broker refuses what the scenario does" in played.stderr
    assert "Traceback" not in played.stderr
