"""Whatever a broker sends: a fact, or a quarantine and an alarm; never an exception, never a stranger."""

import asyncio
import base64
from contextlib import suppress
from datetime import datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.gateway import LoginSettings, signalr
from actors.gateway.answers import Reply, expiry_of, outcome_of, token_of
from actors.gateway.client import BrokerClient
from actors.gateway.connection import Connection
from actors.gateway.errors import GatewayError, HubError
from actors.gateway.market_stream import MarketStream
from actors.gateway.outbox import Outbox
from actors.gateway.poll import AccountPoll
from actors.gateway.snapshots import take_snapshot
from actors.gateway.user_stream import UserStream
from actors.runtime import Directory, VirtualClock
from messages import codec
from messages.base import Message
from messages.commands import (
    CloseContract,
    PlaceOrder,
    ReconcileAccount,
    ReportBrokerTime,
    TakeSnapshot,
)
from messages.events import AlarmRaised
from messages.facts import (
    AccountChanged,
    OrderChanged,
    PayloadQuarantined,
    PositionChanged,
    QuoteHeard,
    SnapshotFailed,
    SnapshotTaken,
    TradeExecuted,
)
from messages.journal import Append
from messages.values import (
    AlarmCode,
    Done,
    NotSent,
    OrderType,
    Rejected,
    Side,
    Uncertain,
)
from tests.gateway.support import AT, KEY, USER
from tests.gateway.test_decode import ACCOUNT, MYM, ORDER, POSITION, TRADE
from tests.security.payloads import GUARDED, JSON, ODD, bent, encoded, frames, rows

FACTS = (TradeExecuted, PositionChanged, OrderChanged, AccountChanged)
EXAMPLES = settings(max_examples=150, deadline=None, print_blob=True)
"""Hypothesis prints the example and its blob; --hypothesis-seed repeats a run."""


class Notes(Directory):
    """Addresses at which nobody lives; what they are told is noted."""

    def __init__(self, told: list[tuple[str, Message]]) -> None:
        super().__init__()
        self._told = told

    def tell(self, address: str, message: Message) -> None:
        self._told.append((address, message))


