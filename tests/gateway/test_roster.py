"""Who is asked to compare itself because its balance moved; names are tested over the wire."""

import asyncio
from datetime import UTC, datetime

import pytest

from actors.gateway.fields import Fields
from actors.gateway.outbox import Outbox
from actors.gateway.roster import Roster
from actors.runtime.clock import VirtualClock
from messages.commands import ReconcileAccount
from tests.gateway.support import A, B


class Listing:
    """A broker that lists accounts, and everybody who is told something: in one place."""

    def __init__(self):
        self.rows = {A: {"balance": 50_000}, B: {"balance": 50_000}}
        self.told = []
        self.names = []
        self.roster = Roster(
            client=self,
            outbox=Outbox(
                login="desk", clock=VirtualClock(datetime(2025, 10, 29, tzinfo=UTC)), directory=self
            ),
            login="desk",
            within_s=1,
            every_s=60,
            guarded=[A, B],
            traded=set(),
            on_listed=self.names.append,
        )
        self.roster.note(self.listed())

    def listed(self):
        return [
            Fields({"id": account, "name": str(account), **row}, "account")
            for account, row in self.rows.items()
        ]

    async def accounts(self, *, within_s):  # noqa: ARG002
        return self.listed()

    def tell(self, address, message):
        self.told.append((address, message))

    def compared(self):
        """Look once; return the accounts that are asked to compare themselves."""
        self.told.clear()
        asyncio.run(self.roster.look())
        return [each.account for _, each in self.told if isinstance(each, ReconcileAccount)]


@pytest.mark.parametrize(
    ("row", "traded", "compared"),
    [
        pytest.param({"balance": 50_000}, set(), [], id="as it was"),
        pytest.param({"balance": 49_999.63}, set(), [A], id="moved in silence"),
        pytest.param({"balance": 49_999.63}, {A}, [], id="a fill was told"),
        pytest.param({"balance": 49_999.63}, {B}, [A], id="of another account"),
        pytest.param({}, set(), [], id="not said"),
        pytest.param({"balance": float("nan")}, set(), [], id="no number"),
    ],
)
def test_a_balance_that_moves_in_silence_is_looked_into(row, traded, compared):
    """Since the look before; what is not said says nothing."""
    listing = Listing()
    listing.rows[A] = row
    listing.roster.traded |= traded

    assert listing.compared() == compared


def test_each_move_is_looked_into_once_and_each_look_begins_anew():
    """A fill explains what moved until the next look, and nothing after it."""
    listing = Listing()
    listing.roster.traded.add(A)
    listing.rows[A] = {"balance": 49_900}
    assert listing.compared() == []
    assert listing.compared() == []

    listing.rows[A] = {"balance": 49_800}
    assert listing.compared() == [A]
    assert listing.compared() == []


def test_a_balance_that_was_not_said_for_a_while_is_still_known():
    """The last one that was said is what counts."""
    listing = Listing()
    listing.rows[A] = {}
    assert listing.compared() == []
    listing.rows[A] = {"balance": 49_800}

    assert listing.compared() == [A]
