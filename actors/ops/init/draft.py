"""The configuration that `init` writes, as text with comments. Pure; no credential ever comes in here.

A firm's number goes in only as its user confirmed it, and never looser than his own limit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from actors.ops.init.options import Wanted, key_of
from config.firm_profiles import Firm, FirmNumber, FirmProfile
from config.importer import toml
from messages.values import AccountRecord

_HEAD = """\
Written by `./run init` on {on}, read by `./run run --config {name}`. Credentials are not in it and never
belong here: they come from the environment variables named below.

Every amount is positive US dollars; a rule that is not written is off; unknown keys are refused.
`./run rules` describes every rule, config/REFERENCE.md every key, and `./run check --config {name}`
shows what applies to whom. A running guard takes a change by `./run reload`: stricter at once, looser at
the next reset."""

_MORE = """\
More rules, off until you take away the # (`./run rules` has them all):

[defaults.rules.no_stop_loss_grace] # a position without a stop for its whole size is closed
grace_s = 30

[defaults.rules.session_block_outside] # flat and locked outside these hours and on holidays
start = "08:30"
end = "15:00"

[defaults.rules.cooldown_after_loss]
tiers = [{ loss_usd = 100, cooldown_s = 300 }]

[defaults.rules.daily_realized_profit]
target_usd = 1000"""


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything the file says."""

    name: str
    """Name of the file."""
    on: date
    """The day it is written."""
    login: str
    """Name of the login."""
    variables: tuple[str, str]
    """The environment variables of username and API key."""
    addresses: tuple[str, str, str]
    """REST, user hub, market hub."""
    guarded: tuple[AccountRecord, ...]
    """The accounts that are guarded."""
    everyone: bool
    """Whether that is every active account, later ones too."""
    wanted: Wanted
    """The limits, complete."""
    firms: tuple[Firm, ...]
    """What the profiles came from."""
    journal: Path
    """File of the journal."""


def text_of(draft: Draft) -> str:
    """Return the file."""
    head = _HEAD.format(on=draft.on, name=draft.name)
    parts = [toml.comment(head.splitlines()), *_broker(draft), *_login(draft), *_guard(draft)]
    parts += _own(draft)
    for profile in draft.wanted.named():
        parts += _profile(draft, profile)
    parts += _accounts(draft)
    return "\n".join([*parts, toml.comment(_MORE.splitlines())])


def _broker(draft: Draft) -> Iterator[str]:
    api, user, market = draft.addresses
    yield toml.table("broker", {"api_url": api, "user_hub_url": user, "market_hub_url": market})


def _login(draft: Draft) -> Iterator[str]:
    username, api_key = draft.variables
    accounts = ["*"] if draft.everyone else [each.account for each in draft.guarded]
    said = [f"{each.account} is {toml.value(each.name)}" for each in draft.guarded]
    yield toml.comment(
        ["One ProjectX user. Accounts on the day this was written:", *said]
        + ['"*" guards every active account, later ones too.'] * draft.everyone
    ) + toml.table(
        "logins",
        {
            "name": draft.login,
            "username_env": username,
            "api_key_env": api_key,
            "accounts": accounts,
        },
        array=True,
    )


def _guard(draft: Draft) -> Iterator[str]:
    yield toml.comment(
        ["When a new trading day begins; limits of the day start anew."]
    ) + toml.table("trading_day", {"reset": "17:00", "timezone": "America/Chicago"})
    yield toml.comment(
        ["What happened, and what is locked. On a local disk; its anchor best on another one."]
    ) + toml.table("journal", {"path": str(draft.journal)})
    yield toml.comment(["Status and health, for this machine only."]) + toml.table(
        "http", {"listen": "127.0.0.1:8787"}
    )


def _own(draft: Draft) -> Iterator[str]:
    wanted = draft.wanted
    if wanted.profile is not None:
        yield toml.table("defaults", {"profile": wanted.profile.key})
    yield toml.comment(["Your own limits, for every account."]) + toml.table(
        "defaults.rules.daily_realized_loss",
        {"max_loss_usd": wanted.max_loss_usd, "include_open_loss": True},
    )
    yield toml.table("defaults.rules.max_contracts", {"limit": wanted.max_contracts})
    yield toml.comment(
        ["Flat and locked when the firm says that an account may not trade."]
    ) + toml.table("defaults.rules.auth_loss_guard", {"poll_s": 30})


def _profile(draft: Draft, profile: FirmProfile) -> Iterator[str]:
    firm = next(each for each in draft.firms if profile in each.profiles)
    yield toml.comment(
        [
            f"{profile.name}. You said these numbers on {draft.on}; firms change theirs: look again at",
            f"{firm.help}.",
            *firm.remarks,
        ]
    )
    for number in profile.numbers:
        yield _number(draft, profile, number)


def _number(draft: Draft, profile: FirmProfile, number: FirmNumber) -> str:
    said = draft.wanted.confirmed[key_of(profile, number)]
    own = _own_limit(draft.wanted, number)
    strictest = said if own is None else min(said, own)
    why = f"{number.text}; {firm_said(said, number)}"
    if strictest < said:
        why += f"; yours is {own} and stricter, so it stands here too"
    where = f"profiles.{profile.key}.rules.{number.rule}"
    return toml.comment([why]) + toml.table(where, {number.field: _plain(strictest)})


def firm_said(said: Decimal, number: FirmNumber) -> str:
    """Return what is to be known of a confirmed number."""
    note = "" if said == number.value else f" (offered was {number.value}: {number.basis})"
    return f"the firm's, as you confirmed it: {said}{note}"


def _own_limit(wanted: Wanted, number: FirmNumber) -> Decimal | None:
    match number.rule, number.field:
        case "daily_realized_loss", "max_loss_usd":
            return wanted.max_loss_usd
        case "max_contracts", "limit" if wanted.max_contracts is not None:
            return Decimal(wanted.max_contracts)
        case _:
            return None


def _plain(amount: Decimal) -> Decimal | int:
    return int(amount) if amount == amount.to_integral_value() else amount


def _accounts(draft: Draft) -> Iterator[str]:
    for account, profile in draft.wanted.profiles.items():
        if profile is not None and profile is not draft.wanted.profile:
            fields = {"account": int(account), "profile": profile.key}
            yield toml.table("accounts", fields, array=True)
