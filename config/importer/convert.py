"""Puts the original's files together into one configuration of ours, with everything there is to tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.importer import toml
from config.importer.accounts import Accounts, read_accounts
from config.importer.notes import Notes
from config.importer.reading import Document, ImportFault, Kind
from config.importer.rules import Fields, general, rule_tables
from config.importer.section import Section
from config.importer.timers import Timers
from config.keys import shown

_UNREAD: dict[Kind, str] = {"api": "nothing read this file", "events": "only a menu read this file"}


@dataclass(frozen=True, slots=True)
class Imported:
    """A configuration of ours, and what is to be told about it."""

    text: str
    """The TOML, with the notes as comments on top."""
    notes: tuple[str, ...]
    """The same notes as lines."""
    undecided: bool
    """Whether a person must decide something before it is used."""


def convert(documents: Sequence[Document]) -> Imported:
    """Convert what was read.

    Raises:
        ImportFault: two files are the same one of the original, or the risk file is missing.
    """
    notes = Notes()
    by_kind = _by_kind(documents)
    risk = by_kind.get("risk")
    if risk is None:
        raise ImportFault("no file has `rules`: name the original's risk_config.yaml too")
    timers = Timers(by_kind.get("timers"), notes)
    whole = Section(risk, notes, risk.data)
    rules = rule_tables(whole.table("rules"), timers)
    general(whole.table("general"), timers)
    whole.finish()
    accounts = read_accounts(by_kind.get("accounts"), notes, timers)
    for kind, why in _UNREAD.items():
        if document := by_kind.get(kind):
            notes.add("dropped", document.path.name, f"{why}; nothing of it is carried over")
    notes.add("ignored", "environment", "./.env came before the environment; here it is not read")
    lines = notes.lines()
    head = toml.comment(
        [f"Imported from {', '.join(each.path.name for each in documents)}.", "", *lines]
    )
    return Imported(
        text="\n".join([head, *_tables(timers, rules, accounts)]),
        notes=tuple(lines),
        undecided=bool(notes.said["decide"]),
    )


def _by_kind(documents: Sequence[Document]) -> dict[Kind, Document]:
    found: dict[Kind, Document] = {}
    for each in documents:
        if each.kind in found:
            raise ImportFault(
                f"{each.path} and {found[each.kind].path} are both the original's {each.kind} file; "
                "name one"
            )
        found[each.kind] = each
    return found


def _tables(timers: Timers, rules: dict[str, Fields], accounts: Accounts) -> list[str]:
    found = [toml.table("broker", accounts.broker)] if accounts.broker else []
    found.append(toml.table("logins", accounts.login, array=True))
    found.append(toml.table("trading_day", timers.trading_day()))
    found += _rules("defaults.rules", rules)
    for name, tables in accounts.profiles.items():
        found += _rules(f"{shown(('profiles', name))}.rules", tables)
    for fields, tables in accounts.overrides:
        found.append(toml.table("accounts", fields, array=True))
        found += _rules("accounts.rules", tables)
    return found


def _rules(where: str, tables: dict[str, dict[str, Any]]) -> list[str]:
    return [toml.table(f"{where}.{key}", fields) for key, fields in tables.items()]
