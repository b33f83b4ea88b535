"""Whose word on the firm's flag counts: the newest, also when it says again what was known."""

from datetime import timedelta

from messages.facts import AccountChanged
from tests.account.world import ACCOUNT, World


def test_a_true_that_is_older_than_a_repeated_false_ends_nothing():
    """False, false again, then the late answer to a read asked for between the two."""
    world = World()
    world.drain()

    for seconds, can_trade in ((10, False), (20, False), (15, True)):
        told = AccountChanged(
            account=ACCOUNT,
            at=world.now + timedelta(seconds=seconds),
            cause="test",
            can_trade=can_trade,
            balance_usd=None,
        )
        world.post("account", world.account.handle(told, world.now))

    assert world.account.state.can_trade is False
