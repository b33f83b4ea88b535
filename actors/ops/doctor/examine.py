"""Runs every check of the doctor, one after another, and puts together what they found.

Called by `main.py doctor`. It reads; what it writes is one small file in the journal's folder, removed
again. It takes no lease, opens no stream, and its session to the broker lets no command pass.
"""

import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from actors.gateway.settings import LoginSettings
from actors.journal import default_anchor
from actors.ops import exits
from actors.ops.doctor.budget import BudgetRead, judge_budget
from actors.ops.doctor.calendars import judge_tables, read_tables
from actors.ops.doctor.channels import judge_channels, read_channels
from actors.ops.doctor.clock import judge_clock, judge_zones, read_zones
from actors.ops.doctor.disk import judge_disk, read_disk
from actors.ops.doctor.finding import Check, Examination, Finding, exit_code_of
from actors.ops.doctor.login import (
    LoginRead,
    judge_accounts,
    judge_login,
    read_logins,
    wanted_of,
)
from actors.ops.doctor.port import judge_port, read_port
from actors.ops.doctor.process import (
    judge_files,
    judge_packages,
    judge_python,
    read_files,
    read_packages,
)
from actors.ops.doctor.ring import RingRead, judge_ring
from actors.ops.doctor.sleep import judge_sleep, read_sleep
from actors.ops.doctor.store import judge_lease, judge_store, read_lease, read_store
from actors.runtime import Clock
from config.errors import ConfigError
from config.loader import Config
from config.schema import Login
from messages.values import AccountRecord

CONFIGURATION = Check("configuration", "it says what is guarded, and how", exits.CONFIG)


def examine(
    config: Config, *, version: str, clock: Clock, environment: Mapping[str, str], send_test: bool
) -> Examination:
    """Look at everything; takes as long as the slowest login, half a minute at most."""
    doctor = Doctor(config, clock, environment)
    findings = (
        *doctor.of_the_file(),
        *doctor.of_the_broker(),
        *doctor.of_the_machine(),
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

    def of_the_file(self) -> Iterator[Finding]:
        """Yield what the configuration alone tells."""
        for text in self.config.warnings:
            yield CONFIGURATION.warning(text, fix="mend it, or know that you want it")
        if not self.config.warnings:
            yield CONFIGURATION.ok("valid", about=str(self.config.path))
        yield from judge_tables(read_tables(self.config), self.clock.now())

    def of_the_broker(self) -> Iterator[Finding]:
        """Yield what the broker tells, and what follows from how many accounts it lists."""
        settings: dict[str, LoginSettings] = {}
        for login in self.config.file.logins:
            try:
                settings[login.name] = self.config.login_settings(login, self.environment)
            except ConfigError as error:
                what, fix = "; ".join(error.complaints), "export it where the guard is started"
                yield CONFIGURATION.critical(what, fix=fix, about=login.name)
        reads = {each.login: each for each in read_logins(settings.values(), self.clock)}
        guarded: list[tuple[AccountRecord, str]] = []
        for login in self.config.file.logins:
            if read := reads.get(login.name):
                yield from judge_login(read)
                yield from judge_accounts(read, login.accounts)
                guarded += [(each, login.name) for each in wanted_of(read, login.accounts)]
                yield from self._budget(login, read, settings[login.name])
        yield from self._overrides([each for each, _ in guarded])
        yield from judge_clock(tuple(reads.values()))
        yield from judge_ring(tuple(self._rings(guarded)), self.clock.now())

    def of_the_machine(self) -> Iterator[Finding]:
        """Yield what this machine and this process tell."""
        journal = self.config.file.journal
        path = Path(journal.path)
        anchor = Path(journal.anchor) if journal.anchor else default_anchor(path)
        named = (self.config.context.trading_day.zone.key, self.config.context.calendar.zone.key)
        yield from judge_zones(read_zones(tuple(dict.fromkeys(named))), self.clock.now())
        deadline_s = self.config.file.enforcement.journal_deadline_s
        yield from judge_disk(read_disk(path, self.clock), deadline_s)
        yield from judge_store(read_store(path, anchor))
        lease = read_lease(path)
        yield from judge_lease(lease, this_machine=socket.gethostname())
        guard_runs = lease.holder is not None and lease.holder.is_running
        yield from judge_port(read_port(self.config.file.http.listen), guard_runs=guard_runs)
        yield from judge_sleep(read_sleep())
        yield from judge_files(read_files(), len(self.config.file.logins))
        yield from judge_python(sys.version_info[:2])
        yield from judge_packages(read_packages())

    def _budget(self, login: Login, read: LoginRead, settings: LoginSettings) -> Iterator[Finding]:
        polls = [
            setting.rule.poll_s(setting.parameters)
            for setting in self.config.effective_rules(login=login.name)
            if setting.rule.poll_s is not None
        ]
        accounts = len(wanted_of(read, login.accounts)) if read.answered else None
        poll_s = min((each for each in polls if each is not None), default=None)
        yield from judge_budget(BudgetRead(settings, accounts, poll_s))

    def _overrides(self, guarded: list[AccountRecord]) -> Iterator[Finding]:
        """Yield what a start refuses: accounts of two logins, overrides that fit no account."""
        if not guarded:
            return
        try:
            self.config.check_overrides(guarded)
        except ConfigError as error:
            for text in error.complaints:
                yield CONFIGURATION.critical(text, fix="correct it, or take it out")

    def _rings(self, guarded: list[tuple[AccountRecord, str]]) -> Iterator[RingRead]:
        for each, login in guarded:
            said = self.config.loss_limit_confirmed(each, login)
            day = date.fromisoformat(said) if said else None
            yield RingRead(f"{each.account} ({each.name})", day)
