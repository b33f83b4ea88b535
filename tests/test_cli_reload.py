"""A reload of a running process: SIGHUP, the `reload` command, and who may ask for it over HTTP."""

import json
import signal

import httpx
import pytest

from tests.cli import WITHIN_S, Running, lockstep, one_error
from tests.rig import TOKENS, A, B

TOKEN = {"LOCKSTEP_TOKEN": "canary-reload-token"}


def limit(config, usd):
    """Change the limit of the day's loss in the file."""
    text = config.read_text()
    before, _, after = text.partition("max_loss_usd = ")
    config.write_text(f"{before}max_loss_usd = {usd}\n{after.partition('\n')[2]}")


def status(config):
    return json.loads(lockstep("status", "--json", "--config", config).stdout)


def listening(config):
    return config.read_text().partition('listen = "')[2].partition('"')[0]


@pytest.fixture
def guarding(started, written, broker):
    """Run the guard, started with a token, until both accounts are open."""
    config = written(broker)
    run = started("run", "--config", config, **TOKEN)
    for account in (A, B):
        run.wait_line('"account_opened"', f'"account": {account}')
    return run, config


def test_sighup_tightens_at_once_and_queues_what_is_looser(guarding):
    """From 5 to 900 waits and is shown; from 5 to 3 applies; the process goes on."""
    run, config = guarding
    first = status(config)

    limit(config, 900)
    run.process.send_signal(signal.SIGHUP)
    run.wait_line('"reloaded"', '"config_version": 2')
    second = status(config)
    limit(config, 3)
    run.process.send_signal(signal.SIGHUP)
    run.wait_line('"reloaded"', '"config_version": 3')
    third = status(config)

    waits = "RULE-003 max_loss_usd 5 → 900 at the reset"
    assert [each["queued"] for each in first["accounts"]] == [[], []]
    assert [each["queued"] for each in second["accounts"]] == [[waits], [waits]]
    assert [each["queued"] for each in third["accounts"]] == [[], []]
    assert [each["config_version"] for each in (first, second, third)] == [1, 2, 3]
    assert len({each["config"] for each in (first, second, third)}) == 3
    assert run.stop() == 0


def test_sighup_with_a_bad_file_is_refused_and_guarding_goes_on(guarding):
    """The log names the key; the configuration in force is as it was; a good file is taken later."""
    run, config = guarding
    before = status(config)

    limit(config, -5)
    run.process.send_signal(signal.SIGHUP)
    said = run.wait_line('"reload_refused"')
    limit(config, 5)

    assert "max_loss_usd" in said
    after = status(config)
    assert (after["config"], after["accounts"]) == (before["config"], before["accounts"])
    run.process.send_signal(signal.SIGHUP)
    run.wait_line('"reloaded"')


def test_sighup_while_it_starts_reloads_once_it_runs(started, written, broker):
    """A signal that comes early is not lost and ends nothing."""
    broker.control.fault("delay", "/Auth/loginKey", seconds=0.5)
    run = started("run", "--config", written(broker))
    broker.record().wait_for(
        lambda entry: getattr(entry, "endpoint", "") == "/Auth/loginKey", WITHIN_S
    )

    run.process.send_signal(signal.SIGHUP)

    run.wait_line('"reloaded"', '"config_version": 2')
    assert run.stop() == 0


def test_the_command_prints_what_applies_and_what_waits(guarding):
    """Exit 0, for people and as JSON; `status` shows what is queued too."""
    _, config = guarding

    limit(config, 900)
    people = lockstep("reload", "--config", config, **TOKEN)
    table = lockstep("status", "--config", config)
    limit(config, 3)
    told = lockstep("reload", "--json", "--config", config, **TOKEN)

    waits = "RULE-003 max_loss_usd 5 → 900 at the reset"
    assert (people.returncode, people.stderr) == (0, "")
    assert f"{A} queued: {waits}" in people.stdout
    assert f"{A} queued: {waits}" in table.stdout
    assert told.returncode == 0
    answer = json.loads(told.stdout)
    assert list(answer) == ["config", "config_version", "accounts", "unanswered"]
    assert answer["config_version"] == 3
    assert answer["accounts"][0] == {
        "account": A,
        "applied": ["RULE-003 max_loss_usd 5 → 3"],
        "queued": [],
    }


def test_a_refused_reload_is_78_and_changes_nothing(guarding):
    """S-110: invalid, or valid only for a restart: every complaint, and the old file stays in force."""
    _, config = guarding
    before = status(config)
    text = config.read_text()

    limit(config, -5)
    invalid = one_error(lockstep("reload", "--config", config, **TOKEN), 78)
    config.write_text(text + '\n[trading_day]\nreset = "16:00"\n[money]\npnl = "gross"\n')
    restart = one_error(lockstep("reload", "--config", config, **TOKEN), 78)
    config.write_text(text + "\n[[accounts]]\naccount = 7\n")
    unknown = one_error(lockstep("reload", "--config", config, **TOKEN), 78)
    config.write_text(text)

    assert "max_loss_usd" in invalid
    assert "trading_day.reset: has changed; restart" in restart
    assert "money.pnl: has changed; restart" in restart
    assert "accounts.7: 7 is not among the guarded" in unknown
    after = status(config)
    assert (after["config"], after["config_version"]) == (before["config"], 1)


