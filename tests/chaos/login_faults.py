"""The faults that strike a whole login: its hubs, its token, its request budget, the exchange itself."""

from collections.abc import Callable
from typing import Any

from tests.chaos.faults import Card, Turn

_FLAPS = 8
_TOKEN_S = 1.0


def _for_a_while(begin: Callable[[Turn], Any], end: Callable[[Turn], Any]) -> Callable[[Turn], int]:
    """Return a play that begins, lasts and ends, and strikes once."""

    def play(turn: Turn) -> int:
        begin(turn)
        turn.wait(turn.seconds)
        end(turn)
        return 1

    return play


def _shut(hub: str) -> Callable[[Turn], int]:
    """Return a play: one user or all are thrown out, and one hub lets nobody in again."""

    def play(turn: Turn) -> int:
        fault = turn.control.fault("http", f"/hubs/{hub}", status=503)
        dropped = turn.control.drop_connections(turn.anybody)
        turn.wait(turn.seconds)
        turn.control.end_fault(fault)
        return dropped

    return play


def _flapping(turn: Turn) -> int:
    dropped = 0
    for _ in range(_FLAPS):
        dropped += turn.control.drop_connections(turn.anybody)
        turn.wait(turn.seconds / _FLAPS)
    return dropped


def _closed(turn: Turn) -> int:
    return turn.control.drop_connections(turn.anybody, abruptly=False)


def _logged_out(turn: Turn) -> int:
    turn.control.log_out(turn.anybody)
    return 1


def _revoked(turn: Turn) -> int:
    times = turn.random.randint(1, 3)
    for _ in range(times):
        turn.control.revoke_tokens(turn.anybody)
        turn.wait(turn.seconds / times)
    return times


def _short_lived(turn: Turn) -> int:
    turn.control.shorten_tokens(_TOKEN_S)
    turn.control.revoke_tokens()
    turn.wait(turn.seconds + 2 * _TOKEN_S)
    turn.control.shorten_tokens(86_400.0)
    return 1


def _refused_logins(turn: Turn) -> int:
    fault = turn.control.fault("reject", "/Auth/loginKey")
    turn.control.revoke_tokens()
    turn.wait(turn.seconds)
    turn.control.end_fault(fault)
    return turn.control.struck(fault)


def _storm(turn: Turn) -> int:
    fault = turn.control.fault("http", "*/*", status=429)
    turn.wait(turn.seconds)
    turn.control.end_fault(fault)
    return turn.control.struck(fault)


def _dated(turn: Turn) -> int:
    turn.control.date_answers(turn.random.choice((None, 90.0, -90.0, 7200.0)))
    turn.wait(turn.seconds)
    turn.control.date_answers(0.0)
    return 1


LOGIN_CARDS = (
    Card(name="user hub down, fills in the gap", rows="1", play=_shut("user"), hides=True),
    Card(name="market hub down", rows="3", play=_shut("market"), hides=True),
    Card(name="hubs closed by the server", rows="1", play=_closed),
    Card(name="hubs flapping", rows="4", play=_flapping, hides=True),
    Card(
        name="connected but silent",
        rows="2",
        play=_for_a_while(
            lambda turn: turn.control.silence(True), lambda turn: turn.control.silence(False)
        ),
        hides=True,
    ),
    Card(
        name="half-open: nothing answers",
        rows="2, 11",
        play=_for_a_while(
            lambda turn: turn.control.freeze(True), lambda turn: turn.control.freeze(False)
        ),
        hides=True,
    ),
    Card(name="logged out by the broker", rows="72", play=_logged_out, hides=True),
    Card(name="tokens revoked", rows="13", play=_revoked),
    Card(name="tokens expire every second", rows="13", play=_short_lived),
    Card(name="logins refused", rows="14", play=_refused_logins, hides=True),
    Card(name="429 storm", rows="10", play=_storm, hides=True),
    Card(
        name="the broker's budget is used up",
        rows="10",
        play=_for_a_while(
            lambda turn: turn.control.limit_requests(True),
            lambda turn: turn.control.limit_requests(False),
        ),
        hides=True,
    ),
    Card(
        name="the exchange halts",
        rows="24",
        play=_for_a_while(
            lambda turn: turn.control.set_market_open(False),
            lambda turn: turn.control.set_market_open(True),
        ),
        hides=True,
    ),
    Card(name="answers dated wrongly", rows="43", play=_dated),
)
