"""Whether the firm lets the account trade: what is news of it, and what the want of an answer means.

Pure. A message without the flag changes nothing; where a rule depends on the flag it alarms, once until
the flag is told again. The flag itself, and which word of the broker is the newest, is in the state.
"""

from dataclasses import dataclass

from actors.account.settings import AccountSettings
from actors.account.state import AccountState
from actors.account.turn import Turn
from messages.facts import AccountChanged
from messages.values import AlarmCode, FactKind


@dataclass(slots=True)
class Permission:
    """The account's own record as it is pushed and polled."""

    settings: AccountSettings
    state: AccountState
    _silent: bool = False
    """The last message left the flag out."""

    def take(self, turn: Turn, fact: AccountChanged) -> bool:
        """Record a message about the account if it says anything new; return whether it did."""
        self._note_silence(turn, fact)
        state = self.state
        can_trade = fact.can_trade if state.believes(fact.can_trade, fact.at) else None
        known = can_trade in {None, state.can_trade} and fact.balance_usd in {
            None,
            state.balance_usd,
        }
        if known and can_trade is not False:  # a false said again outdates a true read before it
            return False
        turn.record(fact)
        return True

    def _note_silence(self, turn: Turn, fact: AccountChanged) -> None:
        silent = fact.can_trade is None
        wanted = bool(self.settings.listening[FactKind.ACCOUNT])
        if silent and wanted and not self._silent:
            turn.alarm(
                AlarmCode.CAN_TRADE_UNKNOWN,
                "the broker's message about the account does not say whether it can trade: "
                "what was known stays",
            )
        self._silent = silent
