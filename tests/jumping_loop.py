"""An event loop on which waiting takes no time and comes in order, however busy the machine is."""

import asyncio
import selectors


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits: where nothing is ready, its time is the next deadline's."""

    def __init__(self):
        super().__init__(selectors.SelectSelector())
        self._at = 0.0

    def time(self):
        return self._at

    def _run_once(self):
        if not self._ready and self._scheduled:
            self._at = max(self._at, self._scheduled[0]._when)
        super()._run_once()
