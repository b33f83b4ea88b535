"""The page in a real browser: what a person sees and can do."""

import re
from decimal import Decimal

import pytest
from msgspec import structs
from playwright.sync_api import Page, expect

from messages.events import AccountLocked
from messages.queries import ChannelStatus
from messages.values import Health, ReleaseOn
from tests.cli import free_port
from tests.rig import A, config_of
from tests.security.doors import NOW, TOKEN
from tests.web.boards import Window, board, desk, holding, locked, row, wait_for
from tests.wire_rig import wire_config

expect.set_options(timeout=60_000)

LOSS = {"daily_realized_loss": {"max_loss_usd": 100, "include_open_loss": False}}
ROWS = "#table tbody tr:not(.grouped)"
WATCH = """() => {
  window.touched = [];
  new MutationObserver((all) => { for (const each of all) {
    const node = each.target.nodeType === 3 ? each.target.parentElement : each.target;
    const row = node.closest("tr");
    window.touched.push(row ? row.querySelector("a").textContent : node.closest("[id]").id);
  } }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


@pytest.fixture
def shown():
    """Serve boards of invented accounts."""
    windows = []

    def show(board, **how) -> Window:
        windows.append(Window(board, **how))
        windows[-1].server.start()
        return windows[-1]

    yield show
    for each in windows:
        each.server.stop()


def row_of(page: Page, name: str):
    return page.locator(ROWS, has=page.get_by_role("link", name=name, exact=True))


def names(page: Page) -> list[str]:
    """Return the accounts in the table, from the top."""
    return page.locator(f"{ROWS} a").all_text_contents()


# --- a running system ---------------------------------------------------------------------------


def test_a_breach_appears_counts_down_and_survives_a_restart(wire, look):
    """The simulated broker, the guard, the page: as it happens, and again after a new start."""
    port = free_port()
    config = wire_config(**LOSS).replace("127.0.0.1:0", f"127.0.0.1:{port}")
    run = wire(config)
    page = look(f"127.0.0.1:{port}", f"/#/account/{A}")
    expect(page.locator("#verdict")).to_have_text("Protected")

    run.fill(A, "-150")
    run.wait(AccountLocked)

    mine = row_of(page, f"50K-{A}")
    ends = mine.locator(".count")
    expect(mine.locator(".pill").first).to_have_text("locked")
    expect(ends).to_have_text(re.compile(r"^\d:\d\d:\d\d left$"))
    before = ends.inner_text()
    expect(ends).not_to_have_text(before)
    assert ends.inner_text() < before
    expect(page.locator("#detail .locks")).to_contain_text("nothing ends it earlier")
    expect(page.locator("#detail .incident .stages")).to_contain_text("locked")
    expect(page.locator("#detail .steps").first).to_contain_text("Daily P&L: $-150.00")

    run.stop()
    expect(page.locator("#verdict")).to_have_text("Unknown")
    wire(config, open_accounts=())
    expect(page.locator("#verdict")).to_have_text("Protected")
    expect(mine.locator(".pill").first).to_have_text("locked")
    expect(ends).to_have_text(re.compile(r"^\d:\d\d:\d\d left$"))
    look.forgive()  # while nobody listened the browser has said so


def test_an_enforcement_under_way_is_shown_step_by_step(rig, look):
    """A broker that hangs: what was sent, and that nothing is flat yet; then the incident's own page."""
    run = rig(config_of(**LOSS))
    run.order(A, "MNQ", 2)
    run.broker.hanging[A] = False
    run.fill(A, "-150")
    page = look(run.system.http.url.removeprefix("http://"), f"/#/account/{A}")

    under_way = page.locator("#detail section", has_text="Enforcement under way")
    expect(under_way).to_contain_text("Closing CON.F.US.MNQ.Z25")
    expect(under_way.locator(".stages")).to_contain_text("flat \u2013")
    expect(row_of(page, f"50K-{A}").locator(".pill").first).to_have_text("enforcing")

    page.get_by_role("link", name="Incidents").click()
    page.locator(".page table a").click()
    expect(page.locator(".page")).to_contain_text("RULE-003")
    page.locator("summary", has_text="rule_breached").click()
    expect(page.locator(".page pre").first).to_contain_text('"trade_id"')
    expect(page.locator("pre", has_text="DAILY_REALIZED_LOSS")).to_be_visible()
    assert page.locator("a[download]").get_attribute("href").startswith(f"/api/incidents/{A}/")


