"""What a file may not say although each value has the right type. Pure; every check adds complaints."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from actors.gateway.settings import LoginSettings
from config.alerting import check_alerts
from config.keys import Key, shown
from config.lines import Lines
from config.listening import complaint_of
from config.schema import AccountOverride, Broker, ConfigFile, Defaults, Profile

ONE_LOGIN_A_USER = (
    "the broker lets a user be logged in once, with one request budget: "
    "have all accounts of a user in one login; [[accounts]] gives each its own profile"
)
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST_S = 3600
_LONGEST_KEPT_DAYS = 3650
_LONGEST_DOUBT_S = 2
_SHORTEST_UNJUDGED_S = 20
"""A rule that owes a verdict is asked for it every 15 s at the latest: less would lock unasked."""


def check(raw: dict[str, Any], file: ConfigFile, lines: Lines, complaints: list[str]) -> None:
    """Add what is wrong with a file; `raw` tells what it says of tables that could not be read."""
    _check_logins(raw, file, complaints)
    _check_broker(file, complaints)
    _check_listen(file, complaints)
    _check_names(raw, lines, complaints)
    _check_shared(file, lines, complaints)
    _check_users(file, lines, complaints)
    _check_limits(file, complaints)
    check_alerts(file.alerts, complaints)
    _check_confirmed(file, complaints)
    _check_unjudged(file, complaints)


def login_settings(broker: Broker, **user: Any) -> LoginSettings:
    """Return how to reach a broker; raises ValueError naming what is unusable."""
    return LoginSettings(
        **user,
        api_url=broker.api_url,
        user_hub_url=broker.user_hub_url,
        market_hub_url=broker.market_hub_url,
        silence_s=broker.silence_s,
        reconcile_every_s=broker.reconcile_every_s,
        budget_requests=broker.requests_per_minute,
    )


def _check_logins(raw: dict[str, Any], file: ConfigFile, complaints: list[str]) -> None:
    if not raw.get("logins"):
        complaints.append("logins: nothing is guarded; write at least one [[logins]] table")
    for login in file.logins:
        if not _NAME.fullmatch(login.name):
            complaints.append(
                f"{shown(('logins', login.name, 'name'))}: {login.name!r} must be letters, digits, "
                "'-', '_' and '.' only"
            )
        if not login.accounts:
            complaints.append(
                f"{shown(('logins', login.name, 'accounts'))}: guards no account; "
                "name some, or leave it out for all"
            )


def _check_broker(file: ConfigFile, complaints: list[str]) -> None:
    try:
        login_settings(file.broker, name="broker", username="", api_key="")
    except ValueError as error:
        text = str(error).replace("login 'broker': ", "broker.")
        complaints.append(text.replace("budget_requests", "requests_per_minute"))


def _check_listen(file: ConfigFile, complaints: list[str]) -> None:
    if complaint := complaint_of(file.http):
        complaints.append(complaint)


def _check_names(raw: dict[str, Any], lines: Lines, complaints: list[str]) -> None:
    for table, name in (("logins", "name"), ("accounts", "account")):
        places: dict[str, list[Key]] = {}
        for place, each in enumerate(_tables(raw.get(table))):
            if name in each:
                places.setdefault(str(each[name]), []).append((table, place, name))
        complaints += [
            f"{table}.{name}: {value!r} stands twice, {_on(lines, keys)}; keep one"
            for value, keys in places.items()
            if len(keys) > 1
        ]


def _tables(raw: object) -> list[dict[str, Any]]:
    return [each for each in raw if isinstance(each, dict)] if isinstance(raw, list) else []


def _check_shared(file: ConfigFile, lines: Lines, complaints: list[str]) -> None:
    """Two logins would enforce against each other; who is behind `*` is checked at the start."""
    guarded = [(key, each.name) for each in file.logins for key in dict.fromkeys(each.accounts)]
    ids = ((key, name) for key, name in guarded if isinstance(key, int))
    for account, where, whose in _of_several(ids, "accounts", lines):
        complaints.append(
            f"{where}: account {account} is guarded by more than one login {whose}; name it in one"
        )


def _check_users(file: ConfigFile, lines: Lines, complaints: list[str]) -> None:
    """The broker ends a user's session as another begins; who stands in a variable is checked later."""
    users = ((each.username_env, each.name) for each in file.logins)
    for variable, where, whose in _of_several(users, "username_env", lines):
        complaints.append(
            f"{where}: {variable} is the user of more than one login {whose}; {ONE_LOGIN_A_USER}"
        )


