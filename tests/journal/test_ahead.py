"""Histories are read a few ahead of the accounts that begin with them, and each is used once."""

from pykka import ThreadingFuture

from actors.journal import ReadAhead


class Journal:
    """Answers at once, and says in which order it was asked."""

    def __init__(self):
        self.asked = []

    def ask(self, account):
        self.asked.append(account)
        answer = ThreadingFuture()
        answer.set((account, len(self.asked)))
        return answer


def test_each_account_is_given_its_own_history_and_few_are_read_ahead():
    """Of ten thousand only some are in memory at a time."""
    journal, accounts = Journal(), range(1, 101)
    ahead = ReadAhead(journal.ask, accounts)
    for number, account in enumerate(accounts, start=1):
        given, _ = ahead.take(account).get(timeout=1)
        assert given == account
        assert len(journal.asked) - number < 32

    assert journal.asked == [*accounts]


def test_an_account_that_begins_again_is_read_again():
    """What it has recorded since would be missing."""
    journal = Journal()
    ahead = ReadAhead(journal.ask, [1, 2])
    ahead.take(1)
    ahead.take(2)

    assert ahead.take(1).get(timeout=1) == (1, 3)