def test_locking_oneself_out_asks_first_and_then_shows_it(rig, look, monkeypatch):
    """The token only in a header; a wrong one is said and asked for again; nothing unlocks."""
    monkeypatch.setattr("tests.rig.TOKENS", _with_token())
    run = rig(config_of(**LOSS))
    page = look(run.system.http.url.removeprefix("http://"))
    urls = []
    page.on("request", lambda request: urls.append(request.url))
    page.get_by_role("button", name="Lock me out now").click()
    dialog = page.get_by_role("dialog")

    dialog.get_by_role("button", name="Review").click()
    expect(dialog.get_by_role("alert")).to_contain_text("choose the account")
    dialog.get_by_label("Account").select_option(str(A))
    dialog.get_by_role("button", name="1 h").click()
    dialog.get_by_label(re.compile("Reason")).fill("three losses in a row")
    dialog.get_by_label(re.compile("Token")).fill("wrong")
    dialog.get_by_role("button", name="Review").click()
    expect(dialog).to_contain_text("Nothing unlocks it earlier")
    expect(dialog.locator("#lock-words")).to_contain_text("60 minutes")
    expect(dialog.get_by_role("button", name="Back")).to_be_focused()
    dialog.get_by_role("button", name="Lock now").click()
    expect(dialog.get_by_role("alert")).to_contain_text("token is not the one")
    assert run.events(AccountLocked) == []

    dialog.get_by_label(re.compile("Token")).fill(TOKEN)
    dialog.get_by_role("button", name="Review").click()
    dialog.get_by_role("button", name="Lock now").click()
    expect(dialog.get_by_role("status")).to_contain_text("is bound until")
    dialog.get_by_role("button", name="Close").click()
    expect(row_of(page, f"50K-{A}").locator(".count")).to_have_text(re.compile("left"))
    run.settle()
    (lock,) = run.status().lockouts
    assert (lock.rule, lock.reason) == ("SELF", "three losses in a row")
    assert not [each for each in urls if TOKEN in each]
    assert TOKEN not in page.evaluate("JSON.stringify(localStorage) + document.cookie")
    assert not page.get_by_role("button", name=re.compile("unlock|release", re.IGNORECASE)).count()
    look.forgive()  # the browser notes that 403 was answered


def test_without_a_token_it_says_at_once_that_nothing_can_be_locked_here(shown, look):
    """Not after every question was answered and the lock was confirmed."""
    page = look(shown(board(row(1, "one")), token=None).host)
    page.get_by_role("button", name="Lock me out now").click()
    dialog = page.get_by_role("dialog")

    expect(dialog.get_by_role("alert")).to_contain_text("started without LOCKSTEP_TOKEN")
    expect(dialog.get_by_role("button", name="Review")).to_be_disabled()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()


def _with_token():
    from tests.rig import TOKENS

    return TOKENS | {"LOCKSTEP_TOKEN": TOKEN}


# --- invented accounts --------------------------------------------------------------------------


def test_five_hundred_accounts_stay_smooth(shown, look):
    """A picture of one account touches that account's row, whatever else is on the page."""
    window = shown(desk(500))
    page = look(window.host)
    expect(page.locator(ROWS)).to_have_count(500)
    nodes = page.evaluate("document.querySelectorAll('*').length")
    page.select_option("#sort", "name")
    page.evaluate(WATCH)

    rows = list(window.shown.accounts)
    rows[250] = row(1250, "50K-250", "-499", login="desk")
    window.shown = board(*rows, profiles=window.shown.profiles)
    expect(row_of(page, "50K-250").locator(".pnl")).to_have_text("\u2212$499.00")

    touched = page.evaluate("window.touched")
    assert set(touched) <= {"50K-250", "summary", "age"}
    assert 0 < touched.count("50K-250") < 20
    assert page.evaluate("document.querySelectorAll('*').length") == nodes


