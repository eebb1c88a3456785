// The page of inspect. It follows one stream of reports and shows the last one. It never shows old data as live: the page computes the age of the
// data from the moment a report was read, and the age grows even if no event arrives.
// Texts get into the page only by textContent.

const $ = id => document.getElementById(id);
const make = (tag, cls, text) => {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  if (text !== undefined) e.textContent = text;
  return e;
};
const api = path => new URL(path, location.origin);
const setText = (e, text) => { if (e.textContent !== text) e.textContent = text; };

// ---- words

const dash = "–";
const span = ms => { // at most two units, as in the tables of inspect
  if (ms == null) return dash;
  if (ms < 1000) return Math.round(ms) + "ms";
  const s = ms / 1000;
  if (s < 9.95) return +s.toFixed(1) + "s";
  if (s < 59.5) return Math.round(s) + "s";
  const two = (a, unit, b, small) => {
    const n = Math.floor(s / a), rest = Math.floor(s % a / b);
    return n + unit + (rest ? rest + small : "");
  };
  return s < 3600 ? two(60, "m", 1, "s") : s < 86400 ? two(3600, "h", 60, "m") : two(86400, "d", 3600, "h");
};
const rate = x => x == null ? dash : x.toFixed(x < 100 ? 1 : 0);
const count = n => n == null ? dash : String(n);
const bytes = n => n < 10240 ? n + " B" : n < 10485760 ? (n >> 10) + " KiB" : (n >> 20) + " MiB";
const clock = () => new Date().toLocaleTimeString("en-GB");

// States, with the sign before the word.
const states = {
  paused: ["‖", "bad"], held: ["■", "bad"], disputed: ["≠", "bad"], follows: ["↘", "warn"], waiting: ["…", "warn"], busy: ["▲", "busy"], ok: ["✓", "calm"],
  up: ["✓", "calm"], draining: ["↓", "warn"], lost: ["✕", "bad"], unknown: ["?", "bad"], shut: ["■", "bad"],
};
const badge = (e, state) => {
  const [sign, cls] = states[state] || ["?", "bad"];
  e.className = "state " + cls;
  e.dataset.sign = sign;
  setText(e, state === "lost" ? "LOST" : state);
};

// ---- what is known

let hello = {interval_ms: 2000, stale_ms: 10000};
let report = null;
let came = null; // when the report arrived, by two clocks, and its age then
let began = 0; // when the server's clock began, by our clock
let link = "connecting"; // or open or cut
let trouble = ""; // why Redis could not be read
let opened = null; // the bucket, route or replica of the detail

// age returns the age of the report in ms. It uses the larger of two clocks: one may be set back, the other may stop while the machine sleeps.
const age = () => came ? came.age + Math.max(0, Date.now() - came.wall, performance.now() - came.steady) : null;

// ---- charts

const past = new Map(); // key of a bucket → points {t, used, refused, budget, shut}, oldest first
let latest = 0; // Redis' clock, in milliseconds
const minute = 60000;

