"""Reads a configuration file strictly and works out what it means for each account.

Nothing is guessed: unknown keys, wrong types, wrong signs, contradictions and missing environment variables
are all collected and refused together. Decimal amounts are read as written, never through a float. Only
`${NAME}` in values is expanded, after parsing, so comments are left alone; credentials never come from here.
"""

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from actors.account.settings import AccountSettings, RuleSetting
from actors.account.trading_day import TradingDay
from actors.gateway.settings import LoginSettings
from actors.rules.calendar import Calendar
from actors.rules.registry import all_rules, rule_by_key
from actors.rules.rule import AnyRule, RuleContext
from config.contradictions import contradictions
from config.errors import ConfigError
from config.schema import CalendarFile, ConfigFile, Login, RuleTables
from messages.values import AccountRecord, Parameters

_SHIPPED = Path(__file__).parent
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LOOPBACK = {"127.0.0.1", "localhost", "::1", "[::1]"}


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration that can be used."""

    path: Path
    """The file."""
    digest: str
    """SHA-256 of the file, hex."""
    file: ConfigFile
    """What it says."""
    context: RuleContext
    """Trading day and calendar."""
    warnings: tuple[str, ...]
    """What is allowed but should be known."""

    def login_settings(self, login: Login, environment: Mapping[str, str]) -> LoginSettings:
        """Return how to reach the broker as one user.

        Raises:
            ConfigError: an environment variable is missing or an address is unusable.
        """
        missing = [
            f"logins.{login.name}.{field}: environment variable {name} is not set; export it"
            for field, name in (
                ("username_env", login.username_env),
                ("api_key_env", login.api_key_env),
            )
            if not environment.get(name)
        ]
        if missing:
            raise ConfigError(self.path, missing)
        broker = self.file.broker
        try:
            return LoginSettings(
                name=login.name,
                username=environment[login.username_env],
                api_key=environment[login.api_key_env],
                api_url=broker.api_url,
                user_hub_url=broker.user_hub_url,
                market_hub_url=broker.market_hub_url,
                silence_s=broker.silence_s,
                reconcile_every_s=broker.reconcile_every_s,
                budget_requests=broker.requests_per_minute,
            )
        except ValueError as error:
            raise ConfigError(self.path, [f"broker: {error}"]) from None

    def guarded(self, login: Login, listed: tuple[AccountRecord, ...]) -> list[AccountRecord]:
        """Return the accounts of a login that are to be guarded, in the broker's order.

        Raises:
            ConfigError: an account that is named does not exist at the broker.
        """
        if "*" in login.accounts:
            return list(listed)
        known = {key for record in listed for key in (record.account, record.name)}
        unknown = [name for name in login.accounts if name not in known]
        if unknown:
            raise ConfigError(
                self.path,
                [
                    f"logins.{login.name}.accounts: {name!r} is no active account of this login; "
                    f"it has {_names(listed)}"
                    for name in unknown
                ],
            )
        wanted = set(login.accounts)
        return [each for each in listed if each.account in wanted or each.name in wanted]

    def check_overrides(self, guarded: list[AccountRecord]) -> None:
        """Refuse overrides for accounts that are not guarded.

        Raises:
            ConfigError: an override names an account that does not exist.
        """
        known = {key for record in guarded for key in (record.account, record.name)}
        complaints = [
            f"accounts: {override.account!r} is not among the guarded accounts {_names(guarded)}"
            for override in self.file.accounts
            if override.account not in known
        ]
        if complaints:
            raise ConfigError(self.path, complaints)

    def account_settings(self, record: AccountRecord, login: str) -> AccountSettings:
        """Return how one account is guarded: the defaults with its own overrides."""
        return AccountSettings(
            account=record.account,
            name=record.name,
            login=login,
            rules=self.effective_rules(record.account, record.name),
            deadline_s=self.file.enforcement.deadline_s,
            journal_deadline_s=self.file.enforcement.journal_deadline_s,
            quote_max_age_s=self.file.money.quote_max_age_s,
            conservative_mark=self.file.money.mark == "conservative",
            gross=self.file.money.pnl == "gross",
        )

    def effective_rules(self, *names: int | str) -> tuple[RuleSetting, ...]:
        """Return the enabled rules of an account known by these names, by rule id."""
        overrides = [each.rules for each in self.file.accounts if each.account in names]
        tables = _merged(self.file.defaults.rules, overrides)
        settings, _ = _settings(tables, "rules", self.context)
        return settings


def load(path: Path, *, now: datetime, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check a configuration file.

    Raises:
        ConfigError: with everything that is wrong.
    """
    raw_bytes = _read(path)
    raw = _parse(path, raw_bytes)
    complaints: list[str] = []
    raw = _expanded(raw, os.environ if environment is None else environment, complaints)
    file = _convert(raw, complaints)
    if file is None:
        raise ConfigError(path, complaints)
    context = _context(path, file, complaints)
    _check_listen(file, complaints)
    _check_names(file, complaints)
    if context is None:
        raise ConfigError(path, complaints)
    warnings = _check_rules(file, context, now, complaints)
    if complaints:
        raise ConfigError(path, complaints)
    digest = hashlib.sha256(raw_bytes).hexdigest()
    return Config(path=path, digest=digest, file=file, context=context, warnings=tuple(warnings))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(path, [f"cannot be read: {error.strerror}; check the path"]) from None