def test_no_token_wrong_token_and_nobody_there_have_codes_of_their_own(guarding):
    """78 names the variable and the signal, 77 a token that is refused, 69 that nothing runs."""
    run, config = guarding

    none = one_error(lockstep("reload", "--config", config), 78)
    wrong = one_error(
        lockstep("reload", "--config", config, LOCKSTEP_TOKEN="canary-wrong-token"), 77
    )
    assert run.stop() == 0
    gone = one_error(lockstep("reload", "--config", config, **TOKEN), 69)

    assert "LOCKSTEP_TOKEN" in none
    assert "SIGHUP" in none
    assert "canary-wrong-token" not in wrong
    assert listening(config) in gone
    assert TOKEN["LOCKSTEP_TOKEN"] not in "".join((*run.err, none, wrong, gone))


def ask(config, **how):
    how.setdefault("json", {"config": str(config)})
    return httpx.post(f"http://{listening(config)}/api/reload", trust_env=False, **how)


def test_only_who_bears_the_token_and_speaks_json_may_change_anything(guarding):
    """403 without or with another token, 415 for a form, 400 and 409 with complaints, 405 to read."""
    _, config = guarding
    bearer = {"Authorization": f"Bearer {TOKEN['LOCKSTEP_TOKEN']}"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    limit(config, 3)

    codes = [
        ask(config).status_code,
        ask(config, headers={"Authorization": "Bearer"}).status_code,
        ask(config, headers={"Authorization": bearer["Authorization"] + "x"}).status_code,
        ask(config, headers={"Authorization": TOKEN["LOCKSTEP_TOKEN"]}).status_code,
        ask(config, headers=bearer | form, json=None, content="config=x").status_code,
        ask(config, headers=bearer, json={"config": 5}).status_code,
        ask(config, headers=bearer, json={"config": "\0"}).status_code,
        ask(config, headers=bearer, json={"config": "/dev/null"}).status_code,
    ]

    assert codes == [403, 403, 403, 403, 415, 400, 400, 409]
    url = f"http://{listening(config)}/api/reload"
    assert httpx.get(url, headers=bearer, trust_env=False).status_code == 405
    assert status(config)["config_version"] == 1
    assert ask(config, headers=bearer).json()["config_version"] == 2


def test_a_process_started_without_a_token_lets_nobody_change_it(started, written, broker):
    """Not even who sends an empty one; SIGHUP is left."""
    config = written(broker)
    run: Running = started("run", "--config", config, LOCKSTEP_TOKEN="")
    run.wait_line('"listening"')

    assert ask(config, headers={"Authorization": "Bearer"}).status_code == 403
    said = one_error(lockstep("reload", "--config", config, **(TOKENS | TOKEN)), 77)
    assert "SIGHUP" in said


def test_the_token_is_in_no_log(guarding):
    """Somebody pastes it into the file by mistake: the complaint is logged, what it quotes is not."""
    run, config = guarding
    (token,) = TOKEN.values()

    limit(config, f'"{token}"')
    run.process.send_signal(signal.SIGHUP)
    refused = run.wait_line('"reload_refused"')
    run.stop()

    assert "max_loss_usd" in refused
    assert token not in "".join((*run.out, *run.err))


def test_warnings_of_the_configuration_are_logged_once_at_the_start_and_with_a_reload(
    started, written, broker
):
    """`check` prints them; who only runs the guard must see them too."""
    tiers = "[defaults.rules.cooldown_after_loss]\ntiers = [{ loss_usd = 5, cooldown_s = 60 }]\n"
    config = written(broker, tiers=tiers)
    (warning,) = json.loads(lockstep("check", "--json", "--config", config).stdout)["warnings"]

    run = started("run", "--config", config, **TOKEN)
    run.wait_line('"account_opened"', f'"account": {B}')
    told = [each for each in run.logs() if each["event"] == "config_warning"]
    limit(config, 4)
    asked = lockstep("reload", "--config", config, **TOKEN)
    run.process.send_signal(signal.SIGHUP)
    run.wait_line('"config_warning"', count=2)
    run.stop()
    again = [each for each in run.logs() if each["event"] == "config_warning"]

    assert [(each["level"], each["text"]) for each in told] == [("warning", warning)]
    assert len(again) == 2
    assert asked.stderr.startswith("warning: ")
