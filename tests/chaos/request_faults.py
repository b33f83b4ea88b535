"""The faults that strike one account at its requests: slow, lost, refused or nonsensical answers.

Each is a `Card`; README.md says which rows of faults.md they play.
"""

from typing import Any

from tests.chaos.faults import CLOSES, COMMANDS, READS, Card, Turn


def door(where: tuple[str, ...], kind: str, *choices: dict[str, Any]) -> Any:
    """Return a play: a fault at one of these endpoints, in one of these ways."""

    def play(turn: Turn) -> int:
        how = turn.random.choice(choices) if choices else {}
        place = turn.random.choice(where)
        fault = turn.control.fault(kind, place, account=turn.account, **how)
        turn.last(lambda: turn.control.struck(fault) > 0)
        turn.control.end_fault(fault)
        turn.control.release()
        return turn.control.struck(fault)

    return play


def _twice(where: tuple[str, ...], kind: str, *choices: dict[str, Any]) -> Any:
    """Return a play of what would be applied again and again: it strikes once or twice."""
    once_or_twice = [{**how, "times": times} for how in choices or ({},) for times in (1, 2)]
    return door(where, kind, *once_or_twice)


ANYWHERE = (*COMMANDS, *READS)
AT_THE_DOOR = (
    Card(name="slow answers", rows="17", play=door(ANYWHERE, "delay", {"seconds": 0.3})),
    Card(name="hangs before applying", rows="11", play=door(COMMANDS, "hang_before")),
    Card(name="hangs after applying", rows="11, 12", play=door((CLOSES,), "hang_after")),
    Card(name="reads hang", rows="11", play=door(READS, "hang_before")),
    Card(name="cut before applying", rows="11", play=_twice(COMMANDS, "cut_before")),
    Card(name="cut after applying", rows="12", play=_twice(COMMANDS, "cut_after")),
    Card(
        name="applied, failure answered",
        rows="12, 16",
        play=_twice(COMMANDS, "applied_but_error", {"status": 500}, {"code": 1}, {}),
    ),
    Card(
        name="5xx",
        rows="11",
        play=door(ANYWHERE, "http", {"status": 500}, {"status": 503}),
        hides=True,
    ),
    Card(
        name="429 for one account",
        rows="10",
        play=door(("*",), "http", {"status": 429}),
        hides=True,
    ),
    Card(
        name="401 or 403 at a step",
        rows="13, 15",
        play=_twice(ANYWHERE, "http", {"status": 401}, {"status": 403}),
    ),
    Card(
        name="success: false",
        rows="16, 24",
        play=door(COMMANDS, "reject", {}, {"code": 5}, {"code": 8}),
        hides=True,
    ),
    Card(name="success, nothing done", rows="16, 26", play=_twice(COMMANDS, "ok_not_applied")),
    Card(name="null lists", rows="9", play=door(READS, "null_list"), hides=True),
    Card(name="answers that are no JSON", rows="9", play=_twice(ANYWHERE, "garbage")),
)
