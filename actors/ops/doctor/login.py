"""Credentials and accounts: may we log in, and is everything that is to be guarded there and tradable?

The probe uses the guard's own session to the broker, through a fence that lets no command pass. Per login
it costs one login and two reads, opens no stream, and subscribes nothing.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from actors.gateway.decode import account_record_of
from actors.gateway.errors import (
    BrokerUnreachableError,
    DecodeError,
    LoginRefusedError,
    ReadFailedError,
)
from actors.gateway.fields import Fields
from actors.gateway.settings import LoginSettings
from actors.ops import exits
from actors.ops.doctor.finding import Check, Finding, several
from actors.runtime import Clock
from actors.secrets import Secrets
from messages.queries import UnguardedAccount
from messages.values import AccountRecord, AlarmCode

CREDENTIALS = Check(
    "credentials", "without a login none of its accounts is seen, closed or locked", exits.LOGIN
)
BROKER = Check("broker", "what cannot be reached cannot be guarded", exits.UNREACHABLE)
ACCOUNTS = Check("accounts", "an account that is not seen is not guarded", exits.CONFIG)
LOOK_AT_THE_FIRM = "look at the firm's platform whether the user has an active account"
WITHIN_S = 10.0
"""How long a read may take."""
ALTOGETHER_S = 30.0
"""How long one login may take; the session's own deadlines are shorter."""


@dataclass(frozen=True, slots=True)
class LoginRead:
    """What the broker answered one login."""

    login: str
    """Name of the login in the configuration."""
    refused: str = ""
    """Why the broker refused the login; empty if it did not."""
    unreachable: str = ""
    """Why it could not be asked; empty if it could."""
    active: tuple[AccountRecord, ...] = ()
    """Its active accounts, which are those that can be guarded."""
    inactive: tuple[AccountRecord, ...] = ()
    """Those the broker lists, but not as active."""
    unreadable: tuple[str, ...] = ()
    """Records that cannot be understood."""
    ahead_s: float | None = None
    """Seconds our clock is certainly ahead of the broker's (negative: behind); None = not told."""

    @property
    def answered(self) -> bool:
        """Say whether its accounts are known."""
        return not (self.refused or self.unreachable)


@dataclass(slots=True)
class _Watch:
    """By how much our clock differs from the broker's, as the answers show it."""

    clock: Clock
    ahead_s: list[float] = field(default_factory=list)

    def note(self, earliest: datetime, latest: datetime) -> None:
        now = self.clock.now()
        behind, ahead = (earliest - now).total_seconds(), (now - latest).total_seconds()
        self.ahead_s.append(-behind if behind > 0 else max(ahead, 0.0))

    @property
    def least(self) -> float | None:
        """Return the smallest difference: of answers that were long on their way the clock tells less."""
        return min(self.ahead_s, key=abs, default=None)


def read_logins(logins: Iterable[LoginSettings], clock: Clock) -> tuple[LoginRead, ...]:
    """Ask the broker, all logins at once."""

    async def read_all() -> tuple[LoginRead, ...]:
        return tuple(await asyncio.gather(*(read_login(each, clock) for each in logins)))

    return asyncio.run(read_all())


async def read_login(settings: LoginSettings, clock: Clock) -> LoginRead:
    """Log in, list the accounts, look at the time, and leave."""
    # Here and not above: importing the SDK costs a second, which only who asks a broker has to pay.
    from actors.gateway.client import BrokerClient

    secrets = Secrets(settings.username, settings.api_key)
    watch = _Watch(clock)
    client = BrokerClient(
        settings,
        clock=clock,
        alarm=_is_told_anyway,
        report_time=watch.note,
        secrets=secrets,
        fence=lambda: "the doctor sends no commands",
    )
    try:
        async with asyncio.timeout(ALTOGETHER_S):
            await client.token()
            active = await client.accounts(within_s=WITHIN_S)
            listed = await client.accounts(within_s=WITHIN_S, only_active=False)
    except LoginRefusedError as error:
        return LoginRead(settings.name, refused=secrets.blot(str(error)), ahead_s=watch.least)
    except (BrokerUnreachableError, ReadFailedError) as error:
        return LoginRead(settings.name, unreachable=secrets.blot(str(error)), ahead_s=watch.least)
    except TimeoutError:
        why = f"not done within {ALTOGETHER_S:g} s"
        return LoginRead(settings.name, unreachable=why, ahead_s=watch.least)
    finally:
        await client.close()
    return _read_of(settings.name, active, listed, watch.least, secrets)


def _is_told_anyway(_code: AlarmCode, _text: str) -> None:
    """Do nothing: whatever the session alarms of comes back as the error of the same call."""


