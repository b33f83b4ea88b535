"""The steps of an account's start, in their order, and which of them it still waits for.

Pure. A start and a recovery are one path. The lease and the journal's chain come first, for the whole
program; then, per account: its lockouts and open enforcement from the journal, missed resets, those on
disk; the stream; a complete snapshot of this generation; what was begun is finished; the last judgement;
only then OPEN. A step that is not known to be done leaves the account guarded, not OPEN, and the status
says which it is.
"""

from dataclasses import dataclass

from actors.account.judging import Judging
from actors.account.lockouts import account_duty
from actors.account.picture import Picture
from actors.account.state import AccountState


@dataclass(slots=True)
class Recovery:
    """One start of one account; only looks."""

    state: AccountState
    picture: Picture
    judging: Judging
    over: bool = False
    """Every step was done once in this life of the actor."""

    def note(self) -> None:
        """Note whether this was the last step."""
        self.over = self.over or self._step is None

    @property
    def waits_for(self) -> str | None:
        """Return the first step that is not done yet; None once the start is over."""
        return None if self.over else self._step

    @property
    def _step(self) -> str | None:  # noqa: PLR0911 - one return per step
        state, sync = self.state, self.picture.sync
        stream = "" if sync.generation is None else f" (generation {sync.generation})"
        if self.judging.settling.waits:
            return (
                f"this start, the reset to {state.trading_date} or a lock's end is not on disk yet"
            )
        if not state.connected:
            return "waiting for the user stream"
        if sync.refusal is not None:
            return f"waiting for a snapshot{stream}, the last failed: {sync.refusal}"
        if not sync.synced:
            return f"waiting for the first snapshot{stream}"
        if state.enforcement:
            return f"finishing enforcement {state.enforcement.id}"
        if self.judging.opened or account_duty(state.lockouts.values()):
            return None
        missing = ", ".join(sorted(self.judging.judgement.missing))
        return f"waiting for the verdict of {missing}" if missing else "waiting for a judgement"
