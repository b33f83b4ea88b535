// The dashboard. It shows what the process says and asks it for one thing only: a lockout.
//
// Whatever comes from the broker (names above all) is put on the page as text, never as markup. A picture
// changes only what differs from the one before. When no word comes for a while, nothing counts as known.

import uPlot from "/static/vendor/uPlot.esm.js";

const SILENCE_MS = 4000; // after so long without a word, protection is unknown
const SHOWN_HOLES = 6;
const DAY_LOSS = "RULE-003", DAY_PROFIT = "RULE-013"; // those of the whole account's day: lines of the chart
const TOKEN = "lockstep-token";
const $ = (id) => document.getElementById(id);

// --- small things ------------------------------------------------------------------------------

function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((each) => each !== null && each !== undefined));
  return node;
}

function text(node, said) { // touches the page only where it differs
  if (node.textContent !== said) node.textContent = said;
}
function kind(node, name) {
  if (node.className !== name) node.className = name;
}
function shown(node, yes) {
  if (node.hidden === yes) node.hidden = !yes;
}

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", signDisplay: "exceptZero" });
const plain = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minute = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const dayClock = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });

const usd = (amount) => (amount === null ? "unknown" : dollars.format(amount).replace("-", "−"));
const signed = (amount) => whole.format(amount).replace("-", "−");
// A price as its contract is quoted: to the tick, an average to two places more.
function price(said, tick) {
  if (!tick) return String(said);
  const places = Number(tick).toFixed(10).replace(/0+$/, "").split(".")[1]?.length ?? 0;
  const form = new Intl.NumberFormat("en-US", { minimumFractionDigits: places, maximumFractionDigits: places + 2 });
  return form.format(said).replace("-", "−");
}
const tone = (amount) => (amount === null ? "unsure" : amount < 0 ? "loss" : amount > 0 ? "gain" : "");
const number = (said) => (said === null ? null : Number(said));
const at = (iso) => clock.format(new Date(iso));
const atMs = (iso) => `${at(iso)}.${String(new Date(iso).getMilliseconds()).padStart(3, "0")}`;
const when = (iso) => (Math.abs(new Date(iso) - now()) < 72e6 ? at(iso) : dayClock.format(new Date(iso)));
const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function left(ms) {
  const s = Math.max(0, Math.ceil(ms / 1000));
  const two = (n) => String(n).padStart(2, "0");
  if (s >= 86400) return `${Math.floor(s / 86400)} d ${two(Math.floor((s % 86400) / 3600))} h`;
  return s >= 3600
    ? `${Math.floor(s / 3600)}:${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`
    : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

function apart(ms) {
  if (ms < 0) return "0 ms";
  return ms < 10000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

// --- what the process said ---------------------------------------------------------------------

const rows = new Map(); // account id → what is known of it
let head = null; // what concerns all, `holes` among it
let said = null; // the process's own time of the last picture, and ours when it came
let heardAt = performance.now();
let tellNames;
const named = new Promise((go) => { tellNames = go; }); // once accounts have names
let heard = false;

// Of the process's clock, which may not be this computer's.
function now() {
  return said ? said.at + (performance.now() - said.came) : Date.now();
}

function listen() {
  const stream = new EventSource("/api/stream");
  const word = () => { heardAt = performance.now(); heard = true; };
  stream.addEventListener("beat", word);
  stream.addEventListener("picture", (event) => {
    word();
    take(JSON.parse(event.data));
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 1500);
  });
}

function take(picture) {
  if (picture.at) said = { at: Date.parse(picture.at), came: performance.now() - picture.age_ms };
  if (picture.full) rows.clear();
  if (picture.head) head = picture.head;
  for (const row of picture.rows) rows.set(row.status.account, prepared(row));
  for (const row of rows.values()) if (row.silent && !silent(row)) rows.delete(row.id);
  for (const account of head.unanswered ?? []) {
    if (!rows.has(account)) rows.set(account, prepared(null, account));
  }
  tellNames();
  draw(picture);
}

// Numbers out of strings, and what rows are sorted by, once per change.
function prepared(row, account) {
  if (row === null) {
    return { id: account, silent: true, name: String(account), login: "", profile: "", limits: [], near: Infinity, total: null, haystack: String(account) };
  }
  const status = row.status;
  const realised = number(status.realised_usd), open = number(status.open_usd);
  const limits = status.limits.map((use) => {
    const value = number(use.value), limit = number(use.limit);
    return { ...use, value, limit, share: value / limit, partly: open === null && use.rule === DAY_LOSS };
  });
  limits.sort((a, b) => nearness(b) - nearness(a) || a.rule.localeCompare(b.rule));
  const holds = row.holdings.map((each) => `${signed(each.position.size)} ${productOf(each.position.contract)}`);
  return {
    ...row, id: status.account, name: status.name, login: status.login, profile: row.profile ?? "no profile",
    realised, open, total: open === null ? null : realised + open, limits, holds,
    near: limits.length ? nearness(limits[0]) : -1,
    haystack: [status.name, status.account, status.login, row.profile, ...holds, status.phase, status.health].join(" ").toLowerCase(),
  };
}

// One of which a part is unknown is as near as one that is reached; a target is no danger.
const nearness = (use) => (use.partly ? Math.max(1, use.share) : use.share) - (use.target ? 0.001 : 0);

function productOf(contract) {
  const parts = contract.split(".");
  const names = { EP: "ES", ENQ: "NQ", CLE: "CL", MCLE: "MCL", GCE: "GC" };
  return parts.length === 5 ? names[parts[3]] ?? parts[3] : contract;
}

const silent = (row) => (head?.unanswered ?? []).includes(row.id);
const enforcing = (row) => !row.silent && row.status.phase === "enforcing";
const locks = (row) => (row.silent ? [] : row.status.lockouts);
const pretended = (row) => !row.silent && row.status.shadow;
const PRETENDED = { locked: "would be locked", enforcing: "would enforce" };
const phaseOf = (row) => (pretended(row) && PRETENDED[row.status.phase]) || row.status.phase;
const bare = (row) => (row.silent ? [] : row.holdings.filter((each) => each.unprotected_since));
const troubled = (row) => silent(row) || enforcing(row) || row.status.health !== "live" || row.status.phase === "starting";

// Short words beside an account's state; a new kind of state is one more line here.
const FLAGS = [
  (row) => row.status.shadow && "shadow: sends nothing", // not guarded, only watched
  (row) => row.can_trade === false && "firm: no trading",
  (row) => row.status.queued.length > 0 && "change at the reset",
];
// What is said under the verdict without making it less true.
const NOTES = [
  () => { const n = count(enforcing); return n && `${many(n, "account")} being enforced`; },
  () => { const n = count((row) => locks(row).length > 0); return n && `${n} locked`; },
  () => { const n = count((row) => !row.silent && row.status.shadow); return n && `${n} in shadow mode, which protects nothing`; },
  () => deaf(),
];
// Said under every verdict: the worse it is, the more it matters that nobody is told.
function deaf() {
  const failing = (head.channels ?? []).filter((each) => each.failing_since).map((each) => each.name);
  return failing.length > 0 && `alerts do not get through: ${failing.join(", ")}`;
}
const count = (test) => { let n = 0; for (const row of rows.values()) if (test(row)) n += 1; return n; };

// --- banner -------------------------------------------------------------------------------------

function drawBanner() {
  const quiet = performance.now() - heardAt;
  const lost = quiet > SILENCE_MS;
  const old = said ? performance.now() - said.came : 0;
  $("main").classList.toggle("past", Boolean(said) && (lost || old > 2 * SILENCE_MS));
  if (!head || lost || old > 2 * SILENCE_MS) {
    const waiting = !heard && !lost;
    verdict("unknown", waiting ? "Connecting" : "Unknown", waiting
      ? "Waiting for the first word from Lockstep."
      : `No word from Lockstep. Whether accounts are protected is not known${said ? `; below is what was true at ${at(said.at)}` : ""}.`, []);
  } else if (head.holes.length) {
    const found = joined(head.holes);
    verdict("broken", "Not protected", [`${many(found.length, "thing")} wrong`, deaf()].filter(Boolean).join(" · "), found);
  } else {
    const notes = NOTES.map((note) => note()).filter(Boolean);
    verdict("protected", "Protected", [`${many(rows.size, "account")}: connected, fresh, reconciled, calendar valid, on disk, judged in time`, ...notes].join(" · "), []);
  }
  text($("age"), !said ? "" : lost ? `silent for ${left(quiet)}` : old < 1950 ? "as of now" : `as of ${Math.round(old / 1000)} s ago`);
}

// The same word about many accounts is said once.
function joined(holes) {
  const found = new Map();
  for (const hole of holes) {
    if (!found.has(hole.text)) found.set(hole.text, []);
    if (hole.account !== null) found.get(hole.text).push(hole.account);
  }
  return [...found].map(([what, accounts]) => ({ what, accounts }));
}

function verdict(name, word, why, holes) {
  kind($("banner"), `banner ${name}`);
  text($("verdict"), word);
  text($("why"), why);
  const lines = holes.slice(0, SHOWN_HOLES).map(({ what, accounts }) => ({ what, accounts, key: `${what} ${accounts}` }));
  if (holes.length > SHOWN_HOLES) lines.push({ what: `and ${holes.length - SHOWN_HOLES} more`, accounts: [], key: `more ${holes.length}` });
  const list = $("holes");
  const key = JSON.stringify(lines.map((line) => line.key));
  if (list.dataset.key !== key) { // announced once, and again only when something else is wrong
    list.dataset.key = key;
    list.replaceChildren(...lines.map(holeLine));
  }
  const title = `${name === "protected" ? "" : "⚠ "}${word} · Lockstep`;
  if (document.title !== title) document.title = title;
}

function holeLine({ what, accounts }) {
  if (accounts.length === 1) {
    const name = rows.get(accounts[0])?.name ?? String(accounts[0]);
    return h("li", {}, h("a", { href: `#/account/${accounts[0]}` }, name), ` ${what}`);
  }
  return h("li", {}, accounts.length ? `${many(accounts.length, "account")} ${what.replace(/^is /, "are ")}` : what);
}

// --- the table ----------------------------------------------------------------------------------

const drawn = new Map(); // account id → its row on the page
const bodies = new Map(); // group → its tbody

function newRow(id) {
  const link = h("a", { href: `#/account/${id}` });
  const under = h("span", { class: "sub" });
  const pills = h("span", { class: "pills" }), phase = h("span", { class: "pill" }), health = h("span", { class: "pill", hidden: true });
  const flag = h("span", { class: "pill flag", hidden: true }), ends = h("span", { class: "count" });
  pills.append(phase, health, flag, ends);
  const pnl = h("span", { class: "pnl" }), made = h("span"), open = h("span"), parts = h("span", { class: "sub" }, made, " ", open);
  const limit = newLimit(), more = h("span", { class: "sub" });
  const holds = h("span"), stops = h("span", { class: "sub" });
  const tr = h("tr", {},
    h("th", { scope: "row", class: "c-name overflow" }, link, under),
    h("td", { class: "c-state" }, pills),
    h("td", { class: "c-pnl n" }, pnl, parts),
    h("td", { class: "c-limit" }, limit.node, more),
    h("td", { class: "c-holds" }, holds, stops));
  tr.addEventListener("click", (event) => {
    if (!event.target.closest("a")) location.hash = `#/account/${id}`;
  });
  return { tr, link, under, phase, health, flag, ends, pnl, made, open, parts, limit, more, holds, stops };
}

function newLimit() {
  const fill = h("i"), bar = h("div", { class: "bar", "aria-hidden": "true" }, fill);
  const pct = h("span", { class: "pct" }), what = h("span"), numbers = h("b");
  const node = h("div", { class: "limit" }, bar, pct, h("span", { class: "said" }, what, numbers));
  return { node, bar, fill, pct, what, numbers };
}

function drawLimit(cell, use) {
  const percent = Math.floor(Number((use.share * 100).toFixed(6))); // 1.15 is 1.1499… in binary
  const near = use.target ? "bar aim" : percent >= 80 ? "bar high" : percent >= 50 ? "bar mid" : "bar";
  kind(cell.bar, use.partly ? `${near} unsure` : near);
  const used = String(Math.min(1, use.share).toFixed(3));
  if (cell.fill.style.getPropertyValue("--used") !== used) cell.fill.style.setProperty("--used", used);
  text(cell.pct, percent > 999 ? ">999 %" : `${use.partly ? "≥ " : ""}${percent} %`);
  const what = use.what.replace(/CON(\.\w+){4}/g, productOf);
  text(cell.what, use.partly ? `${what}, what is open unknown` : what);
  text(cell.numbers, `${amount(use, use.value)} of ${amount(use, use.limit)}`);
}

const amount = (use, value) => (use.unit === "usd" ? plain.format(value) : whole.format(value));

function drawRow(row) {
  let cells = drawn.get(row.id);
  if (!cells) drawn.set(row.id, cells = newRow(row.id));
  text(cells.link, row.name);
  text(cells.under, [row.id, row.login, row.profile].filter(Boolean).join(" · "));
  kind(cells.tr, [troubled(row) && "bad", row.id === route.account && "here"].filter(Boolean).join(" "));
  drawState(cells, row);
  text(cells.pnl, row.silent ? "unknown" : usd(row.total));
  kind(cells.pnl, `pnl ${tone(row.total)}`);
  shown(cells.parts, !row.silent && row.holds.length > 0);
  if (!cells.parts.hidden) { text(cells.made, `realised ${usd(row.realised)},`); text(cells.open, `open ${usd(row.open)}`); }
  shown(cells.limit.node, row.limits.length > 0);
  if (row.limits.length) drawLimit(cells.limit, row.limits[0]);
  text(cells.more, row.limits.length ? "" : row.silent ? "" : "no limit to measure");
  const orders = row.silent || !row.orders.length ? [] : [many(row.orders.length, "order")];
  text(cells.holds, row.silent ? "" : [...row.holds, ...orders].join(", ") || "flat");
  kind(cells.holds, row.silent || row.holds.length || orders.length ? "" : "mute");
  drawStops(cells, row);
}

function drawState(cells, row) {
  const gone = silent(row);
  text(cells.phase, gone ? "does not answer" : phaseOf(row));
  kind(cells.phase, `pill ${gone ? "silent" : row.status.phase}`);
  shown(cells.health, !gone && row.status.health !== "live");
  if (!gone && row.status.health !== "live") {
    text(cells.health, row.status.health);
    kind(cells.health, `pill ${row.status.health}`);
  }
  const flag = row.silent ? undefined : FLAGS.map((test) => test(row)).find(Boolean);
  shown(cells.flag, Boolean(flag));
  if (flag) text(cells.flag, flag);
  drawEnd(cells, row);
}

// Counts down between pictures too.
function drawEnd(cells, row) {
  text(cells.ends, gone(row) ? "" : ends(locks(row)[0]));
}
const gone = (row) => silent(row) || locks(row).length === 0;

function ends(lock) {
  return lock.until ? `${left(Date.parse(lock.until) - now())} left` : ENDS[lock.release_on] ?? lock.release_on;
}
const ENDS = { can_trade: "until the firm lets it trade", config: "until the configuration no longer asks for it", session_start: "until a session starts", reset: "until the reset", time: "" };

function drawStops(cells, row) {
  const open = bare(row);
  if (open.length) {
    const longest = Math.max(...open.map((each) => now() - Date.parse(each.unprotected_since)));
    text(cells.stops, `not covered for ${left(longest)}`);
  } else text(cells.stops, row.holds?.length ? "stops cover it" : "");
  kind(cells.stops, open.length ? "sub unsure" : "sub");
}

const ORDERS = {
  nearest: (a, b) => b.near - a.near,
  name: () => 0,
  worst: (a, b) => (a.total ?? -Infinity) - (b.total ?? -Infinity),
  best: (a, b) => (b.total ?? -Infinity) - (a.total ?? -Infinity),
  state: (a, b) => rank(a) - rank(b),
};
const rank = (row) => (silent(row) ? 0 : ["enforcing", "starting", "locked", "open"].indexOf(row.status.phase) + (row.status.health === "live" ? 1 : 0.5));
const SHOWS = { all: () => true, attention: troubled, locked: (row) => enforcing(row) || locks(row).length > 0, holding: (row) => !row.silent && (row.holds.length > 0 || row.orders.length > 0) };
const GROUPS = { "": () => "", login: (row) => row.login, profile: (row) => row.profile, both: (row) => `${row.login} · ${row.profile}` };

function arrange() {
  const words = $("filter").value.trim().toLowerCase().split(/\s+/);
  const shows = SHOWS[$("show").value], order = ORDERS[$("sort").value], group = GROUPS[$("group").value];
  const found = [...rows.values()].filter((row) => shows(row) && words.every((word) => row.haystack.includes(word)));
  found.sort((a, b) => order(a, b) || a.name.localeCompare(b.name, "en", { numeric: true }) || a.id - b.id);
  const groups = new Map();
  for (const row of found) {
    const name = group(row);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  const names = [...groups.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  for (const [name, body] of bodies) {
    if (!groups.has(name)) { body.remove(); bodies.delete(name); }
  }
  let before = $("table").tHead;
  for (const name of names) {
    const body = bodyOf(name);
    if (before.nextElementSibling !== body) before.after(body);
    before = body;
    fillBody(body, name, groups.get(name));
  }
  for (const [id, cells] of drawn) if (!rows.has(id)) { cells.tr.remove(); drawn.delete(id); }
  shown($("nothing"), found.length === 0);
  text($("nothing"), rows.size ? "No account is like that." : head ? "No account is guarded." : "");
  drawSummary(found);
}

function bodyOf(name) {
  if (!bodies.has(name)) bodies.set(name, h("tbody"));
  return bodies.get(name);
}

function fillBody(body, name, list) {
  let place = body.firstElementChild;
  if (name) {
    if (!place?.classList.contains("grouped")) body.prepend(place = h("tr", { class: "grouped" }, h("th", { scope: "rowgroup", colspan: "5" })));
    const sum = list.reduce((total, row) => (total === null || row.total === null ? null : total + row.total), 0);
    text(place.firstElementChild, `${name}: ${many(list.length, "account")}, ${usd(sum)}`);
    place = place.nextElementSibling;
  } else if (place?.classList.contains("grouped")) {
    place = place.nextElementSibling;
    body.firstElementChild.remove();
  }
  for (const row of list) {
    const tr = drawn.get(row.id).tr;
    if (tr === place) place = place.nextElementSibling;
    else body.insertBefore(tr, place);
  }
  while (place) { // what is filtered out; its row is kept for when it is not
    const after = place.nextElementSibling;
    place.remove();
    place = after;
  }
}

function drawSummary(found) {
  const unknown = found.filter((row) => row.total === null).length;
  const sum = found.reduce((total, row) => total + (row.total ?? 0), 0);
  const open = found.filter((row) => !row.silent && row.status.phase === "open").length;
  const locked = found.filter((row) => locks(row).length > 0 && !pretended(row)).length;
  const would = found.filter((row) => locks(row).length > 0 && pretended(row)).length;
  const hurt = found.filter(troubled).length;
  text($("summary"), [
    found.length === rows.size ? many(rows.size, "account") : `${found.length} of ${many(rows.size, "account")}`,
    `${open} open`, locked && `${locked} locked`, would && `${would} would be locked`, hurt && `${hurt} need attention`,
    `day’s P&L ${usd(sum)}${unknown ? ` and ${unknown} unknown` : ""}`,
  ].filter(Boolean).join(" · "));
}

function draw(picture) {
  drawBanner();
  const changed = picture.full ? [...rows.keys()] : picture.rows.map((row) => row.status.account);
  for (const id of picture.head ? rows.keys() : changed) drawRow(rows.get(id));
  if (picture.full || changed.length || picture.head) arrange();
  if (picture.head) text($("about"), `Lockstep ${head.version ?? ""}, configuration ${(head.config ?? "").slice(0, 12)}${head.config_version ? `, version ${head.config_version}` : ""}. Times are this computer’s.`);
  if (route.account !== null && (picture.full || changed.includes(route.account))) drawDetail();
}

setInterval(() => {
  drawBanner();
  for (const row of rows.values()) {
    const cells = drawn.get(row.id);
    if (locks(row).length) drawEnd(cells, row);
    if (bare(row).length) drawStops(cells, row);
  }
  for (const tell of counting) tell();
}, 1000);

// --- one account --------------------------------------------------------------------------------

let counting = []; // texts of the account that is open which change with the time
let story = null; // what the journal tells of it
let storyAsked = 0;
let chart = null;
let live = []; // [ms, total] as it was seen since the account was opened

function sec(title, ...children) {
  return h("section", { class: "sec" }, h("h3", {}, title), ...children);
}
function mini(heads, lines) {
  return h("table", { class: "mini" },
    h("thead", {}, h("tr", {}, ...heads.map(([name, cls]) => h("th", { scope: "col", class: cls }, name)))),
    h("tbody", {}, ...lines.map((cells) => h("tr", {}, ...cells.map((cell, n) => h("td", { class: heads[n][1] }, cell))))));
}
function ticking(node, tell) {
  const say = () => text(node, tell());
  say();
  counting.push(say);
  return node;
}

const detail = {}; // the parts of the open account that are drawn anew by themselves

function openDetail() {
  live = []; story = null; chart = null; counting = [];
  const row = rows.get(route.account);
  const close = h("a", { href: "#/", id: "detail-close", title: "Close (Escape)" }, "Close");
  const lock = h("button", { type: "button", class: "danger", onclick: () => openLock(route.account) }, "Lock…");
  detail.title = h("h2", { id: "detail-h", tabindex: "-1", class: "overflow" }, row?.name ?? String(route.account));
  for (const part of ["state", "money", "locks", "under", "limits", "holdings", "past"]) detail[part] = h("div");
  detail.chart = h("div", { class: "chart" });
  detail.legend = h("p", { class: "legend" });
  $("detail").setAttribute("aria-labelledby", "detail-h");
  $("detail").replaceChildren(
    h("div", { class: "head" }, detail.title, h("div", { class: "right" }, lock, close)),
    detail.state, detail.money, detail.locks, detail.under, detail.limits,
    sec("Day’s P&L", detail.chart, detail.legend), detail.holdings, detail.past);
  drawDetail();
  askStory();
}

function drawDetail() {
  const row = rows.get(route.account);
  if (!row || !detail.title) return;
  counting = [];
  text(detail.title, row.name);
  const pills = newRow(row.id);
  drawState(pills, row);
  if (!gone(row)) ticking(pills.ends, () => (gone(row) ? "" : ends(locks(row)[0])));
  const where = [row.id, row.login, row.profile, row.status && `trading day ${row.status.trading_date}`].filter(Boolean).join(" · ");
  detail.state.replaceChildren(
    h("p", { class: "mute overflow" }, where), pills.phase.parentNode,
    ...(row.silent ? [] : [h("p", { class: "sub overflow" }, [row.status.starting && `starting: ${row.status.starting}`, row.status.health_reason].filter(Boolean).join("; "))]));
  if (row.silent) return;
  drawMoney(row);
  drawLocks(row);
  detail.limits.replaceChildren(sec("Against each limit", row.limits.length
    ? h("div", { class: "limits" }, ...row.limits.map((use) => { const cell = newLimit(); drawLimit(cell, use); text(cell.what, `${use.rule} ${cell.what.textContent}`); return cell.node; }))
    : h("p", { class: "mute" }, "None of its rules has a limit that can be measured.")));
  drawHoldings(row);
  if (row.total !== null && said) live.push([now(), row.total]);
  if (live.length > 3600) live.splice(0, 600);
  drawChart();
  if (performance.now() - storyAsked > 900) askStory();
  else setTimeout(() => { if (performance.now() - storyAsked > 900) askStory(); }, 1000);
}

function drawMoney(row) {
  const entry = (name, value, cls) => [h("div", {}, h("dt", {}, name), h("dd", { class: cls }, value))];
  detail.money.replaceChildren(h("dl", { class: "big" },
    ...entry("Day’s P&L", usd(row.total), tone(row.total)),
    ...entry("realised", usd(row.realised), `small ${tone(row.realised)}`),
    ...entry("open", usd(row.open), `small ${tone(row.open)}`),
    ...entry("resets at", when(row.next_reset), "small")));
}

function drawLocks(row) {
  const list = locks(row).map((lock) => {
    const end = h("b");
    ticking(end, () => (lock.until ? `${left(Date.parse(lock.until) - now())} left` : ENDS[lock.release_on]));
    const scope = lock.scope === "account" ? "" : ` for ${lock.scope.replace("product:", "")}`;
    const duty = lock.duty === "flat" ? "nothing may be held" : "no new exposure";
    const till = lock.until ? `ends at ${when(lock.until)} (${lock.release_on.replace("_", " ")}), ${lock.shadow ? "nothing is enforced" : "nothing ends it earlier"}` : `ends only ${ENDS[lock.release_on]?.replace("until", "when") ?? lock.release_on}`;
    return h("li", {}, h("span", {}, `${lock.rule}${scope}: ${duty}, `, end), h("span", { class: "sub text" }, `${till}. ${lock.reason}`));
  });
  const queued = row.status.queued.map((change) => h("li", {}, `At the reset: ${change}`));
  detail.locks.replaceChildren(...(list.length ? [sec(pretended(row) ? "Would be locked by" : "Locked by", h("ul", { class: "locks" }, ...list))] : []),
    ...(queued.length ? [sec("Waiting", h("ul", { class: "rules" }, ...queued))] : []));
}

const ORDER_TYPES = ["?", "limit", "market", "stop limit", "stop", "trailing stop", "join bid", "join ask"];

function drawHoldings(row) {
  const held = row.holdings.map(({ position, mark, pnl_usd, tick_size, unprotected_since }) => {
    const stop = h("span", { class: unprotected_since ? "unsure" : "" });
    if (unprotected_since) ticking(stop, () => `not covered for ${left(now() - Date.parse(unprotected_since))}`);
    else text(stop, "covered");
    const pnl = number(pnl_usd);
    return [h("span", { title: position.contract }, productOf(position.contract)), signed(position.size), price(position.average_price, tick_size), mark === null ? "?" : price(mark, tick_size), h("span", { class: tone(pnl) }, usd(pnl)), stop];
  });
  const orders = row.orders.map((order) => [
    String(order.order_id), `${order.side === 0 ? "buy" : "sell"} ${order.size - order.filled} ${productOf(order.contract)}`, ORDER_TYPES[order.type] ?? `type ${order.type}`,
    [order.limit_price && `limit ${order.limit_price}`, order.stop_price && `stop ${order.stop_price}`].filter(Boolean).join(", ") || "",
  ]);
  detail.holdings.replaceChildren(
    sec("Positions", held.length ? mini([["Product"], ["Size", "n"], ["Entry", "n"], ["Mark", "n"], ["Open P&L", "n"], ["Stop"]], held) : h("p", { class: "mute" }, "Flat.")),
    ...(orders.length ? [sec("Working orders", mini([["Order"], ["What"], ["Type"], ["Price"]], orders))] : []));
}

async function askStory() {
  const account = route.account;
  if (account === null) return;
  storyAsked = performance.now();
  try {
    const answer = await ask(`/api/accounts/${account}`);
    if (account !== route.account) return;
    story = answer;
    drawStory();
  } catch (error) {
    if (account === route.account) detail.past.replaceChildren(sec("From the journal", h("p", { class: "wrong" }, error.message)));
  }
}

function drawStory() {
  const { rules, day } = story;
  const under = day.incidents.find((incident) => !incident.finished);
  detail.under.replaceChildren(...(under ? [sec("Enforcement under way", stages(under), ...shortened(under.steps.filter(isStep)))] : []));
  const past = day.incidents.filter((incident) => incident.finished);
  detail.past.replaceChildren(
    sec("Last decisions", day.decisions.length ? stepList(day.decisions.slice(0, 12)) : h("p", { class: "mute" }, "None today.")),
    ...(past.length ? [sec("Incidents today", ...past.map((incident) => h("div", { class: "incident" },
      h("p", {}, h("a", { href: `#/incident/${incident.account}/${incident.seq}` }, `${at(incident.at)} ${incident.rules.join(", ")}`), h("span", { class: "sub text" }, incident.why)),
      stages(incident))))] : []),
    ...(rules.length ? [sec("Judged by", h("ul", { class: "rules" }, ...rules.map((line) => h("li", {}, line))))] : []));
  drawChart();
}

function stages(incident) {
  const l = incident.latency;
  const first = Date.parse(l.event_at ?? l.decided_at);
  const stage = (name, iso) => h("li", { class: iso ? "" : "none" }, `${name} `, h("b", {}, iso ? apart(Date.parse(iso) - first) : "–"));
  return h("ol", { class: "stages", "aria-label": "Latency" },
    h("li", {}, l.event_at ? `event ${atMs(l.event_at)}` : `${byQuote(incident) ? "by a quote, " : ""}decided ${atMs(l.decided_at)}`),
    ...(l.event_at ? [stage("decision", l.decided_at)] : []),
    ...(incident.shadow
      ? [h("li", { class: "none" }, "shadow: nothing was sent"), stage("would be locked", l.locked_at)]
      : [stage("sent", l.sent_at), stage("flat", l.flat_at), stage("locked", l.locked_at)]));
}

// How it began and how it stands; all of it is on the incident's own page.
function shortened(steps) {
  if (steps.length <= 16) return [stepList(steps)];
  return [stepList(steps.slice(0, 4)), h("p", { class: "mute" }, `… ${steps.length - 14} more …`), stepList(steps.slice(-10))];
}

const isStep = (step) => step.text || step.payload.outcome || step.kind.startsWith("enforcement");
const byQuote = (incident) => incident.steps[0]?.payload.cause.startsWith("quote/");

function stepList(steps, { payloads = false } = {}) {
  return h("ol", { class: "steps" }, ...steps.map((step) => h("li", {},
    h("time", { datetime: step.at }, atMs(step.at)),
    h("div", {}, h("span", { class: `text ${step.level}` }, wordsOf(step)),
      payloads ? h("details", {}, h("summary", {}, `#${step.seq} ${step.kind}`), h("pre", {}, JSON.stringify(step.payload, null, 2))) : null))));
}

// What the log says, without what the page around it says already.
function wordsOf({ kind: name, text: said, payload }) {
  if (name === "rule_breached") return `${payload.breach.rule}: ${payload.breach.reason}\n${payload.breach.measure}`;
  if (!said) return name.replaceAll("_", " ") + (payload.outcome ? `: ${payload.outcome.outcome}` : "");
  const short = said.replaceAll(new RegExp(`Account ${payload.account}(: | )`, "g"), "").replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)/g, when);
  return short.charAt(0).toUpperCase() + short.slice(1);
}

// --- the chart ----------------------------------------------------------------------------------

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function chartLines(row) {
  return (row?.limits ?? []).filter((use) => [DAY_LOSS, DAY_PROFIT].includes(use.rule)).map(({ rule, limit, target }) => {
    const y = target ? limit : -limit;
    return { y, label: `${rule} ${usd(y)}`, target };
  });
}

function series() {
  const found = new Map(); // seconds → [realised, all]
  let last = null;
  for (const [iso, amount] of story?.day.points ?? []) {
    last = Number(amount);
    found.set(Date.parse(iso) / 1000, [last, null]);
  }
  for (const [ms, total] of live) found.set(ms / 1000, [last ?? 0, total]);
  const xs = [...found.keys()].sort((a, b) => a - b);
  if (xs.length && said && xs.at(-1) < now() / 1000) { xs.push(now() / 1000); found.set(xs.at(-1), [last, null]); }
  return [xs, xs.map((x) => found.get(x)[0]), xs.map((x) => found.get(x)[1])];
}

function drawChart() {
  const row = rows.get(route.account);
  if (!detail.chart || !row) return;
  const data = series(), lines = chartLines(row);
  const values = [...data[1], ...data[2], 0, ...lines.map((line) => line.y)].filter((value) => value !== null);
  const low = Math.min(...values), high = Math.max(...values), room = (high - low || 100) * 0.08;
  const range = [low - room, high + room];
  const key = JSON.stringify(lines);
  if (!chart || chart.key !== key) {
    chart?.plot.destroy();
    const options = {
      width: Math.max(260, detail.chart.clientWidth), height: 210, legend: { show: false }, cursor: { y: false, drag: { x: false, y: false } },
      scales: { x: { range: (_, from, to) => (from === null ? [null, null] : [from, Math.max(to, from + 60)]) }, y: { range: () => chart?.range ?? range } },
      axes: [axis({ space: 72, incrs: STEPS_S, values: (_, all, _axis, _space, step) => all.map((s) => (step < 60 ? clock : minute).format(s * 1000)) }), axis({ size: (_, labels) => 20 + 6.5 * Math.max(6, ...(labels ?? []).map((label) => label.length)), values: (_, all) => all.map((value) => usd(value).replace(/\.00$/, "")) })],
      series: [{}, { stroke: css("--link"), width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, spanGaps: true }, { stroke: css("--mute"), width: 1.5, points: { show: false }, spanGaps: true }],
      hooks: { draw: [(plot) => drawOver(plot, lines)] },
    };
    detail.chart.replaceChildren();
    chart = { key, range, plot: new uPlot(options, data, detail.chart) };
  } else {
    chart.range = range;
    chart.plot.setData(data);
  }
  detail.chart.setAttribute("role", "img");
  detail.chart.setAttribute("aria-label", `Day’s P&L: realised ${usd(row.realised)}, with open ${usd(row.total)}; limits ${lines.map((line) => line.label).join(", ") || "none"}; ${many(story?.day.marks.length ?? 0, "event")} marked`);
  const legend = [["l-real", "realised"], ["l-all", "with open, since this page looks"], ...(lines.length ? [["l-limit", "limits"]] : []), ...(story?.day.marks.length ? [["l-mark", "breach, lock"]] : [])];
  if (detail.legend.childElementCount !== legend.length) detail.legend.replaceChildren(...legend.map(([cls, name]) => h("span", { class: cls }, name)));
}

const STEPS_S = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400];

