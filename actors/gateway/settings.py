"""How one login reaches its broker. Made from the configuration; goes into a GatewayActor."""

from typing import Any

import msgspec

_SCHEMES = ("http://", "https://")


class LoginSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One user of a broker: where it is, who we are there, and how patient we are.

    Raises:
        ValueError: a URL is not http(s), ends in a slash or carries a query, or a limit is not
            positive.
    """

    name: str
    """Name of the login in the configuration, e.g. `topstep`; part of addresses."""
    username: str
    """ProjectX username."""
    api_key: str
    """ProjectX API key; never printed."""
    api_url: str
    """REST base with `/api`, e.g. `https://api.topstepx.com/api`."""
    user_hub_url: str
    """User hub, e.g. `https://rtc.topstepx.com/hubs/user`."""
    market_hub_url: str
    """Market hub, e.g. `https://rtc.topstepx.com/hubs/market`."""
    request_deadline_s: float = 2.5
    """Total time of a request that brings no deadline of its own, queueing included."""
    silence_s: float = 30.0
    """A hub that says nothing for so long, not even a ping, counts as lost."""
    reconcile_every_s: float = 5.0
    """Every so often the next account is asked to compare itself with the broker."""
    roster_every_s: float = 60.0
    """Every so often the accounts of the login are listed: is one missing, new or renamed?"""
    budget_requests: int = 200
    """Requests the broker allows per window, all accounts of the login together."""
    budget_window_s: float = 61.0
    """The window: the broker's 60 s, and one for the way, as it counts arrivals and we departures."""

    def __post_init__(self) -> None:
        for field in ("api_url", "user_hub_url", "market_hub_url"):
            url: str = getattr(self, field)
            if not url.startswith(_SCHEMES) or url.endswith("/") or "?" in url:
                raise ValueError(
                    f"login {self.name!r}: {field} must be an http(s) address without a final "
                    f"slash and without a query; correct it in the configuration"
                )
        for field in (
            "request_deadline_s",
            "silence_s",
            "reconcile_every_s",
            "roster_every_s",
            "budget_window_s",
        ):
            if not getattr(self, field) > 0:
                raise ValueError(f"login {self.name!r}: {field} must be positive")
        if self.budget_requests < 1:
            raise ValueError(f"login {self.name!r}: budget_requests must be at least 1")

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [
            (field, "***" if field in {"username", "api_key"} else getattr(self, field))
            for field in self.__struct_fields__
        ]

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"LoginSettings({fields})"