const remember = (key, p) => {
  let points = past.get(key);
  if (!points) past.set(key, points = []);
  const i = points.findLastIndex(q => q.t <= p.t);
  if (i < 0 || points[i].t < p.t) points.splice(i + 1, 0, p);
};
const forget = () => {
  for (const [key, points] of past) {
    while (points.length && points[0].t < latest - minute - hello.interval_ms) points.shift();
    if (!points.length) past.delete(key);
  }
};
const chartParts = ["shut", "area", "used", "budget", "refused"];
const draw = (svg, key) => {
  const {width, height} = svg.viewBox.baseVal;
  if (!svg.firstChild) {
    for (const part of chartParts) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("class", part);
      svg.append(path);
    }
  }
  const points = past.get(key) || [];
  const top = Math.max(1e-9, ...points.map(p => Math.max(p.used, p.budget))) * 1.2;
  const x = p => (width * (1 - (latest - p.t) / minute)).toFixed(1);
  const y = v => (height - 1 - (height - 2) * v / top).toFixed(1);
  const d = {shut: "", area: "", used: "", budget: "", refused: ""};
  let from = null; // first point since the last gap
  points.forEach((p, i) => {
    const before = points[i - 1], gap = !before || p.t - before.t > 3 * hello.interval_ms + 1000;
    if (gap && from) d.area += `L${x(before)} ${height}L${x(from)} ${height}Z`;
    if (gap) from = p;
    d.used += `${gap ? "M" : "L"}${x(p)} ${y(p.used)}`;
    d.area += `${gap ? "M" : "L"}${x(p)} ${y(p.used)}`;
    d.budget += gap ? `M${x(p)} ${y(p.budget)}` : `H${x(p)}V${y(p.budget)}`;
    if (p.refused > 0) d.refused += `M${x(p)} 0v${height / 4}`;
    if (p.shut && !gap) for (let at = +x(before); at < +x(p); at += 8) d.shut += `M${at} ${height}l8 ${-height}`;
  });
  if (from) d.area += `L${x(points.at(-1))} ${height}L${x(from)} ${height}Z`;
  for (const path of svg.children) path.setAttribute("d", d[path.getAttribute("class")] || "M0 0");
  return top;
};
const chart = () => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "chart");
  svg.setAttribute("viewBox", "0 0 120 24");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  return svg;
};

// ---- tables: a row stays the same element while its key exists, so that focus and selection survive reports

class Rows {
  #rows = new Map();
  constructor(id, columns, kind) {
    Object.assign(this, {id, columns, kind, body: $(id).tBodies[0]});
    this.body.addEventListener("click", e => {
      const row = kind && e.target.closest("tr");
      if (row?.dataset.key !== undefined) open(kind, row.dataset.key);
    });
  }
  #row(key, name) {
    const row = make("tr");
    row.dataset.key = key;
    this.columns.forEach((column, i) => {
      const cell = make(i ? "td" : "th", column.cls);
      if (!i) cell.scope = "row";
      if (column.unit) cell.dataset.unit = column.unit;
      if (!i && this.kind) {
        const button = make("button", "", name);
        button.type = "button";
        button.tabIndex = -1;
        cell.append(button);
      }
      column.make?.(cell);
      row.append(cell);
    });
    this.#rows.set(key, row);
    return row;
  }
  // show makes the table show items, each with a key and a name.
  show(items) {
    const active = document.activeElement, focused = this.body.contains(active) ? active : null;
    const now = new Set(items.map(v => v.key));
    for (const [key, row] of this.#rows) if (!now.has(key)) { row.remove(); this.#rows.delete(key); }
    for (const ghost of this.body.querySelectorAll(".ghost")) ghost.remove();
    items.forEach((v, i) => {
      const row = this.#rows.get(v.key) || this.#row(v.key, v.name);
      if (this.body.rows[i] !== row) this.body.insertBefore(row, this.body.rows[i] || null);
      this.columns.forEach((column, n) => {
        const cell = row.cells[n];
        if (column.fill) column.fill(cell, v);
        else {
          const text = column.text(v);
          setText(n === 0 && this.kind ? cell.firstChild : cell, text);
          cell.classList.toggle("zero", n > 0 && (text === "0" || text === "0.0" || text === dash));
          if (column.title) cell.title = column.title(v);
        }
      });
    });
    if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({preventScroll: true});
    const buttons = [...this.body.querySelectorAll("th button")]; // the tab key stops at one of them
    if (buttons.length && !buttons.some(b => b.tabIndex === 0)) buttons[0].tabIndex = 0;
    const empty = $(this.id).parentElement.querySelector(".empty");
    if (empty) empty.hidden = items.length > 0;
  }
}
const meterIn = cell => {
  const m = make("span", "meter");
  m.append(make("i"), make("u"));
  cell.append(m);
};
const meter = (cell, part, mark) => {
  const [fill, line] = cell.firstChild.children;
  fill.style.transform = `scaleX(${Math.min(1, Math.max(0, part || 0))})`;
  line.style.left = `calc(${100 * mark}% - 2px)`;
  line.hidden = !(mark > 0 && mark < 1);
};
const stateIn = cell => cell.append(make("span"));
const name = v => v.name;
const n = (text, unit, title) => ({cls: "n", text, unit, title});