function axis(more) {
  return { stroke: css("--mute"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 }, font: "11px system-ui", ...more };
}

function drawOver(plot, lines) {
  const { ctx, bbox } = plot, scale = devicePixelRatio;
  ctx.save();
  ctx.lineWidth = scale;
  ctx.font = `${11 * scale}px system-ui`;
  ctx.textAlign = "left";
  for (const line of lines) {
    const y = plot.valToPos(line.y, "y", true);
    ctx.strokeStyle = ctx.fillStyle = css(line.target ? "--gain" : "--bad");
    ctx.setLineDash([6 * scale, 4 * scale]);
    stroke(ctx, bbox.left, y, bbox.left + bbox.width, y);
    ctx.textBaseline = line.y > 0 ? "top" : "bottom";
    ctx.fillText(line.label, bbox.left + 6 * scale, y + (line.y > 0 ? 3 : -3) * scale);
  }
  ctx.setLineDash([2 * scale, 3 * scale]);
  for (const mark of story?.day.marks ?? []) {
    ctx.strokeStyle = css(mark.kind === "rule_breached" ? "--bad" : "--lock");
    const x = plot.valToPos(Date.parse(mark.at) / 1000, "x", true);
    if (x >= bbox.left && x <= bbox.left + bbox.width) stroke(ctx, x, bbox.top, x, bbox.top + bbox.height);
  }
  ctx.restore();
}

