"""The steps of an account's start, in their order, and which of them it still waits for.

Pure. A start and a recovery are one path. The lease and the journal's chain come first, for the whole
program; then, per account: its lockouts and open enforcement from the journal, missed resets, all of it
on disk; the stream; a complete snapshot of this generation; what was begun is finished; the last
judgement; only then OPEN. A step that is not known to be done leaves the account guarded, not OPEN, and
the status says which it is.
"""

from dataclasses import dataclass, field

from actors.account.judging import Judging
from actors.account.picture import Picture
from actors.account.state import AccountState
from actors.account.turn import Turn
from messages.values import AlarmCode

_PATIENCE_S = 5.0
"""At a start the journal has a thousand accounts to store at once."""
_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 30.0


@dataclass(slots=True)
class Recovery:
    """One start of one account."""

    state: AccountState
    picture: Picture
    judging: Judging
    over: bool = False
    """Every step was done once in this life of the actor."""
    _what: str = "start"
    _tokens: set[str] = field(default_factory=set)
    """Turns whose answer from the journal would mean that the start is on disk."""
    _refusal: str | None = None
    _retry_s: float = _FIRST_RETRY_S

    def begin(self, turn: Turn, *, new_day: bool) -> None:
        """Have what the start has decided acknowledged: until then the account does not become OPEN."""
        if new_day:
            self._what = f"reset to {self.state.trading_date}"
        self.judging.on_hold = True
        self._ask(turn, _PATIENCE_S)

    def _ask(self, turn: Turn, patience_s: float) -> None:
        turn.durable = True
        self._tokens.add(turn.token)
        turn.wake_after("recovery", patience_s)

    def on_durable(self, turn: Turn, token: str) -> None:
        """Go on once the start is on disk: the journal keeps its order, so any of its turns will do."""
        if token in self._tokens:
            self._tokens.clear()
            self.judging.on_hold = False
            turn.cancel_wake("recovery")
            self.judging.open_if_clean(turn)

    def on_unrecorded(self, turn: Turn, token: str, reason: str) -> None:
        """Note why it is not on disk, and ask again after a while."""
        if token in self._tokens:
            self._refusal = reason
            turn.wake_after("recovery", self._retry_s)

    def ask_again(self, turn: Turn) -> None:
        """Say loudly that it is not on disk, in a turn whose answer counts as well."""
        if not self._tokens:
            return
        code = AlarmCode.JOURNAL_LATE if self._refusal is None else AlarmCode.JOURNAL_FAILED
        turn.alarm(code, f"starting: {self._on_disk}; guarded all the same, but not OPEN")
        self._retry_s = min(2 * self._retry_s, _LAST_RETRY_S)
        self._ask(turn, self._retry_s)

    @property
    def _on_disk(self) -> str:
        why = "" if self._refusal is None else f" ({self._refusal})"
        return f"the {self._what} is not on disk yet{why}"

    def note(self) -> None:
        """Note whether this was the last step."""
        self.over = self.over or self._step is None

    @property
    def waits_for(self) -> str | None:
        """Return the first step that is not done yet; None once the start is over."""
        return None if self.over else self._step

    @property
    def _step(self) -> str | None:
        state, sync = self.state, self.picture.sync
        generation = f"generation {state.generation}"
        if self._tokens:
            return self._on_disk
        if not state.connected:
            return "waiting for the user stream"
        if sync.refusal is not None:
            return f"waiting for a snapshot ({generation}), the last failed: {sync.refusal}"
        if not sync.synced:
            return f"waiting for the first snapshot ({generation})"
        if state.enforcement:
            return f"finishing enforcement {state.enforcement.id}"
        if self.judging.opened or self.judging.locked:
            return None
        missing = ", ".join(sorted(self.judging.judgement.missing))
        return f"waiting for the verdict of {missing}" if missing else "waiting for a judgement"
