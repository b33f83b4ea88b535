"""AccountActor: carries the messages of one account; the core decides.

Started once per account, after its login's session is open. It alone owns the account's state and its
lockouts. Restarted by the supervisor it is rebuilt from the journal and goes on where that ends.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from actors.account.core import AccountCore, is_account_input
from actors.account.extremes import Peaks
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.base import Send
from messages.commands import LockAccount, NoteLateness, ReportRuleFailure, ReportVerdict
from messages.facts import QuoteChanged
from messages.journal import Appended, AppendFailed
from messages.queries import GetAccountBoard, GetAccountStatus, GetDuties, GetRules, Ping


class AccountActor(PooledActor):
    """One guarded account; `latest` and `peaks` are the QuoteActor's, read as the clock is."""

    conflates = MappingProxyType({QuoteChanged: QuoteChanged.contract_of})
    """Everything else is booked, each in its turn, and comes before quotes."""
    hastens = frozenset(
        {ReportVerdict, ReportRuleFailure, NoteLateness, Appended, AppendFailed, LockAccount}
    )
    """All that rules, journal and traders say: its account goes before others. But not before facts that
    the account was told earlier: a market order of the trader's closes already what a close beside it
    would flip, a stop may have moved since, and a fill told behind the duty is judged only at its end."""

    def __init__(
        self,
        *,
        core: AccountCore,
        latest: Mapping[str, QuoteChanged],
        peaks: Peaks,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._core = core
        self._latest = latest
        self._peaks = peaks
        self._clock = clock
        self._directory = directory

    def on_start(self) -> None:
        """Take up what the journal left; runs on a worker of the pool."""
        self._send(self._core.start(self._clock.now()))

    def on_receive(self, message: Any) -> Any:
        """Hand the message to the core and send what it decides; runs on a worker of the pool."""
        now = self._clock.now()
        if not isinstance(message, QuoteChanged):  # judged by what it says, not by later ones
            self._core.see(self._latest, self._peaks, now)
        match message:
            case _ if is_account_input(message):
                self._send(self._core.handle(message, now))
                return None
            case GetAccountStatus():
                return self._core.status(now)
            case GetAccountBoard():
                return self._core.board(now)
            case Ping():
                return f"account/{self._core.state.account}"
            case GetRules():
                return self._core.state.adopted
            case GetDuties():
                return self._core.state.duties
            case _:
                raise TypeError(f"an account cannot be told {type(message).__name__}")

    def _send(self, sends: list[Send]) -> None:
        for to, message in sends:
            self._directory.tell(to, message)
