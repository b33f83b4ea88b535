"""What a reload may change while the system runs, and how the accounts are told and asked.

Called by `System.reload` on the caller's thread. Only rules can change live: running actors were built
from logins, addresses, the store, the trading day and the limits of the guard itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import structlog

from actors.account.settings import AccountSettings
from actors.runtime import Directory, answers_within
from config.errors import ConfigError
from config.loader import Config
from messages.commands import AdoptRules, RuleParameters
from messages.events import RulesAdopted
from messages.queries import AccountAdoption, GetRules

LIVE = frozenset({"defaults", "accounts", "checks", "doctor", "calendar", "profiles"})
"""Tables of the file that only say which rules an account has, or what is told; others need a restart."""

_log = structlog.get_logger(actor="main")


class ReloadRefusedError(ConfigError):
    """A valid configuration cannot be gone over to while the system runs; nothing was changed."""


def refuse_what_needs_a_restart(old: Config, new: Config) -> None:
    """Refuse a file that changes more than rules.

    Raises:
        ReloadRefusedError: naming every such key, not its value, which may be a secret.
    """
    if changed := list(_changed(old.file, new.file)):
        complaints = [f"{key}: has changed; restart to change it" for key in changed]
        raise ReloadRefusedError(new.path, complaints)


def refuse_other_shadow(
    path: Path, old: Mapping[int, AccountSettings], new: Mapping[int, AccountSettings]
) -> None:
    """Refuse a file that arms an account, or only watches it from now on: both begin with a start.

    Raises:
        ReloadRefusedError: naming every such account.
    """
    complaints = [
        f"accounts.{each.account}.shadow: has changed; restart to change it"
        for each in new.values()
        if each.shadow != old[each.account].shadow
    ]
    if complaints:
        raise ReloadRefusedError(path, complaints)


def _changed(old: object, new: object, where: str = "") -> Iterator[str]:
    for name in getattr(new, "__struct_fields__", ()):
        before, after = getattr(old, name), getattr(new, name)
        if before == after or (not where and name in LIVE):
            continue
        key = f"{where}{name}"
        inner = list(_changed(before, after, f"{key}.")) if type(before) is type(after) else []
        yield from inner or [key]


def adopt_command(settings: AccountSettings, digest: str, now: datetime) -> AdoptRules:
    """Return what an account is told."""
    rules = tuple(
        RuleParameters(rule=each.rule.id, parameters=each.parameters) for each in settings.rules
    )
    return AdoptRules(
        account=settings.account,
        at=now,
        cause="reload",
        config=digest,
        rules=rules,
        lock_unjudged_after_s=settings.lock_unjudged_after_s,
    )


def adopted_by(
    accounts: Iterable[int], directory: Directory, now: datetime, *, timeout_s: float
) -> Iterator[AccountAdoption]:
    """Ask the accounts what they made of what they were told, all at once and so long in all.

    One that does not answer, or whose answer failed, is left out, loudly: it has been told all the same.
    """
    asked = {
        account: directory.ref(f"account/{account}").ask(
            GetRules(account=account, at=now, cause="reload"), block=False
        )
        for account in accounts
    }
    answers: dict[int, RulesAdopted] = answers_within(timeout_s, asked)
    for account in asked:
        if (adopted := answers.get(account)) is None:
            _log.error("reload_unanswered", account=account)
        else:
            yield AccountAdoption(account=account, applied=adopted.applied, queued=adopted.queued)