def _read_of(
    login: str,
    active: tuple[Fields, ...],
    listed: tuple[Fields, ...],
    ahead_s: float | None,
    secrets: Secrets,
) -> LoginRead:
    unreadable: list[str] = []
    found = {each.account: each for each in _records(active, unreadable, secrets)}
    others = _records(listed, [], secrets)
    return LoginRead(
        login,
        active=tuple(found.values()),
        inactive=tuple(each for each in others if each.account not in found),
        unreadable=tuple(unreadable),
        ahead_s=ahead_s,
    )


def _records(
    rows: Iterable[Fields], unreadable: list[str], secrets: Secrets
) -> Iterator[AccountRecord]:
    for row in rows:
        try:
            yield account_record_of(row)
        except DecodeError as error:
            unreadable.append(secrets.blot(str(error)))


def judge_login(read: LoginRead) -> Iterator[Finding]:
    """Judge whether one login works."""
    if read.refused:
        fix = "put the right values into its environment variables; too many tries block the user"
        yield CREDENTIALS.critical(read.refused, fix=fix, about=read.login)
    elif read.unreachable:
        fix = "look at the network, at [broker] api_url, and at the firm's status page"
        yield BROKER.critical(read.unreachable, fix=fix, about=read.login)
        yield CREDENTIALS.unknown("the broker could not be asked", fix=fix, about=read.login)
    else:
        yield CREDENTIALS.ok("the broker accepts the login", about=read.login)


def judge_accounts(
    read: LoginRead, wanted: tuple[int | str, ...], vanished: Collection[int | str] = ()
) -> Iterator[Finding]:
    """Judge whether what one login is to guard is there and may trade.

    What has `vanished` was seen by earlier runs; nothing is said of it here.
    """
    if not read.answered:
        fix = "mend the login first, then look again"
        yield ACCOUNTS.unknown("the broker listed none", fix=fix, about=read.login)
        return
    for text in read.unreadable:
        fix = "send this line to Lockstep's makers; the others of the login are guarded"
        what = f"a record cannot be read, so its account would be UNGUARDED: {text}"
        yield ACCOUNTS.warning(what, fix=fix, about=read.login)
    yield from _missing(read, [each for each in wanted if each not in vanished])
    guarded = wanted_of(read, wanted)
    yield from _doubts(guarded)
    if guarded:
        yield ACCOUNTS.ok(f"{len(guarded)} visible, and so to be guarded", about=read.login)
    elif "*" in wanted:
        yield ACCOUNTS.warning(
            "the login has no active account", fix=LOOK_AT_THE_FIRM, about=read.login
        )


def judge_gone(found: Iterable[UnguardedAccount]) -> Iterator[Finding]:
    """Say who was there in earlier runs and is not now: a start goes on without them, and says so."""
    for each in found:
        fix = "ask the firm; or change [[logins]] accounts"
        what = f"{each.account} would be UNGUARDED: {each.reason}"
        yield ACCOUNTS.warning(what, fix=fix, about=each.login)


def _missing(read: LoginRead, wanted: Iterable[int | str]) -> Iterator[Finding]:
    there = {key for each in read.active for key in (each.account, each.name)}
    asleep = {key for each in read.inactive for key in (each.account, each.name)}
    listed = ", ".join(f"{each.account} ({each.name})" for each in read.active) or "none"
    for name in wanted:
        if name == "*" or name in there:
            continue
        why = "the broker lists it as not active" if name in asleep else f"the broker has {listed}"
        fix = "take it out of [[logins]] accounts, or correct it"
        yield ACCOUNTS.critical(f"{name} is not to be guarded: {why}", fix=fix, about=str(name))


def wanted_of(read: LoginRead, wanted: tuple[int | str, ...]) -> list[AccountRecord]:
    """Return the accounts a login would guard; those that are named and not there are left out."""
    every = "*" in wanted
    return [each for each in read.active if every or each.account in wanted or each.name in wanted]


def _doubts(guarded: list[AccountRecord]) -> Iterator[Finding]:
    def named(found: Iterable[AccountRecord]) -> str:
        return several([f"{each.account} ({each.name})" for each in found])

    if about := named(each for each in guarded if each.can_trade is None):
        fix = "look at the firm's platform"
        yield ACCOUNTS.unknown("the broker does not say if it can trade", fix=fix, about=about)
    if about := named(each for each in guarded if each.can_trade is False):
        fix = "ask the firm; it is watched all the same, and closes may be refused"
        yield ACCOUNTS.warning("the firm does not let it trade", fix=fix, about=about)
    if about := named(each for each in guarded if not each.simulated):
        fix = "close one contract through the API there before you rely on it"
        what = "no simulated account: the firm may refuse our closes"
        yield ACCOUNTS.warning(what, fix=fix, about=about)
