"""Incidents for the page: the last ones of all accounts, one of them step by step, its dispute bundle.

The bundle is made by `main.py journal export --incident` in a process of its own, for it walks the whole
chain first: that must not take processor time from who guards.
"""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import msgspec

from actors.journal import Store
from actors.ops.web.episodes import Episodes, Incident
from actors.ops.web.reading import events_after
from messages.events import DayReset, EnforcementStarted, LockoutAsked, RuleBreached
from messages.journal import Recorded

LISTED = 60
WITHIN = 200_000
"""Rows of the journal that are looked through for them, from its end."""
_LED_BY = 64
"""Rows before an intent among which what led to it is looked for."""
_MOST = 5_000
EXPORT_S = 50.0
"""A bundle that takes longer is for the command line."""
_LOOK_S = 0.25
"""How often it is looked whether the server stops: its process would wait for the bundle's."""
_NICE = 15
_MAIN = Path(__file__).parents[3] / "main.py"


class Listed(msgspec.Struct, frozen=True):
    """One line of the list."""

    account: int
    """Account id."""
    seq: int
    """What it is found by."""
    enforcement_id: str
    """E.g. `13298777/e4`."""
    at: str
    """When it was decided, ISO 8601, UTC."""
    rules: tuple[str, ...]
    """Whose breach or lockout it is."""
    why: str
    """The first reason; empty for the duty of a lockout."""
    shadow: bool
    """The account was only watched: nothing was sent."""


class NoSuchIncidentError(LookupError):
    """No enforcement of that account began at that place."""


class ExportFailedError(RuntimeError):
    """The bundle could not be made; says why."""


def last_incidents(store: Store) -> list[Listed]:
    """Return the last incidents of all accounts, newest first."""
    kinds = ("enforcement_started", "rule_breached", "lockout_asked")
    found = store.latest(kinds, most=3 * LISTED, within=WITHIN)
    led = {}
    for record in found:
        match record.event:
            case RuleBreached(breach_id=name, breach=breach):
                led[name] = (breach.rule, breach.reason)
            case LockoutAsked(lockout=lock):
                led[lock.breach_id] = (lock.rule, lock.reason)
    starts = [each for each in found if isinstance(each.event, EnforcementStarted)]
    return [_listed(each.seq, each.event, led) for each in starts[:LISTED]]


def _listed(seq: int, event: object, led: dict[str, tuple[str, str]]) -> Listed:
    if not isinstance(event, EnforcementStarted):
        raise TypeError(event)
    locks = [(lock.rule, lock.reason) for lock in event.lockouts]
    known = [led[name] for name in event.breaches if name in led] or locks
    return Listed(
        account=event.account,
        seq=seq,
        enforcement_id=event.enforcement_id,
        at=event.at.isoformat(),
        rules=tuple(dict.fromkeys(rule for rule, _ in known)),
        why=known[0][1] if known else "",
        shadow=event.shadow,
    )


class Told(msgspec.Struct, frozen=True):
    """The page of one incident."""

    incident: Incident
    """All of it."""
    trading_date: str | None
    """The day its bundle is of; None when the day's beginning is in an archive."""


def incident_at(store: Store, account: int, seq: int) -> Told:
    """Return the incident whose intent stands at a seq: of a day's reset, the one that outlasts the day.

    Raises:
        NoSuchIncidentError: none of this account does.
    """
    episodes = Episodes()
    found: Incident | None = None
    for record in events_after(store, account, max(seq - _LED_BY, 0), most=_MOST):
        episodes.take(record)
        if record.seq == seq:
            found = _begun_at(record, episodes.under_way)
            if found is None:
                break
        if record.seq >= seq and episodes.under_way is not found:
            break
    if found is None:
        raise NoSuchIncidentError(f"no incident of account {account} began at seq {seq}")
    days = [day for begun, day in store.day_resets(account) if begun <= seq]
    return Told(found, days[-1] if days else None)


def _begun_at(record: Recorded, under_way: Incident | None) -> Incident | None:
    if under_way is None or not isinstance(record.event, EnforcementStarted | DayReset):
        return None
    return under_way


def bundle(journal: Path, anchor: Path, account: int, day: str, closing: threading.Event) -> bytes:
    """Return the dispute bundle of an account's trading day; blocks, for a minute or till `closing`.

    Raises:
        ExportFailedError: it could not be made, or takes too long here.
    """
    with tempfile.TemporaryDirectory(prefix="lockstep-") as folder:
        out = Path(folder) / "incident.zip"
        places = ("--path", str(journal.absolute()), "--anchor", str(anchor.absolute()))
        what = ("journal", "export", "--incident", str(account), day, "--out", str(out))
        command = (sys.executable, str(_MAIN), *what, *places)
        with subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as process:
            if hasattr(os, "setpriority"):
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
            said = _said_by(process, closing)
        if process.returncode != 0:
            raise ExportFailedError(said.decode(errors="replace").strip()[-2000:])
        return out.read_bytes()


def _said_by(process: "subprocess.Popen[bytes]", closing: threading.Event) -> bytes:
    """Return what a process said when it has ended; one that does not in time is killed."""
    left_s = EXPORT_S
    while True:
        try:
            return process.communicate(timeout=min(_LOOK_S, left_s))[1]
        except subprocess.TimeoutExpired:
            left_s -= _LOOK_S
        if closing.is_set():
            process.kill()
            raise ExportFailedError("Lockstep stops; use `journal export`")
        if left_s <= 0:
            process.kill()
            raise ExportFailedError("it takes too long here; use `journal export`")