def test_a_change_of_rank_moves_one_row(shown, look):
    """Sorted by the nearest limit, five hundred rows are not laid out anew for one that comes closer."""
    window = shown(desk(500))
    page = look(window.host)
    expect(page.locator(ROWS)).to_have_count(500)
    page.evaluate(
        """() => { window.moved = 0; new MutationObserver((all) => {
          for (const each of all) window.moved += each.addedNodes.length; })
          .observe(document.querySelector("#table tbody"), { childList: true }); }"""
    )

    rows = list(window.shown.accounts)
    rows[3] = row(1003, "50K-003", "-4000", login="home")
    window.shown = board(*rows, profiles=window.shown.profiles)
    expect(page.locator(f"{ROWS} a").first).to_have_text("50K-003")

    assert page.evaluate("window.moved") == 1


def test_accounts_are_filtered_sorted_and_grouped(shown, look):
    """By name, id, login or product; nearest limit first; by login and profile, with their sums."""
    many = desk(6)
    window = shown(
        structs.replace(many, accounts=(*many.accounts[:5], holding(1005, "50K-005", stop=False)))
    )
    page = look(window.host)
    expect(page.locator(ROWS)).to_have_count(6)

    assert names(page)[0] == "50K-004"
    page.select_option("#sort", "name")
    assert names(page) == [f"50K-{n:03}" for n in range(6)]
    page.select_option("#sort", "best")
    assert names(page)[0] == "50K-000"
    page.fill("#filter", "mnq")
    expect(page.locator(ROWS)).to_have_count(1)
    assert names(page) == ["50K-005"]
    expect(page.locator("#summary")).to_contain_text("1 of 6 accounts")
    page.fill("#filter", "no such thing")
    expect(page.locator("#nothing")).to_have_text("No account is like that.")
    page.fill("#filter", "")
    page.select_option("#show", "holding")
    expect(page.locator(ROWS)).to_have_count(1)
    page.select_option("#show", "all")
    page.select_option("#group", "both")
    heads = page.locator("tr.grouped").all_text_contents()
    assert heads[0] == "desk · large: 1 account, $0.00"
    assert [each.split(":")[0] for each in heads] == [
        *("desk · large", "desk · small", "home · large", "home · small")
    ]
    page.select_option("#group", "")
    expect(page.locator("tr.grouped")).to_have_count(0)
    assert len(names(page)) == 6


def test_the_banner_is_green_only_while_nothing_is_wrong(shown, look):
    """What is wrong is said, once for all it is true of; silence is unknown by itself."""
    window = shown(board(row(1, "one"), locked(2, "two", 90)))
    page = look(window.host)
    banner = page.locator("#banner")
    expect(banner).to_have_class("banner protected")
    expect(page.locator("#why")).to_contain_text("2 accounts: connected, fresh, reconciled")
    expect(page.locator("#why")).to_contain_text("1 locked")
    expect(page.locator("#age")).to_have_text("as of now")
    assert page.title() == "Protected · Lockstep"

    stale = {"health": Health.STALE, "health_reason": "stream lost"}
    window.shown = board(
        row(1, "one", **stale), row(2, "two", **stale), unrecorded=3, unanswered=(7,)
    )
    expect(banner).to_have_class("banner broken")
    holes = page.locator("#holes li")
    expect(holes).to_have_count(3)
    said = holes.all_text_contents()
    assert said[0] == "JOURNAL: events that are not on disk: 3"
    assert said[1].startswith("7 DOES NOT ANSWER")
    assert said[2] == "2 accounts are stale: stream lost"
    expect(row_of(page, "7").locator(".pill").first).to_have_text("does not answer")
    assert page.title() == "⚠ Not protected · Lockstep"

    window.shown = board(row(1, "one"), row(2, "two"))
    expect(banner).to_have_class("banner protected")
    window.server.stop()
    expect(banner).to_have_class("banner unknown")
    expect(page.locator("#why")).to_contain_text("No word from Lockstep")
    expect(page.locator("#age")).to_contain_text("silent for")
    look.forgive()


