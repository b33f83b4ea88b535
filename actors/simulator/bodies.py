"""The bodies REST requests come with, typed; fields nobody reads here are ignored like ASP.NET does."""

from datetime import datetime
from decimal import Decimal

import msgspec

from messages.values import OrderType


class AccountsAsked(msgspec.Struct, rename="camel"):
    """Body of Account/search."""

    only_active_accounts: bool = False


class ContractsAsked(msgspec.Struct, rename="camel"):
    """Body of Contract/search and Contract/available."""

    live: bool = False
    search_text: str = ""


class ContractAsked(msgspec.Struct, rename="camel"):
    """Body of Contract/searchById."""

    contract_id: str


class AccountAsked(msgspec.Struct, rename="camel"):
    """Body of what only names an account."""

    account_id: int


class OrderAsked(AccountAsked, rename="camel"):
    """Body of what names one order."""

    order_id: int


class PeriodAsked(AccountAsked, rename="camel"):
    """Body of Order/search and Trade/search."""

    start_timestamp: datetime
    end_timestamp: datetime | None = None


class OrderFilter(AccountAsked, rename="camel"):
    """What Order/v2/query selects by."""

    statuses: list[int] | None = None
    contract_id: str | None = None


class OrdersAsked(msgspec.Struct, rename="camel"):
    """Body of Order/v2/query."""

    filter: OrderFilter
    page_size: int = 50
    page_offset: int = 0
    """Rows to skip."""
    include_total_count: bool = False


class PositionAsked(AccountAsked, rename="camel"):
    """Body of Position/closeContract."""

    contract_id: str


class PartAsked(PositionAsked, rename="camel"):
    """Body of Position/partialCloseContract."""

    size: int


class Leg(msgspec.Struct):
    """One bracket asked for with an order; the sign of `ticks` does not matter."""

    ticks: int
    type: OrderType


class Placing(AccountAsked, rename="camel"):
    """Body of Order/place."""

    contract_id: str
    type: int
    side: int
    size: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    custom_tag: str | None = None
    stop_loss_bracket: Leg | None = None
    take_profit_bracket: Leg | None = None


class Modifying(OrderAsked, rename="camel"):
    """Body of Order/modify."""

    size: int | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None


class BarsAsked(msgspec.Struct, rename="camel"):
    """Body of History/retrieveBars, as far as it matters here."""

    contract_id: str
    unit: int
    unit_number: int
    limit: int