function stroke(ctx, x0, y0, x1, y1) {
  ctx.beginPath(); ctx.moveTo(x0, y0); ctx.lineTo(x1, y1); ctx.stroke();
}

function anewChart() { if (chart) { chart.key = ""; drawChart(); } }
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", anewChart);
addEventListener("resize", () => { clearTimeout(anewChart.later); anewChart.later = setTimeout(anewChart, 150); });

// --- incidents ----------------------------------------------------------------------------------

async function ask(path, options) {
  const answer = await fetch(path, options);
  const told = await answer.json();
  if (!answer.ok) throw new Error((told.complaints ?? ["it was not answered"]).join("\n"));
  return told;
}

async function page(title, make) {
  const place = $("incidents"), asked = route;
  const heading = h("h1", { id: "page-h", tabindex: "-1" }, title());
  place.setAttribute("aria-labelledby", "page-h");
  place.replaceChildren(h("div", { class: "page" }, heading, h("p", { class: "mute" }, "Reading the journal…")));
  heading.focus();
  await Promise.race([named, new Promise((go) => setTimeout(go, 1500))]);
  text(heading, title());
  let body;
  try { body = await make(); } catch (error) { body = [h("p", { class: "wrong text" }, error.message)]; }
  if (asked === route) place.replaceChildren(h("div", { class: "page" }, heading, ...body));
}

