"""The `lock` command: asks the running process to lock an account for its trader, and waits for it.

Nothing takes a lockout back, so it asks first; and it says "locked" only once the account says so, which
it does when the broker has confirmed flat and the lock is on disk.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from actors.locking import LockRequest
from actors.ops.asking import RefusedError, ask
from actors.ops.exits import FAILURE, USAGE
from actors.ops.lock_times import TimeError, instant_of, seconds_of
from actors.ops.status import NoAnswerError, current_status
from actors.ops.terminal import fail, print_json
from actors.runtime import Clock
from config.loader import Config
from messages.queries import AccountStatus, SelfLockout
from messages.values import Phase

_LOOK_EVERY_S = 0.2
_MORE_S = 5.0
"""Beyond the deadline after which a lock is applied in any case: for the journal and the answers."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, and how it is said to people."""

    request: LockRequest
    """The body of the request."""
    end: str
    """When it ends, e.g. `for 30m`."""


def lock_account(
    config: Config, environment: Mapping[str, str], clock: Clock, asked: Wish, *, json: bool
) -> int:
    """Have the account locked, say how far it came, and return the exit code.

    Raises:
        ConfigError, NotRunningError, TokenRefusedError, NoAnswerError: as `ask` does.
    """
    try:
        answer = ask(config, environment, "/api/lock", asked.request, SelfLockout)
    except RefusedError as error:
        return fail(USAGE, str(error))
    locked = wait_locked(config, environment, clock, answer)
    if json:
        print_json(answer)
    else:
        lines = lines_of(answer, config.context.trading_day.zone, locked=locked)
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0 if locked else FAILURE


def wish(
    account: str,
    how_long: str | None,
    until: str | None,
    reason: str,
    *,
    zone: ZoneInfo,
    now: datetime,
) -> Wish:
    """Return what the words on the command line ask for.

    Raises:
        TimeError: they say no end, two, or one that is over.
    """
    if (how_long is None) == (until is None):
        raise TimeError("say either how long (--for 30m) or until when (--until 15:30)")
    if until is None:
        assert how_long is not None  # noqa: S101 - for the type checker
        request = LockRequest(account=account, for_s=seconds_of(how_long), reason=reason)
        return Wish(request=request, end=f"for {how_long}")
    instant = instant_of(until, zone, now)
    request = LockRequest(account=account, until=instant, reason=reason)
    return Wish(request=request, end=f"until {both(instant, zone)}")


def is_confirmed(asked: Wish) -> bool:
    """Ask on the terminal; only a yes is one."""
    sys.stderr.write(
        f"Close every position of {asked.request.account}, cancel every order, and lock it {asked.end}?\n"
        "NOTHING unlocks it earlier: no command, no restart, no reset. Type yes: "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def wait_locked(
    config: Config, environment: Mapping[str, str], clock: Clock, answer: SelfLockout
) -> bool:
    """Say whether the account is flat and locked, as soon as it is; False when waiting is over."""
    patience_s = config.file.enforcement.deadline_s + _MORE_S
    deadline = clock.monotonic() + patience_s
    while clock.monotonic() < deadline:
        with suppress(NoAnswerError):  # it may answer the next time
            status = current_status(config, clock, environment)
            if not status.live:
                return False
            if any(_is_locked(each, answer) for each in status.accounts):
                return True
        time.sleep(_LOOK_EVERY_S)
    return False


def _is_locked(account: AccountStatus, answer: SelfLockout) -> bool:
    """Say whether an account is flat, as the broker confirmed, and locked, as the disk knows."""
    if account.account != answer.account or account.phase is not Phase.LOCKED:
        return False
    return answer.lockout in account.lockouts


def lines_of(answer: SelfLockout, zone: ZoneInfo, *, locked: bool) -> Iterator[str]:
    """Yield for people what is locked until when, and how far it has come."""
    lockout = answer.lockout
    assert lockout.until is not None  # noqa: S101 - a trader's lockout always has an end
    name, until = f"{answer.account} ({answer.name})", both(lockout.until, zone)
    if lockout.until > answer.asked_until:
        asked = both(answer.asked_until, zone)
        yield f"{name} is to be locked longer already: what was asked ({asked}) changes nothing"
    if locked:
        yield f"{name} is flat and LOCKED until {until}: {lockout.reason}"
    else:
        yield f"{name} may hold nothing until {until}: {lockout.reason}"
        yield "it is NOT confirmed flat and locked yet; closing goes on: look at status --watch"
    yield "NOTHING unlocks it earlier: no command, no restart, no reset"


def both(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as UTC and as the trading day's wall clock reads it."""
    local = instant.astimezone(zone)
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC ({local:%Y-%m-%d %H:%M:%S} {zone.key})"
