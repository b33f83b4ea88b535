"""Who may talk to the simulated gateway: users, their tokens and their request budget.

Tokens look like the real ones (JWT, three dot parts, numeric `exp`) and are checked against the Clock;
the signature is not worth anything and nobody checks it. Called on the simulator's loop only.
"""

import base64
import hashlib
from collections import defaultdict, deque
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from actors.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class SimAccount:
    """An account the simulator starts with."""

    id: int
    name: str = ""
    """Display name; empty = `SIM-<id>`."""
    balance: Decimal = Decimal(50_000)
    can_trade: bool = True
    simulated: bool = True
    """False: the API refuses to close and cancel there, as documented for live-funded accounts."""


@dataclass(frozen=True, slots=True)
class SimUser:
    """One ProjectX user: what logs in, and the accounts its token reaches."""

    username: str
    api_key: str = field(repr=False)
    accounts: tuple[SimAccount, ...] = ()


class Sessions:
    """Logins and live tokens."""

    def __init__(self, users: tuple[SimUser, ...], clock: Clock, token_life_s: float) -> None:
        self._keys = {user.username: user.api_key for user in users}
        self._clock = clock
        self.life_s = token_life_s
        """How long a token lives that is given out now."""
        self._numbers = count(1)
        self._live: dict[str, tuple[str, int]] = {}

    def add_user(self, username: str, api_key: str) -> None:
        """Let another user log in."""
        self._keys[username] = api_key

    def login(self, username: str, api_key: str) -> str | None:
        """Return a new token, or None for wrong credentials."""
        if self._keys.get(username) != api_key:
            return None
        return self.issue(username)

    def issue(self, username: str) -> str:
        """Return a new token of a user; earlier ones stay valid."""
        expires = int(self._clock.now().timestamp() + self.life_s)
        claims = {"sub": username, "jti": next(self._numbers), "exp": expires}
        signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
        token = f"{signed}.{_base64(hashlib.sha256(signed.encode()).digest())}"
        self._live[token] = (username, expires)
        return token

    def user_of(self, token: str) -> str | None:
        """Return whose token this is, None when it is unknown, expired or revoked."""
        username, expires = self._live.get(token, (None, 0))
        return username if expires > self._clock.now().timestamp() else None

    def revoke(self, *, token: str | None = None, username: str | None = None) -> None:
        """Make one token, all of a user, or (with neither) all tokens invalid at once."""
        self._live = {
            live: owner
            for live, owner in self._live.items()
            if (token or live) != live or (username or owner[0]) != owner[0]
        }


def _part(value: dict[str, Any]) -> str:
    return _base64(msgspec.json.encode(value))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class RateLimit:
    """At most so many requests of one user in a sliding window; refused ones do not count."""

    def __init__(self, requests: int, window_s: float) -> None:
        self.requests = requests
        self.window_s = window_s
        self._seen: defaultdict[str, deque[float]] = defaultdict(deque)

    def allow(self, user: str, now_s: float) -> bool:
        """Count a request at a monotonic instant, or refuse it."""
        seen = self._seen[user]
        while seen and seen[0] <= now_s - self.window_s:
            seen.popleft()
        if len(seen) >= self.requests:
            return False
        seen.append(now_s)
        return True
