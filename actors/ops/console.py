"""Rich's consoles for the commands: where a reader goes away, rich would end the process with 1."""

from rich.console import Console as RichConsole


class Console(RichConsole):
    """Prints to stdout; that nobody reads it is told to `main`, which knows the exit code."""

    def on_broken_pipe(self) -> None:
        """Let the error go on to where every command's broken pipe is handled."""
        raise  # noqa: PLE0704 - rich calls this where it has caught it


class ErrorConsole(RichConsole):
    """Says on stderr what is wrong with the words of a command; the exit code says it too."""

    def on_broken_pipe(self) -> None:
        """Go on: the error that is being said is still to be raised."""
