"""What `status` tells: the running process's own answer, or, with none running, the journal's.

The journal knows what was booked and locked, not what the broker holds now: it says `"live": false`, and
every account's health is then unknown.
"""

from collections.abc import Mapping
from pathlib import Path

import httpx
import msgspec

from actors.account.core import AccountCore
from actors.account.settings import AccountSettings
from actors.account.state import AccountState
from actors.journal import Store
from actors.runtime import Clock
from config.listening import is_loopback, parts_of
from config.loader import Config
from messages.events import AccountGuarded, DayReset
from messages.queries import AccountStatus, SystemStatus
from messages.values import Health

_TIMEOUT_S = 6.0


class NoAnswerError(RuntimeError):
    """Something listens at `http.listen`, but it does not answer as Lockstep does."""


def current_status(config: Config, clock: Clock, environment: Mapping[str, str]) -> SystemStatus:
    """Return how every account stands.

    Raises:
        StoreError: nothing is running and the journal cannot be read.
        NoAnswerError: what listens there does not answer, or is not Lockstep.
        ConfigError: it listens beyond loopback, where even reading takes the token, and there is none.
    """
    url = f"http://{config.file.http.listen}/api/status"
    try:
        answer = httpx.get(
            url, headers=_token_header(config, environment), timeout=_TIMEOUT_S, trust_env=False
        )
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=SystemStatus)
    except httpx.ConnectError:
        return _from_journal(config, clock)
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise NoAnswerError(
            f"{url} does not answer as Lockstep does ({error or type(error).__name__}); "
            "look at the program that listens there, or change http.listen"
        ) from None


def _token_header(config: Config, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a process that listens beyond loopback wants to see; no other is shown the token."""
    if is_loopback(parts_of(config.file.http.listen)[0]):
        return {}
    return {"Authorization": f"Bearer {config.http_token(environment)}"}


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
        unanswered=(),
    )


def _account(config: Config, store: Store, account: int, clock: Clock) -> AccountStatus:
    gross = config.file.money.pnl == "gross"
    state = AccountState.new(account, config.context.trading_day, gross=gross)
    name, login, shadow = "unknown", "unknown", False
    for record in store.account_events(account):
        state.evolve(record.event)
        if isinstance(record.event, DayReset | AccountGuarded):
            shadow = record.event.shadow
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
        late_after_s=config.file.health.late_after_s,
        conservative_mark=False,
        gross=gross,
        shadow=shadow,
    )
    status = AccountCore(settings, state, epoch="status").status(clock.now())
    return msgspec.structs.replace(
        status, health=Health.UNKNOWN, health_reason="nothing is running", starting=None
    )
