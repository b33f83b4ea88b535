"""Shadow: what is told once although nothing is done about it, and what keeps an account from it.

Pure. In shadow a limit stays exceeded, so the rule that finds it finds it again with every fact. A breach
that a lockout follows is told once by that; one without is told again only when what is held has changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from actors.account import lost_history
from actors.account.lockouts import by_strictness, ended
from actors.account.settings import AccountSettings
from actors.account.state import AccountState
from messages.events import AnchorAccepted
from messages.values import Breach, Target

type _What = tuple[str, tuple[Target, ...]]


@dataclass(slots=True)
class Pretence:
    """Breaches of one account in shadow that no lockout follows."""

    _told: dict[_What, dict[str, int]] = field(default_factory=dict)
    """What was held when each was told."""

    def told(self, breach: Breach, held: Mapping[str, int]) -> bool:
        """Say whether a breach was told of what is held now; from now on it was."""
        what = (breach.rule, breach.targets)
        known = self._told.get(what) == held
        self._told[what] = dict(held)
        return known

    def saw(self, held: Mapping[str, int]) -> None:
        """Forget what was told of anything else than what is held now: held again it is told again."""
        self._told = {what: then for what, then in self._told.items() if then == held}


def binding(state: AccountState, now: datetime) -> Iterator[str]:
    """Yield what binds an account in truth: watched in shadow, it would not be enforced."""
    if state.enforcement is not None and not state.enforcement.shadow:
        yield f"enforcement {state.enforcement.id} is not finished"
    for lock in by_strictness(state.lockouts.values()):
        if not lock.shadow and not ended(lock, now):
            end = f"until {lock.until:%Y-%m-%d %H:%M:%S} UTC" if lock.until else "until released"
            yield f"locked by {lock.rule} ({lock.scope}) {end}"


def refusals(
    settings: AccountSettings, state: AccountState, accepted: AnchorAccepted | None, now: datetime
) -> Iterator[str]:
    """Yield why an account cannot be only watched, by what the journal knows of it.

    `accepted`: when the journal was last accepted without its past.
    """
    binds = list(binding(state, now))
    if lost_history.intent(state, accepted, now, settings.deadline_s):
        binds.append("the journal lost its past")
    for text in binds:
        yield f"account {settings.account} ({settings.name}): {text}: it cannot be only watched"
