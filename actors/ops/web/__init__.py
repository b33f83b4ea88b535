"""The dashboard: a page of every account, for who looks; nothing that guards depends on it."""

from actors.ops.web.dashboard import Dashboard

__all__ = ["Dashboard"]