const nameOf = (account) => rows.get(account)?.name ?? String(account);

function openIncidents() {
  return page(() => "Incidents", async () => {
    const list = await ask("/api/incidents");
    if (!list.length) return [h("p", { class: "mute" }, "The journal’s last events hold no enforcement.")];
    return [h("div", { class: "sec" }, mini([["When"], ["Account"], ["By"], ["Why"]], list.map((each) => [
      h("a", { href: `#/incident/${each.account}/${each.seq}` }, dayClock.format(new Date(each.at))), nameOf(each.account), each.rules.join(", "), `${each.shadow ? "SHADOW, nothing was sent: " : ""}${each.why || "the duty of a lockout"}`])))];
  });
}

function openIncident() {
  const { account, seq } = route;
  return page(() => `Incident of ${nameOf(account)}`, async () => {
    const { incident, trading_date } = await ask(`/api/incidents/${account}/${seq}`);
    const outcome = `${incident.shadow ? "SHADOW, nothing was sent, " : ""}${incident.finished ? "finished" : "under way"}`;
    return [
      h("p", { class: "text" }, `${dayClock.format(new Date(incident.at))}: ${incident.rules.join(", ")}, ${incident.enforcement_id}, ${outcome}${incident.deadline_passed ? ", locked before flat was confirmed" : ""}`),
      h("p", { class: "text sec" }, incident.why),
      sec("How long it took", stages(incident)),
      sec("Timeline", stepList(incident.steps, { payloads: true }), incident.left_out ? h("p", { class: "mute" }, `${incident.left_out} further events are in the journal.`) : null),
      h("p", { class: "sec" }, trading_date
        ? h("a", { href: `/api/incidents/${account}/${seq}/bundle`, download: "" }, `Download the dispute bundle of ${trading_date} (checked first: may take a while)`)
        : "Its day began in an archive: journal export --incident makes its bundle."),
      h("p", {}, h("a", { href: `#/account/${account}` }, `To the account ${nameOf(account)}`)),
    ];
  });
}

