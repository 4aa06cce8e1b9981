// The page asks for what is new, keeps it, and draws.
"use strict";

const $ = (id) => document.getElementById(id);
const kept = { view: null, times: [], tracks: {}, lost: false };
const wished = { lit: null, numbers: false, at: null };
let skew = 0; // of this browser's clock, milliseconds

const words = {
  asking: "asking the members", healthy: "healthy", failing: "not healthy", stopped: "stopped", absent: "not there", unseen: "cannot be seen", lost: "no news",
};

// merge adds what is new to what is kept, and forgets what is too old.
function merge(view) {
  const before = kept.times.length;
  for (const [name, track] of Object.entries(view.tracks)) {
    const mine = kept.tracks[name] ||= { state: Array(before).fill(0), lines: {} };
    mine.state.push(...track.state);
    for (const [id, values] of Object.entries(track.lines)) (mine.lines[id] ||= Array(before).fill(null)).push(...values);
  }
  kept.times.push(...view.times);
  const old = Date.parse(view.now) - view.keptMillis;
  let drop = 0;
  while (drop < kept.times.length && kept.times[drop] < old) drop++;
  kept.times.splice(0, drop);
  for (const [name, track] of Object.entries(kept.tracks)) {
    track.state.splice(0, drop);
    while (track.state.length < kept.times.length) track.state.push(0);
    for (const values of Object.values(track.lines)) {
      values.splice(0, drop);
      while (values.length < kept.times.length) values.push(null);
    }
    if (!track.state.some((s) => s)) delete kept.tracks[name];
  }
  kept.view = view;
  skew = Date.parse(view.now) - Date.now();
}

// order is that of the members' names, and so of their colours: those that are
// there, and those that were within the hour.
function order() {
  const names = new Set((kept.view.members || []).map((m) => m.name));
  for (const name of Object.keys(kept.tracks)) names.add(name);
  return [...names].sort(new Intl.Collator("en", { numeric: true }).compare);
}

const colour = (name) => `var(--m${order().indexOf(name) % 9})`;

function drawnPage() {
  const view = kept.view;
  return {
    times: kept.times, tracks: kept.tracks, order: order(), colour, events: view.events || [], lit: wished.lit, quota: view.quota || 0, every: view.everyMillis,
    stretch: span(kept.times, Date.parse(view.now), view.keptMillis),
  };
}

function draw() {
  const view = kept.view;
  if (!view) return;
  const word = kept.lost ? "lost" : view.word;
  document.body.dataset.word = word;
  document.body.classList.toggle("warned", word === "healthy" && (view.warnings || []).length > 0);
  $("name").textContent = view.cluster || "etcd";
  document.title = `${word === "healthy" ? "" : "⚠ "}${view.cluster || "etcd"}: ${words[word]}`;
  const members = view.members || [];
  const releases = [...new Set(members.map((m) => m.release).filter(Boolean))].sort();
  $("what").textContent = [
    members.length ? members.length + (members.length === 1 ? " member" : " members") : "",
    releases.length ? "etcd " + releases.map((r) => r.replace(/^v/, "")).join(" and ") : "",
    { docker: "containers", process: "processes" }[view.runtime] || view.runtime,
    { mutual: "mutual TLS", auto: "TLS without authentication", none: "plain text" }[view.tls], view.term ? "term " + view.term : "",
  ].filter(Boolean).join(" · ");
  $("word").textContent = words[word] + (word === "healthy" && view.leader ? `, led by ${view.leader}` : "");
  drawTrouble(word);
  drawMembers(members);
  drawEvents(view.events || []);
  drawCurves();
  tick();
}

