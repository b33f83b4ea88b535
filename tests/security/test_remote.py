"""Beyond loopback: only for who says so, only with a token, and with a warning."""

import json

import pytest

from config.errors import ConfigError
from tests.cli import lockstep, one_error
from tests.config.texts import LOGIN, loaded, refusals
from tests.rig import TOKENS
from tests.security.doors import TOKEN, bearer, door

ANYWHERE = LOGIN + '[http]\nlisten = "0.0.0.0:0"\nallow_remote = true\n'


@pytest.mark.parametrize("listen", ["0.0.0.0:80", "192.168.1.7:80", "[::]:80"])
def test_an_address_beyond_loopback_takes_a_word(tmp_path, listen):
    """Without it the file is refused, and the refusal says which."""
    text = LOGIN + f'[http]\nlisten = "{listen}"\n'

    (said,) = refusals(tmp_path, text)

    assert "4: http.listen: must be a loopback address" in said
    assert "allow_remote" in said
    (warning,) = loaded(tmp_path, text + "allow_remote = true\n").warnings
    assert listen in warning
    assert "can be reached from other machines" in warning


@pytest.mark.parametrize(
    "listen", ["trading.example:80", "evil:80", "192.168.1.7", "192.168.1.7:99999"]
)
def test_a_name_or_no_port_is_refused_even_so(tmp_path, listen):
    """What a name means tomorrow nobody knows."""
    (said,) = refusals(tmp_path, LOGIN + f'[http]\nlisten = "{listen}"\nallow_remote = true\n')

    assert "http.listen: must be a loopback address" in said


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:0", "[::1]:0", "127.7.7.7:0"])
def test_loopback_takes_no_word_and_no_token(tmp_path, listen):
    """The usual case."""
    config = loaded(tmp_path, LOGIN + f'[http]\nlisten = "{listen}"\n')

    assert config.warnings == ()
    assert config.http_token({}) is None


def test_beyond_loopback_a_token_is_needed(tmp_path):
    """Without one nothing starts."""
    config = loaded(tmp_path, ANYWHERE)

    with pytest.raises(ConfigError, match=r"LOCKSTEP_TOKEN is not set"):
        config.http_token({})
    assert config.http_token({"LOCKSTEP_TOKEN": TOKEN}) == TOKEN


@pytest.mark.parametrize(
    "token", ["short", "x" * 15, "with a space in between", "line\n" * 9, "é" * 20]
)
def test_a_token_that_can_be_guessed_or_not_sent_is_refused_unsaid(tmp_path, token):
    """Its value is nobody's business."""
    with pytest.raises(ConfigError, match="at least 16 visible") as refused:
        loaded(tmp_path, LOGIN).http_token({"LOCKSTEP_TOKEN": token})

    assert token not in str(refused.value)


def test_beyond_loopback_even_reading_needs_the_token():
    """Only whether it is alive may everybody ask; any address of ours will do as host, no name."""
    with door(listen="0.0.0.0:0") as here:
        assert here.ask("GET", "/healthz")[0] == 200
        for path in ("/readyz", "/api/status", "/nope", "/healthz/"):
            assert here.ask("GET", path)[0] == 403
            assert here.ask("HEAD", path)[0] == 403
        assert here.ask("GET", "/api/status", **bearer(TOKEN + "x"))[0] == 403
        assert here.ask("GET", "/api/status", **bearer(), Host="192.168.1.7:80")[0] == 200
        assert here.ask("GET", "/api/status", **bearer(), Host="evil.example")[0] == 421
        assert here.statuses == 1


def test_check_and_run_warn_of_it(started, written, broker):
    """On every start, and `status` shows the token where it is needed."""
    config = written(broker)
    text = config.read_text()
    listen = text.partition('listen = "')[2].partition('"')[0]
    port = listen.rpartition(":")[2]
    config.write_text(text.replace(f'"{listen}"', f'"0.0.0.0:{port}"\nallow_remote = true'))
    env = TOKENS | {"LOCKSTEP_TOKEN": TOKEN}

    checked = json.loads(lockstep("check", "--json", "--config", config, **env).stdout)
    refused = one_error(lockstep("run", "--config", config, **TOKENS), 78)
    run = started("run", "--config", config, **env)
    said = run.wait_line('"config_warning"')
    run.wait_line('"listening"')
    status = lockstep("status", "--json", "--config", config, **env)
    without = one_error(lockstep("status", "--config", config, **TOKENS), 78)

    assert any("other machines" in each for each in checked["warnings"])
    assert "LOCKSTEP_TOKEN is not set" in refused
    assert "other machines" in said
    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout)["live"] is True
    assert "LOCKSTEP_TOKEN is not set" in without
