"""The GatewayActor: everything one login says to its broker and hears from it.

One per login, at `gateway/<login>`, on a LoopThread of its own; started by the login's supervisor. In:
the `GatewayCommand`s. Out: facts to `account/<id>`, answers to `enforcer/<id>`, snapshots to whoever
asked, quotes to `quotes`, the broker's time to `clock`, alarms and quarantined payloads to the
journal. Every BrokerCommand is answered exactly once, whatever happens; a hanging request delays no
other. Those of an account in shadow end here: none of them reaches the client that could send it.

It decides nothing and keeps no picture of any account. Restarted with `guarded` it logs in, connects
and subscribes by itself; each account then hears `StreamConnected` and asks for its snapshot.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

from pykka._envelope import Envelope

from actors.gateway.decode import account_record_of
from actors.gateway.errors import (
    BrokerUnreachableError,
    DecodeError,
    MalformedAnswerError,
    ReadFailedError,
    shown,
)
from actors.gateway.market_stream import MarketStream
from actors.gateway.outbox import Outbox
from actors.gateway.poll import AccountPoll
from actors.gateway.quotes import QUOTES, AnnounceHeld
from actors.gateway.roster import OnListed, Roster
from actors.gateway.settings import LoginSettings
from actors.gateway.snapshots import failed, take_snapshot
from actors.gateway.transport import Fence
from actors.gateway.upkeep import keep_session, reconcile_in_turn, summarise
from actors.gateway.user_stream import UserStream
from actors.runtime.actor import PooledActor
from actors.runtime.clock import Clock
from actors.runtime.directory import Directory
from actors.runtime.dispatcher import Dispatcher
from actors.runtime.inbox import Inbox
from actors.secrets import Secrets
from messages.commands import (
    BrokerCommand,
    DescribeContract,
    GuardAccounts,
    OpenSession,
    PollAccounts,
    RenewStream,
    TakeSnapshot,
    WatchQuotes,
)
from messages.events import BrokerCommandAnswered, SessionOpened
from messages.facts import ContractDescribed, ContractUnknown, SnapshotFailed, SnapshotTaken
from messages.queries import GetLoginStatus, LoginStatus, Ping
from messages.values import Contract, Outcome, Uncertain, Withheld

_LISTING_S = 10.0
# At start the first connection is still to be made, and nothing else is waiting.


class GatewayInbox(Inbox):
    """An inbox whose thread goes before facts once it is told a command."""

    __slots__ = ()

    def put(self, envelope: Envelope[Any], /) -> None:
        """Add a message; never blocks."""
        if isinstance(envelope.message, BrokerCommand):
            self.dispatcher.hurry()
        super().put(envelope)


class GatewayActor(PooledActor):
    """The port to one broker login."""

    def __init__(
        self,
        *,
        login: LoginSettings,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
        fence: Fence,
        in_shadow: Callable[[int], bool],
        on_listed: OnListed = lambda _listed: None,
        guarded: tuple[int, ...] = (),
        poll_s: float | None = None,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        # Here and not above: importing the SDK costs a second, which only a gateway has to pay.
        from actors.gateway.client import BrokerClient

        self._login = login
        self._in_shadow = in_shadow
        secrets = Secrets(login.username, login.api_key)
        self._outbox = Outbox(login=login.name, clock=clock, directory=directory, secrets=secrets)
        self._client = BrokerClient(
            login,
            clock=clock,
            alarm=self._outbox.alarm,
            report_time=self._outbox.report_time,
            secrets=secrets,
            fence=fence,
        )
        self._contracts: dict[str, Contract] = {}
        self._lookups: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._guarded = dict.fromkeys(guarded)
        self._poll = AccountPoll(
            client=self._client,
            outbox=self._outbox,
            login=login.name,
            within_s=login.request_deadline_s,
            accounts=self._guarded.keys(),
            every_s=poll_s,
        )
        self._traded: set[int] = set()
        self._roster = Roster(
            client=self._client,
            outbox=self._outbox,
            login=login.name,
            within_s=login.request_deadline_s,
            every_s=login.roster_every_s,
            guarded=self._guarded.keys(),
            traded=self._traded,
            on_listed=on_listed,
        )

    @staticmethod
    def _create_actor_inbox() -> Inbox:
        return GatewayInbox()

    def on_start(self) -> None:
        """Start what runs by itself; after a restart resume; on the loop."""
        sides: dict[str, Any]
        sides = {"settings": self._login, "tokens": self._client, "outbox": self._outbox}
        self._user = UserStream(**sides, traded=self._traded)
        self._market = MarketStream(**sides)
        self._user_runs = self._market_runs = False
        self.keep_running(self._keep_client())
        self.keep_running(summarise(self._outbox))
        now = self._outbox.clock.now()
        announce = AnnounceHeld(at=now, cause="start", login=self._login.name)
        self._outbox.tell(QUOTES, announce)  # others may hold what its hub is to hear
        if self._guarded:  # it is a successor
            # Whatever ended its predecessor: that one may have hung, and said nothing.
            self._market.leave("a new gateway")
            self._guard(tuple(self._guarded))

    def on_failure(
        self,
        _exception_type: type[BaseException] | None,
        _exception_value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Tell every account that it hears nothing until a successor is up; on the loop."""
        self._user.hub_down(self._user.hub.generation, "the gateway failed")
        self._market.leave("the gateway failed")

    def on_receive(self, message: Any) -> object:  # noqa: C901, PLR0911 - one case per message
        """Handle one message; on the loop. What takes time is returned and runs on beside others."""
        match message:
            case BrokerCommand():
                return self._carry_out(message)
            case TakeSnapshot():
                return self._snapshot(message)
            case DescribeContract():
                return self._describe(message)
            case RenewStream():
                self._user.renew(message.account)
            case WatchQuotes():
                self._watch(message.contracts)
            case GuardAccounts():
                self._poll.every_s = message.poll_s
                self._guard(message.accounts)
            case PollAccounts():
                self._poll.every_s = message.poll_s
            case OpenSession():
                return self._open_session(message)
            case GetLoginStatus():
                return self._status()
            case Ping():
                return f"gateway/{self._login.name}"
            case _:
                raise TypeError(f"a GatewayActor cannot handle {type(message).__name__}")
        return None

    def _status(self) -> LoginStatus:
        budget = self._client.budget
        return LoginStatus(
            login=self._login.name,
            user_hub=self._user.hub.connected,
            market_hub=self._market.hub.connected if self._market_runs else None,
            requests=self._login.budget_requests,
            used=budget.used,
            queued=budget.queued,
        )

    # --- commands -------------------------------------------------------------------------------

    def _carry_out(self, command: BrokerCommand) -> asyncio.Task[Outcome]:
        shadow = self._in_shadow(command.account)
        carrying = _withhold() if shadow else self._client.carry_out(command)
        task = asyncio.get_running_loop().create_task(carrying)
        # A callback, since it comes even if the task is cancelled before its first step.
        task.add_done_callback(partial(self._tell_outcome, command))
        return task

    def _tell_outcome(self, command: BrokerCommand, task: asyncio.Task[Outcome]) -> None:
        answer = BrokerCommandAnswered(
            account=command.account,
            at=self._outbox.clock.now(),
            cause=command.command_id,
            command_id=command.command_id,
            outcome=self._outbox.blot_outcome(_outcome_of(task)),
        )
        self._outbox.tell(f"enforcer/{command.account}", answer)

    # --- reads ----------------------------------------------------------------------------------

    async def _open_session(self, command: OpenSession) -> SessionOpened:
        await self._client.token()
        try:
            rows = await self._client.accounts(within_s=_LISTING_S)
        except ReadFailedError as error:
            said = self._outbox.blot(str(error))
            raise BrokerUnreachableError(f"login {self._login.name!r}: {said}") from None
        self._roster.note(rows)
        records, unreadable = [], []
        for row in rows:
            try:
                records.append(account_record_of(row))
            except DecodeError as error:
                self._outbox.quarantine("/Account/search", shown(row.raw, 2000), error)
                unreadable.append(self._outbox.blot(str(error)))
        return SessionOpened(
            at=self._outbox.clock.now(),
            cause=command.cause,
            login=self._login.name,
            accounts=tuple(records),
            unreadable=tuple(unreadable),
        )

    def _snapshot(self, command: TakeSnapshot) -> asyncio.Task[SnapshotTaken | SnapshotFailed]:
        reading = take_snapshot(self._client, self._outbox, command, self._user.hub.generation)
        task = asyncio.get_running_loop().create_task(reading)
        task.add_done_callback(partial(self._tell_snapshot, command))
        return task

    def _tell_snapshot(
        self, command: TakeSnapshot, task: asyncio.Task[SnapshotTaken | SnapshotFailed]
    ) -> None:
        unfinished = _unfinished(task)
        answer = failed(command, self._outbox, unfinished) if unfinished else task.result()
        self._outbox.tell(command.asker, answer)

    async def _describe(self, command: DescribeContract) -> None:
        about: dict[str, Any] = {
            "account": command.account,
            "cause": f"contract/{command.contract}",
        }
        try:
            contract = await self._contract(command.contract)
        except ReadFailedError as error:
            if isinstance(error, MalformedAnswerError):
                self._outbox.quarantine(error.source, error.raw, error.error)
            about |= {"contract": command.contract, "reason": self._outbox.blot(str(error))}
            self._outbox.to_account(ContractUnknown(at=self._outbox.clock.now(), **about))
            return
        now = self._outbox.clock.now()
        self._outbox.to_account(ContractDescribed(at=now, contract=contract, **about))

    async def _contract(self, contract: str) -> Contract:
        # One lookup per contract: at start every account asks for the same few.
        async with self._lookups[contract]:
            if contract not in self._contracts:
                within_s = self._login.request_deadline_s
                record = await self._client.contract(contract, within_s=within_s)
                self._contracts[contract] = record
        return self._contracts[contract]

    # --- streams --------------------------------------------------------------------------------

    def _guard(self, accounts: tuple[int, ...]) -> None:
        self._guarded |= dict.fromkeys(accounts)
        if not self._user_runs:
            self._user_runs = True
            self.keep_running(self._user.hub.run())
            self.keep_running(self._user.readmit())
            every_s = self._login.reconcile_every_s
            self.keep_running(reconcile_in_turn(self._guarded, self._outbox, every_s))
            self.keep_running(self._poll.run())
            self.keep_running(self._roster.run())
        self._user.guard(accounts)

    def _watch(self, contracts: tuple[str, ...]) -> None:
        self._market.watch(contracts)
        if not self._market_runs:
            self._market_runs = True
            self.keep_running(self._market.hub.run())
            self.keep_running(self._market.attend())

    async def _keep_client(self) -> None:
        try:
            await keep_session(self._client, self._outbox)
        finally:
            await self._client.close()


async def _withhold() -> Outcome:
    """Send nothing: the account is watched in shadow."""
    return Withheld()


def _outcome_of(task: asyncio.Task[Outcome]) -> Outcome:
    unfinished = _unfinished(task)
    return Uncertain(reason=unfinished) if unfinished else task.result()


def _unfinished(task: asyncio.Task[Any]) -> str:
    """Return why a task has no result; empty if it has one."""
    if task.cancelled():
        return "the gateway ended before the broker had answered"
    error = task.exception()
    return f"the gateway failed: {type(error).__name__}" if error is not None else ""
