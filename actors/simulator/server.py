"""A ProjectX gateway at wire level on 127.0.0.1: REST, both SignalR hubs and the control API on one port.

Started by `main.py simulate`, the demo, tests and load runs; lives on a thread of its own with its own
asyncio loop. Never prints, never leaves this machine.
"""

import asyncio
import errno
import threading
from concurrent.futures import Future
from email.utils import format_datetime
from typing import Self

from aiohttp import web

from actors.runtime.clock import Clock
from actors.simulator.broker import Broker, Limits
from actors.simulator.control import Control
from actors.simulator.control_http import ControlDoor
from actors.simulator.record import Record
from actors.simulator.rest import Rest
from actors.simulator.sessions import SimUser

HOST = "127.0.0.1"
SHUTDOWN_S = 1.0


class PortInUseError(RuntimeError):
    """The port is taken by another program."""


class Simulator:
    """One simulated gateway; a context manager, or `start` and `stop`."""

    def __init__(
        self,
        *,
        clock: Clock,
        users: tuple[SimUser, ...],
        port: int = 0,
        token_life_s: float = 86_400.0,
        ping_every_s: float = 15.0,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        record_limit: int = 200_000,
        seed: int = 0,
    ) -> None:
        self._broker = Broker(
            clock=clock,
            users=users,
            token_life_s=token_life_s,
            limits=limits,
            record_limit=record_limit,
            seed=seed,
        )
        self.control = Control(self._broker)
        """What trader, venue, firm and misfortune do."""
        self._port = port
        self._ping_every_s = ping_every_s
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    @property
    def port(self) -> int:
        """Return the port it listens on; with `port=0` known after `start`."""
        return self._port

    @property
    def api_url(self) -> str:
        """Return the base of the REST API, for `ProjectXConfig.api_url`."""
        return f"http://{HOST}:{self._port}/api"

    @property
    def user_hub_url(self) -> str:
        """Return the user hub's address."""
        return f"http://{HOST}:{self._port}/hubs/user"

    @property
    def market_hub_url(self) -> str:
        """Return the market hub's address."""
        return f"http://{HOST}:{self._port}/hubs/market"

    @property
    def control_url(self) -> str:
        """Return the base of the control API."""
        return f"http://{HOST}:{self._port}/sim"

    def record(self) -> Record:
        """Return the broker's own record of requests and pushes."""
        return self._broker.record

    def start(self) -> None:
        """Listen, and return when clients can connect; again after `stop` it is the same broker.

        Raises:
            PortInUseError: another program listens on the port.
        """
        listening: Future[int] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(listening)), name="simulator", daemon=True
        )
        self._thread.start()
        self._port = listening.result()

    def stop(self) -> None:
        """Hang up on everybody, end whatever hangs, and return when the thread is gone."""
        if self._thread is None:
            return
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = None

    def serve_forever(self, stop_event: threading.Event) -> None:
        """Serve until the event is set."""
        with self:
            stop_event.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    async def _run(self, listening: Future[int]) -> None:
        runner = web.AppRunner(
            self._application(), access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S
        )
        try:
            await runner.setup()
            port = await self._listen(runner)
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that called start
            await runner.cleanup()
            listening.set_exception(error)
            return
        self._loop = asyncio.get_running_loop()
        stopping = self._stopping = asyncio.Event()
        self._broker.restart()
        self.control.attach(self._loop)
        pings = asyncio.create_task(self._broker.hubs.ping_forever(self._ping_every_s))
        listening.set_result(port)
        await stopping.wait()
        await self._wind_down(runner, pings)

    async def _listen(self, runner: web.AppRunner) -> int:
        site = web.TCPSite(runner, HOST, self._port)
        try:
            await site.start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise PortInUseError(
                f"port {self._port} on {HOST} is in use: stop the other program or choose another port"
            ) from error
        port: int = runner.addresses[0][1]
        return port

    async def _wind_down(self, runner: web.AppRunner, pings: asyncio.Task[None]) -> None:
        self._broker.hangs.stop()
        tasks = [pings, *self.control.walks()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self._broker.hubs.close()
        await runner.cleanup()
        self.control.attach(None)
        self._loop = None

    def _application(self) -> web.Application:
        rest, hubs = Rest(self._broker), self._broker.hubs
        door = ControlDoor(self.control, self._broker.record)
        application = web.Application()
        application.on_response_prepare.append(self._date)
        application.add_routes(
            [
                web.get("/api/Status/ping", rest.ping),
                web.post("/api/{endpoint:.+}", rest.handle),
                web.post("/hubs/{hub:user|market}/negotiate", hubs.negotiate),
                web.get("/hubs/{hub:user|market}", hubs.connect),
                web.get("/sim/state", door.state),
                web.get("/sim/record", door.record),
                web.post("/sim/{verb}", door.call),
            ]
        )
        return application

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Let an answer tell the broker's time; left to itself it would tell the machine's."""
        ahead = self._broker.date_ahead
        if ahead is None:
            response.headers.popall("Date", None)
        else:
            response.headers["Date"] = format_datetime(self._broker.now() + ahead, usegmt=True)
