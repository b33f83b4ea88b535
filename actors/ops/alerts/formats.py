"""A notice as each kind of channel wants it: escaped, bounded, and unable to mention anybody. Pure."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from actors.ops.alerts.wording import cut
from messages import codec
from messages.alerts import Notice, Stage

DISCORD, SLACK, TELEGRAM = 2000, 3000, 4096
"""Characters each takes (Slack's own advice is 4,000; Telegram counts UTF-16 units)."""
_MARKDOWN = re.compile(r"([\\`*_~|>\[\]()#<:])")
_HALF_ENTITY = re.compile(r"&[a-z]{0,3}…$")
_STAGES = {Stage.OPENED: "", Stage.NEWS: "", Stage.GREW: "WORSE: ", Stage.CLOSED: "OVER: "}
_SUPPRESS_EMBEDS = 4

type Body = dict[str, Any]


def head_of(notice: Notice) -> str:
    """Return the first line, e.g. `[CRITICAL] OVER: 50K-ONE (13298777): done and verified, locked`."""
    return f"[{notice.severity.upper()}] {_STAGES[notice.stage]}{notice.title}"


def text_of(notice: Notice) -> str:
    """Return all of it as plain text."""
    return "\n".join([head_of(notice), *notice.lines, f"{notice.at:%Y-%m-%d %H:%M:%S} UTC"])


def discord(notice: Notice) -> Body:
    """Return a message of a Discord webhook: no markup, no preview, and nobody is mentioned."""
    escaped = _MARKDOWN.sub(r"\\\1", text_of(notice)).replace("@", "@\u200b")
    return {
        "content": _cut_escaped(escaped, DISCORD),
        "allowed_mentions": {"parse": []},
        "flags": _SUPPRESS_EMBEDS,
    }


def slack(notice: Notice) -> Body:
    """Return a message of a Slack webhook: no markup, no link, nobody is mentioned."""
    text = text_of(notice)
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, escaped)
    short = cut(text, SLACK)
    if short != text:
        short = _HALF_ENTITY.sub("…", short)
    return {"text": short, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def telegram(notice: Notice) -> Body:
    """Return a `sendMessage` of Telegram without `parse_mode`: nothing in it is markup."""
    text = text_of(notice)
    units = text.encode("utf-16-le")
    if len(units) > 2 * TELEGRAM:
        text = units[: 2 * (TELEGRAM - 1)].decode("utf-16-le", errors="ignore") + "…"
    return {"text": text, "link_preview_options": {"is_disabled": True}}


def plain_json(notice: Notice) -> Body:
    """Return every field, and all of it as text, for whatever takes JSON."""
    fields: Body = codec.builtins(notice)
    return {"source": "lockstep", **fields, "text": text_of(notice)}


FORMATS: dict[str, Callable[[Notice], Body]] = {
    "discord": discord,
    "slack": slack,
    "telegram": telegram,
    "json": plain_json,
}


def request_of(kind: str, url: str, notice: Notice) -> tuple[str, Body]:
    """Return where a notice is posted, and as what; Telegram's parameters move into the body."""
    body = FORMATS[kind](notice)
    if kind != "telegram":
        return url, body
    split = urlsplit(url)
    return urlunsplit(split._replace(query="")), {**dict(parse_qsl(split.query)), **body}


def _cut_escaped(text: str, limit: int) -> str:
    """Cut so that no backslash is left alone at the end, which would escape the `…`."""
    short = cut(text, limit)
    if short == text:
        return text
    body = short[:-1]
    odd = (len(body) - len(body.rstrip("\\"))) % 2
    return (body[:-1] if odd else body) + "…"