// drawTrouble says what is wrong, and what to do.
function drawTrouble(word) {
  const view = kept.view;
  const titles = {
    failing: "The cluster is not healthy", stopped: "The cluster is stopped", absent: "There is no cluster of this name",
    unseen: "What runs the cluster does not answer", lost: "etcdctr dashboard does not answer any more",
  };
  const trouble = $("trouble");
  trouble.hidden = !titles[word];
  if (titles[word]) {
    $("trouble-title").textContent = titles[word];
    const lines = {
      failing: view.failures, stopped: ["etcdctr start starts it. The data is kept."], absent: ["etcdctr up makes one."], unseen: [view.failure],
      lost: ["What you see is how it was at " + clock(Date.parse(view.now)) + ". Start it again: it has another address then."],
    }[word];
    $("failures").replaceChildren(...(lines || []).map((l) => el("li", {}, l)));
  }
  $("cause").hidden = word !== "failing" || !cause.found;
  if (word === "failing") askForCause(view.failures[0]);
  else cause.about = null;
  $("warned").hidden = !(view.warnings || []).length || word === "lost";
  $("warnings").replaceChildren(...(view.warnings || []).map((w) => el("li", {}, w)));
}

const cause = { about: null, found: null, asking: false };

// askForCause has the doctor look, once for each thing that is wrong.
async function askForCause(about) {
  if (cause.asking || cause.about === about) return;
  Object.assign(cause, { about, asking: true, found: null });
  try {
    const answer = await (await fetch("diagnosis", { method: "POST" })).json();
    if (answer.found && answer.found.cause) cause.found = answer.found;
  } catch { cause.about = null; }
  cause.asking = false;
  const found = cause.found;
  if (found) {
    $("cause-text").textContent = (found.member ? found.member + ": " : "") + found.cause;
    $("remedy").hidden = !(found.command || found.byHand);
    $("remedy-text").textContent = found.command || found.byHand || "";
    $("copy").hidden = !found.command;
  }
  $("cause").hidden = !found || document.body.dataset.word !== "failing";
}

function drawMembers(members) {
  const now = Date.now() + skew;
  const rows = members.map((m) => {
    const lit = () => light(m.name), dark = () => light(null);
    const state = m.alarms ? m.alarms.map((a) => el("span", { class: "tag alarm" }, a)) : [];
    return el("tr", { "data-lit": wished.lit === m.name, onmouseenter: lit, onmouseleave: dark },
      el("th", { scope: "row" }, el("span", { class: "member" }, el("i", { class: "dot", colour: colour(m.name) }), m.name)),
      el("td", {}, el("span", { class: "role" }, ...roleOf(m), ...state)),
      el("td", {}, m.release ? m.release.replace(/^v/, "") : "–"),
      el("td", { class: "num" }, m.readMillis ? format.seconds(m.readMillis / 1000) : "–"),
      el("td", {}, room(m)),
      el("td", { class: "num" }, m.role ? (m.behind > 100 ? el("span", { class: "mildly" }, short(m.behind)) : short(m.behind)) : "–"),
      el("td", { class: "num" }, days(m.days)),
      el("td", {}, since(m, now)));
  });
  if (!rows.length) rows.push(el("tr", {}, el("td", { colspan: 8, class: "quiet" }, kept.view.word === "absent" ? "No members." : "Nobody has answered yet.")));
  $("member-rows").replaceChildren(...rows);
}

function roleOf(m) {
  if (m.status !== "running") return [el("span", { class: "tag bad" }, m.status === "absent" ? "removed" : m.status)];
  if (!m.role) return [el("span", { class: "tag bad", title: m.error }, m.error ? "silent" : "asked")];
  const tags = [el("span", { class: "tag " + m.role }, m.role)];
  if (!m.serves && m.role !== "learner") tags.push(el("span", { class: "tag bad", title: m.error }, "no quorum"));
  return tags;
}

// room is what the database takes of its quota: in use, and free within the file.
function room(m) {
  if (!m.size) return "–";
  if (!m.quota) return format.bytes(m.size);
  const share = (100 * m.size) / m.quota;
  const text = `${format.bytes(m.size)} of ${format.bytes(m.quota)}`;
  const free = m.size > m.inUse ? `, ${format.bytes(m.size - m.inUse)} of it free` : "";
  return el("div", { class: "room", title: text + free },
    el("div", { class: "meter", role: "img", "aria-label": text + free },
      el("i", { class: "file", colour: share > 80 ? "var(--bad)" : colour(m.name), "width%": Math.min(100, share) }),
      el("i", { colour: share > 80 ? "var(--bad)" : colour(m.name), "width%": Math.min(100, (100 * m.inUse) / m.quota) })),
    el("span", { class: share > 95 ? "badly" : share > 80 ? "mildly" : "" }, text));
}