const tables = {
  buckets: new Rows("buckets", [
    {text: name, title: name},
    {make: stateIn, fill: (c, v) => { badge(c.firstChild, v.state); c.title = v.note; }},
    n(v => v.limit, "", v => v.limit), n(v => rate(v.used_per_s), " /s"),
    {make: meterIn, fill: (c, v) => {
      meter(c, v.used_per_s / v.rate, v.served);
      c.title = v.used_per_s == null ? "" : Math.round(100 * v.used_per_s / v.rate) + " % of the rate";
    }},
    {make: c => c.append(chart()), fill: (c, v) => draw(c.firstChild, v.key)},
    n(v => rate(v.refused_per_s)), n(v => count(v.calls), " wait"), n(v => span(v.oldest_ms)), n(v => span(v.eta_ms)),
  ], "bucket"),
  routes: new Rows("routes", [
    {text: v => v.shut ? v.name + " (shut)" : v.name, title: v => v.shut ? `${v.name}, shut: ${v.shut}` : v.name},
    n(v => count(v.waiting), " wait"), n(v => span(v.oldest_ms), " oldest"), n(v => span(v.turn_ms), " turn"), n(v => span(v.eta_ms), " ETA"),
    n(v => count(v.urgent)), n(v => count(v.normal)), n(v => count(v.background)), n(v => count(v.reserved)), n(v => count(v.in_flight)),
  ], "route"),
  replicas: new Rows("replicas", [
    {text: name, title: name},
    {make: stateIn, fill: (c, v) => badge(c.firstChild, v.state)},
    {text: v => v.host || dash, title: v => v.host},
    n(v => count(v.pending), " wait"), n(v => v.slots == null ? count(v.in_flight) : `${v.in_flight}/${v.slots}`),
    n(v => v.heartbeat_age_ms < 1000 ? "<1s" : span(v.heartbeat_age_ms), " ago"),
  ], "replica"),
  batches: new Rows("batches", [
    {text: name, title: name}, {text: v => v.replica, title: v => v.replica},
    {make: meterIn, fill: (c, v) => meter(c, v.total ? v.done / v.total : 1, 0)},
    n(v => `${v.done}/${v.total}`), n(v => count(v.failed)),
  ]),
  shares: new Rows("shares", [
    {text: name, title: name}, n(v => rate(v.used_per_s)), {make: meterIn, fill: (c, v) => meter(c, v.part, 0)}, n(v => count(v.refused)),
  ]),
  line: new Rows("line", [
    {text: name, title: name}, n(v => v.wait_ms == null ? "when resumed" : "in " + span(v.wait_ms)), n(v => count(v.tokens)),
    {text: v => v.route + (v.urgent ? " (urgent)" : ""), title: v => v.route},
  ]),
};

// ---- what is new

