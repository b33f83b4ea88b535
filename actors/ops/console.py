"""Rich's console for the commands: a reader that goes away is told to `main`, and is no exit 1."""

from rich.console import Console as RichConsole


class Console(RichConsole):
    """Prints to stdout."""

    def on_broken_pipe(self) -> None:
        """Let the error go on to where every command's broken pipe is handled."""
        raise  # noqa: PLE0704 - rich calls this where it has caught it
