"""Reads a configuration file strictly and works out what it means for each account.

Nothing is guessed: unknown keys, wrong types, wrong signs, contradictions and missing environment
variables are all collected and refused together. Only `${NAME}` in values is expanded, after parsing, so
comments are left alone; credentials never come from here.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from actors.account.settings import AccountSettings, RuleSetting
from actors.gateway.settings import LoginSettings
from actors.rules.rule import RuleContext
from config import source, strict
from config.checks import check, login_settings
from config.context import context_of
from config.effective import check_rules, merged, settings_of
from config.errors import ConfigError
from config.schema import AccountOverride, ConfigFile, Login
from messages.values import AccountRecord

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


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
            ConfigError: an environment variable is missing.
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
        return login_settings(
            self.file.broker,
            name=login.name,
            username=environment[login.username_env],
            api_key=environment[login.api_key_env],
        )

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
        """Refuse accounts that two logins guard, and overrides that do not fit exactly one account.

        Raises:
            ConfigError: an override names an account that does not exist, or two name the same one.
        """
        complaints = [
            f"logins: account {_names([record])} is guarded by more than one login; name it in one"
            for record in dict.fromkeys(each for each in guarded if guarded.count(each) > 1)
        ]
        known = {key for record in guarded for key in (record.account, record.name)}
        complaints += [
            f"accounts: {override.account!r} is not among the guarded accounts {_names(guarded)}"
            for override in self.file.accounts
            if override.account not in known
        ]
        named = {override.account for override in self.file.accounts}
        complaints += [
            f"accounts: {record.account} and {record.name!r} are the same account; keep one"
            for record in dict.fromkeys(guarded)
            if {record.account, record.name} <= named
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
        tables = merged(self.file.defaults.rules, overrides)
        settings, _ = settings_of(tables, "rules", self.context)
        return settings


def load(path: Path, *, now: datetime, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check a configuration file.

    Raises:
        ConfigError: with everything that is wrong.
    """
    raw_bytes = source.read(path)
    raw = source.parse(path, raw_bytes)
    complaints: list[str] = []
    raw = _expanded(raw, os.environ if environment is None else environment, complaints)
    file = _convert(raw, complaints)
    context = context_of(path, file, complaints)
    check(raw, file, complaints)
    warnings = check_rules(file, context, now, complaints)
    if complaints:
        raise ConfigError(path, complaints)
    digest = hashlib.sha256(raw_bytes).hexdigest()
    return Config(path=path, digest=digest, file=file, context=context, warnings=tuple(warnings))


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


def _convert(raw: dict[str, Any], complaints: list[str]) -> ConfigFile:
    """Convert table by table; one that is wrong stands as its defaults, so that the rest is checked."""
    fields = {field.name: field.type for field in msgspec.structs.fields(ConfigFile)}
    complaints += [strict.unknown_key("", key, list(fields)) for key in raw if key not in fields]
    values: dict[str, Any] = {
        "logins": strict.tables(raw.get("logins", []), Login, "logins", complaints),
        "accounts": strict.tables(raw.get("accounts", []), AccountOverride, "accounts", complaints),
    }
    for key, kind in fields.items():
        if key in raw and key not in values:
            converted = strict.table(raw[key], kind, key, complaints)
            values |= {} if converted is None else {key: converted}
    return ConfigFile(**values)


def _names(records: list[AccountRecord] | tuple[AccountRecord, ...]) -> str:
    return ", ".join(f"{record.account} ({record.name})" for record in records) or "none"