const seen = (text, cls) => {
  const li = make("li", cls);
  li.append(make("time", "", clock()), make("span", "", text));
  $("events").prepend(li);
  while ($("events").children.length > 200) $("events").lastChild.remove();
};
const compare = (before, now) => {
  const found = [];
  const note = (text, cls) => found.push([text, cls]);
  if (before.epoch !== now.epoch) note(before.epoch ? "Redis has lost its data: a new epoch began" : "the namespace is used for the first time", before.epoch && "bad");
  const each = (list, key, visit) => {
    const old = new Map(list(before).map(v => [key(v), v]));
    for (const v of list(now)) { visit(v, old.get(key(v))); old.delete(key(v)); }
    for (const v of old.values()) visit(null, v);
  };
  each(r => r.replicas, v => v.id, (v, old) => {
    const id = (v || old).id, on = v?.host ? `${id} on ${v.host}` : id;
    if (!v) note(old.state === "lost" ? `lost replica ${id} is forgotten` : `replica ${id} has gone`);
    else if (!old) note(`replica ${on} appeared`);
    else if (v.state !== old.state) {
      if (v.state === "lost") note(`replica ${on} is LOST`, "bad");
      else note(old.state === "lost" ? `replica ${on} is back: ${v.state}` : `replica ${on}: ${old.state} → ${v.state}`);
    }
  });
  each(r => r.buckets, keyOf, (v, old) => {
    if (!v) note(`bucket ${old.name} (${old.limit}) is gone`);
    else if (!old) note(`bucket ${v.name} (${v.limit}) is new`);
    else if (v.state !== old.state) {
      const cls = (states[v.state] || [])[1];
      note(`bucket ${v.name}: ${old.state} → ${v.state}${v.note ? ": " + v.note : ""}`, cls === "bad" || cls === "warn" ? cls : "");
    }
  });
  for (const [text, cls] of found.slice(0, 20)) seen(text, cls);
  if (found.length > 20) seen(`and ${found.length - 20} more changes`);
};
const keyOf = b => b.name + "\n" + b.limit;

// ---- showing

const matches = text => {
  let want = $("filter").value.trim().toLowerCase();
  const inverse = want.startsWith("!");
  if (inverse) want = want.slice(1);
  return !want || text.toLowerCase().includes(want) !== inverse;
};
const list = (table, all, named) => {
  const kept = all.filter(v => matches(named(v)));
  tables[table].show(kept);
  setText($(table + "Count"), kept.length === all.length ? count(all.length) : `${kept.length} of ${all.length}`);
};
const show = () => {
  const r = report;
  const up = r.replicas.filter(v => v.state === "up" || v.state === "draining").length, lost = r.replicas.filter(v => v.state === "lost").length;
  setText($("redis"), r.redis + (r.server.version ? ` · ${r.server.version}` : "") + (r.server.role && r.server.role !== "master" ? ` · ${r.server.role}` : ""));
  setText($("replicasUp"), `${up} up, ${lost} ${lost ? "LOST" : "lost"}`);
  setText($("cost"), `${r.cost.commands} cmds, ${r.cost.ms.toFixed(1)} ms, ${bytes(r.cost.bytes)}`);
  list("buckets", r.buckets.map(b => ({...b, key: keyOf(b)})), name);
  list("routes", r.routes.map(v => ({...v, key: v.name})).sort((a, b) => (b.oldest_ms ?? -1) - (a.oldest_ms ?? -1)), name);
  const worst = {lost: 0, unknown: 1, draining: 2};
  list("replicas", r.replicas.map(v => ({...v, key: v.id, name: v.id})).sort((a, b) => (worst[a.state] ?? 3) - (worst[b.state] ?? 3)), v => v.id + " " + v.host);
  list("batches", r.batches.map(v => ({...v, key: v.id + "\n" + v.replica, name: v.id})), name);
  const none = $("batches").parentElement.querySelector(".empty");
  setText(none, r.batches.length ? "No batch matches." : "No batch runs.");
  showDetail();
  status();
};

const warned = new Set(); // warnings without their numbers, which change all the time
const warnings = (extra = []) => {
  const all = [...extra, ...(report?.warnings || [])], kinds = all.map(w => w.replace(/\d+/g, ""));
  const fresh = all.filter((_, i) => !warned.has(kinds[i]));
  warned.clear();
  kinds.forEach(k => warned.add(k));
  if (fresh.length) $("announce").textContent = fresh.join(". ");
  const ul = $("warningList");
  $("warnings").classList.toggle("some", all.length > 0);
  while (ul.children.length > Math.max(1, all.length)) ul.lastChild.remove();
  (all.length ? all : [report ? "no warnings" : "waiting for the first report …"]).forEach((text, i) => {
    const li = ul.children[i] || ul.appendChild(make("li"));
    li.className = all.length ? "" : "none";
    setText(li, text);
  });
};

