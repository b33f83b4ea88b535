"""The wire rig: the whole system through the real SDK, over HTTP and WebSocket, against the simulator.

Everything is the product's own, as in the demo; both sides share one clock that runs at real speed from a
chosen instant. Tests act as trader, venue or misfortune, then wait for what must happen; none sleeps.
The gateway is the real one; it only notes what the journal held when a command reached it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from actors.gateway import GatewayActor
from actors.journal import Store
from actors.ops.witness import Testimony
from actors.runtime import Clock, OffsetClock
from actors.simulator import SimAccount, Simulator, SimUser
from actors.simulator.control import Control
from actors.simulator.record import Pushed, Request
from actors.system import System
from config.loader import load
from messages.base import Message
from messages.commands import BrokerCommand, Ping
from messages.events import AccountOpened
from messages.journal import Recorded
from messages.queries import AccountStatus
from messages.values import OrderType, Side
from tests.rig import NOON, TOKENS, A, B, config_of, contract

PATIENCE_S = 15.0
CLOSE, PARTIAL = "/Position/closeContract", "/Position/partialCloseContract"
CANCEL = "/Order/cancel"
