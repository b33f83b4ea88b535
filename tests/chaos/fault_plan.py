"""What a seed deals: which fault strikes whom, and when, beside which breach, in one fault round.

All cards are shuffled into a deck that lasts `DECK` rounds, so that none is left out of any whole deck;
a round's other cards are drawn at random. Seed and index name a round for good.
"""

from dataclasses import dataclass, replace
from random import Random

from tests.chaos.exchange_faults import AT_THE_EXCHANGE
from tests.chaos.faults import Breach, Card
from tests.chaos.login_faults import LOGIN_CARDS
from tests.chaos.request_faults import AT_THE_DOOR
from tests.chaos.stream_faults import IN_THE_STREAM
from tests.rig import A

ACCOUNT_CARDS = (*AT_THE_DOOR, *IN_THE_STREAM, *AT_THE_EXCHANGE)
DECK = 3
"""So many rounds, from a multiple of it on, play every fault."""
_OPENS_S = 1.6
"""All accounts breach within so long."""
_PAIRED = 0.4
"""Share of the accounts that two faults strike at once."""
_PLACES = (AT_THE_DOOR, IN_THE_STREAM, AT_THE_EXCHANGE)
_STRETCHES = (1, 1, 1, 4)
"""Beyond the first deck a round's faults last longer now and then: longer than a command's deadline."""


@dataclass(frozen=True)
class Dealt:
    """A card, when it begins and how long it lasts."""

    card: Card
    at_s: float
    """From the beginning of the round; for an account not before its breach is near."""
    seconds: float


@dataclass(frozen=True)
class AccountPlan:
    """What becomes of one account."""

    account: int
    breach: Breach | None
    """None = it does nothing wrong and must stay as it is."""
    at_s: float
    cards: tuple[Dealt, ...]

    def __str__(self) -> str:
        what = f"{self.breach} at {self.at_s:.2f} s" if self.breach else "does nothing wrong"
        return f"{self.account}: {what}{_told(self.cards)}"


@dataclass(frozen=True)
class Plan:
    """One round."""

    accounts: tuple[AccountPlan, ...]
    login: tuple[Dealt, ...]
    logins: int
    """One, or two that have the accounts in turn."""
    deadline_s: float
    """Enforcement deadline of the configuration."""

    def lines(self) -> list[str]:
        """Tell it line by line."""
        deadline = f"deadline {self.deadline_s:g} s"
        head = f"{deadline}; of {self.logins} the login{_told(self.login) or ': nothing'}"
        return [head, *map(str, self.accounts)]


def _told(cards: tuple[Dealt, ...]) -> str:
    each = [f"{dealt.card.name} ({dealt.at_s:.2f} s, {dealt.seconds:.2f} s)" for dealt in cards]
    return f"; {' + '.join(each)}" if each else ""


def plan_of(seed: str, index: int) -> Plan:
    """Deal one round."""
    deck = Random(f"{seed}/deck/{index // DECK}")  # noqa: S311 - to be repeated, not to be secret
    ours = _dealt(deck, ACCOUNT_CARDS, index)
    login = _dealt(deck, LOGIN_CARDS, index)
    random = Random(f"{seed}/faults/{index}")  # noqa: S311
    stretch = 1 if index < DECK else random.choice(_STRETCHES)
    plans = [_struck(random, card, stretch) for card in ours]
    harmless = tuple(card for card in ACCOUNT_CARDS if not card.trades)
    bystander = _struck(random, random.choice(harmless), stretch, harmless)
    innocent = replace(bystander, breach=None)
    plans += [innocent, _well(random, random.choice(list(Breach))), _well(random, None)]
    random.shuffle(plans)
    return Plan(
        accounts=tuple(replace(plan, account=A + n) for n, plan in enumerate(plans)),
        login=tuple(_in_turn(random, login, stretch)),
        logins=1 + index % 2,
        deadline_s=random.choice((0.5, 5.0)),
    )


def _dealt(deck: Random, cards: tuple[Card, ...], index: int) -> list[Card]:
    shuffled = list(cards)
    deck.shuffle(shuffled)
    return shuffled[index % DECK :: DECK]


def _struck(
    random: Random, card: Card, stretch: int, others: tuple[Card, ...] = ACCOUNT_CARDS
) -> AccountPlan:
    cards = [card]
    if random.random() < _PAIRED:
        cards.append(random.choice([each for each in others if _goes_with(each, card)]))
    common = [each for each in Breach if all(each in card.breaches for card in cards)]
    at_s = 0.2 + random.random() * _OPENS_S
    dealt = tuple(
        Dealt(each, at_s - random.random() * 0.15, stretch * (0.2 + random.random() * 0.7))
        for each in cards
    )
    return AccountPlan(A, random.choice(common), at_s, dealt)


def _goes_with(other: Card, card: Card) -> bool:
    """Say whether two faults can strike one account: at different places, beside one breach."""
    if any(other in place and card in place for place in _PLACES):
        return False
    return bool(set(other.breaches) & set(card.breaches))


def _well(random: Random, breach: Breach | None) -> AccountPlan:
    return AccountPlan(A, breach, 0.2 + random.random() * _OPENS_S, ())


def _in_turn(random: Random, cards: list[Card], stretch: int) -> list[Dealt]:
    slot = (_OPENS_S + 0.4) / max(1, len(cards))
    return [
        Dealt(card, number * slot + random.random() * 0.3, stretch * (0.2 + random.random() * 0.5))
        for number, card in enumerate(cards)
    ]
