"""Bites of `[alerts]`: what is told, when, to whom; the channels are real and listen on loopback."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from messages.events import AlarmRaised
from messages.journal import Append
from messages.values import AlarmCode
from tests.alerts.hook import Answer, Hook
from tests.config.stage import Bite, Stage
from tests.rig import NOON, TOKENS, A, Rig, config_of

HEAD = config_of(daily_realized_loss={"max_loss_usd": 100}) + "\n"
CHANNEL = '[[alerts.channels]]\nname = "desk"\nkind = "json"\nurl_env = "LOCKSTEP_DESK"\n'
PHONE = CHANNEL.replace("desk", "phone").replace("DESK", "PHONE")
QUIET = '[alerts.quiet_hours]\nstart = "11:00"\nend = "13:00"\ntimezone = "America/Chicago"\n'
PING = '[alerts.heartbeat]\nurl_env = "LOCKSTEP_DESK"\n'
START = "Lockstep 0.1.0 guards 2 accounts"
CODES = ("DEAD_LETTER", "RULE_FAILED", "RULE_SILENT", "TURNS_LATE", "CLOCK_WRONG")

type Look = Callable[[Rig, Hook, Hook], Any]


def files(template: str, one: Any, other: Any) -> tuple[str, str]:
    """Return two files of one template."""
    return HEAD + template.replace("§", str(one)), HEAD + template.replace("§", str(other))


def listening(look: Look) -> Callable[[Stage], Any]:
    """Return a play of a system whose two channels listen; `look` acts, and says what it sees."""

    def play(stage: Stage) -> Any:
        with Hook() as desk, Hook() as phone, pytest.MonkeyPatch.context() as patch:
            patch.setitem(TOKENS, "LOCKSTEP_DESK", f"{desk.url}/desk")
            patch.setitem(TOKENS, "LOCKSTEP_PHONE", phone.url)
            run = stage.run()
            run.advance(6)
            run.advance(6)
            try:
                return look(run, desk, phone)
            finally:
                run.stop()

    return play


def titles(_run: Rig, desk: Hook, _phone: Hook) -> list[str]:
    """Look at what was told."""
    return desk.titles


def both(_run: Rig, desk: Hook, phone: Hook) -> tuple[int, int]:
    """Look at who was told anything."""
    return min(1, len(desk.told)), min(1, len(phone.told))


def _terms() -> Iterator[tuple[str, Bite]]:
    def warned(run: Rig, desk: Hook, _phone: Hook) -> int:
        run.fill(A, "-85")
        run.advance(6)
        return len(desk.titles)

    made = files("[alerts]\nwarn_at_percent = §\n" + CHANNEL, 85, 86)
    yield "warn_at_percent", Bite(made, listening(warned), (2, 1))

    def lost(run: Rig, desk: Hook, _phone: Hook) -> list[str]:
        run.do(lambda gateway: gateway.lose())
        for _ in range(5):
            run.advance(6)
        return desk.titles[1:]

    made = files("[alerts]\nunprotected_after_s = §\n" + CHANNEL, 15, 60)
    yield (
        "unprotected_after_s",
        Bite(made, listening(lost), (["2 accounts: NOT PROTECTED"], [])),
    )

    def lesser(run: Rig, desk: Hook, _phone: Hook) -> list[str]:
        run.do(lambda gateway: gateway.lose())
        run.do(lambda gateway: gateway.reconnect())
        run.advance(45 * 60)
        return desk.titles[1:]

    made = files("[alerts]\ndigest_minutes = §\n" + CHANNEL, 30, 60)
    digest = "Digest since 17:00 UTC: 2 lesser things"
    yield "digest_minutes", Bite(made, listening(lesser), ([digest], []))

    def next_day(run: Rig, desk: Hook, _phone: Hook) -> list[str]:
        run.at(NOON + timedelta(hours=5))
        run.advance(6)
        run.advance(31)
        return [each for each in desk.titles if each.startswith("Day ")]

    made = files("[alerts]\ndaily_summary = §\n" + CHANNEL, "true", "false")
    told = ["Day 2025-10-29: 2 accounts, P&L $0.00"]
    yield "daily_summary", Bite(made, listening(next_day), (told, []))


def _quiet() -> Iterator[tuple[str, Bite]]:
    quiet, seen = listening(titles), ([], [START])
    yield "quiet_hours", Bite((HEAD + QUIET + CHANNEL, HEAD + CHANNEL), quiet, seen)
    for key, one, other in (
        ("start", "11:00", "12:30"),
        ("end", "13:00", "11:30"),
        ("timezone", "America/Chicago", "UTC"),
    ):
        table = QUIET.replace(f'{key} = "{one}"', f'{key} = "§"')
        yield f"quiet_hours.{key}", Bite(files(table + CHANNEL, one, other), quiet, seen)


def _heartbeat() -> Iterator[tuple[str, Bite]]:
    def paths(_run: Rig, desk: Hook, _phone: Hook) -> list[str]:
        return sorted({each.path for each in desk.told})

    alone = (HEAD + PING, HEAD)
    yield "heartbeat", Bite(alone, listening(paths), (["/desk", "/desk/start"], []))
    made = files(PING.replace("LOCKSTEP_DESK", "§"), "LOCKSTEP_DESK", "LOCKSTEP_PHONE")
    yield "heartbeat.url_env", Bite(made, listening(both), ((1, 0), (0, 1)))

    def pings(run: Rig, desk: Hook, _phone: Hook) -> int:
        for _ in range(12):
            run.advance(10)
        return sum(each.path == "/desk" for each in desk.told)

    made = files(f"{PING}every_s = §\n", 60, 120)
    yield "heartbeat.every_s", Bite(made, listening(pings), (3, 2))


def alarm(run: Rig, *codes: str) -> None:
    """Have several things alarmed at once."""
    now = run.clock.now()
    alarms = tuple(
        AlarmRaised(at=now, cause="test", account=None, code=AlarmCode(code), text="x")
        for code in codes
    )
    append = Append(at=now, cause="test", events=alarms, asker=None, token="test")
    run.system.directory.tell("journal", append)
    run.settle()


def _channels() -> Iterator[tuple[str, Bite]]:
    yield (
        "channels",
        Bite((HEAD + CHANNEL, HEAD + CHANNEL + PHONE), listening(both), ((1, 0), (1, 1))),
    )

    def names(run: Rig, _desk: Hook, _phone: Hook) -> list[str]:
        return [each.name for each in run.system.status().channels]

    made = files(CHANNEL.replace('"desk"', '"§"'), "desk", "team")
    yield "channels[].name", Bite(made, listening(names), (["desk"], ["team"]))

    def keys(_run: Rig, desk: Hook, _phone: Hook) -> bool:
        return "mrkdwn" in desk.notices[0]

    made = files(CHANNEL.replace('"json"', '"§"'), "json", "slack")
    yield "channels[].kind", Bite(made, listening(keys), (False, True))
    made = files(CHANNEL.replace("LOCKSTEP_DESK", "§"), "LOCKSTEP_DESK", "LOCKSTEP_PHONE")
    yield "channels[].url_env", Bite(made, listening(both), ((1, 0), (0, 1)))
    made = files(f'{CHANNEL}min_severity = "§"\n', "info", "warning")
    yield "channels[].min_severity", Bite(made, listening(titles), ([START], []))

    def burst(run: Rig, desk: Hook, _phone: Hook) -> int:
        alarm(run, *CODES)
        return len(desk.told) - 1

    made = files(f"{CHANNEL}max_per_minute = §\n", 10, 2)
    yield "channels[].max_per_minute", Bite(made, listening(burst), (5, 1))

    def slow(run: Rig, desk: Hook, _phone: Hook) -> str:
        desk.answer(Answer(after_s=1.0))
        alarm(run, "DEAD_LETTER")
        return run.system.status().channels[0].error

    made = files(f"{CHANNEL}timeout_s = §\n", 9.5, 0.2)
    said = ("", "no answer within 0.2 s")
    yield "channels[].timeout_s", Bite(made, listening(slow), said)


def alert_bites() -> Iterator[tuple[str, Bite]]:
    """Yield the bites of the table by their keys."""
    for bites in (_terms(), _quiet(), _heartbeat(), _channels()):
        yield from ((f"[alerts].{key}", bite) for key, bite in bites)
