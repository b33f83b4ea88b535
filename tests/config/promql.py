"""Enough of PromQL to tell whether an expression is one, and which metrics and labels it names."""

import re
from dataclasses import dataclass, field

AGGREGATIONS = frozenset({"sum", "min", "max", "avg", "count", "topk"})
FUNCTIONS = frozenset({"rate", "increase", "changes", "histogram_quantile", "absent", "time"})
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e\d+)?(?![a-z_]))|(?P<range>\[(?:\d+[smhd]|\$__rate_interval)\])"
    r"|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?P<text>\"[^\"]*\")"
    r"|(?P<sign>=~|!~|==|!=|>=|<=|[-+*/(){},=<>]))"
)
_OPERATORS = frozenset({"==", "!=", ">=", "<=", ">", "<", "+", "-", "*", "/"})


@dataclass
class Parsed:
    """What an expression names."""

    selectors: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Each metric with its label matchers."""
    grouped: list[tuple[set[str], list[str]]] = field(default_factory=list)
    """Labels an aggregation keeps, with the metrics below it."""
    rates: list[str] = field(default_factory=list)
    """Metrics that a rate is taken of."""


class Parser:
    """A recursive descent over one expression; raises ValueError where it is none."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise ValueError(f"not PromQL: {text[at : at + 20]!r}")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.parsed = Parsed()

    def parse(self) -> Parsed:
        self.expression()
        if self.tokens:
            raise ValueError(f"left over: {self.tokens}")
        return self.parsed

    def expression(self) -> None:
        self.term()
        while self.peek() in _OPERATORS:
            self.take()
            self.term()

    def term(self) -> None:
        kind, token = self.take()
        if token == "(":
            self.expression()
            self.expect(")")
        elif kind == "name" and token in AGGREGATIONS:
            self.aggregation()
        elif kind == "name" and self.peek() == "(":
            self.call(token)
        elif kind == "name":
            self.selector(token)
        elif kind != "number":
            raise ValueError(f"unexpected {token!r}")

    def aggregation(self) -> None:
        labels: set[str] = set()
        if self.peek() == "by":
            self.take()
            self.expect("(")
            labels = set(self.listed())
        before = len(self.parsed.selectors)
        self.expect("(")
        self.expression()
        self.expect(")")
        names = [name for name, _ in self.parsed.selectors[before:]]
        self.parsed.grouped.append((labels, names))

    def listed(self) -> list[str]:
        found = []
        while True:
            kind, token = self.take()
            if kind != "name":
                raise ValueError(f"a label was to come, not {token!r}")
            found.append(token)
            if self.take()[1] == ")":
                return found

    def call(self, name: str) -> None:
        if name not in FUNCTIONS:
            raise ValueError(f"no function {name}")
        before = len(self.parsed.selectors)
        self.expect("(")
        while self.peek() != ")":
            self.expression()
            if self.peek() == ",":
                self.take()
        self.expect(")")
        if name in {"rate", "increase"}:
            self.parsed.rates += [each for each, _ in self.parsed.selectors[before:]]

    def selector(self, name: str) -> None:
        matchers: dict[str, str] = {}
        if self.peek() == "{":
            self.take()
            while self.peek() != "}":
                kind, label = self.take()
                _, sign = self.take()
                value_kind, value = self.take()
                if kind != "name" or sign not in {"=", "=~", "!=", "!~"} or value_kind != "text":
                    raise ValueError(f"no matcher: {label}{sign}{value}")
                matchers[label] = value.strip('"')
                if self.peek() == ",":
                    self.take()
            self.expect("}")
        if self.tokens and self.tokens[0][0] == "range":
            self.take()
        self.parsed.selectors.append((name, matchers))

    def peek(self) -> str:
        return self.tokens[0][1] if self.tokens else ""

    def take(self) -> tuple[str, str]:
        if not self.tokens:
            raise ValueError("it ends too early")
        return self.tokens.pop(0)

    def expect(self, token: str) -> None:
        if (found := self.take()[1]) != token:
            raise ValueError(f"{token!r} was to come, not {found!r}")


def parse(text: str) -> Parsed:
    """Return what an expression names, or raise ValueError."""
    return Parser(text).parse()
