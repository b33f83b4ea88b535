"""What every message shares: frozen, tagged by its own name in snake_case, unknown fields refused.

Commands are orders (imperative), events are facts (past tense), queries start with `Get`. Nothing in
this package imports an actor, a clock, a logger or any I/O: it is the system's vocabulary, no more.
"""

import re
from datetime import datetime
from typing import NamedTuple

import msgspec

SCHEMA_VERSION = 7
"""Version of the message schema; stored in every journal and stream. Raise it on a breaking change."""

_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")


def kind_of(name: str) -> str:
    """Turn a message's class name into its `kind`: `TradeExecuted` → `trade_executed`."""
    return _WORD_START.sub("_", name).lower()


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An immutable value that messages are made of; compared by its content."""


class Message(Value, frozen=True, kw_only=True, tag_field="kind", tag=kind_of):
    """Anything an actor can be told."""

    at: datetime
    """When it was said or seen, aware UTC."""
    cause: str
    """Id of what led to it, e.g. `trade/2555492505`, `breach/7`, `start`."""


class AccountMessage(Message, frozen=True, kw_only=True):
    """A message that concerns one account."""

    account: int
    """The broker's account id, e.g. 13298777."""


class Send(NamedTuple):
    """A message on its way: what a pure core hands to the actor around it."""

    to: str
    """Address, e.g. `account/13298777`, `journal`, `gateway/desk-1`."""
    message: Message
    """What is told."""
