"""What `status` prints: the running process's own answer, or, with none running, the journal's.

The journal knows what was booked and locked, not what the broker holds now: it says `"live": false`, and
every account's health is then unknown.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from actors.account.core import AccountCore
from actors.account.settings import AccountSettings
from actors.account.state import AccountState
from actors.journal import Store
from actors.runtime import Clock
from config.loader import Config
from messages.events import AccountGuarded
from messages.queries import AccountStatus, SystemStatus
from messages.values import ACCOUNT_SCOPE, Health, Phase

_COLUMNS = ("account", "name", "phase", "health", "day's P&L", "open", "positions")
_TIMEOUT_S = 6.0


class NoAnswerError(RuntimeError):
    """Something listens at `http.listen`, but it does not answer as Lockstep does."""


def current_status(config: Config, clock: Clock) -> SystemStatus:
    """Return how every account stands.

    Raises:
        StoreError: nothing is running and the journal cannot be read.
        NoAnswerError: what listens there does not answer, or is not Lockstep.
    """
    url = f"http://{config.file.http.listen}/api/status"
    try:
        answer = httpx.get(url, timeout=_TIMEOUT_S, trust_env=False)
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=SystemStatus)
    except httpx.ConnectError:
        return _from_journal(config, clock)
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise NoAnswerError(
            f"{url} does not answer as Lockstep does ({error or type(error).__name__}); "
            "look at the program that listens there, or change http.listen"
        ) from None


def _from_journal(config: Config, clock: Clock) -> SystemStatus:
    store = Store.open_read_only(Path(config.file.journal.path))
    try:
        started = store.last_started()
        accounts = tuple(_account(config, store, account, clock) for account in store.accounts())
    finally:
        store.close()
    return SystemStatus(
        version=started.version if started else "none",
        config=started.config if started else config.digest,
        config_version=None,
        at=clock.now(),
        live=False,
        unrecorded=None,
        accounts=accounts,
    )


def _account(config: Config, store: Store, account: int, clock: Clock) -> AccountStatus:
    gross = config.file.money.pnl == "gross"
    state = AccountState.new(account, config.context.trading_day, gross=gross)
    name = login = "unknown"
    for record in store.account_events(account):
        state.evolve(record.event)
        if isinstance(record.event, AccountGuarded):
            name, login = record.event.name, record.event.login
    settings = AccountSettings(
        account=account,
        name=name,
        login=login,
        rules=(),
        day=config.context.trading_day,
        deadline_s=config.file.enforcement.deadline_s,
        journal_deadline_s=config.file.enforcement.journal_deadline_s,
        quote_max_age_s=config.file.money.quote_max_age_s,
        conservative_mark=False,
        gross=gross,
    )
    status = AccountCore(settings, state, epoch="status").status(clock.now())
    return msgspec.structs.replace(status, health=Health.UNKNOWN, starting=None)


def print_status(status: SystemStatus) -> None:
    """Print a table for people, and below it every lockout and every change that waits."""
    console = Console()
    console.print(f"Lockstep {status.version}" + ("" if status.live else " is NOT RUNNING"))
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in _COLUMNS:
        table.add_column(column)
    for each in status.accounts:
        table.add_row(*_row(each), style="bold" if each.phase is Phase.LOCKED else "")
    console.print(table)
    if status.live and status.unrecorded != 0:
        missing = "it does not answer" if status.unrecorded is None else status.unrecorded
        console.print(f"JOURNAL: events that are not on disk: {missing}", style="bold")
    for each in status.accounts:
        for line in _lines(each):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def _lines(each: AccountStatus) -> Iterator[str]:
    """Yield what the table has no column for: the start, every lockout, what waits for the reset."""
    if each.starting:
        yield f"{each.account} starting: {each.starting}"
    for lock in each.lockouts:
        end = f"until {lock.until:%Y-%m-%d %H:%M:%S} UTC" if lock.until else "until released"
        scope = "" if lock.scope == ACCOUNT_SCOPE else f" ({lock.scope})"
        yield f"{each.account}{scope} locked by {lock.rule} {end}: {lock.reason}"
    for change in each.queued:
        yield f"{each.account} queued: {change}"


def _row(each: AccountStatus) -> tuple[str, ...]:
    return (
        str(each.account),
        each.name,
        each.phase,
        each.health,
        f"${each.realised_usd:.2f}",
        "unknown" if each.open_usd is None else f"${each.open_usd:.2f}",
        ", ".join(f"{held.size} {held.product}" for held in each.positions),
    )