// status is called twice a second, because the age grows without events.
let shown = "none";
const status = () => {
  const a = age(), stale = a != null && a >= hello.stale_ms;
  const now = stale ? "stale" : link === "cut" ? "cut" : trouble ? "trouble" : report ? "live" : "none";
  const words = {stale: "STALE", cut: "RECONNECTING", trouble: "NO ANSWER", live: "LIVE", none: link === "open" ? "READING" : "CONNECTING"};
  setText($("word"), words[now]);
  setText($("age"), a == null ? "no data yet" : "data " + span(1000 * Math.ceil(a / 1000)) + " old");
  if (now !== shown) document.body.dataset.state = shown = now;
  document.body.dataset.pill = $("pill").textContent;
  const extra = [];
  if (link === "cut") extra.push("the connection to inspect is cut: the page shows old data until it is back");
  if (trouble) extra.push(trouble);
  else if (stale && link !== "cut") extra.push("no data arrives: the page shows old data");
  warnings(extra);
  const lost = report?.replicas.filter(v => v.state === "lost").length || 0, ns = document.querySelector("h1").textContent;
  document.title = `${now === "live" ? lost ? `${lost} LOST · ` : report.warnings.length ? `(${report.warnings.length}) ` : "" : words[now] + " · "}${ns} · weir inspect`;
};

// ---- detail

const fill = (dl, pairs) => {
  while (dl.children.length > pairs.length) dl.lastChild.remove();
  pairs.forEach(([term, text, wide], i) => {
    let div = dl.children[i];
    if (!div) {
      dl.append(div = make("div"));
      div.append(make("dt"), make("dd"));
    }
    div.className = wide ? "wide" : "";
    setText(div.firstChild, term);
    setText(div.lastChild, text);
  });
};
const found = () => {
  const {kind, key} = opened;
  return kind === "bucket" ? report?.buckets.find(b => keyOf(b) === key) : kind === "route" ? report?.routes.find(v => v.name === key) : report?.replicas.find(v => v.id === key);
};
const showDetail = () => {
  if (!opened) return;
  const {kind, key} = opened, v = found();
  const isBucket = kind === "bucket";
  setText($("detailKind"), kind);
  setText($("detailTitle"), isBucket ? key.split("\n")[0] : key);
  $("detailChart").hidden = $("sharePart").hidden = !isBucket;
  $("whyPart").hidden = kind === "replica";
  const state = $("detailState");
  state.replaceChildren(make("span"), make("span"));
  if (!v) {
    state.lastChild.textContent = `This ${kind} is not in the last report.`;
    return;
  }
  if (kind === "route") {
    badge(state.firstChild, v.shut ? "shut" : v.waiting ? "waiting" : "ok");
    state.lastChild.textContent = v.shut ? " " + v.shut : "";
    fill($("detailFacts"), [
      ["waiting", count(v.waiting)], ["oldest", span(v.oldest_ms)], ["next turn", span(v.turn_ms)], ["all started in", span(v.eta_ms)],
      ["urgent", count(v.urgent)], ["normal", count(v.normal)], ["background", count(v.background)], ["reserved", count(v.reserved)],
      ["running", count(v.in_flight)], ["replicas with a queue", count(v.replicas)], ["passes", v.buckets.join(", then ") || dash, true],
    ]);
  } else if (isBucket) {
    badge(state.firstChild, v.state);
    state.lastChild.textContent = v.note ? " " + v.note : "";
    const top = draw($("detailChart").querySelector("svg"), key), caption = $("detailChart").querySelector("figcaption");
    if (!caption.firstChild) caption.append(make("span", "", "60 s ago"), make("span"), make("span", "", "now"));
    setText(caption.children[1], `height ${rate(top)}/s · dashed: budget ${rate(v.rate * v.served)}/s`);
    fill($("detailFacts"), [
      ["limit", v.limit], ["burst", count(v.burst)], ["used/s", rate(v.used_per_s)], ["429/s", rate(v.refused_per_s)],
      ["tokens left", rate(v.tokens)], ["debt", rate(v.debt)], ["tokens in line", rate(v.waiting)], ["calls waiting", count(v.calls)],
      ["oldest", span(v.oldest_ms)], ["all started in", span(v.eta_ms)],
      ["routes", report.routes.filter(w => w.buckets.includes(v.name)).map(w => w.name).join(", ") || dash, true],
      ...v.wishes.map(w => [w.limits.join(" and "), "configured on " + w.replicas.join(", "), true]),
    ]);
    setText($("shareCount"), v.users > v.shares.length ? `the ${v.shares.length} largest of ${v.users}` : count(v.users));
    tables.shares.show(v.shares.map(s => ({...s, key: s.replica, name: s.replica, part: v.used_per_s ? s.used_per_s / v.used_per_s : 0})));
  } else {
    badge(state.firstChild, v.state);
    state.lastChild.textContent = v.state === "lost" ? ` silent for ${span(v.heartbeat_age_ms)}` : "";
    fill($("detailFacts"), [
      ["host", v.host || dash], ["process", v.pid ? String(v.pid) : dash], ["address", v.addr || dash], ["up", span(v.up_ms)],
      ["waiting", count(v.pending)], ["oldest", span(v.oldest_ms)], ["running", count(v.in_flight)], ["slots", count(v.slots)],
      ["done", count(v.done)], ["failed", count(v.failed)], ["calls to Redis", count(v.redis_calls)], ["last record", span(v.heartbeat_age_ms) + " ago"],
      ["version", v.version || dash, true],
    ]);
  }
};
// ---- actions, if the server lets the page change the fleet