function days(n) {
  if (n === undefined) return "–";
  const text = n < 0 ? "expired" : n === 1 ? "1 day" : n + " days";
  return n < 7 ? el("span", { class: "badly" }, text) : n < 30 ? el("span", { class: "mildly" }, text) : text;
}

function since(m, now) {
  const parts = m.since ? [ago(now - Date.parse(m.since))] : ["–"];
  if (m.restarts) parts.push(el("span", { class: "mildly" }, ` · restarted ${m.restarts}×`));
  return el("span", {}, ...parts);
}

let newest = 0;

function drawEvents(events) {
  $("no-events").hidden = events.length > 0;
  $("events").hidden = !events.length;
  const last = events.reduce((id, e) => Math.max(id, e.id), 0);
  if (last === newest) return;
  newest = last;
  $("events").replaceChildren(...events.toReversed().map((e) => el("li", { class: e.kind },
    el("time", { datetime: e.time, title: new Date(e.time).toString() }, clock(Date.parse(e.time))),
    el("span", { class: "sign", title: e.kind, "aria-label": e.kind }, signs[e.kind]),
    el("span", { class: "text" }, e.member ? el("b", {}, e.member + " ") : "", e.text, e.count > 1 ? el("span", { class: "times" }, `${e.count} times`) : ""))));
}

// drawCurves draws all pictures, or the same as numbers.
function drawCurves() {
  const page = drawnPage();
  $("lanes").replaceChildren(drawLanes(page, Math.max(320, $("lanes").clientWidth)));
  const holder = $("charts");
  for (const chart of kept.view.charts) {
    let figure = $("chart-" + chart.id);
    if (!figure) {
      figure = el("figure", { class: "chart", id: "chart-" + chart.id },
        el("figcaption", {}, el("h3", { title: chart.help }, chart.title), el("span", { class: "now" })), el("div", { class: "picture" }));
      holder.append(figure);
    }
    const active = document.activeElement === figure.querySelector("svg");
    const picture = figure.querySelector(".picture");
    picture.replaceChildren(wished.numbers ? numbersOf(chart, page) : drawChart(chart, page, Math.max(280, picture.clientWidth)));
    figure.querySelector(".now").replaceChildren(...nowOf(chart, page));
    if (page.lit) figure.dataset.lit = ""; else delete figure.dataset.lit;
    if (active) figure.querySelector("svg")?.focus();
  }
  if (wished.at) point(wished.at, wished.on);
}

// nowOf is the greatest of the members' last values.
function nowOf(chart, page) {
  let most = null;
  for (const name of page.order) {
    const track = page.tracks[name];
    const v = track && latest(page.times, track.lines[chart.lines[0].id], page.stretch.to);
    if (v !== null && v !== undefined && (most === null || v > most)) most = v;
  }
  return most === null ? [] : [chart.lines.length > 1 || chart.lines[0].label.startsWith("p") && chart.unit === "seconds" ? chart.lines[0].label + " " : "", el("b", {}, format[chart.unit](most))];
}

function numbersOf(chart, page) {
  const line = chart.lines[0];
  const rows = page.order.filter((n) => page.tracks[n]).map((name) => {
    const values = page.tracks[name].lines[line.id].filter((v, i) => v !== null && v !== undefined && page.times[i] >= page.stretch.from);
    const write = (v) => (v === null || v === undefined ? "–" : format[chart.unit](v));
    return el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "num" }, write(latest(page.times, page.tracks[name].lines[line.id], page.stretch.to))),
      el("td", { class: "num" }, values.length ? write(Math.min(...values)) : "–"), el("td", { class: "num" }, values.length ? write(Math.max(...values)) : "–"));
  });
  return el("table", {}, el("caption", { class: "hidden" }, chart.title + ", " + line.label),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Member"), el("th", { scope: "col", class: "num" }, "Now"), el("th", { scope: "col", class: "num" }, "Least"), el("th", { scope: "col", class: "num" }, "Most"))),
    el("tbody", {}, ...rows));
}

