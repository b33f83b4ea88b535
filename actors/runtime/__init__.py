"""Actors without trading: pooled actors, dispatchers, time, addresses, supervision. See README.md."""

from actors.runtime.actor import PooledActor
from actors.runtime.blocking import BlockingCallError, GuardedFuture, answers_within
from actors.runtime.census import Entry, census
from actors.runtime.clock import Clock, OffsetClock, SystemClock, TrustedClock, VirtualClock
from actors.runtime.clock_actor import ClockActor
from actors.runtime.deadlines import Deadlines
from actors.runtime.directory import Directory, UnknownAddressError
from actors.runtime.dispatcher import (
    Dispatcher,
    InFlight,
    LingeringThread,
    OwnThread,
    WorkerPool,
)
from actors.runtime.lag import Lag, OnLag
from actors.runtime.loop_thread import LoopThread
from actors.runtime.ref import PooledRef
from actors.runtime.root import RootSupervisor
from actors.runtime.spec import ChildSpec, Restart, Strategy, SupervisorFlags
from actors.runtime.supervisor import (
    StartChild,
    StopChild,
    StopChildren,
    Supervisor,
    supervisor_spec,
)

__all__ = [
    "BlockingCallError",
    "ChildSpec",
    "Clock",
    "ClockActor",
    "Deadlines",
    "Directory",
    "Dispatcher",
    "Entry",
    "GuardedFuture",
    "InFlight",
    "Lag",
    "LingeringThread",
    "LoopThread",
    "OffsetClock",
    "OnLag",
    "OwnThread",
    "PooledActor",
    "PooledRef",
    "Restart",
    "RootSupervisor",
    "StartChild",
    "StopChild",
    "StopChildren",
    "Strategy",
    "Supervisor",
    "SupervisorFlags",
    "SystemClock",
    "TrustedClock",
    "UnknownAddressError",
    "VirtualClock",
    "WorkerPool",
    "answers_within",
    "census",
    "supervisor_spec",
]
