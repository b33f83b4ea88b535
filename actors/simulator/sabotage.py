"""Misfortune on request: faults, hubs that fall silent or drop, revoked tokens, odd payloads."""

from datetime import timedelta
from typing import Any

from actors.simulator.faults import Fault, FaultKind
from actors.simulator.refusals import Refusal
from actors.simulator.verbs import Verbs, verb


class Sabotage(Verbs):
    """What goes wrong; README.md has the table of faults."""

    @verb
    def fault(
        self,
        kind: FaultKind,
        where: str = "*",
        *,
        account: int | None = None,
        times: int | None = None,
        seconds: float = 0.0,
        status: int = 0,
        code: int | None = None,
        refusal: str | None = None,
        text: str | None = None,
        copies: int = 2,
    ) -> int:
        """Switch a fault on for `times` times (None = until cleared); return its id.

        `where` is a pattern on the endpoint (`/Order/*`) or, for push faults, on the hub target.
        """
        return self._broker.faults.add(
            Fault(
                id=0,
                kind=FaultKind(kind),
                where=where,
                account=account,
                times=times,
                seconds=seconds,
                status=status,
                code=code,
                refusal=None if refusal is None else Refusal(refusal),
                text=text,
                copies=copies,
            )
        )

    @verb
    def clear_faults(self, fault_id: int | None = None) -> None:
        """Switch one fault or all of them off; whatever hangs goes on, gathered pushes are sent."""
        self._broker.faults.clear(fault_id)
        self._broker.hangs.release()
        self._broker.hubs.flush()

    @verb
    def end_fault(self, fault_id: int) -> None:
        """Switch one fault off and nothing else: what hangs goes on hanging."""
        self._broker.faults.clear(fault_id)

    @verb
    def struck(self, fault_id: int) -> int:
        """Return how often a fault has struck so far, switched off meanwhile or not."""
        return self._broker.faults.struck[fault_id]

    @verb
    def release(self) -> None:
        """Let the requests that hang go on; the faults stay."""
        self._broker.hangs.release()

    @verb
    def silence(self, on: bool) -> None:
        """Keep the hubs connected and send nothing, not even pings; what is not sent is lost."""
        self._broker.hubs.silence.silent = on

    @verb
    def freeze(self, on: bool) -> None:
        """Stop answering anything at all, TCP up; what was due is sent when the gateway thaws."""
        thawed = self._broker.hubs.silence.thawed
        if on:
            thawed.clear()
        else:
            thawed.set()

    @verb
    def drop_connections(self, username: str | None = None, *, abruptly: bool = True) -> int:
        """Drop hub connections, by reset or with close code 1001; return how many."""
        return self._broker.hubs.drop(username, abruptly=abruptly)

    @verb
    def forget_subscriptions(self, account: int) -> None:
        """Forget who subscribed an account's streams; the connections stay and nobody is told."""
        self._broker.hubs.forget_subject(account)

    @verb
    def forget_quotes(self, contract: str) -> None:
        """Forget who subscribed a contract; the connections stay and nobody is told."""
        self._broker.hubs.forget_subject(contract)

    @verb
    def log_out(
        self, username: str | None = None, reason: str = "Session opened on another device."
    ) -> None:
        """Send GatewayLogout and hang up: a session conflict."""
        self._broker.hubs.log_out(username, reason)

    @verb
    def revoke_tokens(self, username: str | None = None) -> None:
        """Make every token (of a user) invalid at once; open hub connections stay."""
        self._broker.sessions.revoke(username=username)

    @verb
    def shorten_tokens(self, life_s: float) -> None:
        """Let tokens that are given out from now on live so long."""
        self._broker.sessions.life_s = life_s

    @verb
    def date_answers(self, ahead_s: float | None) -> None:
        """Answer with a `Date` so many seconds ahead of the broker's clock; None = without one."""
        self._broker.date_ahead = None if ahead_s is None else timedelta(seconds=ahead_s)

    @verb
    def limit_requests(self, enabled: bool) -> None:
        """Switch the request budgets on or off."""
        self._broker.limits_enabled = enabled

    @verb
    def push_raw(self, target: str, payload: Any, account: int | None = None) -> None:
        """Push a payload as it stands to an account's subscribers, or to every user connection."""
        self._broker.hubs.send_user(target, account, payload)

    @verb
    def push_raw_quote(self, contract: str, payload: Any) -> None:
        """Push a payload as it stands to a contract's subscribers; the market does not move."""
        self._broker.hubs.send_market("GatewayQuote", contract, payload)
