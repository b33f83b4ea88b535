"""What `accounts.yaml` says: the login, where the broker is, and the accounts with what differs.

Credentials are never copied: what was `${NAME}` is the name of the variable, anything else is left
behind. The original printed the chosen account and guarded the one its SDK picked; ours guards all.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.importer.notes import Notes
from config.importer.reading import Document, ImportFault, read
from config.importer.rules import Fields, rule_tables
from config.importer.section import Section
from config.importer.timers import Timers

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HUBS = "topstepx.com"


@dataclass(slots=True)
class Accounts:
    """The accounts in our terms."""

    login: dict[str, Any] = field(default_factory=dict)
    """Fields of the one login."""
    broker: dict[str, Any] = field(default_factory=dict)
    """Fields of the broker."""
    profiles: dict[str, dict[str, Fields]] = field(default_factory=dict)
    """Rule tables of each profile: a risk file of its own becomes one."""
    overrides: list[tuple[dict[str, Any], dict[str, Fields]]] = field(default_factory=list)
    """Fields and rule tables of each account that differs."""


def read_accounts(document: Document | None, notes: Notes, timers: Timers) -> Accounts:
    """Return the accounts; without the file, every account of the usual login."""
    found = Accounts(login={"name": "imported"})
    if document is None:
        notes.add("changed", "accounts.yaml", "is not among the files; every account is guarded")
        return found
    whole = Section(document, notes, document.data)
    _read_login(whole.table("topstepx"), found)
    single = whole.table("monitored_account")
    rows = [single] if single.is_there else []
    listed = whole.take("accounts")
    for place, row in enumerate(listed if isinstance(listed, list) else []):
        rows.append(Section(document, notes, row, ("accounts", place)))
    ids = [_read_account(row, found, document, notes, timers) for row in rows]
    if ids:
        found.login["accounts"] = [each for each in ids if each is not None]
        rows[0].note(
            "ignored",
            "",
            "the account chosen was only printed, the SDK guarded the first one it found",
        )
    whole.finish()
    return found


def _read_login(section: Section, found: Accounts) -> None:
    for name, ours, usual in (
        ("username", "username_env", "PROJECT_X_USERNAME"),
        ("api_key", "api_key_env", "PROJECT_X_API_KEY"),
    ):
        value = section.take(name)
        variable = _VARIABLE.fullmatch(value) if isinstance(value, str) else None
        found.login[ours] = variable[1] if variable else usual
        if variable:
            text = f"read from the environment variable {variable[1]}; a .env file is not read"
            section.note("changed", name, text)
        elif value is not None:
            section.note(
                "decide", name, f"is a secret in a file and stays there: export it as {usual}"
            )
    if section.has("api_url"):
        found.broker["api_url"] = section.take("api_url")
    hub = section.take("websocket_url")
    if hub is not None and _HUBS in str(hub):
        section.note("ignored", "websocket_url", "is no hub; [broker] has the hubs' own addresses")
    elif hub is not None:
        section.note("decide", "websocket_url", "write the broker's two hubs in [broker]")
    section.finish()


def _read_account(
    row: Section, found: Accounts, document: Document, notes: Notes, timers: Timers
) -> int | str | None:
    name = "id" if row.has("id") else "account_id"
    raw = row.take(name)
    account = int(raw) if isinstance(raw, str) and raw.isdecimal() else raw
    if raw is None:
        row.note("decide", name, "is missing; without it nobody knows which account is meant")
    row.drop(
        "accounts are called what the broker calls them", "name", "description", "account_type"
    )
    if row.has("enabled") and not row.flag("enabled", default=True):
        row.note("ignored", "enabled", "was not looked at; the account stays guarded")
    row.take("enabled")
    file, overrides = row.take("risk_config_file"), row.table("config_overrides")
    if file is not None and overrides.is_there:
        row.note(
            "decide", "config_overrides", f"stands beside risk_config_file = {file!r}; keep one"
        )
    fields: dict[str, Any] = {"account": account}
    tables: dict[str, Fields] = {}
    if file is not None:
        row.note(
            "ignored", "risk_config_file", "was checked and never applied; it is a profile now"
        )
        fields["profile"] = _profile(str(file), found, document, notes, timers)
    if overrides.is_there:
        row.note("ignored", "config_overrides", "was checked and never applied; it applies now")
        inner = overrides.table("rules") if overrides.has("rules") else overrides
        tables = rule_tables(inner, timers)
        overrides.finish()
    if len(fields) > 1 or tables:
        found.overrides.append((fields, tables))
    row.finish()
    return account if isinstance(account, int) or account is None else str(account)


def _profile(file: str, found: Accounts, document: Document, notes: Notes, timers: Timers) -> str:
    """Read a risk file an account names, beside its own file or in the working directory."""
    places = (document.path.parent / file, Path(file), document.path.parent / Path(file).name)
    path = next((each for each in places if each.is_file()), None)
    if path is None:
        raise ImportFault(
            f"{document.path}: risk_config_file {file!r} is not there; check the path"
        )
    name = path.stem
    if name not in found.profiles:
        risk = read(path)
        section = Section(risk, notes, risk.data)
        found.profiles[name] = rule_tables(section.table("rules"), timers)
    return name