function light(name) {
  if (wished.lit === name) return;
  wished.lit = name;
  for (const row of document.querySelectorAll("#member-rows tr")) row.toggleAttribute("data-lit", row.querySelector("th")?.textContent === name);
  drawCurves();
}

// point shows all values at a moment, in all pictures.
function point(at, on) {
  Object.assign(wished, { at, on });
  const page = drawnPage();
  for (const svg of document.querySelectorAll(".chart svg")) {
    const { chart, y, width, floor } = svg.chartOf;
    const group = svg.querySelector(".pointed");
    group.replaceChildren();
    if (at === null) continue;
    const x = xOf(at, page.stretch, width);
    group.append(el("line", { class: "hair", x1: x, x2: x, y1: box.top, y2: floor }));
    for (const name of page.order) {
      const v = page.tracks[name] && latest(page.times, page.tracks[name].lines[chart.lines[0].id], at);
      if (v !== null && v !== undefined) group.append(el("circle", { class: "knob", colour: colour(name), cx: x, cy: y(v), r: 3 }));
    }
  }
  document.querySelector(".tip")?.remove();
  const svg = on && document.querySelector(`#chart-${on} svg`);
  if (at === null || !svg) return;
  const { chart, width } = svg.chartOf;
  const rows = page.order.map((name) => [name, chart.lines.map((l) => page.tracks[name] && latest(page.times, page.tracks[name].lines[l.id], at))])
    .filter(([, values]) => values[0] !== null && values[0] !== undefined);
  const write = (v) => (v === null || v === undefined ? "–" : format[chart.unit](v));
  const tip = el("div", { class: "tip" }, el("div", { class: "when" }, clock(at) + (chart.lines.length > 1 ? ` · ${chart.lines.map((l) => l.label).join(" / ")}` : "")),
    ...rows.map(([name, values]) => el("div", { class: "row" }, el("i", { class: "dot", colour: colour(name) }), name, el("b", {}, values.map(write).join(" / ")))));
  document.body.append(tip);
  const place = svg.getBoundingClientRect();
  const left = place.left + xOf(at, page.stretch, width) * (place.width / width);
  tip.style.left = Math.max(8, left + 14 + tip.offsetWidth > innerWidth ? left - tip.offsetWidth - 14 : left + 14) + "px";
  tip.style.top = Math.max(8, Math.min(place.top + 6, innerHeight - tip.offsetHeight - 8)) + "px";
  return rows.map(([name, values]) => `${name} ${write(values[0])}`).join(", ");
}

// moment is the look that is nearest to where the pointer is.
function moment(svg, clientX) {
  const page = drawnPage(), place = svg.getBoundingClientRect();
  const x = ((clientX - place.left) / place.width) * svg.chartOf.width;
  const t = page.stretch.from + ((x - box.left) / (svg.chartOf.width - box.left - box.right)) * (page.stretch.to - page.stretch.from);
  return kept.times.reduce((best, u) => (best === null || Math.abs(u - t) < Math.abs(best - t) ? u : best), null);
}

$("charts").addEventListener("pointermove", (e) => {
  const svg = e.target.closest("svg");
  if (svg?.chartOf) point(moment(svg, e.clientX), svg.chartOf.chart.id); else point(null);
});
$("charts").addEventListener("pointerleave", () => point(null));
$("charts").addEventListener("focusout", () => point(null));
$("charts").addEventListener("keydown", (e) => {
  const svg = e.target.closest?.("svg");
  const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12, Home: -Infinity, End: Infinity }[e.key];
  if (e.key === "Escape") point(null);
  if (!svg?.chartOf || step === undefined || !kept.times.length) return;
  e.preventDefault();
  const from = wished.at === null ? kept.times.length - 1 : kept.times.findIndex((t) => t >= wished.at);
  const to = Math.max(0, Math.min(kept.times.length - 1, (from < 0 ? kept.times.length - 1 : from) + step));
  const said = point(kept.times[to], svg.chartOf.chart.id);
  $("readout").textContent = clock(kept.times[to]) + ": " + (said || "nothing known");
});

