"""One process of a machine guards a login: real sockets, the real loader."""

import random
import sys
from contextlib import closing

import pytest

from actors.ops.claims import Claims
from actors.runtime import SystemClock
from config.errors import ConfigError
from config.loader import load
from tests.cli import config_for

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux has abstract sockets"
)

CLOCK = SystemClock()


@pytest.fixture
def desk(tmp_path):
    """Return how to claim the logins of one broker as some user."""
    two = "".join(
        f'[[logins]]\nname = "{name}"\naccounts = [{account}]\n'
        f'username_env = "USER_{name}"\napi_key_env = "KEY"\n'
        for name, account in (("one", 1), ("two", 2))
    )
    path = tmp_path / "lockstep.toml"
    path.write_text(config_for(None, tmp_path, logins=two))
    # As no other test, and no earlier run of this one, is called.
    own = f"{random.SystemRandom().getrandbits(64):x}"

    def take(claims, one, two):
        environment = {"USER_one": one + own, "USER_two": two + own, "KEY": "key"}
        config = load(path, now=CLOCK.now(), environment=environment)
        claims.take(config, environment, CLOCK)

    return take


def test_other_users_of_the_same_broker_are_claimed_apart(desk):
    """Each desk may have a process of its own."""
    with closing(Claims()) as ours, closing(Claims()) as theirs:
        desk(ours, "ann", "ben")
        desk(theirs, "cem", "dora")


def test_one_login_that_is_claimed_already_gives_up_all(desk):
    """Refused, it keeps none of the others from being guarded."""
    with closing(Claims()) as ours, closing(Claims()) as theirs, closing(Claims()) as third:
        desk(ours, "ann", "ben")

        with pytest.raises(
            ConfigError, match=r"logins: two: another Lockstep .* process \d+, guards"
        ):
            desk(theirs, "cem", "BEN")

        desk(third, "cem", "dora")


def test_what_was_given_up_can_be_claimed(desk):
    """As by a process that ends."""
    with closing(Claims()) as ours, closing(Claims()) as theirs:
        desk(ours, "ann", "ben")
        ours.close()

        desk(theirs, "ann", "ben")
