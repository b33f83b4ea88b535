"""Around the guard: what is said, logged and served. Nothing protective depends on it."""
