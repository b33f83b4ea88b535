"""What an account has the QuoteActor tell it: the bands of prices it need not hear of.

Pure. They are told in the turn that changes them, so whatever passes until the QuoteActor hears of them
is compared with the new ones there. After a quote has come the band of its contract may still be known
there or not: it was left, the QuoteActor is a new one, or the quote crossed the band on its way. So a
band it is to have is told again, one it had is taken back, and nothing has to be remembered of who was
restarted when.
"""

from dataclasses import dataclass, field

from actors.account.bands import bands_of, without_edges
from actors.account.judging import Judging
from actors.account.picture import Picture
from actors.account.turn import Turn
from messages.commands import WatchBands
from messages.events import Event
from messages.facts import AccountChanged, OrderChanged
from messages.values import AlarmCode, Band, FactKind


def _moves_no_band(event: Event) -> bool:
    """Say whether no rule's terms can change by an event: most of what accounts are told are orders.

    Of the orders a rule's terms may depend on stops alone; a band that was told is good as long as
    nothing but prices and other orders have changed.
    """
    if isinstance(event, OrderChanged):
        return event.order.stop_price is None
    return isinstance(event, AccountChanged)


@dataclass(slots=True)
class Watching:
    """The bands of one account, as they were told last."""

    picture: Picture
    judging: Judging
    _told: dict[str, Band] = field(default_factory=dict)
    _heard: set[str] = field(default_factory=set)
    """Contracts of which a quote has come in this turn."""
    _failure: str = ""

    def begin(self, turn: Turn) -> None:
        """Take back what an earlier life of the actor may have told."""
        if self.picture.state.positions:
            self._tell(turn, {})

    def heard(self, contract: str) -> None:
        """Note that a quote has come."""
        self._heard.add(contract)

    def follow(self, turn: Turn) -> None:
        """Tell the bands anew if this turn has changed them."""
        heard, self._heard = self._heard, set()
        further, self.picture.went_further = self.picture.went_further, False
        changed = bool(heard) or further or not all(map(_moves_no_band, turn.events))
        if not changed or not (self.picture.state.positions or self._told):
            return
        bands = self._bands(turn)
        if bands != self._told or not heard.isdisjoint(bands):
            self._tell(turn, bands)

    def _bands(self, turn: Turn) -> dict[str, Band]:
        """Return the bands; a rule that fails to say how far prices may move sees every quote."""
        picture, settings = self.picture, self.judging.settings
        listening = settings.listening[FactKind.QUOTE]
        if not listening:
            held = picture.state.positions.values()
            return without_edges(held, conservative=settings.conservative_mark)
        try:
            return bands_of(
                picture.view_in(turn),
                listening if self.judging.may_judge else (),
                picture.state.contracts,
                conservative=settings.conservative_mark,
            )
        except Exception as error:  # noqa: BLE001 - one rule's bug must not stop the account
            text = f"bands: {type(error).__name__}: {error}; every quote is judged"
            if text != self._failure:
                turn.alarm(AlarmCode.RULE_FAILED, text)
            self._failure = text
            return {}

    def _tell(self, turn: Turn, bands: dict[str, Band]) -> None:
        self._told = bands
        watch = WatchBands(**turn.head(), bands=tuple(bands.values()))
        turn.send("quotes", watch)