def _parse(path: Path, raw: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(raw.decode(), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, [f"is not valid TOML: {error}"]) from None


def _expanded(value: Any, environment: Mapping[str, str], complaints: list[str]) -> Any:
    """Return a value with every `${NAME}` in its strings replaced."""
    match value:
        case str():
            return _VARIABLE.sub(lambda found: _variable(found[1], environment, complaints), value)
        case list():
            return [_expanded(each, environment, complaints) for each in value]
        case dict():
            return {key: _expanded(each, environment, complaints) for key, each in value.items()}
        case _:
            return value


def _variable(name: str, environment: Mapping[str, str], complaints: list[str]) -> str:
    if name not in environment:
        complaints.append(
            f"environment variable {name} is not set; export it or remove ${{{name}}}"
        )
    return environment.get(name, "")


def _convert(raw: dict[str, Any], complaints: list[str]) -> ConfigFile | None:
    """Convert table by table, so that several mistakes are found at once."""
    fields = {field.name: field for field in msgspec.structs.fields(ConfigFile)}
    complaints += [
        f"{key}: unknown table; known are {', '.join(fields)}" for key in raw if key not in fields
    ]
    if "logins" not in raw:
        complaints.append("logins: at least one [[logins]] table is needed")
    values: dict[str, Any] = {}
    for key in raw.keys() & fields.keys():
        try:
            values[key] = msgspec.convert(raw[key], fields[key].type)
        except msgspec.ValidationError as error:
            complaints.append(_located(key, str(error)))
    return None if complaints else ConfigFile(**values)


def _located(key: str, text: str) -> str:
    """Turn msgspec's `… - at `$.x.y`` into `key.x.y: …`."""
    message, _, place = text.partition(" - at `$")
    return f"{key}{place.rstrip('`')}: {message}"


def _context(path: Path, file: ConfigFile, complaints: list[str]) -> RuleContext | None:
    zone = _zone(file.trading_day.timezone, "trading_day.timezone", complaints)
    reset = _wall(file.trading_day.reset, "trading_day.reset", complaints)
    calendar = _calendar(path, file.calendar.file, complaints)
    if zone is None or reset is None or calendar is None:
        return None
    return RuleContext(trading_day=TradingDay(reset=reset, zone=zone), calendar=calendar)


def _zone(name: str, where: str, complaints: list[str]) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        complaints.append(f"{where}: {name!r} is no IANA zone; write one like America/Chicago")
        return None


def _wall(text: str, where: str, complaints: list[str]) -> time | None:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        complaints.append(f"{where}: must be a local time like 17:00, not {text!r}")
        return None
    return time.fromisoformat(text)


def _calendar(path: Path, name: str, complaints: list[str]) -> Calendar | None:
    place = next((base / name for base in (path.parent, _SHIPPED) if (base / name).is_file()), None)
    if place is None:
        complaints.append(f"calendar.file: {name!r} is not beside {path.name} and does not ship")
        return None
    try:
        table = msgspec.convert(_parse(place, _read(place)), CalendarFile)
        return Calendar(
            zone=ZoneInfo(table.timezone),
            holidays=frozenset(map(date.fromisoformat, table.holidays)),
            early_closes={
                date.fromisoformat(day): time.fromisoformat(close)
                for day, close in table.early_closes.items()
            },
            expires=date.fromisoformat(table.expires),
            source=f"{table.source} (checked {table.checked})",
        )
    except (msgspec.ValidationError, ValueError, ZoneInfoNotFoundError, ConfigError) as error:
        complaints.append(f"calendar.file: {place.name}: {error}")
        return None


def _check_listen(file: ConfigFile, complaints: list[str]) -> None:
    host, _, port = file.http.listen.rpartition(":")
    if host not in _LOOPBACK or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - ports
        complaints.append(
            f"http.listen: must be a loopback address and port like 127.0.0.1:8787, "
            f"not {file.http.listen!r}"
        )


def _check_names(file: ConfigFile, complaints: list[str]) -> None:
    for what, names in (
        ("logins.name", [login.name for login in file.logins]),
        ("accounts.account", [str(each.account) for each in file.accounts]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        complaints += [f"{what}: {name!r} stands twice; keep one" for name in twice]
    for where, value in (
        ("enforcement.deadline_s", file.enforcement.deadline_s),
        ("enforcement.journal_deadline_s", file.enforcement.journal_deadline_s),
        ("money.quote_max_age_s", file.money.quote_max_age_s),
    ):
        if not 0 < value < float("inf"):
            complaints.append(f"{where}: must be greater than 0, not {value}")


def _check_rules(
    file: ConfigFile, context: RuleContext, now: datetime, complaints: list[str]
) -> list[str]:
    """Check the defaults and every account's effective rules; return the warnings."""
    warnings: list[str] = []
    places: list[tuple[str, list[RuleTables]]] = [("defaults.rules", [])]
    places += [(f"accounts[{each.account}].rules", [each.rules]) for each in file.accounts]
    for where, overrides in places:
        tables = _merged(file.defaults.rules, overrides)
        settings, found = _settings(tables, where, context)
        complaints += [each for each in found if each not in complaints]
        if not found:
            clashes = contradictions(settings, context, now)
            allowed = [clash for clash in clashes if clash.name in file.checks.allow]
            warnings += [f"{where}: {clash.text} (allowed)" for clash in allowed]
            complaints += [
                f"{where}: {clash.text}; mend it or put {clash.name!r} in [checks] allow"
                for clash in clashes
                if clash not in allowed
            ]
    return list(dict.fromkeys(warnings))


def _merged(defaults: RuleTables, overrides: list[RuleTables]) -> RuleTables:
    tables = {key: dict(table) for key, table in defaults.items()}
    for override in overrides:
        for key, table in override.items():
            tables[key] = tables.get(key, {}) | table
    return tables


def _settings(
    tables: RuleTables, where: str, context: RuleContext
) -> tuple[tuple[RuleSetting, ...], list[str]]:
    """Return the enabled rules of some tables, and what is wrong with them."""
    complaints: list[str] = []
    found: list[RuleSetting] = []
    for key, table in tables.items():
        rule = rule_by_key(key)
        if rule is None:
            known = ", ".join(each.key for each in all_rules())
            complaints.append(f"{where}.{key}: there is no such rule; known are {known}")
            continue
        parameters = _parameters(rule, table, f"{where}.{key}", complaints)
        if parameters is not None and parameters.enabled:
            found.append(RuleSetting(rule=rule, parameters=rule.resolve(parameters, context)))
    return tuple(sorted(found, key=lambda setting: setting.rule.id)), complaints


def _parameters(
    rule: AnyRule, table: dict[str, Any], where: str, complaints: list[str]
) -> Parameters | None:
    try:
        parameters = msgspec.convert(table, rule.parameters)
    except msgspec.ValidationError as error:
        known = ", ".join(rule.parameters.__struct_fields__)
        complaints.append(f"{_located(where, str(error))} (fields of {rule.id}: {known})")
        return None
    wrong = rule.check(parameters)
    complaints += [f"{where}.{each}" for each in wrong]
    return None if wrong else parameters


def _names(records: list[AccountRecord] | tuple[AccountRecord, ...]) -> str:
    return ", ".join(f"{record.account} ({record.name})" for record in records) or "none"