// --- lock me out --------------------------------------------------------------------------------

const PRESETS = [[15, "15 min"], [30, "30 min"], [60, "1 h"], [120, "2 h"], [0, "until the reset"]];
let sure = null; // what will be asked, once it is confirmed

function openLock(account = route.account) {
  const select = $("lock-account");
  const list = [...rows.values()].filter((row) => !row.silent).sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  select.replaceChildren(h("option", { value: "" }, "choose…"), ...list.map((row) => h("option", { value: row.id }, `${row.name} (${row.id})`)));
  select.value = account === null ? (list.length === 1 ? String(list[0].id) : "") : String(account);
  shown($("lock-token-l"), !sessionStorage.getItem(TOKEN));
  lockStep("ask");
  $("lock").showModal();
  if (head?.locks === false) {
    lockStep("ask", ["Lockstep was started without LOCKSTEP_TOKEN, so nothing can be locked from here. Set it and start Lockstep again; until then cancel, close and lock in the firm’s own platform."]);
    $("lock-go").disabled = true;
    $("lock-back").focus();
    return;
  }
  (select.value ? $("lock-minutes") : select).focus();
}

function lockStep(step, errors = []) {
  for (const each of ["ask", "sure", "done"]) shown($(`lock-${each}`), each === step);
  text($("lock-go"), { ask: "Review", sure: "Lock now", done: "Close" }[step]);
  text($("lock-back"), step === "sure" ? "Back" : "Cancel");
  shown($("lock-back"), step !== "done");
  $("lock-go").disabled = false;
  kind($("lock-go"), step === "done" ? "" : "danger");
  $("lock-errors").replaceChildren(...errors.map((each) => h("li", {}, each)));
  $("lock").dataset.step = step;
}

