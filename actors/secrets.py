"""What must never be said of a login: its user name, its API key and its tokens, blotted out of texts.

Made by the GatewayActor, told every new token by the session. A broker may send back what it was
sent, in an error text or a payload, and what a broker sent is quoted in alarms and kept. The user name
is blotted out of texts only: in an answer it may be part of an account's name.
"""

import re

_PART = "[A-Za-z0-9_-]"
_JWT = re.compile(rf"eyJ{_PART}{{5,}}(\.{_PART}+(\.{_PART}*)?|\.?(?=…))")
_BLOT = "***"
_SHORTEST = 4
"""Shorter ones hide nothing, and would be found in every other word."""
_SHORTEST_IN_DATA = 12
"""No key or token is shorter, and nothing else in an answer is likely to hold so much of one."""
_TOKENS = 4
"""How many tokens are remembered: the present one and those that may still be quoted."""


class Secrets:
    """The secrets of one login."""

    def __init__(self, username: str, api_key: str) -> None:
        self._api_key = api_key
        self._username = username
        self._tokens: list[str] = []

    def learn(self, token: str) -> None:
        """Blot out this token too from now on."""
        if token not in self._tokens:
            self._tokens = [*self._tokens, token][-_TOKENS:]

    def blot(self, text: str) -> str:
        """Return a text without any of them."""
        for secret in (*self._tokens, self._api_key, self._username):
            if len(secret) >= _SHORTEST:
                text = _without_beginning(text.replace(secret, _BLOT), secret)
        return without_tokens(text)

    def blot_bytes(self, content: bytes) -> bytes:
        """Return an answer without key and tokens; almost always the very same bytes."""
        for secret in (*self._tokens, self._api_key):
            if len(secret) >= _SHORTEST_IN_DATA:
                content = content.replace(secret.encode(), _BLOT.encode())
        return content


def _without_beginning(text: str, secret: str) -> str:
    """Blot out what is left of a secret where a text was shortened in the middle of it."""
    if "…" in text:
        for length in range(len(secret) - 1, _SHORTEST - 1, -1):
            text = text.replace(f"{secret[:length]}…", f"{_BLOT}…")
    return text


def without_tokens(text: str) -> str:
    """Return a text in which everything that looks like a JSON web token is blotted out."""
    return _JWT.sub(_BLOT, text) if "eyJ" in text else text
