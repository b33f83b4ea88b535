"""The dashboard's routes; all of them read, and what they read can wait.

Part of the HTTP server, behind its gatekeeper. The picture of the accounts comes from the feed, asked
once for everybody; history comes from the journal's own file, read apart (`reading.py`).
"""

import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from actors.journal import Store, StoreError
from actors.ops.gatekeeper import JSON, complaints
from actors.ops.shared_read import SharedRead
from actors.ops.web.feed import Feed
from actors.ops.web.incidents import (
    ExportFailedError,
    NoSuchIncidentError,
    bundle,
    incident_at,
    last_incidents,
)
from actors.ops.web.pages import page_routes
from actors.ops.web.reading import UNREADABLE, Reading
from actors.ops.web.story import Stories
from messages import codec
from messages.queries import SystemBoard

_EVENTS = "text/event-stream"
_OURS = frozenset({None, "none", "same-origin"})
"""What browsers say of a request of our own page, or typed by a person; other programs say nothing."""
_LARGEST = 2**63 - 1
"""The largest number SQLite knows."""
_log = structlog.get_logger(actor="http")


type Answer = Callable[[Request], Awaitable[Response]]


class Dashboard:
    """What the page is made of."""

    def __init__(
        self, *, board: Callable[[], SystemBoard], journal: Path, anchor: Path, locks: bool
    ) -> None:
        self._journal, self._anchor = journal, anchor
        self._feed = Feed(SharedRead(board), locks=locks)
        self._reading = Reading(journal)
        self._stories = Stories()
        self._bundling = False
        self._closing = threading.Event()
        """Ends a bundle that is being made."""

    def close(self) -> None:
        """End every stream, and a bundle that is being made; from any thread."""
        self._closing.set()
        self._feed.close()

    def routes(self) -> Iterator[Route]:
        """Yield every way in; none of them changes anything."""
        yield from page_routes()
        for path, answer in (
            ("/api/stream", self._stream),
            ("/api/accounts/{account:int}", self._account),
            ("/api/incidents", self._incidents),
            ("/api/incidents/{account:int}/{seq:int}", self._incident),
            ("/api/incidents/{account:int}/{seq:int}/bundle", self._bundle),
        ):
            yield Route(path, _for_our_own_page(answer), name=path)

    async def _stream(self, request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type=_EVENTS)
        if self._feed.full:
            return _refused(503, "too many pages are open; close one")
        said = self._feed.stream(request.headers.get("last-event-id"))
        return StreamingResponse(said, media_type=_EVENTS)

    async def _account(self, request: Request) -> Response:
        account = _number(request, "account")
        rules = self._feed.rules_of(account)
        return await self._told(
            lambda store: {"rules": rules, "day": self._stories.day_of(store, account)}
        )

    async def _incidents(self, _request: Request) -> Response:
        return await self._told(last_incidents)

    async def _incident(self, request: Request) -> Response:
        account, seq = _number(request, "account"), _number(request, "seq")
        return await self._told(lambda store: incident_at(store, account, seq))

    async def _bundle(self, request: Request) -> Response:
        account, seq = _number(request, "account"), _number(request, "seq")
        if self._bundling:
            return _refused(503, "another bundle is being made; try again")
        self._bundling = True
        try:
            day = (
                await self._reading.ask(lambda store: incident_at(store, account, seq))
            ).trading_date
            if day is None:
                return _refused(409, "its day is in an archive; use `journal export --incident`")
            places = (self._journal, self._anchor)
            made = await run_in_threadpool(bundle, *places, account, day, self._closing)
        except NoSuchIncidentError as error:
            return _refused(404, str(error))
        except (StoreError, ExportFailedError, *UNREADABLE) as error:
            return _unreadable(error)
        finally:
            self._bundling = False
        name = f"incident-{account}-{day}.zip"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(made, media_type="application/zip", headers=disposition)

    async def _told(self, question: Callable[[Store], object]) -> Response:
        try:
            found = await self._reading.ask(question)
        except NoSuchIncidentError as error:
            return _refused(404, str(error))
        except (StoreError, *UNREADABLE) as error:
            return _unreadable(error)
        return Response(codec.to_json(found), media_type=JSON)


def _for_our_own_page(answer: Answer) -> Answer:
    """Answer no page of another site: it could not read a word, but keep us busy."""

    async def guarded(request: Request) -> Response:
        if request.headers.get("sec-fetch-site") not in _OURS:
            return _refused(403, "asked by a page of another site")
        return await answer(request)

    return guarded


def _number(request: Request, name: str) -> int:
    """Return a number of the path; one that no journal can hold is like one that it does not."""
    return min(int(request.path_params[name]), _LARGEST)


def _unreadable(error: Exception) -> Response:
    _log.warning("journal_unread", error=str(error))
    return _refused(503, f"the journal cannot be read: {error}")


def _refused(status: int, said: str) -> Response:
    return complaints(status, [said])
