"""The actors of Lockstep, one package per role; start reading at `messages/`, then `actors/system.py`."""