$("numbers").addEventListener("click", () => {
  wished.numbers = !wished.numbers;
  $("numbers").setAttribute("aria-pressed", wished.numbers);
  point(null);
  draw();
});

const themes = ["", "light", "dark"];
$("theme").addEventListener("click", () => setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme || "") + 1) % 3]));
function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name; else delete document.documentElement.dataset.theme;
  $("theme").textContent = { "": "Theme: system", light: "Theme: light", dark: "Theme: dark" }[name];
}
setTheme({ "#light": "light", "#dark": "dark" }[location.hash] || "");

$("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText($("remedy-text").textContent);
  $("copy").textContent = "Copied";
  setTimeout(() => { $("copy").textContent = "Copy"; }, 2000);
});

$("prove").addEventListener("click", async () => {
  const button = $("prove");
  button.disabled = true;
  button.textContent = "Trying…";
  try {
    const answer = await (await fetch("proofs", { method: "POST" })).json();
    $("proofs").replaceChildren(...(answer.found ? matrix(answer.found) : [el("p", { class: "badly" }, answer.error || "nobody answered")]));
  } catch { $("proofs").replaceChildren(el("p", { class: "badly" }, "etcdctr dashboard does not answer")); }
  button.disabled = false;
  button.textContent = "Try again";
});

// matrix has a row for what was tried and a column for each member.
function matrix(proofs) {
  const members = order().filter((m) => proofs.some((p) => p.subject === m));
  const checks = [...new Set(proofs.filter((p) => members.includes(p.subject)).map((p) => p.check))];
  const wrong = proofs.filter((p) => !p.ok);
  const cell = (p) => (p ? el("span", { class: p.ok ? "ok" : "surprise", title: `expected ${p.expected}, seen ${p.seen}` }, (p.ok ? "✓ " : "✗ ") + p.seen.replaceAll(" 127.", "\n127.")) : "");
  const parts = [el("p", { class: wrong.length ? "badly" : "ok" }, wrong.length ? `${wrong.length} of ${proofs.length} are not as promised` : `All ${proofs.length} as promised, tried at ${clock(Date.now() + skew)}`)];
  parts.push(el("div", { class: "scroll", tabindex: 0 }, el("table", {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Tried"), ...members.map((m) => el("th", { scope: "col" }, m)))),
    el("tbody", {},
      ...checks.map((c) => el("tr", {}, el("td", {}, c), ...members.map((m) => el("td", {}, cell(proofs.find((p) => p.check === c && p.subject === m)))))),
      ...proofs.filter((p) => !members.includes(p.subject)).map((p) => el("tr", {}, el("td", {}, `${p.subject}: ${p.check}`), el("td", { colspan: members.length || 1 }, cell(p))))))));
  return parts;
}

// tick keeps the clock beside the word going.
function tick() {
  if (!kept.view) return;
  const times = kept.times;
  $("seen").textContent = times.length ? `seen ${ago(Date.now() + skew - times[times.length - 1])} ago` : "";
}

// follow asks for news twice as often as there are any.
async function follow() {
  const since = kept.times.length ? kept.times[kept.times.length - 1] : 0;
  let pause = 500;
  try {
    const answer = await fetch(`view?since=${since}`);
    if (!answer.ok) throw new Error(answer.statusText);
    merge(await answer.json());
    kept.lost = false;
    if (kept.times.length) pause = kept.view.everyMillis / 2;
  } catch {
    kept.lost = true;
    pause = 2000;
  }
  draw();
  setTimeout(follow, pause);
}

new ResizeObserver(() => { if (kept.view) drawCurves(); }).observe($("charts"));
setInterval(tick, 1000);
follow();
