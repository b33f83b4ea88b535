"""Who is started under the alerts' own supervisor, and in which order. For system.py."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from actors.ops.alerts.actor import ADDRESS as ALERTS
from actors.ops.alerts.actor import AlertActor
from actors.ops.alerts.channel import ChannelActor, address_of
from actors.ops.alerts.core import AlertCore
from actors.ops.alerts.outbox import Outbox
from actors.ops.alerts.sending import Sender, Switch, sender_for
from actors.ops.alerts.settings import HEARTBEAT, AlertSettings, ChannelSettings
from actors.ops.alerts.switch import SwitchActor
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.queries import ChannelStatus

SUPERVISOR = "alerting"

__all__ = ["ALERTS", "SUPERVISOR", "children", "silent", "ways"]

type Child = tuple[str, Callable[[], PooledActor]]
"""Address and factory."""


def children(
    settings: AlertSettings,
    *,
    clock: Clock,
    directory: Directory,
    loop: Dispatcher,
    thread: Dispatcher,
) -> Iterator[Child]:
    """Yield the children: the channels on a loop, the AlertActor on a thread of its own."""

    def channel(each: ChannelSettings, sender: Sender) -> PooledActor:
        return ChannelActor(
            outbox=Outbox(each),
            sender=sender,
            clock=clock,
            directory=directory,
            dispatcher=loop,
        )

    def heartbeat(switch: Switch) -> PooledActor:
        return SwitchActor(switch=switch, clock=clock, directory=directory, dispatcher=loop)

    def alerts() -> PooledActor:
        return AlertActor(
            core=AlertCore(settings.terms),
            channels=tuple(each.name for each in settings.channels),
            ping_every_s=settings.switch.every_s if settings.switch else None,
            clock=clock,
            directory=directory,
            dispatcher=thread,
        )

    # What holds connections outlives the actors, which may be replaced.
    for each in settings.channels:
        yield address_of(each.name), partial(channel, each, sender_for(each))
    if settings.switch:
        yield address_of(HEARTBEAT), partial(heartbeat, Switch(settings.switch))
    yield ALERTS, alerts


def ways(settings: AlertSettings) -> dict[str, tuple[str, str]]:
    """Return name and kind of every way to people by the address of its actor."""
    named = [(each.name, each.kind) for each in settings.channels]
    named += [(HEARTBEAT, HEARTBEAT)] if settings.switch else []
    return {address_of(name): (name, kind) for name, kind in named}


def silent(name: str, kind: str, now: datetime) -> ChannelStatus:
    """Return what is said of a channel whose actor does not answer: it is down, or gone."""
    return ChannelStatus(
        name=name,
        kind=kind,
        failing_since=now,
        error="its actor does not answer",
        held_back=0,
        lost=0,
    )
