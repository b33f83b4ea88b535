"""The control API over HTTP: POST /sim/<verb> with JSON arguments, GET /sim/state and /sim/record.

Arguments are checked against the verb's own signature, unknown ones refused. A refusal or a wrong
argument is HTTP 400 with `{"error"}`. For loopback use by the demo and load drivers; it has no login.
"""

import inspect
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, get_type_hints

import msgspec
from aiohttp import web

from actors.simulator.control import Control
from actors.simulator.record import Record
from actors.simulator.refusals import RefusedError
from actors.simulator.verbs import verbs_of
from actors.simulator.wire import Row, decode, encode

AS_THEY_ARE = (Decimal, datetime)


class ControlDoor:
    """Serves one `Control`."""

    def __init__(self, control: Control, record: Record) -> None:
        self._control = control
        self._record = record
        self._verbs = {
            name: (method, _arguments(method)) for name, method in verbs_of(Control).items()
        }

    async def call(self, request: web.Request) -> web.Response:
        """Carry out one verb."""
        known = self._verbs.get(request.match_info["verb"])
        if known is None:
            return _json(
                {"error": f"no verb {request.match_info['verb']!r}: {sorted(self._verbs)}"}, 404
            )
        method, arguments = known
        try:
            asked = msgspec.convert(decode(await request.read() or b"{}"), arguments)
            result = method(self._control, **msgspec.structs.asdict(asked))
        except (RefusedError, msgspec.DecodeError, ValueError, KeyError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json({"result": result})

    async def state(self, _request: web.Request) -> web.Response:
        """Show every account."""
        return _json(self._control.state())

    async def record(self, request: web.Request) -> web.Response:
        """Show the broker's record beyond `?after=`."""
        entries = self._record.entries(int(request.query.get("after", "0")))
        return _json([msgspec.to_builtins(entry, builtin_types=AS_THEY_ARE) for entry in entries])


def _arguments(method: Callable[..., Any]) -> type[msgspec.Struct]:
    """Make a struct of a verb's arguments out of its signature."""
    hints = get_type_hints(method)
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for name, parameter in list(inspect.signature(method).parameters.items())[1:]:
        required = parameter.default is inspect.Parameter.empty
        fields.append((name, hints[name]) if required else (name, hints[name], parameter.default))
    return msgspec.defstruct(method.__name__, fields, kw_only=True, forbid_unknown_fields=True)


def _json(value: Row | list[Any], status: int = 200) -> web.Response:
    return web.Response(status=status, body=encode(value), content_type="application/json")
