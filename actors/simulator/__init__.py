"""A ProjectX gateway at wire level with a matching engine behind it: the embedded broker."""

from actors.simulator.broker import Limits
from actors.simulator.faults import FaultKind
from actors.simulator.record import Entry, Pushed, Record, Request
from actors.simulator.refusals import Refusal, RefusedError
from actors.simulator.server import PortInUseError, Simulator
from actors.simulator.sessions import SimAccount, SimUser

__all__ = [
    "Entry",
    "FaultKind",
    "Limits",
    "PortInUseError",
    "Pushed",
    "Record",
    "Refusal",
    "RefusedError",
    "Request",
    "SimAccount",
    "SimUser",
    "Simulator",
]
