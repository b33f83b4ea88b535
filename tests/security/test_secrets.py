"""Canaries: user name, API key, tokens. Whatever goes wrong, none of them leaves by any door."""

import json
import signal
import zipfile
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from actors.ops.logging import redactor
from actors.runtime import SystemClock
from actors.secrets import Secrets
from actors.simulator import SimAccount, Simulator, SimUser
from actors.simulator.contracts import catalogue
from config.environment import Expansion
from messages.events import ActorRestarted, AlarmRaised, DeadLettered
from messages.facts import PayloadQuarantined, StreamConnected
from tests.cli import lockstep, one_error
from tests.rig import A, B
from tests.security.test_no_unlock import ROUTES
from tests.wire_rig import wire_config

USERNAME, KEY, TOKEN = "canary-username", "canary-api-key-0815", "canary-http-token-4711"
ENV = {
    "PROJECT_X_USERNAME": USERNAME,
    "PROJECT_X_API_KEY": KEY,
    "LOCKSTEP_TOKEN": TOKEN,
}
HOOK, APPRISE, BEAT = "canary-webhook-0815", "canary-apprise-4711", "canary-heartbeat-1234"
ALERTS = "".join(
    f'[[alerts.channels]]\nname = "{kind}"\nkind = "{kind}"\nurl_env = "LOCKSTEP_{kind.upper()}"\n'
    for kind in ("discord", "apprise")
)
ALERTS += '[alerts.heartbeat]\nurl_env = "LOCKSTEP_BEAT"\n'
URLS = {
    "LOCKSTEP_DISCORD": f"http://127.0.0.1:9/api/webhooks/1/{HOOK}?thread_id={HOOK}",
    "LOCKSTEP_APPRISE": f"json://{APPRISE}:{APPRISE}@127.0.0.1:9/{APPRISE}",
    "LOCKSTEP_BEAT": f"http://127.0.0.1:9/{BEAT}",
}
LOSS = {"daily_realized_loss": {"max_loss_usd": 500}}


@pytest.fixture
def broker():
    """Run a broker that knows the canaries."""
    user = SimUser(USERNAME, KEY, (SimAccount(A, "ONE"), SimAccount(B, "TWO")))
    with Simulator(clock=SystemClock(), users=(user,), ping_every_s=0.2) as simulator:
        yield simulator


def tokens_of(broker: Simulator) -> list[str]:
    """Return every token the broker has given out."""
    return list(broker.control._broker.sessions._live)


def found(everything: bytes, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if secret.encode() in everything]


def traded_today(broker: Simulator) -> str:
    """Return the contract of MNQ that is traded on the broker's date."""
    listed = catalogue(broker.control._broker.clock.now().date()).values()
    return next(each.id for each in listed if each.active and each.product.symbol == "MNQ")


class Number(int):
    """A number in a path, where a route says `{account:int}`."""

    def __format__(self, kind: str) -> str:
        return str(int(self))


def everything_to_be_read(url: str) -> list[bytes]:
    """Return what every page and every table says."""
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        (incident,) = client.get("/api/incidents").json()
        about = {"account": Number(incident["account"]), "seq": Number(incident["seq"])}
        said = []
        for route, method in ROUTES:
            if method != "GET" or route.endswith("/bundle"):  # the command line makes one, below
                continue
            path = route.format_map(about)
            with client.stream("GET", path) as answer:
                assert answer.status_code == 200 or path == "/readyz", path
                first = path == "/api/stream"  # it goes on for ever
                body = next(answer.iter_bytes()) if first else answer.read()
                said += [body, str(answer.headers).encode()]
        return said


