"""Two logins, each with an account that holds MNQ: its market is heard of one of them, for both.

Over the real SDK and two market hubs. Whom a quote reached is on the broker's record.
"""

from decimal import Decimal

import pytest

from actors.gateway.feeds import RESTED
from actors.gateway.lulls import FIRST_S
from actors.runtime.lag import Lag
from actors.simulator.record import Pushed, Request
from actors.system import gateway_thread
from messages.events import AlarmRaised, EnforcementFinished
from messages.facts import ContractDescribed
from messages.values import AlarmCode
from tests.rig import NOON, A, B, contract
from tests.wire_rig import (
    CLOSE,
    FIRST_USER,
    PATIENCE_S,
    SECOND_LOGIN,
    SECOND_USER,
    TOKENS_OF_BOTH,
    SteppedClock,
    WireRig,
    new_simulator,
    wire_config,
)

USERS = {"desk": (FIRST_USER, A), "other": (SECOND_USER, B)}
LIMIT = {"daily_unrealized_loss": {"max_loss_usd": 20}}
REST = f"""
[money]
quote_max_age_s = 2
{SECOND_LOGIN}"""


@pytest.fixture
def run(tmp_path):
    """Run Lockstep with both logins, each account two MNQ long at 21,000."""
    clock = SteppedClock(NOON)
    with new_simulator(clock, (A,), (B,)) as simulator:
        simulator.control.set_costs(Decimal(0), Decimal(0))
        config = wire_config(**LIMIT) + REST
        run = WireRig(tmp_path, config, simulator=simulator, clock=clock, tokens=TOKENS_OF_BOTH)
        for account in (A, B):
            run.price("MNQ", "21000")
            run.buy(account, "MNQ", 2)
            run.wait(ContractDescribed, account=account)
        yield run
        run.stop()


def invoked(run, method):
    """Return the users who called a method of the market hub, in order."""
    return [
        each.user
        for each in run.sim.record().entries()
        if isinstance(each, Request) and each.endpoint == f"/hubs/market/{method}"
    ]


def asked_by(run, user):
    """Return what a user called at the market hub, in order."""
    return [
        each.endpoint
        for each in run.sim.record().entries()
        if isinstance(each, Request) and each.user == user and "/market/" in each.endpoint
    ]


def reached(run, last):
    """Say how many hubs a quote reached."""
    run.price("MNQ", last)
    quotes = [
        each
        for each in run.sim.record().entries()
        if isinstance(each, Pushed) and each.target == "GatewayQuote"
    ]
    return quotes[-1].receivers


def feed_of(run):
    """Return the user whose login hears MNQ; it is one."""
    assert reached(run, "21000.25") == 1
    (user,) = invoked(run, "SubscribeContractQuotes")
    return user


def account_of(run, *, feed):
    """Return the account of the login that hears MNQ, or of the other one."""
    user = feed_of(run)
    return next(account for name, account in USERS.values() if (name == user) is feed)


def test_a_market_is_heard_of_one_login_and_judged_for_all(run):
    """The account of the login that does not hear it is closed by the same quote as the other."""
    feed_of(run)

    assert reached(run, "20995") == 1

    for account in (A, B):
        run.wait(EnforcementFinished, account=account)
        assert run.applied(CLOSE, account) == 1
        assert run.held(account) == {}


def login_of(user):
    return next(login for login, (name, _) in USERS.items() if name == user)


def lose_hub(run, user):
    """Reset its connections."""
    run.trader.drop_connections(user)


def fail(run, user):
    """Let its gateway fail at a message; its successor has to log in first."""
    run.system.directory.tell(f"gateway/{login_of(user)}", "nonsense")


def be_late(run, user):
    """Let its gateway's thread have stood still."""
    run.system._note_lag(Lag(gateway_thread(login_of(user)), late_s=2.0, began=True, over=False))


@pytest.mark.parametrize("misfortune", [lose_hub, fail, be_late])
def test_a_login_that_cannot_be_relied_on_blinds_nobody(run, misfortune):
    """The other hears the contract instead, and its account is closed by it."""
    user, account = feed_of(run), account_of(run, feed=False)
    other = next(name for name, _ in USERS.values() if name != user)

    misfortune(run, user)
    run.sim.record().wait_until(
        lambda: other in invoked(run, "SubscribeContractQuotes"), PATIENCE_S
    )
    assert reached(run, "20995") >= 1

    run.wait(EnforcementFinished, account=account)
    assert run.applied(CLOSE, account) == 1
    assert run.held(account) == {}


def test_a_contract_its_login_is_silent_in_is_heard_of_the_other(run):
    """The broker has forgotten who wanted it; both accounts are closed by what came meanwhile."""
    user = feed_of(run)
    run.trader.forget_quotes(contract("MNQ"))
    run.price("MNQ", "20995")
    for account in (A, B):
        run.wait(AlarmRaised, lambda each: each.code is AlarmCode.QUOTE_STALE, account=account)

    run.clock.skip(FIRST_S)

    for account in (A, B):
        run.wait(EnforcementFinished, account=account)
        assert run.held(account) == {}
    assert {*invoked(run, "SubscribeContractQuotes")} == {name for name, _ in USERS.values()}
    assert invoked(run, "UnsubscribeContractQuotes")[0] == user


def fall_silent(run, user):
    """Let 15 s go by without a quote; that the last one is old shows that the stream was looked at."""
    for account in (A, B):
        run.wait(AlarmRaised, lambda each: each.code is AlarmCode.QUOTE_STALE, account=account)
    run.clock.skip(FIRST_S)
    run.sim.record().wait_until(
        lambda: invoked(run, "SubscribeContractQuotes").count(user) == 2, PATIENCE_S
    )


def fail_at_the_quotes(run, user):
    """Let the QuoteActor fail; its successor must not begin with the first login again."""
    run.system.directory.tell("quotes", f"nonsense, not of {user}")


@pytest.mark.parametrize("then", [fall_silent, be_late, fail_at_the_quotes])
def test_a_login_that_is_down_takes_nothing_from_one_that_stands(run, then):
    """Nobody would hear the contract until the next attempt of the other has failed, up to 15 s later."""
    down = feed_of(run)
    stands = next(name for name, _ in USERS.values() if name != down)
    run.trader.fault("http", "/hubs/market", status=503)
    run.trader.drop_connections(down)
    run.sim.record().wait_until(
        lambda: stands in invoked(run, "SubscribeContractQuotes"), PATIENCE_S
    )
    run.clock.skip(RESTED.total_seconds())
    assert reached(run, "21000.50") == 1

    then(run, stands)
    reached(run, "20995")

    for account in (A, B):
        run.wait(EnforcementFinished, account=account)
        assert run.held(account) == {}
    # It was not left before nothing was held any more.
    left = "/hubs/market/UnsubscribeContractQuotes"
    run.sim.record().wait_until(lambda: left in asked_by(run, stands), PATIENCE_S)
    assert asked_by(run, stands).index(left) == len(asked_by(run, stands)) - 1


def test_an_account_that_is_judged_by_a_late_login_of_another_is_told(run):
    """No account is silently late, whoever's thread it is."""
    account = account_of(run, feed=False)

    be_late(run, feed_of(run))

    run.wait(AlarmRaised, lambda each: each.code is AlarmCode.FACTS_LATE, account=account)
