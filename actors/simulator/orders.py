"""What makes an order acceptable, and how a ticket becomes orders.

`flaw` names what the gateway would reject a ticket for (error code 2 carries such texts); `build` makes
the entry and, for a bracket, its suspended children. Pure: ids and instants are passed in.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from actors.simulator.ledger import Account, Bracket, Order, Ticket
from actors.simulator.market import Listing
from messages.values import OrderStatus, OrderType, Side

LIMITS = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
PLACEABLE = frozenset(OrderType) - {OrderType.UNKNOWN}
UNALIGNED = "Price is not aligned to tick size."
THROUGH = "Price is already through the market."


def flaw(ticket: Ticket, account: Account, listing: Listing) -> str | None:
    """Return why the gateway would reject the ticket, or None."""
    if ticket.size <= 0:
        return "Invalid order size."
    if ticket.tag is not None and ticket.tag in account.tags:
        return "Custom tag is already in use."
    return _bracket_flaw(ticket) or _price_flaw(ticket, listing)


def _bracket_flaw(ticket: Ticket) -> str | None:
    if ticket.stop_loss and ticket.stop_loss.type not in {OrderType.STOP, OrderType.TRAILING_STOP}:
        return "Invalid stop loss bracket type."
    if ticket.take_profit and ticket.take_profit.type is not OrderType.LIMIT:
        return "Invalid take profit bracket type."
    legs = (ticket.stop_loss, ticket.take_profit)
    return "Invalid bracket ticks." if any(leg and leg.ticks == 0 for leg in legs) else None


def _price_flaw(ticket: Ticket, listing: Listing) -> str | None:
    if ticket.type in LIMITS and ticket.limit_price is None:
        return "Invalid limit price. A limit order needs one."
    if ticket.type in STOPS and ticket.stop_price is None:
        return "Invalid stop price. A stop order needs one."
    if ticket.type == OrderType.TRAILING_STOP and ticket.trail_price is None:
        return "Invalid trail price. A trailing stop needs one."
    return price_flaw(
        Side(ticket.side),
        listing,
        limit=ticket.limit_price,
        stop=ticket.trail_price if ticket.stop_price is None else ticket.stop_price,
    )


def price_flaw(
    side: Side, listing: Listing, *, limit: Decimal | None, stop: Decimal | None
) -> str | None:
    """Return what is wrong with an order's prices, or None."""
    if limit is not None and not listing.spec.aligned(limit):
        return f"Invalid limit price. {UNALIGNED}"
    if stop is None:
        return None
    if not listing.spec.aligned(stop):
        return f"Invalid stop price. {UNALIGNED}"
    through = stop <= listing.last if side is Side.BUY else stop >= listing.last
    return f"Invalid stop price. {THROUGH}" if listing.quoted and through else None


def build(
    ticket: Ticket, account: Account, listing: Listing, at: datetime, ids: Iterator[int]
) -> list[Order]:
    """Make the entry and its suspended children; their ids are allocated together."""
    entry = Order(
        id=next(ids),
        account=account.id,
        spec=listing.spec,
        created=at,
        updated=at,
        type=OrderType(ticket.type),
        side=Side(ticket.side),
        size=ticket.size,
        limit_price=_limit_price(ticket, listing),
        stop_price=ticket.stop_price if ticket.trail_price is None else ticket.trail_price,
        trail_distance=None
        if ticket.trail_price is None
        else abs(listing.last - ticket.trail_price),
        tag=ticket.tag,
    )
    legs = (("SL", ticket.stop_loss), ("TP", ticket.take_profit))
    children = [_child(entry, suffix, leg, next(ids)) for suffix, leg in legs if leg]
    entry.children = tuple(child.id for child in children)
    for child, sibling in zip(children, reversed(children), strict=True):
        child.linked_id = sibling.id if sibling is not child else None
    return [entry, *children]


def _limit_price(ticket: Ticket, listing: Listing) -> Decimal | None:
    match ticket.type:
        case OrderType.JOIN_BID:
            return listing.price(Side.SELL)
        case OrderType.JOIN_ASK:
            return listing.price(Side.BUY)
        case _:
            return ticket.limit_price


def _child(entry: Order, suffix: str, leg: Bracket, order_id: int) -> Order:
    return Order(
        id=order_id,
        account=entry.account,
        spec=entry.spec,
        created=entry.created,
        updated=entry.created,
        type=leg.type,
        side=opposite(entry.side),
        size=entry.size,
        status=OrderStatus.SUSPENDED,
        tag=f"{entry.tag}-{suffix}" if entry.tag else None,
        parent_id=entry.id,
        bracket_ticks=abs(leg.ticks),
    )


def opposite(side: Side) -> Side:
    """Return the other side."""
    return Side.SELL if side is Side.BUY else Side.BUY


def activate(child: Order, entry_price: Decimal, at: datetime) -> None:
    """Give a suspended child its absolute price and let it work."""
    distance = child.bracket_ticks * child.spec.product.tick_size
    # the child closes the entry: a sell child protects a long, its stop lies below the entry
    outward = -distance if child.side is Side.SELL else distance
    if child.type is OrderType.LIMIT:
        child.limit_price = entry_price - outward
    else:
        child.stop_price = entry_price + outward
    if child.type is OrderType.TRAILING_STOP:
        child.trail_distance = distance
    child.status = OrderStatus.OPEN
    child.updated = at