def test_no_canary_is_written_said_or_shown_whatever_goes_wrong(started, written, broker, tmp_path):
    """The whole program: refusals, 401s, payloads that repeat secrets, HTTP, channels, a reload."""
    config = written(broker)
    config.write_text(config.read_text() + ALERTS)
    run = started("run", "--verbose", "--config", config, **ENV, **URLS)
    for account in (A, B):
        run.wait_line('"account_opened"', f'"account": {account}')
    run.wait_line('"channel_fails"', count=3)
    first = tokens_of(broker)
    (token, *_) = first
    said = f"{USERNAME} {KEY} Bearer {token}"
    listen = config.read_text().partition('listen = "')[2].partition('"')[0]
    url = f"http://{listen}"
    control = broker.control

    command_line = Path(f"/proc/{run.process.pid}/cmdline").read_bytes()
    answers = []
    asked = (b"{", json.dumps({"config": f"{said} {TOKEN}"}).encode(), b"[" * 9_000)
    answers += [
        httpx.post(
            f"{url}/api/reload",
            content=body,
            headers={"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"},
            trust_env=False,
        )
        for bearer in (TOKEN, f"{TOKEN}x", "canary")
        for body in asked
    ]
    control.push_raw("GatewayUserOrder", {"accountId": A, "said": said, "size": said}, A)
    control.push_raw("GatewayUserPosition", said, A)
    control.push_raw(f"Gateway{KEY}", [said], None)
    run.wait_line('"payload_quarantined"', count=3)
    control.fault("reject", "/Position/searchOpen", code=1, text=said, times=2)
    control.drop_connections()
    run.wait_line("SNAPSHOT_FAILED")
    run.wait_line('"health_changed"', '"live"', str(A), count=2)
    control.fault("reject", "/Auth/loginKey", code=3, text=said, times=1)
    control.revoke_tokens()
    control.drop_connections()
    run.wait_line("LOGIN_FAILED")
    run.wait_line('"health_changed"', '"live"', str(A), count=3)
    control.log_out(reason=said)
    run.wait_line("LOGGED_OUT_BY_BROKER")
    control.book_trade(A, traded_today(broker), profit_and_loss=Decimal(-600))
    run.wait_line('"enforcement_finished"', f'"account": {A}')
    read = everything_to_be_read(url)
    run.process.send_signal(signal.SIGUSR1)
    run.wait_line('"dumped"')
    config.write_text(config.read_text() + '\n[money]\npnl = "${LOCKSTEP_TOKEN}"\n')
    run.process.send_signal(signal.SIGHUP)
    run.wait_line('"reload_refused"')
    run.stop()
    bundle = tmp_path / "incident.zip"
    day = json.loads(read[-2])["trading_date"]
    exporting = ("journal", "export", "--path", tmp_path / "lockstep.db", "--out", bundle)
    assert lockstep(*exporting, "--incident", A, day).returncode == 0
    inside = zipfile.ZipFile(bundle)

    everything = b"".join(
        [
            "".join([*run.out, *run.err]).encode(),
            command_line,
            *(answer.content + str(answer.headers).encode() for answer in answers),
            *read,
            *map(inside.read, inside.namelist()),
            *(path.read_bytes() for path in tmp_path.glob("lockstep.db*")),
        ]
    )
    assert b"payload_quarantined" in everything
    assert b'"failing_since":"20' in everything
    assert [answer.status_code for answer in answers] == [400, 409, 400, *[403] * 6]
    assert b"enforcement_started" in b"".join(read)
    assert [path for path in tmp_path.glob("lockstep.db*") if "dump" in path.name]
    own = [USERNAME, KEY, TOKEN, HOOK, APPRISE, BEAT]
    assert found(everything, [*own, *first, *tokens_of(broker), "eyJ"]) == []


def test_the_store_holds_no_canary_while_it_runs(started, written, broker, tmp_path):
    """The log beside the file holds what the file does not hold yet."""
    run = started("run", "--config", written(broker), **ENV)
    run.wait_line('"account_opened"', f'"account": {A}')

    files = sorted(tmp_path.glob("lockstep.db*"))
    everything = b"".join(path.read_bytes() for path in files)

    assert "lockstep.db-wal" in {path.name for path in files}
    assert b"account_guarded" in everything
    assert found(everything, [USERNAME, KEY, TOKEN, "eyJ"]) == []


