"""The live picture of every account for all pages that look: read once a second for all of them together.

Nobody looking, nobody is asked. A page is sent everything once, and from then on only the accounts that
have changed since what it has seen; one that takes its time misses the pictures in between, so nothing
ever piles up for it. While a read takes long there are beats, so that silence always means that this
process, or the way to it, is gone.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pykka
import structlog

from actors.ops.protection import holes
from actors.ops.shared_read import SharedRead
from messages import codec
from messages.queries import AccountBoard, SystemBoard

EVERY_S = 1.0
"""From the beginning of one read to that of the next."""
PAUSE_S = 0.2
"""At least so long nobody is asked, however long a read takes."""
BEAT_S = 1.5
"""After so long without a picture there is a beat."""
STREAM_S = 45.0
"""A stream ends after so long, before the server's own deadline; a page comes back at once."""
MOST_STREAMS = 24

_log = structlog.get_logger(actor="http")


class _Part(msgspec.Struct, frozen=True):
    """One thing that is shown."""

    tick: int
    """The picture in which it last changed."""
    json: bytes
    """It, encoded."""


class Feed:
    """What is shown, and since which picture; used on the server's loop."""

    def __init__(self, read: SharedRead[SystemBoard], *, locks: bool) -> None:
        self._read = read
        self._locks = locks
        """Whether the process takes a lock from here: it was started with a token."""
        self._epoch = secrets.token_hex(4)
        self._tick = 0
        self._shown_at = 0.0
        """When the present picture was asked for, on the loop's clock."""
        self._fresh = False
        """It is of the reading that goes on: nobody is shown one of an hour ago."""
        self._at = b"null"
        self._head = _Part(tick=0, json=b"null")
        self._rows: dict[int, _Part] = {}
        self._rules: dict[int, tuple[str, ...]] = {}
        self._said: dict[int, bytes] = {}
        """The present picture by the tick it is told from: the same for all who saw that."""
        self._changed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._listeners = 0
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def full(self) -> bool:
        """Say whether as many listen as may."""
        return self._listeners >= MOST_STREAMS

    def rules_of(self, account: int) -> tuple[str, ...]:
        """Return what an account is judged by, a line per rule; nothing before the first picture."""
        return self._rules.get(account, ())

    def close(self) -> None:
        """End every stream; from any thread, also before the first or after the last one."""
        self._closed = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and its streams with it
                self._loop.call_soon_threadsafe(self._wake)

    async def stream(self, last_seen: str | None) -> AsyncIterator[bytes]:
        """Yield server-sent events to one page; `last_seen` is the id of the last one it has."""
        self._listeners += 1
        self._loop = loop = asyncio.get_running_loop()
        until, tick = loop.time() + STREAM_S, self._tick_of(last_seen)
        self._look()
        try:
            yield b"retry: 400\n\n"
            while not self._closed and loop.time() < until:
                if self._tick > tick and self._fresh:
                    said, tick = self._picture_since(tick), self._tick
                    yield said
                elif not await self._news():
                    yield b"event: beat\ndata: 0\n\n"
        finally:
            self._listeners -= 1

    def _tick_of(self, last_seen: str | None) -> int:
        """Return which picture a page has; 0 = none that this process has made."""
        epoch, _, tick = (last_seen or "").partition("-")
        known = epoch == self._epoch and tick.isascii() and tick.isdecimal()
        known = known and len(tick) <= len(str(self._tick)) and int(tick) <= self._tick
        return int(tick) if known else 0

    async def _news(self) -> bool:
        try:
            async with asyncio.timeout(BEAT_S):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _picture_since(self, tick: int) -> bytes:
        if tick not in self._said:
            rows = (row.json for row in self._rows.values() if row.tick > tick)
            head = self._head.json if self._head.tick > tick else b"null"
            self._said[tick] = b"".join(
                (
                    b',"full":' + (b"false" if tick else b"true"),
                    b',"at":' + self._at + b',"head":' + head,
                    b',"rows":[' + b",".join(rows) + b"]}\n\n",
                )
            )
        age_ms = int((asyncio.get_running_loop().time() - self._shown_at) * 1000)
        begin = f'id: {self._epoch}-{self._tick}\nevent: picture\ndata: {{"age_ms":{age_ms}'
        return begin.encode() + self._said[tick]

    # --- reading ---

    def _look(self) -> None:
        if self._reader is None:
            self._fresh = False
            self._reader = asyncio.create_task(self._keep_reading())
            self._reader.add_done_callback(self._ended)

    def _ended(self, reader: "asyncio.Task[None]") -> None:
        self._reader = None
        if not reader.cancelled() and (error := reader.exception()):
            _log.error("feed_failed", error=repr(error))
            # Not at once: what fails every time would ask the accounts as fast as it can.
            reader.get_loop().call_later(PAUSE_S, self._look_again)

    def _look_again(self) -> None:
        if self._listeners and not self._closed:
            self._look()

    async def _keep_reading(self) -> None:
        loop = asyncio.get_running_loop()
        while self._listeners and not self._closed:
            begun = loop.time()
            try:
                board = await self._read.read()
            except (pykka.Timeout, pykka.ActorDeadError) as error:
                _log.error("board_unanswered", error=repr(error))
                self._fail(begun)
            else:
                self._show(board, begun)
            pause = max(begun + EVERY_S - loop.time(), PAUSE_S)
            await asyncio.sleep(pause)

    def _show(self, board: SystemBoard, asked_at: float) -> None:
        self._tick += 1
        self._shown_at = asked_at
        self._at = codec.to_json(board.status.at)
        self._put_head({**_head(board), "locks": self._locks})
        for each in board.accounts:
            account = each.status.account
            self._rows[account] = self._part(self._rows.get(account), _row(each, board))
            self._rules[account] = each.rules
        self._tell()

    def _fail(self, asked_at: float) -> None:
        """Say that nothing is known: what was shown before may have changed since."""
        self._tick += 1
        self._shown_at = asked_at
        said = "accounts do not say how they stand; look at the log and at the alarms"
        self._put_head({"holes": [{"kind": "unanswered", "account": None, "text": said}]})
        self._tell()

    def _put_head(self, head: dict[str, Any]) -> None:
        self._head = self._part(self._head, codec.to_json(head))

    def _part(self, before: _Part | None, json: bytes) -> _Part:
        if before is not None and before.json == json:
            return before
        return _Part(tick=self._tick, json=json)

    def _tell(self) -> None:
        self._fresh = True
        self._said.clear()
        self._wake()

    def _wake(self) -> None:
        self._changed.set()  # all who wait now; who comes later compares ticks first
        self._changed = asyncio.Event()


def _head(board: SystemBoard) -> dict[str, Any]:
    """Return what concerns no single account, and every hole in the protection."""
    fields: dict[str, Any] = codec.builtins(board.status)
    for of_their_own in ("accounts", "at"):
        del fields[of_their_own]
    return {**fields, "holes": [each._asdict() for each in holes(board.status)]}


def _row(each: AccountBoard, board: SystemBoard) -> bytes:
    fields = codec.builtins(each)
    del fields["rules"]  # many words that hardly ever change: on the account's own page
    return codec.to_json({**fields, "profile": board.profiles.get(each.status.account)})