def test_what_is_only_watched_is_never_shown_as_locked(shown, look):
    """And that nobody is alerted is said whatever else is wrong."""
    one = locked(1, "one", 5400)
    pretended = structs.replace(one.status.lockouts[0], shadow=True)
    one = structs.replace(
        one, status=structs.replace(one.status, shadow=True, lockouts=(pretended,))
    )
    deaf = ChannelStatus(
        name="team", kind="json", failing_since=NOW, error="HTTP 503", held_back=3, lost=0
    )
    page = look(shown(board(one, row(2, "two"), channels=(deaf,))).host, "/#/account/1")

    expect(page.locator("#banner")).to_have_class("banner broken")
    expect(page.locator("#why")).to_have_text("1 thing wrong · alerts do not get through: team")
    expect(row_of(page, "one").locator(".pill").first).to_have_text("would be locked")
    expect(page.locator("#summary")).not_to_contain_text("1 locked")
    expect(page.locator("#summary")).to_contain_text("1 would be locked")
    expect(page.locator("#detail h3").first).to_have_text("Would be locked by")
    over = "node => node.scrollWidth - node.clientWidth"
    assert page.locator("#accounts").evaluate(over) <= 0
    look.forgive()  # this window has no journal: the panel says so


def test_a_name_is_text_whatever_stands_in_it(shown, look):
    """The broker's own words: on the table, in the panel, in the form, in the banner."""
    name = "<img src=x onerror=alert(1)></script><b>"
    ill = row(2, name, health=Health.STALE, health_reason=name)
    window = shown(board(row(1, "one"), ill, profiles={2: name}))
    page = look(window.host, "/#/account/2")
    page.on("dialog", lambda _: pytest.fail("a name was run"))
    page.select_option("#group", "profile")
    page.get_by_role("button", name="Lock me out now").click()

    expect(row_of(page, name)).to_have_count(1)
    expect(page.locator("#detail-h")).to_have_text(name)
    expect(page.locator("#holes")).to_contain_text(name)
    expect(page.locator("#lock-account")).to_contain_text(name)
    assert page.locator("main img, main b:has(*), script:not([src]), #banner img").count() == 0
    assert page.evaluate("document.body.innerText").count("onerror") >= 4
    look.forgive()  # this window has no journal: the panel says so


