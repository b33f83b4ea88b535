"""Reads a configuration file strictly and works out what it means for each account.

Nothing is guessed: unknown keys, wrong types, wrong signs, contradictions and missing environment
variables are all collected and refused together, each with its line. Credentials never come from here.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from actors.account.settings import AccountSettings, RuleSetting
from actors.gateway.settings import LoginSettings
from actors.ops.alerts.settings import AlertSettings
from actors.rules.rule import AnyRule, RuleContext
from config import source, strict
from config.alerting import secrets_of, settings_of
from config.checks import ONE_LOGIN_A_USER, check, login_settings
from config.context import context_of
from config.effective import Effective, effective
from config.environment import Expansion
from config.errors import ConfigError, located
from config.inherited import (
    is_shadow,
    lock_unjudged_after_s,
    loss_limit_confirmed,
    shadow_warnings,
)
from config.keys import Key, shown
from config.layers import Group, Layer, groups, layers_for, picked
from config.lines import Lines, scan
from config.listening import TOKEN_VARIABLE, token_complaints, warning_of
from config.rulebook import check_rules
from config.schema import AccountOverride, ConfigFile, Login
from messages.values import AccountRecord


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration that can be used."""

    path: Path
    """The file."""
    digest: str
    """SHA-256 of the file, hex."""
    file: ConfigFile
    """What it says."""
    lines: Lines
    """Where its keys stand."""
    context: RuleContext
    """Trading day and calendar."""
    warnings: tuple[str, ...]
    """What is allowed but should be known."""
    _guarding: dict[tuple[Key, ...], tuple[RuleSetting, ...]] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )
    """The rules that are on, by the layers they come from: thousands of accounts share a profile."""

    def login_settings(self, login: Login, environment: Mapping[str, str]) -> LoginSettings:
        """Return how to reach the broker as one user.

        Raises:
            ConfigError: an environment variable is missing, or another login is the same user.
        """
        missing = [
            f"{shown(('logins', login.name, field))}: environment variable {name} is not set; export it"
            for field, name in (
                ("username_env", login.username_env),
                ("api_key_env", login.api_key_env),
            )
            if not environment.get(name)
        ]
        if missing:
            raise self._refusal(missing)
        username = environment[login.username_env]
        same = [
            f"{shown(('logins', login.name, 'username_env'))}: {login.username_env} and "
            f"{other.username_env} (login {other.name!r}) hold the same user; {ONE_LOGIN_A_USER}"
            for other in self.file.logins
            if other.name != login.name
            and environment.get(other.username_env, "").lower() == username.lower()
        ]
        if same:
            raise self._refusal(same)
        return login_settings(
            self.file.broker,
            name=login.name,
            username=username,
            api_key=environment[login.api_key_env],
        )

    def secrets(self, environment: Mapping[str, str]) -> list[str]:
        """Return what no log may say: every login's API key, the token, and the channels' URLs."""
        names = (*(each.api_key_env for each in self.file.logins), TOKEN_VARIABLE)
        own = [environment[name] for name in names if environment.get(name)]
        return own + secrets_of(self.file.alerts, environment)

    def alert_settings(self, environment: Mapping[str, str]) -> AlertSettings:
        """Return who is told what, and how they are reached.

        Raises:
            ConfigError: an environment variable is missing, or what it holds is no such URL.
        """
        complaints: list[str] = []
        settings = settings_of(self.file.alerts, environment, complaints)
        if complaints:
            raise self._refusal(complaints)
        return settings

    def http_token(self, environment: Mapping[str, str]) -> str | None:
        """Return the token that clients must bear; None = nobody may change anything.

        Raises:
            ConfigError: it is needed and missing, or too easy to guess.
        """
        if complaints := token_complaints(self.file.http, environment):
            raise self._refusal(complaints)
        return environment.get(TOKEN_VARIABLE)

    def guarded(
        self,
        login: Login,
        listed: tuple[AccountRecord, ...],
        gone: Collection[int | str] = (),
    ) -> list[AccountRecord]:
        """Return the accounts of a login that can be guarded, in the broker's order.

        Args:
            login: The login.
            listed: Its active accounts.
            gone: Ids and names that were there once, and need not be there any more.

        Raises:
            ConfigError: an account that is named does not exist at the broker.
        """
        if "*" in login.accounts:
            return list(listed)
        known = {key for record in listed for key in (record.account, record.name)}
        unknown = [name for name in login.accounts if name not in known and name not in gone]
        if unknown:
            where = shown(("logins", login.name, "accounts"))
            raise self._refusal(
                [
                    f"{where}: {name!r} is no active account of this login; it has {_names(listed)}"
                    for name in unknown
                ]
            )
        wanted = set(login.accounts)
        return [each for each in listed if each.account in wanted or each.name in wanted]

    def check_overrides(
        self, guarded: list[AccountRecord], gone: Collection[int | str] = ()
    ) -> None:
        """Refuse accounts that two logins guard, and overrides that do not fit exactly one account.

        One of an account that is gone fits none, and may stay.

        Raises:
            ConfigError: an override names an account that does not exist, or two name the same one.
        """
        complaints = [
            f"logins: account {_names([record])} is guarded by more than one login; name it in one"
            for record, times in Counter(guarded).items()
            if times > 1
        ]
        known = {key for record in guarded for key in (record.account, record.name)}
        complaints += [
            f"{_override(override.account)}: {override.account!r} is not among the guarded accounts "
            f"{_names(guarded)}"
            for override in self.file.accounts
            if override.account not in known and override.account not in gone
        ]
        named = {override.account for override in self.file.accounts}
        complaints += [
            f"{_override(record.account)}: {record.account} and {record.name!r} "
            f"(line {self.lines.of(('accounts', record.name))}) are the same account; keep one"
            for record in dict.fromkeys(guarded)
            if {record.account, record.name} <= named
        ]
        if complaints:
            raise self._refusal(complaints)

    def _refusal(self, complaints: list[str]) -> ConfigError:
        return ConfigError(self.path, located(self.path, self.lines, complaints))

    def account_settings(self, record: AccountRecord, login: str) -> AccountSettings:
        """Return how one account is guarded: the defaults, its profile, and its own overrides."""
        of_login, override = self._written_for(login, record.account, record.name)
        return AccountSettings(
            account=record.account,
            name=record.name,
            login=login,
            rules=self.effective_rules(record.account, record.name, login=login),
            day=self.context.trading_day,
            deadline_s=self.file.enforcement.deadline_s,
            journal_deadline_s=self.file.enforcement.journal_deadline_s,
            quote_max_age_s=self.file.money.quote_max_age_s,
            late_after_s=self.file.health.late_after_s,
            conservative_mark=self.file.money.mark == "conservative",
            gross=self.file.money.pnl == "gross",
            profile=picked(self.file, of_login, override),
            shadow=is_shadow(self.file, of_login, override),
            lock_unjudged_after_s=lock_unjudged_after_s(self.file, of_login, override),
        )

    def effective_rules(
        self, *names: int | str, login: str | None = None
    ) -> tuple[RuleSetting, ...]:
        """Return the enabled rules of an account known by these names, by rule id."""
        layers = layers_for(self.file, *self._written_for(login, *names))
        stack = tuple(layer.path for layer in layers)
        if stack not in self._guarding:
            self._guarding[stack] = self._effective(layers).settings
        return self._guarding[stack]

    def _written_for(
        self, login: str | None, *names: int | str
    ) -> tuple[Login | None, AccountOverride | None]:
        """Return what the file says of a login, and of an account known by these names."""
        of_login = next((each for each in self.file.logins if each.name == login), None)
        return of_login, next((each for each in self.file.accounts if each.account in names), None)

    def loss_limit_confirmed(self, record: AccountRecord, login: str) -> str | None:
        """Return when the loss limit in the firm's own platform was looked at, ISO date; None = never."""
        written = self._written_for(login, record.account, record.name)
        return loss_limit_confirmed(self.file, *written)

    def enabled_rules(self) -> list[AnyRule]:
        """Return every rule that is on for some account, by id."""
        enabled = {
            setting.rule.id: setting.rule
            for group in groups(self.file)
            for setting in self._effective(group.layers).settings
        }
        return [enabled[key] for key in sorted(enabled)]

    def groups(self) -> list[tuple[Group, Effective]]:
        """Return who gets which rules, as far as the file alone can tell."""
        return [(group, self._effective(group.layers)) for group in groups(self.file)]

    def _effective(self, layers: tuple[Layer, ...]) -> Effective:
        rules = effective(layers, self.context, [])  # complained of when it was loaded
        return Effective(rules=rules, file=self.path.name, lines=self.lines)


