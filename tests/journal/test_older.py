"""A journal that an earlier build wrote is read, and goes on as this build's."""

import sqlite3
from contextlib import closing
from pathlib import Path

from actors.account.state import AccountState
from actors.journal import Store
from actors.runtime import VirtualClock
from messages import codec
from messages.base import SCHEMA_VERSION
from tests.account.world import DAY
from tests.rig import A, B

WRITTEN = Path(__file__).with_name("version3.jsonl")
"""Two accounts over a reset, by the last build of version 3: a lockout ends, an enforcement is open."""


def _written(path: Path, clock: VirtualClock) -> None:
    events = [codec.event_from_json(line) for line in WRITTEN.read_text().splitlines()]
    store = Store.open(path, clock=clock)
    store.append(events)
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE meta SET value = 3 WHERE name = 'message_schema'")
        connection.commit()


def test_a_journal_of_version_3_is_read_and_goes_on(path: Path, clock: VirtualClock):
    """Lockouts, breaches and what is under way are as they were; an older build is refused after it."""
    _written(path, clock)

    store = Store.open(path, clock=clock)
    states = {}
    for account in (A, B):
        states[account] = AccountState.new(account, DAY, gross=False)
        for record in store.account_events(account):
            states[account].evolve(record.event)
    store.close()

    assert (states[A].breach_count, states[A].lockouts) == (1, {})
    assert states[B].enforcement is not None
    assert {each.rule for each in states[B].duties} == {"RULE-003"}
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("SELECT value FROM meta WHERE name = 'message_schema'")
    assert found == (SCHEMA_VERSION,)
    assert SCHEMA_VERSION > 3
