"""`init`: asks a few questions, finds the accounts, and writes a configuration that the loader accepts.

The broker is only asked for its accounts. Nothing is written before the last answer, nothing is ever
written over, and no credential is: the file names the environment variables that hold them.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec.structs import replace as changed

from actors import private
from actors.gateway.settings import LoginSettings
from actors.ops import exits
from actors.ops.init import questions
from actors.ops.init.draft import Draft, text_of
from actors.ops.init.finding import find_accounts, hubs_of
from actors.ops.init.options import (
    OptionError,
    Options,
    Wanted,
    missing,
    no_credentials,
    understood,
)
from actors.ops.init.questions import UnansweredError, shown, tell
from actors.ops.terminal import can_ask, fail
from actors.runtime import Clock
from actors.secrets import Secrets
from config.firm_profiles import Firm, FirmProfile, firms
from config.loader import Config, load, load_bytes
from messages.values import AccountRecord


class _NotWrittenError(Exception):
    """The file cannot be made, or was not wanted."""


@dataclass(frozen=True, slots=True)
class Init:
    """One go at a new configuration."""

    path: Path
    """The new file."""
    options: Options
    """What was said on the command line."""
    clock: Clock
    """For the dates in the file."""
    environment: Mapping[str, str]
    """Holds the credentials."""

    def run(self) -> Config | int:
        """Write the file and return what it means, or the exit code of why there is none.

        Raises:
            LoginRefusedError, BrokerUnreachableError: the accounts could not be found.
            ConfigError: the answers contradict each other, or a profile that ships is damaged.
        """
        try:
            return self._made()
        except OptionError as error:
            return fail(exits.USAGE, str(error))
        except (UnansweredError, _NotWrittenError) as error:
            return fail(exits.FAILURE, f"{error}; nothing was written")

    def _made(self) -> Config:
        known = firms()
        wanted = understood(self.options, known)
        _refuse_what_is_in_the_way(self.path)
        asks = can_ask()
        lacking = no_credentials(self.options, self.environment)
        lacking += [] if asks else missing(self.options, wanted)
        if lacking:
            raise OptionError("\n  ".join(["still missing:", *lacking]))
        login = self._login()
        tell(f"asking {login.api_url} for the accounts of {login.name}")
        records = find_accounts(login, self.clock)
        tell(*(f"  {_line_of(each)}" for each in records))
        draft = self._drafted(wanted, records, known, asks=asks)
        return self._written(draft, Secrets(login.username, login.api_key))

    def _login(self) -> LoginSettings:
        user_hub, market_hub = hubs_of(self.options.api_url)
        try:
            return LoginSettings(
                name=self.options.login,
                username=self.environment[self.options.username_env],
                api_key=self.environment[self.options.api_key_env],
                api_url=self.options.api_url,
                user_hub_url=user_hub,
                market_hub_url=market_hub,
            )
        except ValueError as error:
            raise OptionError(f"--api-url: {error}") from None

    def _drafted(
        self,
        wanted: Wanted,
        records: tuple[AccountRecord, ...],
        known: tuple[Firm, ...],
        *,
        asks: bool,
    ) -> Draft:
        """Return what is to be written, after asking for what the options leave open."""
        today = self.clock.now().date()
        named = self.options.account
        if asks and not named and not self.options.yes:
            named = questions.guarded_of(records)
        guarded = _guarded(records, named)
        if asks:
            if not wanted.says_profiles and not self.options.yes:
                wanted = questions.profiles(wanted, guarded, known)
            wanted = questions.limits(questions.numbers(wanted, known, today))
        return Draft(
            name=self.path.name,
            on=today,
            login=self.options.login,
            variables=(self.options.username_env, self.options.api_key_env),
            addresses=(self.options.api_url, *hubs_of(self.options.api_url)),
            guarded=guarded,
            everyone=not named,
            wanted=replace(wanted, profiles=_by_id(wanted, guarded)),
            firms=known,
            journal=(self.options.journal or self.path.with_name("lockstep.db")).absolute(),
        )

    def _written(self, draft: Draft, secrets: Secrets) -> Config:
        """Write the file, whole or not at all, once the loader has accepted it and its user too."""
        names = tuple(changed(each, name=secrets.blot(each.name)) for each in draft.guarded)
        text = text_of(replace(draft, guarded=names))
        would = load_bytes(
            self.path, text.encode(), now=self.clock.now(), environment=self.environment
        )
        would.check_overrides(would.guarded(would.file.logins[0], draft.guarded))
        if not self.options.yes:
            sys.stdout.write(text)
            sys.stdout.flush()
            if not questions.is_meant(f"\nWrite this to {self.path}?"):
                raise _NotWrittenError("not confirmed")
        try:
            private.make_folder(self.path.absolute().parent)
            private.write_file(self.path, text.encode(), replace=False)
        except FileExistsError:
            raise OptionError(_is_there(self.path)) from None
        except OSError as error:
            raise _NotWrittenError(f"{self.path}: {error.strerror}") from None
        return load(self.path, now=self.clock.now(), environment=self.environment)


def _refuse_what_is_in_the_way(path: Path) -> None:
    if path.is_symlink():
        raise OptionError(f"{path} is a symbolic link; choose the name of a new file")
    if path.exists():
        raise OptionError(_is_there(path))
    folder = next(each for each in path.absolute().parents if each.exists())
    if not folder.is_dir():
        raise OptionError(f"{folder} is no folder; choose another place")
    if private.is_open_folder(folder):
        raise OptionError(
            f"everybody may exchange the files of {folder}; choose another folder, or `chmod o-w` it"
        )


def _is_there(path: Path) -> str:
    return f"{path} is there already and is never written over; choose another name"


def _line_of(record: AccountRecord) -> str:
    kind = "simulated" if record.simulated else "LIVE (it may refuse to be closed)"
    trades = {True: "", False: "; may not trade", None: "; whether it may trade is not told"}
    return f"{record.account} {shown(record.name)}: {kind}{trades[record.can_trade]}"


def _guarded(
    records: tuple[AccountRecord, ...], named: tuple[str, ...]
) -> tuple[AccountRecord, ...]:
    """Return the accounts of these ids or names; none named = all."""
    if not records:
        raise _NotWrittenError("this login has no active account")
    known = {name: each for each in records for name in (str(each.account), each.name)}
    if unknown := [each for each in named if each not in known]:
        has = ", ".join(f"{each.account} ({shown(each.name)})" for each in records)
        raise OptionError(f"--account {unknown[0]}: no active account of this login; it has {has}")
    return tuple(dict.fromkeys(known[each] for each in named)) or records


def _by_id(wanted: Wanted, guarded: tuple[AccountRecord, ...]) -> dict[str, FirmProfile | None]:
    """Return the profiles of single accounts by account id."""
    known = {name: each for each in guarded for name in (str(each.account), each.name)}
    if unknown := [each for each in wanted.profiles if each not in known]:
        raise OptionError(f"--profile {unknown[0]}=…: that is not among the guarded accounts")
    return {str(known[name].account): each for name, each in wanted.profiles.items()}


def next_steps(path: Path) -> list[str]:
    """Return what to do with a new configuration."""
    return [
        f"{path} is written, for your eyes only. Next:",
        f"  ./run doctor --config {path}   # again, once what stands in the way is mended",
        "  export LOCKSTEP_TOKEN=$(openssl rand -hex 32)   # or no lock and no reload; keep it for both",
        f"  ./run run --config {path}      # guard, until Ctrl-C",
        "Set the platform's own loss limit as the outer ring: Lockstep guards only while it runs.",
    ]
