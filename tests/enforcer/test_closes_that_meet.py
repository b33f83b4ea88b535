"""Closes that meet: what is being reduced or closed is not closed beside it (I7)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from actors.enforcer.core import EnforcerCore
from messages.base import Message
from messages.commands import CloseContract, Enforce, PartialCloseContract, TakeSnapshot
from messages.facts import SnapshotTaken
from messages.values import CapAccount, FlatAccount, Position, Target

MNQ = "CON.F.US.MNQ.Z25"
NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)
HEAD = {"account": 1, "at": NOON, "cause": "test"}


def enforce(
    id_: str, *targets: Target, known: tuple[str, ...] = (), reappeared: tuple[str, ...] = ()
) -> Enforce:
    return Enforce(
        **HEAD,
        enforcement_id=id_,
        targets=targets,
        deadline_at=NOON + timedelta(seconds=5),
        known_positions=known,
        known_orders=(),
        reappeared=reappeared,
    )


def read(request: TakeSnapshot, size: int) -> SnapshotTaken:
    held = Position(contract=MNQ, size=size, average_price=Decimal(1))
    return SnapshotTaken(
        **HEAD,
        request_id=request.request_id,
        generation=1,
        requested_at=NOON,
        positions=(held,) if size else (),
        orders=(),
        fills=None,
        can_trade=None,
        balance_usd=None,
    )


def tell[M: Message](core: EnforcerCore, message: Message, kind: type[M]) -> list[M]:
    return [sent for _, sent in core.handle(message, NOON) if isinstance(sent, kind)]


def test_a_position_that_is_being_reduced_is_not_closed_beside_it():
    """RULE-001 reduces 7 to 6 and RULE-003 joins: the close waits for a read after the partial."""
    core = EnforcerCore(account=1, login="desk", epoch="1")
    cap = CapAccount(limit=6, count="gross")
    (asked,) = tell(core, enforce("e1", cap), TakeSnapshot)
    (partial,) = tell(core, read(asked, 7), PartialCloseContract)
    assert partial.size == 1

    assert tell(core, enforce("e1", FlatAccount(), known=(MNQ,)), CloseContract) == []


def test_a_close_that_is_under_way_is_not_repeated_by_the_next_enforcement():
    """What reappears as a proof is on its way is closed by the old intent; the new one waits."""
    core = EnforcerCore(account=1, login="desk", epoch="1")
    targets = (FlatAccount(),)
    (asked,) = tell(core, enforce("e1", *targets), TakeSnapshot)
    (asked,) = tell(core, read(asked, 0), TakeSnapshot)
    core.handle(read(asked, 0), NOON)

    first = tell(core, enforce("e1", *targets, known=(MNQ,), reappeared=(MNQ,)), CloseContract)
    again = tell(core, enforce("e2", *targets, known=(MNQ,)), CloseContract)

    assert (len(first), len(again)) == (1, 0)


def test_a_position_a_read_has_shown_first_is_not_closed_again_when_the_account_hears_of_it():
    """The stream lags behind the read: the account's news is the position that is being closed."""
    core = EnforcerCore(account=1, login="desk", epoch="1")
    (asked,) = tell(core, enforce("e1", FlatAccount()), TakeSnapshot)
    assert len(tell(core, read(asked, 2), CloseContract)) == 1

    late = enforce("e1", FlatAccount(), known=(MNQ,), reappeared=(MNQ,))

    assert tell(core, late, CloseContract) == []
