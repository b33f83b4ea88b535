"""Names that moved while nothing ran: what is told of which account."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from actors.gateway.names import changes
from messages.events import SessionOpened
from messages.values import AccountRecord

NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)


def session(names, login="desk"):
    records = tuple(
        AccountRecord(
            account=account, name=name, balance_usd=Decimal(0), can_trade=True, simulated=True
        )
        for account, name in names
    )
    return SessionOpened(at=NOON, cause="test", login=login, accounts=records)


RENAMED, MOVED = "is it the same?", "name accounts by id"


@pytest.mark.parametrize(
    ("earlier", "now", "told"),
    [
        pytest.param([], [(1, "x")], {}, id="the first start"),
        pytest.param([[(1, "x"), (2, "y")]], [(2, "y"), (1, "x")], {}, id="as it was"),
        pytest.param([[(1, "x")]], [(1, "x"), (2, "y")], {}, id="a new one"),
        pytest.param([[(1, "x")]], [(1, "y")], {1: [RENAMED]}, id="another name"),
        pytest.param([[(1, "x")]], [(2, "x")], {2: [MOVED]}, id="another id"),
        pytest.param(
            [[(1, "x"), (2, "y")]],
            [(1, "y"), (2, "x")],
            {1: [RENAMED, MOVED], 2: [RENAMED, MOVED]},
            id="a swap",
        ),
        pytest.param([[(1, "x")], [], [(3, "z")]], [(2, "x")], {2: [MOVED]}, id="long not listed"),
        pytest.param([[(1, "x")], [(1, "y")]], [(1, "y")], {}, id="told at an earlier start"),
        pytest.param([[(1, "x")], [(2, "x")]], [(2, "x")], {}, id="moved at an earlier start"),
        pytest.param([[(1, "x"), (2, "x")]], [(2, "x")], {}, id="two of one name"),
    ],
)
def test_what_is_not_where_it_was_is_told(earlier, now, told):
    """By the id that is guarded now; names that never were or are as they were say nothing."""
    found = dict(changes(map(session, earlier), session(now)))

    assert found.keys() == told.keys()
    for account, text in found.items():
        assert [each for each in (RENAMED, MOVED) if each in text] == told[account]


def test_other_logins_say_nothing():
    """Two users may well have accounts of the same name."""
    assert list(changes([session([(1, "x")], login="other")], session([(2, "x")]))) == []


def test_both_accounts_are_named():
    """A person must know whose rules and whose lockouts are meant."""
    ((account, text),) = changes([session([(1, "x")])], session([(2, "x")]))

    assert account == 2
    assert "account 2 has the name 'x' that was account 1's" in text
    assert "lockouts of 1 do not" in text
