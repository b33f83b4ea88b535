"""What an enforcement under way need no longer reach once a lockout has ended.

Pure. `NoOpeningOrders` and a cap on one contract are what `no_new_exposure` asks for while it binds:
carried on beyond its end they would cancel and close back what is allowed again. Everything else stays
until it is confirmed: what a breach demands, and the flat of what appeared under a lock (I6).
"""

from actors.account.lockouts import no_new_exposure
from actors.account.turn import Turn
from messages.events import EnforcementNarrowed
from messages.values import CapContract, Lockout, NoOpeningOrders, Target


def narrow(turn: Turn, *, without: tuple[Lockout, ...] = ()) -> bool:
    """Drop from the enforcement under way what no duty asks for any more; return whether it changed.

    Args:
        turn: The turn in which a lockout has ended.
        without: Lockouts that were to follow it and shall not.
    """
    under_way = turn.state.enforcement
    if under_way is None:
        return False
    pending = tuple(each for each in under_way.pending if each not in without)
    binds = no_new_exposure((*turn.state.lockouts.values(), *pending))
    targets = tuple(each for each in under_way.targets if binds or not _is_standing(each))
    if (targets, pending) == (under_way.targets, under_way.pending):
        return False
    turn.record(
        EnforcementNarrowed(
            **turn.head(under_way.id),
            enforcement_id=under_way.id,
            targets=targets,
            lockouts=pending,
        )
    )
    return True


def _is_standing(target: Target) -> bool:
    return isinstance(target, NoOpeningOrders | CapContract)