class Desk:
    """The gateway's streams without a wire: bytes in, and everything that is told out."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Message]] = []
        directory = Notes(self.told)
        self.clock = VirtualClock(AT)
        self.outbox = Outbox(login="desk", clock=self.clock, directory=directory)
        self.user = UserStream(settings=_SETTINGS, tokens=None, outbox=self.outbox, traded=set())
        self.market = MarketStream(settings=_SETTINGS, tokens=None, outbox=self.outbox)
        self.user.guard([GUARDED])
        self.market.watch([MYM])

    def hear(self, raw: bytes) -> None:
        """Hear one record on both hubs, as their connections do."""
        for listener in (self.user, self.market):
            with suppress(HubError):  # the connection ends and is made anew: an outcome too
                Connection(None, listener)._hear(raw)

    def events(self) -> list[Message]:
        return [
            event
            for to, each in self.told
            for event in (each.events if isinstance(each, Append) else [each])
        ]


class _Settings:
    name = "desk"
    user_hub_url = market_hub_url = "http://x"
    silence_s = 1.0


_SETTINGS = _Settings()


def check_told(desk: Desk) -> None:
    """Everything that was told is well formed, storable, and about nobody but the guarded account."""
    for to, message in desk.told:
        if isinstance(message, Append):
            kept = [each for each in message.events if isinstance(each, PayloadQuarantined)]
            alarms = [each for each in message.events if isinstance(each, AlarmRaised)]
            assert alarms, "what is set aside is alarmed"
            assert {each.code for each in alarms} <= {
                AlarmCode.PAYLOAD_QUARANTINED,
                AlarmCode.UNKNOWN_ACCOUNT,
                AlarmCode.BUDGET_EXHAUSTED,
            }
            assert all(len(each.raw) <= 2_000 and each.error for each in kept)
        elif isinstance(message, (*FACTS, ReconcileAccount)):
            assert (to, message.account) == (f"account/{GUARDED}", GUARDED)
        elif isinstance(message, QuoteHeard):
            assert message.quote.contract == MYM
        else:
            assert isinstance(message, ReportBrokerTime), message
    for event in desk.events():
        if not isinstance(event, QuoteHeard | ReportBrokerTime | ReconcileAccount):
            assert codec.unpack(codec.pack(event)) == event


@EXAMPLES
@given(st.lists(frames(), min_size=1, max_size=4))
@example([b"[" * 100_000])
@example([encoded({"type": 1, "target": "GatewayUserTrade", "arguments": [{"data": {"data": 1}}]})])
def test_a_hub_record_becomes_facts_or_is_set_aside_aloud(raws):
    """The real connection and both streams, record by record."""
    desk = Desk()
    for raw in raws:
        before = len(desk.told)
        desk.hear(raw)
        new = desk.told[before:]
        said = raw.lower()
        if b"gatewayuser" in said and not is_hung_up(raw):
            assert new, "neither a fact nor a quarantine"
    check_told(desk)


def is_hung_up(raw: bytes) -> bool:
    """Tell whether a record is none of a call: answers, pings and farewells say nothing of accounts."""
    try:
        record = signalr.parse(raw)
    except GatewayError:
        return False
    kind = (record.get("type") or record.get("Type")) if isinstance(record, dict) else None
    return kind in (3, 6, 7) and type(kind) is int


@EXAMPLES
@given(st.sampled_from([ORDER, TRADE, POSITION]), st.integers(0, 2**63 - 1), st.data())
def test_a_foreign_account_changes_nothing(record, account, data):
    """Set aside with an alarm; nobody is told of it, whatever else the record says."""
    if account == GUARDED:
        return
    target = {id(ORDER): "Order", id(TRADE): "Trade", id(POSITION): "Position"}[id(record)]
    bent = (
        record | {"accountId": account} | data.draw(st.fixed_dictionaries({}, optional={"x": JSON}))
    )
    desk = Desk()

    desk.hear(encoded({"type": 1, "target": f"GatewayUser{target}", "arguments": [bent]}))

    assert {to for to, _ in desk.told} == {"journal"}
    check_told(desk)


# --- answers to requests ------------------------------------------------------------------------


class Told(BrokerClient):
    """The real client, whose wire answers what a test says."""

    def __init__(self, desk: Desk, answers: dict[str, bytes], status: int = 200) -> None:
        self._answers = answers
        self._status = status
        super().__init__(
            LOGIN,
            clock=desk.clock,
            alarm=desk.outbox.alarm,
            report_time=desk.outbox.report_time,
            fence=str,
        )

    async def _send(self, _method, endpoint, _body, flight):
        flight.begun = True
        content = self._answers.get(endpoint, b'{"success": true, "token": "opaque"}')
        status = 200 if endpoint == "/Auth/loginKey" else self._status
        return Reply(status, content, None)


LOGIN = LoginSettings(
    name="desk",
    username=USER,
    api_key=KEY,
    api_url="http://x/api",
    user_hub_url="http://x",
    market_hub_url="http://x",
    budget_requests=10_000,
)


@settings(EXAMPLES, max_examples=80)
@given(
    rows("positions", POSITION),
    rows("orders", ORDER),
    rows("trades", TRADE),
    rows("accounts", ACCOUNT | {"id": GUARDED}),
    st.sampled_from([200, 200, 200, 500, 429, 204]),
)
def test_a_snapshot_is_complete_and_the_accounts_own_or_it_failed(
    positions, orders, trades, accounts, status
):
    """Never an exception, never an empty list for want of an answer, never another account's rows."""
    desk = Desk()
    answers = {
        "/Position/searchOpen": positions,
        "/Order/v2/query": orders,
        "/Trade/search": trades,
        "/Account/search": accounts,
    }
    command = TakeSnapshot(
        account=GUARDED,
        at=AT,
        cause="test",
        request_id="1",
        asker="account/1",
        trades_since=AT,
        urgent=True,
        deadline_s=5.0,
    )

    async def read():
        return await take_snapshot(Told(desk, answers, status), desk.outbox, command, 1)

    taken = asyncio.run(read())

    assert isinstance(taken, SnapshotTaken | SnapshotFailed)
    assert codec.unpack(codec.pack(taken)) == taken
    if isinstance(taken, SnapshotTaken):
        assert status == 200
        listed = signalr.parse(positions)
        given_rows = [
            row for row in listed.get("positions") or listed["Positions"] if row.get("size")
        ]
        assert len(taken.positions) == len(given_rows)
    check_told(desk)