const acts = {bucket: ["pause", "resume"], replica: ["drain", "forget"]};
const showActs = () => {
  const able = hello.write && acts[opened.kind];
  $("acts").hidden = !able;
  if (able) [...$("acts").querySelectorAll("button")].forEach((b, i) => setText(b, able[i] + " …"));
  setText($("acts").lastElementChild, "");
};
$("acts").addEventListener("click", async e => {
  const i = [...$("acts").children].indexOf(e.target), does = acts[opened?.kind]?.[i];
  if (!does) return;
  const name = opened.key.split("\n")[0], typed = prompt(`${does} ${opened.kind} ${name} for the whole fleet? Type its name:`);
  if (typed == null) return;
  let text;
  try {
    const res = await fetch(api("/api/v1/actions"), {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({do: does, name, typed})}), body = await res.json();
    text = res.ok ? "done" : body.detail;
  } catch (e) {
    text = e.message;
  }
  setText($("acts").lastElementChild, text);
});
const showWhy = (lines, cls) => $("whyText").replaceChildren(...lines.map(t => make("li", t.startsWith("  - ") ? "more" : cls, t.replace(/^ {2}- /, "· "))));
let asked = 0;
const ask = async () => {
  if (!opened || opened.kind === "replica") return;
  const mine = ++asked, url = api("/api/v1/why");
  url.searchParams.set("name", opened.key.split("\n")[0]);
  let lines, cls = "", line = [];
  try {
    const res = await fetch(url), body = await res.json();
    if (res.ok) [lines, line] = [body.sentences, body.line];
    else [lines, cls] = [[body.detail], "more"];
  } catch (e) {
    [lines, cls] = [["inspect does not answer: " + e.message], "more"];
  }
  if (mine !== asked) return; // another detail has been opened since
  showWhy([...lines, `(asked at ${clock()})`], cls);
  tables.line.show(line.map((l, i) => ({...l, key: String(i), name: l.replica || "(gone)"})));
  $("line").hidden = !line.length;
};
const mark = () => {
  for (const row of document.querySelectorAll("tr.open")) row.classList.remove("open");
  if (opened) rowOf(opened)?.classList.add("open");
};
const rowOf = ({kind, key}) => [...$(kind === "batch" ? "batches" : kind + "s").tBodies[0].rows].find(r => r.dataset.key === key);
function open(kind, key) {
  opened = {kind, key};
  showWhy(["asking …"]);
  $("line").hidden = true;
  $("detail").hidden = false;
  $("detail").scrollTop = 0;
  showDetail();
  showActs();
  mark();
  ask();
  $("closeButton").focus({preventScroll: true});
}
const close = () => {
  const row = opened && rowOf(opened);
  opened = null;
  asked++;
  $("detail").hidden = true;
  mark();
  row?.querySelector("button").focus();
};