@pytest.mark.parametrize("text", ["", "bad key §"], ids=["wrong key", "repeated by the broker"])
def test_a_login_that_is_refused_names_the_login_only(written, broker, text):
    """Exit 77, and neither who nor with what."""
    if text:
        broker.control.fault("reject", "/Auth/loginKey", code=3, text=text.replace("§", KEY))
    key = KEY if text else "canary-wrong-key"

    said = one_error(
        lockstep("run", "--config", written(broker), **(ENV | {"PROJECT_X_API_KEY": key})), 77
    )

    assert "desk" in said
    assert found(said.encode(), [USERNAME, key, TOKEN]) == []


@pytest.mark.parametrize("command", ["run", "reload", "status"])
def test_a_token_that_cannot_be_sent_is_refused_unsaid(written, broker, command):
    """A library's error would quote the header it does not like."""
    bad = ENV | {"LOCKSTEP_TOKEN": f"{TOKEN}\ncanary"}

    done = lockstep(command, "--config", written(broker), **bad)

    assert done.returncode == (70 if command == "status" else 78)
    assert found((done.stdout + done.stderr).encode(), ["canary"]) == []


def test_a_crash_shows_nothing_of_what_the_actor_knew(wire, capfd, monkeypatch):
    """A gateway and an account fail on what they are told; both are restarted; the journal is clean."""
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    run = wire(wire_config(**LOSS))
    gateway = run.system.directory.ref("gateway/desk")._actor_weakref()
    token, key = gateway._client.session_token, gateway._login.api_key

    run.system.directory.tell("gateway/desk", gateway._login)
    run.system.directory.tell(f"account/{A}", run.system)
    for address in ("gateway/desk", f"account/{A}"):
        run.wait(ActorRestarted, lambda each, at=address: each.address == at, account=None)
    run.wait(StreamConnected, account=A, count=2)
    run.stop()

    letters = run.events(DeadLettered, None)
    assert {each.address for each in letters} == {"gateway/desk", f"account/{A}"}
    said, errors = capfd.readouterr()
    everything = (said + errors + repr(run.testimony.events())).encode()
    everything += b"".join(each.read_bytes() for each in run.journal.parent.glob("lockstep.db*"))
    assert token
    assert found(everything, [key, token, KEY, USERNAME]) == []


def test_nothing_that_holds_a_secret_shows_it_in_its_repr(wire):
    """A repr ends in logs, dead letters and the reports of failed tests."""
    run = wire(wire_config(**LOSS))
    gateway = run.system.directory.ref("gateway/desk")._actor_weakref()
    client, environment = gateway._client, dict(ENV)
    expansion = Expansion(environment)
    expansion.expand("${PROJECT_X_API_KEY}")
    things = [
        *(run.system, run.system.config, run.system.http, gateway, gateway._login, gateway._outbox),
        *(client, client.config, client.budget, Secrets(USERNAME, KEY), expansion),
    ]

    shown = "\n".join(f"{each!r} {each!s}" for each in things)

    assert found(shown.encode(), [client.api_key, client.session_token, KEY, TOKEN]) == []
    assert "System(" in shown


def test_the_log_blots_out_what_it_is_told_is_secret_at_any_depth():
    """The last net, under all others; a secret of three letters would take every word with it."""
    redact = redactor([KEY, TOKEN, "abc"])
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"

    entry = redact(
        None,
        "",
        {"event": "x", "a": [{"b": (KEY, f"Bearer {TOKEN}")}], "c": f"?t={jwt}", "d": "abc"},
    )

    assert entry == {"event": "x", "a": [{"b": ["***", "Bearer ***"]}], "c": "?t=***", "d": "abc"}


def test_an_alarm_repeats_no_secret(wire):
    """What the broker writes back is quoted in alarms and kept in quarantine."""
    run = wire(wire_config(**LOSS))
    key = run.system.directory.ref("gateway/desk")._actor_weakref()._login.api_key

    run.trader.push_raw("GatewayUserTrade", {"accountId": A, "id": key}, A)

    kept = run.wait(PayloadQuarantined, account=None)
    alarm = run.wait(AlarmRaised, account=None)
    assert "***" in kept.raw
    assert "***" in alarm.text
    assert key not in repr((kept, alarm))
