"""`status --watch`: the table anew every second; where no terminal is, a line for each change.

It ends by Ctrl-C, and goes on while nothing answers: a guard that is restarted is what one watches for.
"""

import sys
import time
from collections.abc import Callable
from datetime import datetime

from rich.live import Live

from actors.journal import StoreError
from actors.ops.console import Console
from actors.ops.picture import Picture
from actors.ops.status import NoAnswerError
from actors.ops.status_table import lines_of
from messages.queries import SystemStatus

_EVERY_S = 1.0

type Read = Callable[[], SystemStatus]
"""Asks how every account stands."""


def watch_status(first: SystemStatus, read: Read) -> None:
    """Show it until KeyboardInterrupt; on the main thread."""
    console = Console()
    if console.is_terminal and not console.is_dumb_terminal:
        _watch_picture(console, first, read)
    else:
        _watch_lines(first, read)


def _watch_picture(console: Console, status: SystemStatus, read: Read) -> None:
    with Live(Picture(status), console=console, auto_refresh=False) as live:
        while True:
            live.refresh()
            time.sleep(_EVERY_S)
            seen, missing = _asked(read)
            status = seen or status
            live.update(Picture(status, f"NO ANSWER: {missing}" if missing else ""))


def _watch_lines(status: SystemStatus, read: Read) -> None:
    shown: dict[int | str, str] = {}
    lost = ""
    while True:
        running = "" if status.live else "  NOT RUNNING"
        lines = {account: line + running for account, line in lines_of(status).items()}
        for account, line in lines.items():
            if shown.get(account) != line:
                _say(status.at, f"{account}  {line}")
        shown = lines
        time.sleep(_EVERY_S)
        seen, missing = _asked(read)
        if missing != lost:
            _say(status.at, f"NO ANSWER: {missing}" if missing else "answers again")
        status, lost = seen or status, missing


def _say(at: datetime, text: str) -> None:
    sys.stdout.write(f"{at:%Y-%m-%d %H:%M:%S}Z  {text}\n")
    sys.stdout.flush()


def _asked(read: Read) -> tuple[SystemStatus | None, str]:
    """Return the answer, or why there is none."""
    try:
        return read(), ""
    except (NoAnswerError, StoreError) as error:
        return None, str(error)
