"""Enforcement: bring an account to its targets at the broker, prove it, then have it locked."""
