"""EnforcerActor: carries the messages of one account's enforcement; the core decides.

Started once per account, before its AccountActor is told anything. It serialises enforce-then-lock for
that account and never blocks: every broker call is a message out and a message back, with a deadline. A
restarted one knows nothing and asks its account what is under way.
"""

from typing import Any

from actors.enforcer.core import EnforcerCore
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.commands import Enforce, MoveStops, ResumeEnforcement, Woken
from messages.events import BrokerCommandAnswered
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.queries import Ping


class EnforcerActor(PooledActor):
    """The one enforcement under way for one account."""

    ahead = True
    """Enforcing comes before the booking of what happens to all the others."""

    def __init__(
        self,
        *,
        core: EnforcerCore,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._core = core
        self._clock = clock
        self._directory = directory

    def on_start(self) -> None:
        """Ask the account what is under way, if it runs already; runs on a worker of the pool."""
        account = self._core.account
        if self._directory.is_alive(f"account/{account}"):
            self._core.inherit(self._clock.now())
            resume = ResumeEnforcement(account=account, at=self._clock.now(), cause="start")
            self._directory.tell(f"account/{account}", resume)

    def on_receive(self, message: Any) -> Any:
        """Hand the message to the core and send what it decides; runs on a worker of the pool."""
        match message:
            case (
                Enforce()
                | MoveStops()
                | BrokerCommandAnswered()
                | SnapshotTaken()
                | SnapshotFailed()
                | Woken()
            ):
                for to, sent in self._core.handle(message, self._clock.now()):
                    self._directory.tell(to, sent)
                return None
            case Ping():
                return f"enforcer/{self._core.account}"
            case _:
                raise TypeError(
                    f"enforcer/{self._core.account} cannot be told {type(message).__name__}"
                )
