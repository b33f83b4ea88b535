"""One account: what it holds, what it may, what binds it. Everything but the actor is pure."""
