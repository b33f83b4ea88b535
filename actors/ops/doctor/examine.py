"""Runs every check of the doctor, one after another, and puts together what they found.

Called by `main.py doctor`. It reads; what it writes is one small file in the journal's folder, removed
again. It takes no lease, opens no stream, and its session to the broker lets no command pass.
"""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from actors.gateway.settings import LoginSettings
from actors.journal import default_anchor
from actors.ops import exits
from actors.ops.doctor.budget import BudgetRead, judge_budget
from actors.ops.doctor.channels import judge_channels, read_channels
from actors.ops.doctor.clock import judge_clock
from actors.ops.doctor.finding import Check, Examination, Finding, exit_code_of
from actors.ops.doctor.ground import judge_ground
from actors.ops.doctor.login import (
    ACCOUNTS,
    LOOK_AT_THE_FIRM,
    LoginRead,
    judge_accounts,
    judge_gone,
    judge_login,
    read_logins,
    wanted_of,
)
from actors.ops.doctor.past import judge_shadow, read_past, read_shadow
from actors.ops.doctor.port import judge_port, read_port
from actors.ops.doctor.ring import RingRead, judge_ring
from actors.ops.doctor.store import judge_lease, judge_store, read_lease, read_store
from actors.runtime import Clock
from actors.unguarded import Name, gone, unguarded, without_renamed
from config.errors import ConfigError
from config.loader import Config
from config.schema import Login
from messages.events import SessionOpened
from messages.values import AccountRecord

CONFIGURATION = Check("configuration", "it says what is guarded, and how", exits.CONFIG)


def examine(
    config: Config,
    *,
    version: str,
    clock: Clock,
    environment: Mapping[str, str],
    send_test: bool,
    shadow: bool = False,
) -> Examination:
    """Look at everything; takes as long as the slowest login, half a minute at most."""
    doctor = Doctor(config, clock, environment, shadow=shadow)
    findings = (
        *doctor.of_the_file(),
        *doctor.of_the_broker(),
        *judge_ground(config, clock),
        *doctor.of_the_journal(),
        *judge_channels(read_channels(config, environment, clock.now(), send=send_test)),
    )
    return Examination(
        version=version,
        config=config.digest,
        at=clock.now(),
        findings=findings,
        exit_code=exit_code_of(findings),
    )


@dataclass(frozen=True, slots=True)
class Doctor:
    """One examination."""

    config: Config
    clock: Clock
    environment: Mapping[str, str]
    shadow: bool
    """Every account is to be only watched."""

    def of_the_file(self) -> Iterator[Finding]:
        """Yield what the configuration alone tells."""
        for text in self.config.warnings:
            yield CONFIGURATION.warning(text, fix="mend it, or know that you want it")
        if not self.config.warnings:
            yield CONFIGURATION.ok("valid", about=str(self.config.path))
        try:
            self.config.http_token(self.environment)
        except ConfigError as error:
            yield from _refused(error, fix="export it where the guard is started")

    def of_the_broker(self) -> Iterator[Finding]:
        """Yield what the broker tells, and what follows from how many accounts it lists."""
        settings: dict[str, LoginSettings] = {}
        for login in self.config.file.logins:
            try:
                settings[login.name] = self.config.login_settings(login, self.environment)
            except ConfigError as error:
                fix = "export it where the guard is started"
                yield from _refused(error, fix=fix, about=login.name)
        reads = {each.login: each for each in read_logins(settings.values(), self.clock)}
        yield from self._of_the_accounts(reads, settings)
        yield from judge_clock(tuple(reads.values()))

    def _of_the_accounts(
        self, reads: Mapping[str, LoginRead], settings: Mapping[str, LoginSettings]
    ) -> Iterator[Finding]:
        past = read_past(self._journal)
        opened = [
            (login, self._session(read))
            for login in self.config.file.logins
            if (read := reads.get(login.name)) and read.answered
        ]
        vanished = gone(past.sessions, [session for _, session in opened])
        guarded: list[tuple[AccountRecord, str]] = []
        for login in self.config.file.logins:
            if read := reads.get(login.name):
                yield from judge_login(read)
                yield from judge_accounts(read, login.accounts, vanished)
                guarded += [(each, login.name) for each in wanted_of(read, login.accounts)]
                yield from self._budget(login, read, settings[login.name])
        day = self.config.context.trading_day
        yield from judge_gone(unguarded(opened, vanished, past.sessions, day))
        if len(opened) == len(self.config.file.logins):  # else a start does not get so far
            records = [each for each, _ in guarded]
            if not (records or past.has_guarded):
                yield ACCOUNTS.critical("no login has an account to guard", fix=LOOK_AT_THE_FIRM)
            yield from self._overrides(records, without_renamed(vanished, past.sessions, records))
        yield from self._shadow(guarded)
        yield from judge_ring(tuple(self._rings(guarded)), self.clock.now())

    @property
    def _journal(self) -> Path:
        return Path(self.config.file.journal.path)

    def of_the_journal(self) -> Iterator[Finding]:
        """Yield how the journal lies there, in whose hands, and whether a guard could listen."""
        path, anchor = self._journal, self.config.file.journal.anchor
        yield from judge_store(read_store(path, Path(anchor) if anchor else default_anchor(path)))
        lease = read_lease(path)
        yield from judge_lease(lease, this_machine=socket.gethostname())
        guard_runs = lease.holder is not None and lease.holder.is_running
        yield from judge_port(read_port(self.config.file.http.listen), guard_runs=guard_runs)

    def _budget(self, login: Login, read: LoginRead, settings: LoginSettings) -> Iterator[Finding]:
        polls = [
            setting.rule.poll_s(setting.parameters)
            for setting in self.config.effective_rules(login=login.name)
            if setting.rule.poll_s is not None
        ]
        accounts = len(wanted_of(read, login.accounts)) if read.answered else None
        poll_s = min((each for each in polls if each is not None), default=None)
        yield from judge_budget(BudgetRead(settings, accounts, poll_s))

    def _session(self, read: LoginRead) -> SessionOpened:
        """Return what a start would journal of what a login lists now."""
        return SessionOpened(
            at=self.clock.now(), cause="doctor", login=read.login, accounts=read.active
        )

    def _overrides(
        self, guarded: list[AccountRecord], vanished: frozenset[Name]
    ) -> Iterator[Finding]:
        """Yield what a start refuses: accounts of two logins, overrides that fit no account."""
        if not guarded:
            return
        try:
            self.config.check_overrides(guarded, vanished)
        except ConfigError as error:
            yield from _refused(error, fix="correct it, or take it out")

    def _shadow(self, guarded: list[tuple[AccountRecord, str]]) -> Iterator[Finding]:
        asked = (self.config.account_settings(each, login) for each, login in guarded)
        settings = [replace(each, shadow=each.shadow or self.shadow) for each in asked]
        yield from judge_shadow(read_shadow(self._journal, settings, self.clock.now()))

    def _rings(self, guarded: list[tuple[AccountRecord, str]]) -> Iterator[RingRead]:
        for each, login in guarded:
            said = self.config.loss_limit_confirmed(each, login)
            day = date.fromisoformat(said) if said else None
            yield RingRead(f"{each.account} ({each.name})", day)


def _refused(error: ConfigError, *, fix: str, about: str = "") -> Iterator[Finding]:
    for text in error.complaints:
        yield CONFIGURATION.critical(text, fix=fix, about=about)