@settings(EXAMPLES, max_examples=60)
@given(rows("accounts", ACCOUNT | {"id": GUARDED}), st.sampled_from([200, 200, 503]))
def test_the_poll_tells_only_what_was_said(accounts, status):
    """A row that cannot be understood says nothing; nobody unguarded is told anything."""
    desk = Desk()
    poll = AccountPoll(
        client=Told(desk, {"/Account/search": accounts}, status),
        outbox=desk.outbox,
        login="desk",
        within_s=5.0,
        accounts=[GUARDED],
    )
    asyncio.run(poll.look())

    for to, message in desk.told:
        if isinstance(message, AccountChanged):
            assert (to, message.account, type(message.can_trade)) == (
                f"account/{GUARDED}",
                GUARDED,
                bool,
            )
        else:
            assert to == "journal"


def described(row: object) -> bytes:
    return encoded({"success": True, "errorCode": 0, "contract": row})


CONTRACT = {"id": MYM, "name": "MYMM26", "tickSize": 1, "tickValue": 0.5}


@settings(EXAMPLES, max_examples=60)
@given(st.one_of(rows("contract", CONTRACT), bent(CONTRACT).map(described)))
def test_a_contract_is_described_as_asked_or_not_at_all(answer):
    """An absurd tick value would value every position wrongly."""
    desk = Desk()
    client = Told(desk, {"/Contract/searchById": answer})
    try:
        contract = asyncio.run(client.contract(MYM, within_s=5.0))
    except GatewayError:
        return
    assert contract.contract == MYM
    assert contract.tick_size > 0
    assert contract.tick_value_usd > 0


@EXAMPLES
@given(
    st.one_of(
        st.fixed_dictionaries(
            {"success": st.one_of(st.booleans(), JSON)},
            optional={"errorCode": JSON, "errorMessage": JSON, "orderId": JSON},
        ).map(encoded),
        JSON.map(encoded),
        ODD,
    ),
    st.sampled_from([200, 200, 200, 204, 302, 400, 401, 403, 404, 429, 500, 502, 600]),
    st.booleans(),
)
def test_a_command_has_exactly_one_outcome_and_doubt_is_uncertain(content, status, is_place):
    """Done is only what says so plainly; not sent only what proves it."""
    desk = Desk()
    command = {"account": GUARDED, "at": AT, "cause": "x", "command_id": "c", "deadline_s": 5.0}
    asked = (
        PlaceOrder(**command, contract=MYM, type=OrderType.MARKET, side=Side.BUY, size=1)
        if is_place
        else CloseContract(**command, contract=MYM)
    )
    endpoint = "/Order/place" if is_place else "/Position/closeContract"

    outcome = asyncio.run(Told(desk, {endpoint: content}, status).carry_out(asked))

    assert isinstance(outcome, Done | Rejected | NotSent | Uncertain)
    if isinstance(outcome, Done):
        answer = signalr.parse(content)
        assert status == 200
        assert True in (answer.get("success"), answer.get("Success"))
    if status == 200:
        assert not isinstance(outcome, NotSent)
    assert outcome == outcome_of(endpoint, Reply(status, content, None))


@EXAMPLES
@given(
    st.one_of(
        st.fixed_dictionaries(
            {}, optional={"success": JSON, "token": JSON, "errorCode": JSON, "errorMessage": JSON}
        ).map(encoded),
        JSON.map(encoded),
        ODD,
    ),
    st.sampled_from([200, 200, 401, 403, 500]),
)
@example(encoded({"token": "line\nbreak"}), 200)
@example(encoded({"token": "é"}), 200)
def test_a_login_gives_a_token_that_can_be_sent_or_is_an_error_with_a_code(content, status):
    """A token that no header can carry would fail at every request, as nobody expects."""
    try:
        token = token_of(Reply(status, content, None), place="login 'desk'", blot=str)
    except GatewayError:
        return
    assert token.isascii()
    assert token.isprintable()
    expiry = expiry_of(token)
    assert expiry is None or isinstance(expiry, datetime)


@EXAMPLES
@given(st.one_of(JSON.map(encoded), ODD, JSON.map(lambda value: encoded({"exp": value}))))
@example(b"[" * 100_000)
def test_what_a_token_says_of_its_end_is_a_time_or_nothing(claims):
    """Broken claims must not keep anybody from logging in."""
    expiry = expiry_of(f"a.{base64.urlsafe_b64encode(claims).decode()}.c")

    assert expiry is None or isinstance(expiry, datetime)
