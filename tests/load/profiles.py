"""What a day at the broker is like: how often what is pushed, who breaks a rule, and how the broker is.

Pure. Rates are for all accounts together; quotes are per contract, and every login whose accounts hold
the contract gets each of them on a connection of its own, as at the broker.
"""

from typing import NamedTuple

FREE = 1_000_000
"""A request budget that holds nobody up."""


class Profile(NamedTuple):
    """One mix."""

    facts_per_s: float
    """Pushes of the user hubs: orders, fills, positions, account echoes."""
    contracts: int
    """Contracts that are held by somebody and quoted."""
    quotes_per_s: float
    """Of each contract."""
    probes_per_s: float
    """Accounts that break their daily loss by a closing trade, one after the other."""
    crash_share: float = 0.0
    """Share of the accounts that breaks its daily loss as the price falls within one second."""
    falls_after_s: float = 2.0
    """When the price begins to fall."""
    reentry_share: float = 0.0
    """Share of those that buys again."""
    reenters_after_s: float = 5.0
    """When the first of them does."""
    answers_after_s: float = 0.0
    """How long the broker takes to answer."""
    budget: int = FREE
    """Requests a login may send in 60 s."""
    growth: float = 1.0
    """By how much the rates rise from one step to the next; 1 = there is one step."""


PROFILES = {
    "idle": Profile(facts_per_s=0, contracts=0, quotes_per_s=0, probes_per_s=10),
    "quiet": Profile(facts_per_s=50, contracts=20, quotes_per_s=2, probes_per_s=5),
    "open": Profile(facts_per_s=500, contracts=20, quotes_per_s=20, probes_per_s=5),
    "news": Profile(facts_per_s=1_000, contracts=20, quotes_per_s=200, probes_per_s=5),
    "busy": Profile(facts_per_s=2_000, contracts=0, quotes_per_s=0, probes_per_s=5),
    "stream": Profile(facts_per_s=0, contracts=20, quotes_per_s=500, probes_per_s=5),
    # S-111 for 500 accounts: 20 events/s each, of which 16 are quotes of what it holds and 4 its own; or
    # all its own. A breach a second is more than the 1 % it asks for, so that a p99 means something.
    "s111": Profile(
        facts_per_s=2_000, contracts=20, quotes_per_s=16, probes_per_s=1, answers_after_s=0.15
    ),
    "s111-facts": Profile(
        facts_per_s=10_000, contracts=0, quotes_per_s=0, probes_per_s=1, answers_after_s=0.15
    ),
    "crash": Profile(
        facts_per_s=200,
        contracts=1,
        quotes_per_s=0,
        probes_per_s=0,
        crash_share=0.2,
        reentry_share=0.1,
        answers_after_s=0.15,
        budget=200,
    ),
    "ceiling": Profile(facts_per_s=500, contracts=20, quotes_per_s=10, probes_per_s=5, growth=1.4),
    "smoke": Profile(
        facts_per_s=100,
        contracts=4,
        quotes_per_s=20,
        probes_per_s=0,
        crash_share=0.3,
        falls_after_s=0.2,
        reentry_share=0.5,
        reenters_after_s=1.8,
        answers_after_s=0.02,
        budget=200,
    ),
}