function reviewLock() {
  const account = Number($("lock-account").value), reason = $("lock-reason").value.trim();
  const byUntil = $("lock-by-until").checked, until = new Date($("lock-until").value), minutes = Number($("lock-minutes").value);
  const errors = [
    !account && "choose the account", !reason && "say why, for the record",
    byUntil && !(until > now()) && "name an end that is still to come",
    !byUntil && !(Number.isInteger(minutes) && minutes >= 1) && "name whole minutes, at least one",
    !sessionStorage.getItem(TOKEN) && !$("lock-token").value && "the token is needed: what LOCKSTEP_TOKEN was when Lockstep was started",
  ].filter(Boolean);
  if (errors.length) return lockStep("ask", errors);
  sure = { account, reason, ...(byUntil ? { until: until.toISOString() } : { for_s: minutes * 60 }) };
  const end = byUntil ? until : new Date(now() + minutes * 60000);
  text($("lock-words"), `${nameOf(account)} is closed, everything it holds and every order, and then locked until ${dayClock.format(end)}${byUntil ? "" : ` (${many(minutes, "minute")})`}.`);
  lockStep("sure");
  $("lock-back").focus(); // the hand that goes on pressing Enter goes back
}

async function lockNow() {
  const token = $("lock-token").value || sessionStorage.getItem(TOKEN);
  $("lock-go").disabled = true;
  try {
    const bound = await ask("/api/lock", { method: "POST", body: JSON.stringify(sure), headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` } });
    sessionStorage.setItem(TOKEN, token);
    text($("lock-result"), `${bound.name} is bound until ${dayClock.format(new Date(bound.lockout.until))}: it is being closed, and locked once that is confirmed. Watch its state.`);
    $("lock-reason").value = $("lock-token").value = "";
    lockStep("done");
    $("lock-go").focus();
  } catch (error) {
    if (/token/.test(error.message)) { sessionStorage.removeItem(TOKEN); shown($("lock-token-l"), true); }
    lockStep("ask", error.message.split("\n"));
  }
}

$("lock-open").addEventListener("click", () => openLock());
$("lock-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const step = $("lock").dataset.step;
  if (step === "ask") reviewLock();
  else if (step === "sure") lockNow();
  else $("lock").close();
});
$("lock-back").addEventListener("click", () => ($("lock").dataset.step === "sure" ? lockStep("ask") : $("lock").close()));
$("lock-form").noValidate = true;
$("lock-minutes").addEventListener("input", () => { $("lock-by-for").checked = true; });
$("lock-until").addEventListener("input", () => { $("lock-by-until").checked = true; });
$("lock-presets").append(...PRESETS.map(([minutes, name]) => h("button", { type: "button", onclick: () => preset(minutes) }, name)));

function preset(minutes) {
  if (minutes) { $("lock-by-for").checked = true; $("lock-minutes").value = minutes; return; }
  const row = rows.get(Number($("lock-account").value));
  if (!row) return lockStep("ask", ["choose the account first"]);
  const reset = new Date(row.next_reset), zoned = new Date(reset - reset.getTimezoneOffset() * 60000);
  $("lock-until").value = zoned.toISOString().slice(0, 16);
  $("lock-by-until").checked = true;
}

// --- where one is -------------------------------------------------------------------------------

let route = { view: "accounts", account: null };

function follow() {
  const before = route;
  const [, view = "", account, seq] = location.hash.split("/");
  const id = /^\d+$/.test(account ?? "") ? Number(account) : null;
  if (view === "account" && id !== null) route = { view: "accounts", account: id };
  else if (view === "incident" && id !== null) route = { view, account: id, seq: Number(seq) };
  else if (view === "incidents") route = { view, account: null };
  else route = { view: "accounts", account: null };
  const list = route.view === "accounts", split = list && route.account !== null;
  $("main").classList.toggle("split", split);
  shown($("accounts"), list); shown($("detail"), split); shown($("incidents"), !list);
  for (const [link, here] of [["nav-accounts", list], ["nav-incidents", !list]]) {
    if (here) $(link).setAttribute("aria-current", "page");
    else $(link).removeAttribute("aria-current");
  }
  for (const id of [before.account, route.account]) if (rows.has(id) && drawn.has(id)) drawRow(rows.get(id));
  if (split) { openDetail(); detail.title.focus({ preventScroll: innerWidth > 1100 }); }
  else if (list && before.account !== null) drawn.get(before.account)?.link.focus();
  else if (route.view === "incidents") openIncidents();
  else if (route.view === "incident") openIncident();
}

addEventListener("hashchange", follow);
document.addEventListener("visibilitychange", drawBanner); // a hidden page's clock hardly ticks
addEventListener("keydown", (event) => {
  if ($("lock").open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !event.target.closest("input, select")) { event.preventDefault(); location.hash = "#/"; $("filter").focus(); }
  if (event.key === "Escape" && route.account !== null) location.hash = "#/";
  if (event.key === "Escape" && event.target === $("filter")) { $("filter").value = ""; arrange(); }
});
$("controls").addEventListener("submit", (event) => event.preventDefault());
for (const each of ["filter", "show", "sort", "group"]) $(each).addEventListener("input", arrange);

follow();
listen();
