"""What the doctor finds critical on this machine, and what `run` does about it.

Nobody has been guarded under a new journal, so its first start is refused: to be told is better than to
be guarded badly. Where accounts were guarded before, not to start would leave them unguarded, which is
worse: it starts at once, and the `FitnessActor` looks afterwards; what it finds is a hole of protection.

The doctor is imported only where it is asked: a restart does not wait for that.
"""

from typing import TYPE_CHECKING, NamedTuple

from actors.journal import Store
from actors.runtime import Clock
from config.loader import Config
from messages.queries import MachineFault

if TYPE_CHECKING:
    from actors.ops.doctor import Finding


class Refusal(NamedTuple):
    """Why nothing is armed."""

    code: int
    """Exit code, as the doctor's."""
    text: str
    """What is wrong, why it matters and what to do, in the doctor's own words."""


def refusal(store: Store, config: Config, clock: Clock) -> Refusal | None:
    """Return what keeps the first start under a journal from arming anything; takes seconds at most."""
    if store.has_guarded():
        return None
    from actors.ops.doctor.finding import exit_code_of

    found = _critical(config, clock)
    return Refusal(exit_code_of(found), _text(found)) if found else None


def _text(refused: tuple["Finding", ...]) -> str:
    lines = ["nothing is armed: the first start with this journal is refused"]
    for each in refused:
        about = f" ({each.about})" if each.about else ""
        lines += [
            f"CRITICAL {each.check}{about}: {each.what}",
            f"   why: {each.why}",
            f"   fix: {each.fix}",
        ]
    return "\n".join(lines)


def faults(config: Config, clock: Clock) -> tuple[MachineFault, ...]:
    """Return what the doctor calls critical of this machine now; takes seconds at most."""
    return tuple(
        MachineFault(check=each.check, about=each.about, what=each.what, why=each.why, fix=each.fix)
        for each in _critical(config, clock)
    )


def _critical(config: Config, clock: Clock) -> tuple["Finding", ...]:
    from actors.ops.doctor.finding import Level
    from actors.ops.doctor.ground import judge_ground

    return tuple(each for each in judge_ground(config, clock) if each.level is Level.CRITICAL)
