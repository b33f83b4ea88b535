"""Shadow over the wire: the broker never hears of a mutation, whatever is broken and however often."""

import httpx
import pytest

from actors.simulator.record import Request
from messages.events import (
    AccountGuarded,
    BrokerCommandAnswered,
    EnforcementFinished,
    EnforcementWithheld,
    RuleBreached,
)
from messages.values import Phase, Withheld
from tests.rig import A, B
from tests.wire_rig import CLOSE, wire_config

LOSS = {"daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": False}}
CONFIG = wire_config(**LOSS, max_contracts={"limit": 2})
READS = {
    *("/Auth/loginKey", "/Auth/validate", "/Account/search", "/Position/searchOpen"),
    *("/Order/v2/query", "/Trade/search", "/Contract/searchById", "/Status/ping"),
}


def changing(run):
    """Return every request that is not known to only read."""
    asked = (each for each in run.sim.record().entries() if isinstance(each, Request))
    return [each for each in asked if each.endpoint not in READS and "/hubs/" not in each.endpoint]


def break_everything(run, account):
    """Hold too much, let an order work, lose too much, and enter again."""
    run.buy(account, "MNQ", 3)
    run.limit(account, "MNQ", 1, "20000")
    run.wait(EnforcementWithheld, account=account)
    run.fill(account, "-500")
    run.wait(RuleBreached, lambda each: each.breach.rule == "RULE-003", account=account)
    run.wait(EnforcementFinished, account=account, count=2)
    run.buy(account, "MNQ", -3)
    run.buy(account, "MES", 1)
    run.mark(account)


def test_a_shadow_of_all_sends_no_mutation(wire):
    """The real SDK against the wire: reads and streams only; everything told is in the journal."""
    run = wire(CONFIG, shadow=True)

    for account in (A, B):
        break_everything(run, account)

    assert changing(run) == []
    assert {each.outcome for each in run.events(BrokerCommandAnswered)} == {Withheld()}
    assert [each.shadow for each in run.events(AccountGuarded)] == [True]
    assert run.status().phase is Phase.LOCKED
    assert run.status().shadow


def test_only_the_account_that_is_armed_is_closed(wire):
    """Every mutation the broker hears is about the other account."""
    run = wire(CONFIG + f"\n[[accounts]]\naccount = {A}\nshadow = true\n")
    run.buy(B, "MNQ", 2)
    run.fill(B, "-500")
    run.wait(EnforcementFinished, account=B)

    break_everything(run, A)

    assert {(each.endpoint, each.account) for each in changing(run)} == {(CLOSE, B)}
    assert (run.held(B), sum(run.held(A).values())) == ({}, 1)


@pytest.mark.parametrize("shadow", [True, False], ids=["shadow", "armed"])
def test_a_shadow_is_never_ready(wire, shadow):
    """Who asks `/readyz` asks whether every account is protected."""
    run = wire(CONFIG, shadow=shadow)

    answer = httpx.get(f"{run.system.http.url}/readyz", trust_env=False)

    assert answer.status_code == (503 if shadow else 200)
    assert any("SHADOW" in text for text in answer.json()["not_ready"]) is shadow
