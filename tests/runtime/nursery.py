"""Children for the tests of supervision: they note what they handle, and fail as they are told."""

import threading
from collections import Counter, deque

from actors.runtime import ChildSpec, Dispatcher, InFlight, PooledActor, Restart

WAIT_S = 100
BOOM = ValueError("boom")


def nothing(_instance):
    """Do nothing at this point of a child's life."""


class Gate:
    """A message at which a child stands until it is let go on."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def stand(self):
        """Stand at it; called by the child."""
        self.reached.set()
        assert self.opened.wait(WAIT_S)


class ByHand(Dispatcher):
    """Runs a turn when the test says so."""

    def __init__(self):
        super().__init__("hands", InFlight())
        self.ready = deque()

    def submit(self, inbox):
        self.ready.append(inbox)

    def turn(self, limit=64):
        if self.ready:
            self.ready.popleft().run_turn(limit)

    def under_way(self):
        return iter(())

    def stop(self, timeout=5.0):  # noqa: ARG002
        while self.ready:
            self.turn()


class Child(PooledActor):
    """Notes what it handles in a log that all instances share; raises and waits as told."""

    def __init__(self, dispatcher, log, instance, hooks=None, story=None, address=""):
        super().__init__(dispatcher=dispatcher)
        self.log = log
        self.instance = instance
        self.own_ref = self.actor_ref
        self.own_proxy = self.actor_ref.proxy()
        self.hooks = hooks or {}
        self.story = [] if story is None else story
        self.address = address

    def note(self, what):
        self.log.append((self.instance, what))

    def at(self, hook):
        self.note(hook)
        self.story.append(f"{self.address} {hook}")
        self.hooks.get(hook, nothing)(self.instance)

    def on_start(self):
        self.at("on_start")

    def on_stop(self):
        self.at("on_stop")

    def on_failure(self, _exception_type, exception_value, _traceback):
        self.note(f"on_failure {exception_value}")
        self.hooks.get("on_failure", nothing)(self.instance)

    def on_turn_end(self):
        self.hooks.get("on_turn_end", nothing)(self.instance)

    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, threading.Event):
            assert message.wait(WAIT_S)
            return None
        if isinstance(message, Gate):
            message.stand()
        self.note(message)
        return self.instance

    def who(self):
        return self.instance


class Nursery:
    """Makes children at addresses, one instance after another, all with one log per address."""

    def __init__(self, dispatcher):
        self.dispatcher = dispatcher
        self.logs = {}
        self.born = Counter()
        self.story = []
        """Starts and stops of all children, in their order."""

    def spec(self, address, restart=Restart.PERMANENT, before=nothing, hooks=None, **how):
        """Return a spec; `before` and `hooks` are called with the instance and may raise or wait.

        `before` runs in the factory, a hook where pykka calls its namesake.
        """
        log = self.logs.setdefault(address, [])

        def factory():
            self.born[address] += 1
            before(self.born[address])
            instance = self.born[address]
            return Child(self.dispatcher, log, instance, hooks, self.story, address)

        return ChildSpec(address=address, factory=factory, restart=restart, **how)

    def handled(self, address):
        """Return what was handled at an address and by which instance, hooks left out."""
        hooks = ("on_start", "on_stop", "on_failure")
        return [each for each in self.logs[address] if not str(each[1]).startswith(hooks)]


def raising(error, *instances):
    """Return a hook that raises in these instances."""

    def hook(instance):
        if instance in instances:
            raise error

    return hook
