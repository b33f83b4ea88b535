"""Two logins, each with an account that holds MNQ: a busy market is heard of one of them, for both.

Over the real SDK and two market hubs. Whom a quote reached is on the broker's record.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from actors.gateway import feeds, quotes
from actors.runtime import OffsetClock
from actors.runtime.lag import Lag
from actors.simulator import SimAccount, Simulator, SimUser
from actors.simulator.record import Pushed, Request
from actors.system import gateway_thread
from messages.events import AlarmRaised, EnforcementFinished
from messages.facts import ContractDescribed
from messages.values import AlarmCode
from tests.rig import NOON, TOKENS, A, B
from tests.wire_rig import CLOSE, PATIENCE_S, WireRig, wire_config

USERS = {"desk": ("trader", A), "other": ("friend", B)}
LIMIT = {"daily_unrealized_loss": {"max_loss_usd": 20}}
LOGINS = """
[[logins]]
name = "other"
username_env = "OTHER_USERNAME"
api_key_env = "OTHER_API_KEY"
"""
TOKENS_OF_BOTH = TOKENS | {"OTHER_USERNAME": "friend", "OTHER_API_KEY": "canary-api-key"}
MOST = 5_000
"""Quotes after which a busy market must have been noticed."""


@pytest.fixture
def run(tmp_path):
    """Run Lockstep with both logins, each account two MNQ long at 21,000."""
    clock = OffsetClock(NOON)
    users = tuple(
        SimUser(user, TOKENS["PROJECT_X_API_KEY"], (SimAccount(account, f"50K-{account}"),))
        for user, account in USERS.values()
    )
    with Simulator(clock=clock, users=users, ping_every_s=0.2) as simulator:
        simulator.control.set_costs(Decimal(0), Decimal(0))
        config = wire_config(**LIMIT) + LOGINS
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


def reached(run, last):
    """Say how many hubs a quote reached."""
    run.price("MNQ", last)
    quotes = [
        each
        for each in run.sim.record().entries()
        if isinstance(each, Pushed) and each.target == "GatewayQuote"
    ]
    return quotes[-1].receivers


def make_busy(run):
    """Quote until one login alone is told; return the user whose login that is."""
    for number in range(MOST):
        if reached(run, str(21_000 + Decimal(number % 2) / 4)) == 1:
            break
    (let_go,) = invoked(run, "UnsubscribeContractQuotes")
    return next(user for user, _ in USERS.values() if user != let_go)


def test_a_busy_market_is_heard_of_one_login_and_judged_for_all(run):
    """The account of the login that was let go is closed by the same quote as the other."""
    assert reached(run, "21000.25") == 2
    make_busy(run)

    assert reached(run, "20995") == 1

    for account in (A, B):
        run.wait(EnforcementFinished, account=account)
        assert run.applied(CLOSE, account) == 1
        assert run.held(account) == {}


def login_of(user):
    return next(login for login, (name, _) in USERS.items() if name == user)


def lose_hub(run, user):
    """Reset its connections, and let nobody in again."""
    run.trader.fault("http", "/hubs/*", status=503)
    run.trader.drop_connections(user)


def fail(run, user):
    """Let its gateway fail at a message; its successor has to log in first."""
    run.system.directory.tell(f"gateway/{login_of(user)}", "nonsense")


def be_late(run, user):
    """Let its gateway's thread have stood still."""
    run.system._note_lag(Lag(gateway_thread(login_of(user)), late_s=2.0, began=True, over=False))


@pytest.mark.parametrize("misfortune", [lose_hub, fail, be_late])
def test_a_login_that_cannot_be_relied_on_blinds_nobody(run, misfortune, monkeypatch):
    """The other hears the contract again, not only once it is missed, and its account is closed by it."""
    for module in (feeds, quotes):
        monkeypatch.setattr(module, "SILENT", timedelta(hours=1))
    alone = make_busy(run)
    other, account = next(each for each in USERS.values() if each[0] != alone)
    before = len(invoked(run, "SubscribeContractQuotes"))

    misfortune(run, alone)
    run.sim.record().wait_until(
        lambda: other in invoked(run, "SubscribeContractQuotes")[before:], PATIENCE_S
    )
    assert reached(run, "20995") >= 1

    run.wait(EnforcementFinished, account=account)
    assert run.applied(CLOSE, account) == 1
    assert run.held(account) == {}


def test_an_account_that_is_judged_by_a_late_login_of_another_is_told(run):
    """No account is silently late, whoever's thread it is."""
    alone = make_busy(run)
    account = next(account for user, account in USERS.values() if user != alone)

    be_late(run, alone)

    run.wait(AlarmRaised, lambda each: each.code is AlarmCode.FACTS_LATE, account=account)
