"""Finds the accounts of a login at its broker, through the same client the guard uses. Reads only."""

import asyncio
from urllib.parse import urlsplit

from actors.gateway.decode import account_record_of
from actors.gateway.errors import BrokerUnreachableError, DecodeError, ReadFailedError
from actors.gateway.settings import LoginSettings
from actors.runtime import Clock
from messages.values import AccountRecord

_WITHIN_S = 10.0


def hubs_of(api_url: str) -> tuple[str, str]:
    """Return the addresses of the user hub and the market hub that belong to a REST address.

    Brokers on ProjectX have `api.` and `rtc.` of one name; anything else has all of it in one place.
    """
    parts = urlsplit(api_url)
    host = f"rtc.{parts.netloc[4:]}" if parts.netloc.startswith("api.") else parts.netloc
    return f"{parts.scheme}://{host}/hubs/user", f"{parts.scheme}://{host}/hubs/market"


def find_accounts(settings: LoginSettings, clock: Clock) -> tuple[AccountRecord, ...]:
    """Return the active accounts of a login.

    Raises:
        LoginRefusedError, BrokerUnreachableError: it could not be asked, or its answer is none.
    """
    return asyncio.run(_ask(settings, clock))


async def _ask(settings: LoginSettings, clock: Clock) -> tuple[AccountRecord, ...]:
    from actors.gateway.client import BrokerClient

    client = BrokerClient(
        settings,
        clock=clock,
        alarm=lambda _code, _text: None,  # what fails is raised here, at once
        report_time=lambda _earliest, _latest: None,
        fence=lambda: "",
    )
    try:
        await client.authenticate()
        rows = await client.accounts(within_s=_WITHIN_S)
        return tuple(account_record_of(row) for row in rows)
    except (ReadFailedError, DecodeError) as error:
        where = f"login {settings.name!r} at {settings.api_url}"
        raise BrokerUnreachableError(f"{where}: its accounts cannot be read: {error}") from None
    finally:
        await client.close()
