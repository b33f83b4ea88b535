"""Acceptance on a practice account: what only the live service can say, with its evidence."""