def _of_several[K](
    owned: Iterable[tuple[K, str]], field: str, lines: Lines
) -> Iterator[tuple[K, str, str]]:
    """Yield what more than one login has, where the last of them says so, and which they are."""
    owners: dict[K, list[str]] = {}
    for each, login in owned:
        owners.setdefault(each, []).append(login)
    for each, names in owners.items():
        if len(names) > 1:
            keys: list[Key] = [("logins", name, field) for name in names]
            yield each, shown(keys[-1]), f"({', '.join(names)}, {_on(lines, keys)})"


def _on(lines: Lines, keys: list[Key]) -> str:
    return f"lines {' and '.join(str(lines.of(key)) for key in keys)}"


def _check_limits(file: ConfigFile, complaints: list[str]) -> None:
    for where, value in (
        ("enforcement.deadline_s", file.enforcement.deadline_s),
        ("enforcement.journal_deadline_s", file.enforcement.journal_deadline_s),
        ("money.quote_max_age_s", file.money.quote_max_age_s),
        ("health.late_after_s", file.health.late_after_s),
    ):
        if not 0 < value <= _LONGEST_S:
            complaints.append(
                f"{where}: must be greater than 0 and at most {_LONGEST_S}, not {value}"
            )
    _check_quotes(file, complaints)
    if not file.journal.path:
        complaints.append("journal.path: is empty; name a file like data/lockstep.db")
    if file.journal.anchor in ("", file.journal.path):
        complaints.append("journal.anchor: is empty or the journal itself; name another file")
    if not 0 <= file.journal.keep_days <= _LONGEST_KEPT_DAYS:
        complaints.append(
            f"journal.keep_days: must be from 0 (keep everything) to {_LONGEST_KEPT_DAYS}, "
            f"not {file.journal.keep_days}"
        )


def _check_confirmed(file: ConfigFile, complaints: list[str]) -> None:
    """Complain of days that are none; `doctor` looks how long ago they are."""
    for where, table in _inherited(file):
        said = table.platform_loss_limit_confirmed
        if said is not None and not _is_day(said):
            key = shown((*where, "platform_loss_limit_confirmed"))
            complaints.append(f"{key}: must be a day like '2026-11-01', not {said!r}")


def _check_unjudged(file: ConfigFile, complaints: list[str]) -> None:
    for where, table in _inherited(file):
        after_s = table.lock_unjudged_after_s
        if after_s and not _SHORTEST_UNJUDGED_S <= after_s <= _LONGEST_S:
            complaints.append(
                f"{shown((*where, 'lock_unjudged_after_s'))}: must be 0 (never) or from "
                f"{_SHORTEST_UNJUDGED_S} to {_LONGEST_S}, not {after_s}"
            )


def _inherited(file: ConfigFile) -> Iterator[tuple[Key, Defaults | Profile | AccountOverride]]:
    """Yield every table an account inherits from, with where it stands."""
    yield ("defaults",), file.defaults
    for name, profile in file.profiles.items():
        yield ("profiles", name), profile
    for override in file.accounts:
        yield ("accounts", str(override.account)), override


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check_quotes(file: ConfigFile, complaints: list[str]) -> None:
    quotes, age_s = file.quotes, file.money.quote_max_age_s
    if not 0 < quotes.max_jump_percent <= 100:  # noqa: PLR2004 - a percentage
        complaints.append(
            f"quotes.max_jump_percent: must be greater than 0 and at most 100, "
            f"not {quotes.max_jump_percent}; confirm_within_s = 0 believes every quote"
        )
    if not 0 <= quotes.confirm_within_s <= _LONGEST_DOUBT_S:
        complaints.append(
            f"quotes.confirm_within_s: must be at least 0 and at most {_LONGEST_DOUBT_S}, "
            f"not {quotes.confirm_within_s}: losses grow meanwhile"
        )
    elif quotes.confirm_within_s >= age_s > 0:
        complaints.append(
            f"quotes.confirm_within_s: {quotes.confirm_within_s} must be less than "
            f"money.quote_max_age_s = {age_s}: what is held back so long would be too old to count"
        )
