"""HTTP connections that cannot be held open for nothing: uvicorn's own, with deadlines and a limit.

A client that sends its request byte by byte, reads its answer byte by byte, or opens connections without
end loses them; who asks properly is answered meanwhile. File descriptors are shared with what guards the
accounts, so the number of connections is limited whatever happens.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 64
REQUEST_S = 5.0
"""Seconds in which a request must have come whole, and between two of one connection."""
ANSWER_S = 60.0
"""Seconds in which an answer must have been made and taken; a reload may need half of them."""


class BoundedConnection(H11Protocol):
    """One client's connection; on the server's loop."""

    _timer: asyncio.TimerHandle | None = None
    since = 0.0
    """When it began to wait for a request, on the loop's clock."""
    answering = False
    """A request has come whole and is not answered yet."""
    gone = False
    """It was given up; what was still to be sent is thrown away."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the place of the connection that has waited longest, where there are too many."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self._allow(REQUEST_S)
        living = self._living()
        if len(living) > MOST_CONNECTIONS:
            waiting = [each for each in living if not each.answering]
            min(waiting, key=lambda each: each.since, default=self).give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self.gone = True
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hear more of a request; once it is whole, it is our turn."""
        super().data_received(data)
        if not self.answering and self._is_asked():
            self.answering = True
            self._allow(ANSWER_S)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; who was to answer the request it came with has nobody to answer now."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        super().send_400_response(msg)

    def on_response_complete(self) -> None:
        """Wait for the next request, which may be here already, or until the last answer is taken."""
        super().on_response_complete()
        self.answering = self._is_asked()
        self.since = self.loop.time()
        untaken = self.transport.get_write_buffer_size()
        self._allow(ANSWER_S if self.answering or untaken else REQUEST_S)

    def _is_asked(self) -> bool:
        """Tell whether a request has come whole and is not answered yet."""
        cycle = self.cycle
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _living(self) -> list["BoundedConnection"]:
        """Return the connections of this server; one whose last answer nobody takes is one of them."""
        return [
            each
            for each in self.connections
            if isinstance(each, BoundedConnection) and not each.gone
        ]

    def _allow(self, seconds: float) -> None:
        self._forget()
        if not self.gone:
            self._timer = self.loop.call_later(seconds, self.give_up)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def give_up(self) -> None:
        """End it at once, whatever is still to be sent."""
        self.gone = True
        self.transport.abort()