def load(path: Path, *, now: datetime, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check a configuration file.

    Raises:
        ConfigError: with everything that is wrong.
    """
    config = load_bytes(path, source.read(path), now=now, environment=environment)
    return replace(config, warnings=(*source.doubts(path), *config.warnings))


def load_bytes(
    path: Path, raw_bytes: bytes, *, now: datetime, environment: Mapping[str, str] | None = None
) -> Config:
    """Check a configuration that is at hand; `path` is what it is called and where it would stand.

    Raises:
        ConfigError: with everything that is wrong.
    """
    written = source.parse(path, raw_bytes)
    expansion = Expansion(os.environ if environment is None else environment)
    raw: dict[str, Any] = expansion.expand(written)
    lines = Lines(scan(raw_bytes.decode()), _aliases(raw))
    complaints = expansion.complaints
    file = _convert(raw, complaints)
    context = context_of(path, file, complaints)
    check(raw, file, lines, complaints)
    warnings = check_rules(file, context, now, complaints, name=path.name, lines=lines)
    warnings += shadow_warnings(file)
    if not complaints and (warning := warning_of(file.http)):
        warnings.append(warning)
    if complaints:
        raise ConfigError(
            path, [expansion.masked(each) for each in located(path, lines, complaints)]
        )
    return Config(
        path=path,
        digest=hashlib.sha256(raw_bytes).hexdigest(),
        file=file,
        lines=lines,
        context=context,
        warnings=tuple(warnings),
    )


def _aliases(raw: dict[str, Any]) -> dict[Key, Key]:
    """Return where the logins and accounts stand that complaints speak of by name."""
    found: dict[Key, Key] = {}
    for table, name in (("logins", "name"), ("accounts", "account")):
        rows = raw.get(table)
        for place, each in enumerate(rows if isinstance(rows, list) else []):
            if isinstance(each, dict) and name in each:
                found.setdefault((table, str(each[name])), (table, place))
    return found


def _convert(raw: dict[str, Any], complaints: list[str]) -> ConfigFile:
    """Convert table by table; what is wrong stands as its default, so that the rest is checked."""
    fields = [field.name for field in msgspec.structs.fields(ConfigFile)]
    complaints += [strict.unknown_key("", key, fields) for key in raw if key not in fields]
    values: dict[str, Any] = {
        "logins": strict.tables(raw.get("logins", []), Login, "logins", complaints),
        "accounts": strict.tables(raw.get("accounts", []), AccountOverride, "accounts", complaints),
    }
    for key in fields:
        if key in raw and key not in values:
            values |= strict.fields_of({key: raw[key]}, ConfigFile, "", complaints) or {}
    return ConfigFile(**values)


def _override(account: int | str) -> str:
    return shown(("accounts", str(account)))


def _names(records: list[AccountRecord] | tuple[AccountRecord, ...]) -> str:
    return ", ".join(f"{record.account} ({record.name})" for record in records) or "none"
