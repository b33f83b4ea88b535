"""The REST door of the simulated gateway: who may in, what goes wrong, what is answered and recorded.

Order of things for every request: recorded on arrival; connection faults; 401; 429; business faults; the
endpoint; faults after it; recorded with its answer. HTTP 200 carries business errors in the envelope.
Runs on the simulator's loop; an endpoint never waits, only faults do.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from actors.simulator.broker import Broker
from actors.simulator.endpoints import ENDPOINTS, Endpoint
from actors.simulator.faults import ConnectionCutError, Fault, FaultKind
from actors.simulator.hubs import bearer
from actors.simulator.record import Request
from actors.simulator.refusals import CODES, Refusal, RefusedError, code_of
from actors.simulator.wire import Row, decode, encode

INVALID_CREDENTIALS = 3
UNDOCUMENTED = 99
"""Answered by a fault whose refusal has no number on the endpoint."""
BEFORE = frozenset({FaultKind.HANG_BEFORE, FaultKind.CUT_BEFORE})
INSTEAD = frozenset({FaultKind.REJECT, FaultKind.OK_NOT_APPLIED, FaultKind.GARBAGE})
AFTER = frozenset({FaultKind.HANG_AFTER, FaultKind.CUT_AFTER})
GARBAGE = b"<html><body>502 Bad Gateway</body></html>"


@dataclass(slots=True)
class Call:
    """One request on its way through."""

    endpoint: str
    token: str
    body: Any
    entry: Request


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status and a body, which is a row for everything that speaks the envelope."""

    status: int
    body: Row | bytes = b""


class Rest:
    """Answers everything under /api."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def ping(self, _request: web.Request) -> web.Response:
        """Answer that the gateway is up."""
        await self._broker.hubs.silence.thawed.wait()
        return web.Response(body=b'"pong"', content_type="application/json")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one POST, or drop its connection."""
        call = self._call(
            f"/{request.match_info['endpoint']}", bearer(request), await request.read()
        )
        try:
            answer = await self._answer(call)
        except ConnectionCutError:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        body = answer.body if isinstance(answer.body, bytes) else encode(answer.body)
        call.entry = self._broker.record.update(
            call.entry, status=answer.status, error_code=_error_code(answer)
        )
        return web.Response(status=answer.status, body=body, content_type="application/json")

    def _call(self, endpoint: str, token: str, raw: bytes) -> Call:
        try:
            body = decode(raw) if raw else {}
        except msgspec.DecodeError:
            body = None
        user = self._broker.sessions.user_of(token)
        entry = self._broker.record.received(user, endpoint, _account(body), _redacted(body))
        return Call(endpoint, token, body, entry)

    async def _answer(self, call: Call) -> Answer:
        await self._broker.hubs.silence.thawed.wait()
        self._broker.hangs.check()
        if delay := self._fault(call, {FaultKind.DELAY}):
            await asyncio.sleep(delay.seconds)
        await self._interrupt(self._fault(call, BEFORE))
        if fault := self._fault(call, {FaultKind.HTTP}):
            return Answer(fault.status)
        answer = self._admit(call)
        await self._interrupt(self._fault(call, AFTER))
        return answer

    def _fault(self, call: Call, kinds: frozenset[FaultKind] | set[FaultKind]) -> Fault | None:
        return self._broker.faults.take(kinds, call.endpoint, call.entry.account)

    async def _interrupt(self, fault: Fault | None) -> None:
        if fault is None:
            return
        if fault.kind in {FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER}:
            raise ConnectionCutError
        await self._broker.hangs.wait()

    def _admit(self, call: Call) -> Answer:
        if call.endpoint == "/Auth/loginKey":
            return self._log_in(call)
        user = self._broker.sessions.user_of(call.token)
        if user is None:
            return Answer(401)
        if not self._broker.within_limits(user, call.endpoint):
            return Answer(429)
        match call.endpoint:
            case "/Auth/validate":
                return _ok({"newToken": self._broker.sessions.issue(user)})
            case "/Auth/logout":
                self._broker.sessions.revoke(token=call.token)
                return _ok({})
        endpoint = ENDPOINTS.get(call.endpoint)
        return Answer(404) if endpoint is None else self._carry_out(call, endpoint, user)

    def _log_in(self, call: Call) -> Answer:
        if fault := self._fault(call, {FaultKind.REJECT}):
            return _error(fault.code or INVALID_CREDENTIALS, fault.text, {"token": None})
        asked = call.body if isinstance(call.body, dict) else {}
        token = self._broker.sessions.login(str(asked.get("userName")), str(asked.get("apiKey")))
        if token is None:
            return _error(INVALID_CREDENTIALS, None, {"token": None})
        return _ok({"token": token})

    def _carry_out(self, call: Call, endpoint: Endpoint, user: str) -> Answer:
        instead = self._fault(call, INSTEAD)
        match instead.kind if instead else None:
            case FaultKind.REJECT if instead:
                return _refuse(call.endpoint, instead)
            case FaultKind.GARBAGE:
                return Answer(200, GARBAGE)
            case FaultKind.OK_NOT_APPLIED:
                placed = call.endpoint == "/Order/place"
                order_id = next(self._broker.exchange.matcher.order_ids)
                return _ok({"orderId": order_id} if placed else {})
        return self._distort(call, self._run(call, endpoint, user))

    def _run(self, call: Call, endpoint: Endpoint, user: str) -> Answer:
        try:
            asked = msgspec.convert(call.body, endpoint.body)
            fields = endpoint.run(self._broker, user, asked)
        except msgspec.ValidationError as error:
            return Answer(
                400, {"title": "One or more validation errors occurred.", "detail": str(error)}
            )
        except RefusedError as refused:
            self._broker.tell(list(refused.events))
            return _error(code_of(call.endpoint, refused.refusal), refused.text, {})
        if endpoint.mutates:
            call.entry = self._broker.record.update(call.entry, applied=True)
        return _ok(fields)

    def _distort(self, call: Call, answer: Answer) -> Answer:
        """Answer something else than what happened, where a fault says so."""
        if fault := self._fault(call, {FaultKind.APPLIED_BUT_ERROR}):
            return Answer(fault.status) if fault.status else _refuse(call.endpoint, fault)
        if isinstance(answer.body, dict) and self._fault(call, {FaultKind.NULL_LIST}):
            envelope = ("success", "errorCode", "errorMessage")
            return Answer(200, {k: v if k in envelope else None for k, v in answer.body.items()})
        return answer


def _ok(fields: Row) -> Answer:
    return Answer(200, {**fields, "success": True, "errorCode": 0, "errorMessage": None})


def _error(code: int, text: str | None, fields: Row) -> Answer:
    return Answer(200, {**fields, "success": False, "errorCode": code, "errorMessage": text})


def _refuse(endpoint: str, fault: Fault) -> Answer:
    refusal = fault.refusal or Refusal.UNKNOWN_ERROR
    known = CODES.get(endpoint, {}).get(refusal, UNDOCUMENTED)
    return _error(known if fault.code is None else fault.code, fault.text, {})


def _error_code(answer: Answer) -> int | None:
    return answer.body.get("errorCode") if isinstance(answer.body, dict) else None


def _account(body: Any) -> int | None:
    if not isinstance(body, dict):
        return None
    asked = body.get("filter") if isinstance(body.get("filter"), dict) else body
    account = asked.get("accountId") if isinstance(asked, dict) else None
    return account if isinstance(account, int) else None


def _redacted(body: Any) -> Any:
    if isinstance(body, dict) and "apiKey" in body:
        return {**body, "apiKey": "***"}
    return body