// ---- keys

const buttons = () => [...document.querySelectorAll("main > section th button, #replicas th button")];
const move = by => {
  const all = buttons();
  let at = all.indexOf(document.activeElement);
  if (at < 0 && opened) at = all.indexOf(rowOf(opened)?.querySelector("button"));
  const to = all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
  to?.focus();
  to?.scrollIntoView({block: "nearest"});
};
document.addEventListener("focusin", e => {
  const body = e.target.closest?.("th button") && e.target.closest("tbody");
  if (body) for (const b of body.querySelectorAll("th button")) b.tabIndex = b === e.target ? 0 : -1;
});
document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || $("help").open) return;
  const typing = e.target === $("filter");
  if (e.key === "Escape") {
    if (typing && $("filter").value) $("filter").value = "";
    else if (typing) $("filter").blur();
    else if (opened) close();
    else $("filter").value = "";
    if (report) show();
  } else if (typing) {
    if (e.key === "Enter") buttons()[0]?.focus();
    return;
  } else if (e.key === "/") $("filter").focus();
  else if (e.key === "?") $("help").showModal();
  else if (e.key === "j") move(1);
  else if (e.key === "k") move(-1);
  else if (e.key === "r") ask();
  else return;
  e.preventDefault();
});
$("filter").addEventListener("input", () => { if (report) show(); });
$("helpButton").addEventListener("click", () => $("help").showModal());
$("closeButton").addEventListener("click", close);
$("askButton").addEventListener("click", ask);

// ---- the stream

let source = null, again = 0;
const connect = () => {
  clearTimeout(again);
  source?.close();
  source = new EventSource(api("/api/v1/events"));
  source.onopen = () => {
    if (link === "cut") seen("the connection to inspect is back");
    link = "open";
    status();
  };
  source.onerror = () => {
    if (link === "open") seen("the connection to inspect is cut", "bad");
    link = "cut";
    // A browser connects again by itself, except after an answer that is not a stream: too many readers, or another server on the port.
    if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, 3000);
    status();
  };
  source.addEventListener("hello", e => {
    hello = JSON.parse(e.data);
    began = performance.now() - hello.now_ms;
    for (const {at, rows} of hello.past || []) for (const [key, used, refused, budget, shut] of rows) remember(key, {t: at, used, refused, budget, shut});
    status();
  });
  source.addEventListener("report", e => {
    const now = JSON.parse(e.data), before = report;
    if (trouble) seen("Redis answers again");
    trouble = "";
    if (before && before.epoch !== now.epoch) past.clear();
    report = now;
    const steady = performance.now();
    began = Math.min(began, steady - now.read_ms); // no report arrives before it was read
    came = {wall: Date.now(), steady, age: steady - began - now.read_ms};
    latest = Date.parse(now.at);
    for (const b of now.buckets) if (b.used_per_s != null) remember(keyOf(b), {t: latest, used: b.used_per_s, refused: b.refused_per_s, budget: b.rate * b.served, shut: b.paused});
    forget();
    if (before) compare(before, now);
    if (document.hidden) status(); // the title shows the state of a hidden page
    else show();
  });
  source.addEventListener("trouble", e => {
    if (!trouble) seen(e.data, "bad");
    trouble = e.data;
    status();
  });
};
seen("this page was opened");
connect();
setInterval(status, 500);
document.addEventListener("visibilitychange", () => report ? show() : status());
addEventListener("pageshow", e => { if (e.persisted) connect(); }); // a page from the browser's cache has lost its stream