def test_everything_is_reached_with_the_keyboard(shown, look):
    """The first Tab skips to the accounts; a link opens, Escape closes, and one is where one was."""
    page = look(shown(board(row(1, "one"), holding(2, "two", stop=True))).host)
    focused = page.locator(":focus")

    page.keyboard.press("Tab")
    expect(focused).to_have_text("Skip to the accounts")
    reached = []
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.textContent")
        )
    assert reached[1:8] == [
        *("nav-accounts", "nav-incidents", "lock-open", "filter", "show", "sort", "group")
    ]
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.get_by_role("link", name="one", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#detail-h")).to_be_focused()
    expect(page.locator("#detail-h")).to_have_text("one")
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(focused).to_have_text("one")
    page.locator("#lock-open").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#lock-open")).to_be_focused()
    look.forgive()  # this window has no journal


def test_screen_readers_are_told_what_is_what(shown, look):
    """Landmarks, a polite banner, a table with headings, a name for every control."""
    page = look(shown(board(row(1, "one"), locked(2, "two", 90))).host)

    for role in ("banner", "main", "navigation", "search", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("status")).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("columnheader")).to_have_count(5)
    expect(page.get_by_role("rowheader")).to_have_count(2)
    assert page.locator("html").get_attribute("lang") == "en"
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a, input, select")]
          .filter((each) => !(each.labels?.length || each.textContent.trim() || each.ariaLabel))
          .map((each) => each.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_by_day_and_by_night(shown, look, scheme):
    """Nothing to be pushed aside at 360 pixels; text stands out from its ground."""
    long_named = holding(2, "50K-EXPRESS-FUNDED-" + "X" * 40, stop=False)
    window = shown(board(row(1, "one", "-450"), long_named, locked(3, "three", 4000)))
    page = look(window.host, size=(360, 740), color_scheme=scheme)
    fits = "document.documentElement.scrollWidth <= innerWidth"

    assert page.evaluate(fits)
    expect(page.get_by_role("columnheader")).to_have_count(5)  # unseen, but read aloud
    page.get_by_role("link", name=re.compile("EXPRESS")).click()
    expect(page.locator("#detail .limits")).to_be_visible()
    expect(page.locator("#accounts")).to_be_hidden()
    assert page.evaluate(fits)
    weak = page.evaluate(_CONTRAST)
    assert weak == []
    look.forgive()  # this window has no journal


def test_prices_are_shown_to_the_tick_of_their_contract(shown, look):
    """A euro of 1.08535 is not 1.09, and an index at 20990 has its quarters."""
    euro = _quoted(holding(1, "euro", stop=True), "1.085351", "1.08540", "0.00005")
    index = _quoted(holding(2, "index", stop=True), "20990", "20991.5", "0.25")
    page = look(shown(board(euro, index)).host, "/#/account/1")

    cells = page.locator("#detail .mini").first.locator("tbody td")
    expect(cells.nth(0)).to_have_text("MNQ")
    assert cells.all_text_contents()[2:4] == ["1.085351", "1.08540"]
    page.get_by_role("link", name="index", exact=True).click()
    expect(cells.nth(2)).to_have_text("20,990.00")
    expect(cells.nth(3)).to_have_text("20,991.50")
    look.forgive()  # this window has no journal


def test_a_percentage_is_what_it_is_in_decimals(shown, look):
    """575 of 500 is 115 %, though its binary fraction is a little less; 99.99 % is not yet all."""
    accounts = (row(1, "over", "-575"), row(2, "almost", "-499.99"), row(3, "third", "-145"))
    page = look(shown(board(*accounts)).host)

    for name, percent in (("over", "115 %"), ("almost", "99 %"), ("third", "29 %")):
        assert row_of(page, name).locator(".pct").inner_text() == percent


def _quoted(held, average, mark, tick):
    """Return an account that holds something at these prices."""
    (one,) = held.holdings
    position = structs.replace(one.position, average_price=Decimal(average))
    one = structs.replace(one, position=position, mark=Decimal(mark), tick_size=Decimal(tick))
    return structs.replace(held, holdings=(one,))


def test_the_chart_names_each_time_once_and_cuts_no_amount(rig, look):
    """On the first minutes of a day and at six figures too."""
    run = rig(config_of(daily_realized_profit={"target_usd": 5_000_000}))
    run.fill(A, "1234567.89")
    page = look(run.system.http.url.removeprefix("http://"), f"/#/account/{A}")
    expect(page.locator("#detail .chart canvas")).to_have_count(1)
    page.evaluate(_LISTEN_TO_THE_CHART)
    page.set_viewport_size({"width": 1200, "height": 800})
    wait_for(lambda: _times(page) != [])

    assert [each for each in _times(page) if len(each) != len(set(each))] == []
    drawn = page.evaluate("window.drawn")
    assert [text for each in drawn for text, left in each if left < 0] == []


def _times(page: Page) -> list[list[str]]:
    """Return the times that stand below the chart, for each time it was drawn."""
    drawn = page.evaluate("window.drawn")
    found = [[text for text, _ in each if re.match(r"\d\d:", text)] for each in drawn]
    return [each for each in found if each]


_LISTEN_TO_THE_CHART = """() => {
  window.drawn = [[]];
  const { fillText, clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function (...box) {
    window.drawn.push([]);
    return clearRect.apply(this, box);
  };
  CanvasRenderingContext2D.prototype.fillText = function (text, x, ...more) {
    const left = this.textAlign === "right" ? x - this.measureText(text).width : x;
    window.drawn.at(-1).push([text, left + this.getTransform().e]);
    return fillText.call(this, text, x, ...more);
  };
}"""


@pytest.mark.parametrize("width", [320, 375, 800])
def test_a_long_state_leaves_the_name_its_room(shown, look, width):
    """What is said of an account never pushes its name into a column of single letters."""
    watched = locked(1, "50K-ONE", 55000)
    watched = structs.replace(watched, status=structs.replace(watched.status, shadow=True))
    refused = _barred(2, "50K-TWO")
    page = look(shown(board(watched, refused)).host, size=(width, 700))

    for name in ("50K-ONE", "50K-TWO"):
        link = page.get_by_role("link", name=name, exact=True)
        assert link.evaluate("node => node.getClientRects().length") == 1
        assert row_of(page, name).bounding_box()["height"] < 240
    assert page.evaluate(_OVER) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1101, 1150, 1280, 1600])
