"""The fault campaign, bounded: a whole deck from a fixed seed, and rounds from a new one each time."""

import os
from functools import wraps

import pytest

from actors.simulator import FaultKind
from actors.simulator.sabotage import Sabotage
from actors.simulator.verbs import verbs_of
from tests.chaos.fault_plan import ACCOUNT_CARDS, DECK, plan_of
from tests.chaos.fault_results import table
from tests.chaos.fault_rounds import play_fault_round
from tests.chaos.login_faults import LOGIN_CARDS

SEED = os.environ.get("CHAOS_SEED", str(int.from_bytes(os.urandom(4))))
CARDS = {each.name for each in (*ACCOUNT_CARDS, *LOGIN_CARDS)}


@pytest.fixture
def used(monkeypatch):
    """Note which verbs of misfortune were used, and which kinds of fault."""
    verbs, kinds = set(), set()

    def noted(name, verb):
        @wraps(verb)
        def call(self, *args, **how):
            verbs.add(name)
            if name == "fault":
                kinds.add(args[0])
            return verb(self, *args, **how)

        return call

    for name, verb in verbs_of(Sabotage).items():
        monkeypatch.setattr(Sabotage, name, noted(name, verb))
    return verbs, kinds


def test_every_fault_strikes_and_none_breaks_an_invariant(used):
    """A deck of rounds: each card plays and strikes; nothing the simulator can do is left out."""
    rounds, missing = [], set(CARDS)
    while missing and len(rounds) < 2 * DECK:  # in real time one may be over before it can strike
        rounds += [play_fault_round("fixed", len(rounds) + each) for each in range(DECK)]
        missing -= {strike.name for each in rounds for strike in each.strikes if strike.struck}
    verbs, kinds = used

    for each in rounds:
        assert each.violations == [], each
    assert missing == set()
    assert set(FaultKind) - kinds == set()
    assert set(verbs_of(Sabotage)) - verbs == set()


def test_whatever_strikes_whom_every_breach_ends_flat_and_locked():
    """I1 to I10 and the fate of every account; `./run chaos --seed S --fault-round N` plays it again."""
    print(f"CHAOS_SEED={SEED}")  # noqa: T201 - to be repeated
    result = play_fault_round(SEED, 0)

    assert result.violations == [], result
    assert result.enforced


@pytest.mark.parametrize("seed", ["fixed", "other", SEED], ids=["fixed", "other", "random"])
def test_a_deck_of_rounds_deals_every_fault(seed):
    """None is forgotten, in no deck; an account that must stay as it is gets none that trades."""
    for first in (0, DECK, 7 * DECK):
        plans = [plan_of(seed, index) for index in range(first, first + DECK)]
        accounts = [account for plan in plans for account in plan.accounts]
        cards = [dealt.card for account in accounts for dealt in account.cards]
        cards += [dealt.card for plan in plans for dealt in plan.login]

        assert {card.name for card in cards} == CARDS
        assert all(a.breach in d.card.breaches for a in accounts if a.breach for d in a.cards)
        assert not any(d.card.trades for a in accounts if a.breach is None for d in a.cards)


def test_a_plan_can_be_dealt_again():
    """Seed and index name it for good."""
    assert plan_of("again", 5).lines() == plan_of("again", 5).lines()
    assert plan_of("again", 5).lines() != plan_of("again", 6).lines()


def test_the_table_names_every_fault():
    """Even one that has not struck yet, so that none goes missing unseen."""
    lines = "\n".join(table([]))

    assert all(name in lines for name in CARDS)
