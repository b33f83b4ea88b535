"""A mutation run over the pure code: `python -m tests.mutation --module actors/account/ledger.py`."""