def test_an_open_account_hides_nothing_of_the_table(shown, look, width):
    """Not a percentage, not an amount: the panel stands beside the table, never on it."""
    watched = locked(1, "50K-EXPRESS-FUNDED-00001", 55000)
    watched = structs.replace(watched, status=structs.replace(watched.status, shadow=True))
    rich = row(3, "rich", "1234567.89")
    page = look(
        shown(board(watched, _barred(2, "two"), rich)).host, "/#/account/3", size=(width, 700)
    )

    expect(page.locator("#detail .limits")).to_be_visible()
    over = "node => node.getBoundingClientRect().right"
    right = page.locator("#table").evaluate(over)
    assert right <= page.locator("#detail").bounding_box()["x"]
    assert page.evaluate(_OVER) == []
    look.forgive()  # this window has no journal: the panel says so


def _barred(account: int, name: str):
    """Return an account that is locked until its firm lets it trade."""
    barred = locked(account, name, 60)
    lock = structs.replace(
        barred.status.lockouts[0], rule="RULE-010", until=None, release_on=ReleaseOn.CAN_TRADE
    )
    status = structs.replace(barred.status, lockouts=(lock,))
    return structs.replace(barred, status=status, can_trade=False)


_OVER = """() => [...document.querySelectorAll("#table td, #table th:not(.c-name)")]
  .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.textContent)"""

_CONTRAST = """() => {
  const rgb = (said) => (said.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [.2126, .7152, .0722][n], 0);
  const ground = (node) => { for (; node; node = node.parentElement) {
    const c = rgb(getComputedStyle(node).backgroundColor); if (c.length === 3 || c[3] > 0) return c; }
    return [255, 255, 255]; };
  const said = (node) => [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const found = [];
  for (const node of document.querySelectorAll("main *, header *, #banner *")) {
    if (!node.checkVisibility() || !said(node)) continue;
    const both = [rgb(getComputedStyle(node).color), ground(node)].map(light).sort((x, y) => y - x);
    const ratio = (both[0] + .05) / (both[1] + .05);
    if (ratio < 4.5) found.push(`${node.textContent.slice(0, 40)} ${ratio.toFixed(2)}`);
  }
  return found; }"""


def test_a_page_that_is_left_and_opened_again_shows_the_same(shown, look):
    """Addresses of accounts and incidents can be kept; the way back works."""
    window = shown(board(row(1, "one"), row(2, "two")))
    page = look(window.host, "/#/account/2")
    expect(page.locator("#detail-h")).to_have_text("two")
    page.get_by_role("link", name="one", exact=True).click()
    expect(page.locator("#detail-h")).to_have_text("one")
    page.go_back()
    expect(page.locator("#detail-h")).to_have_text("two")
    page.goto(f"http://{window.host}/#/account/12")
    page.reload()
    expect(page.locator("#detail-h")).to_have_text("12")
    wait_for(lambda: window.boards > 0)
    look.forgive()  # this window has no journal
