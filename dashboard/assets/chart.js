// Curves of all members over one stretch of time, and what the pointer or the arrow
// keys point at: the same moment in all of them.
"use strict";

const box = { left: 52, right: 10, top: 8, bottom: 20, height: 132 };

// span is the stretch that is shown: an hour, or less while there is less.
function span(times, now, kept) {
  const first = times.length ? times[0] : now;
  return { from: now - Math.min(kept, Math.max(2 * 60e3, now - first)), to: now };
}

// niceMax is the end of the scale: a number that is read at a glance.
function niceMax(v, unit) {
  if (unit === "count" && !(v > 4)) return 4;
  if (!(v > 0)) return unit === "seconds" ? 0.001 : 1;
  const base = unit === "bytes" ? 1024 : 10;
  let power = 1;
  if (base === 1024) { while (v > power * 1024) power *= 1024; }
  const rest = v / power;
  if (base === 1024) {
    for (const step of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]) if (rest <= step) return step * power;
  }
  power = 10 ** Math.floor(Math.log10(v));
  for (const step of [1, 2, 4, 6, 8, 10]) if (v <= step * power * 1.0001) return step * power;
  return v;
}

function timeTicks(stretch) {
  const minutes = (stretch.to - stretch.from) / 60e3;
  const step = (minutes <= 5 ? 1 : minutes <= 10 ? 2 : minutes <= 30 ? 5 : 10) * 60e3;
  const ticks = [];
  for (let t = Math.ceil(stretch.from / step) * step; t <= stretch.to; t += step) ticks.push(t);
  return ticks;
}

const xOf = (t, stretch, width) => box.left + ((t - stretch.from) / (stretch.to - stretch.from)) * (width - box.left - box.right);

// curve is the path of a line, with a gap where nothing is known.
function curve(times, values, stretch, width, y) {
  let d = "", open = false, last = 0;
  for (let i = 0; i < times.length; i++) {
    const v = values[i];
    if (v === null || v === undefined || times[i] < stretch.from) { open = false; continue; }
    const x = xOf(times[i], stretch, width);
    const missed = open && times[i] - last > 30e3;
    d += (open && !missed ? "L" : "M") + x.toFixed(1) + " " + y(v).toFixed(1);
    if (!open || missed) d += "h0";
    open = true; last = times[i];
  }
  return d;
}

// drawChart makes the picture of a chart.
function drawChart(chart, page, width) {
  const { times, tracks, order, colour, stretch, events, lit, quota } = page;
  const height = box.height, floor = height - box.bottom;
  let most = 0, any = false;
  for (const name of order) {
    const track = tracks[name];
    if (!track) continue;
    for (const line of chart.lines) {
      const values = track.lines[line.id];
      for (let i = 0; i < times.length; i++) {
        if (values[i] === null || values[i] === undefined || times[i] < stretch.from) continue;
        any = true;
        if (values[i] > most) most = values[i];
      }
    }
  }
  const limited = chart.limit === "quota" && quota > 0 && most > quota * 0.25;
  const max = niceMax(limited ? Math.max(most, quota) : most, chart.unit);
  const y = (v) => floor - (v / max) * (floor - box.top);
  const svg = el("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", tabindex: 0, "aria-label": describe(chart, page) });
  for (const share of [0, 0.5, 1]) {
    svg.append(el("line", { class: "grid", x1: box.left, x2: width - box.right, y1: y(max * share), y2: y(max * share) }));
    if (any) svg.append(el("text", { x: box.left - 8, y: y(max * share) + 4, "text-anchor": "end" }, format[chart.unit](max * share)));
  }
  for (const t of timeTicks(stretch)) {
    const x = xOf(t, stretch, width);
    if (x > box.left + 12 && x < width - 22) svg.append(el("text", { x, y: height - 4, "text-anchor": "middle" }, hourMinute(t)));
  }
  for (const e of events) {
    const t = Date.parse(e.time);
    if (t < stretch.from || !["election", "trouble", "run"].includes(e.kind)) continue;
    const x = xOf(t, stretch, width);
    svg.append(el("line", { class: "happened " + e.kind, x1: x, x2: x, y1: box.top, y2: floor }));
  }
  if (!any) {
    svg.append(el("text", { class: "none", x: (width + box.left) / 2, y: (floor + box.top) / 2 + 4, "text-anchor": "middle" }, times.length < 3 ? "a moment, please" : nothing[chart.id] || "nothing to show"));
  }
  if (limited) svg.append(el("line", { class: "limit", x1: box.left, x2: width - box.right, y1: y(quota), y2: y(quota) }));
  for (const [i, line] of [...chart.lines.entries()].reverse()) {
    for (const name of order) {
      const track = tracks[name];
      if (!track) continue;
      const d = curve(times, track.lines[line.id], stretch, width, y);
      if (d) svg.append(el("path", { class: "curve" + (i ? " faint" : "") + (lit === name ? " lit" : ""), colour: colour(name), d }));
    }
  }
  svg.append(el("g", { class: "pointed" }));
  svg.chartOf = { chart, y, width, floor };
  return svg;
}

const nothing = {
  writes: "no writes in this time", reads: "no reads in this time, or etcd 3.5", peers: "no peers, or nothing said yet", fsync: "nothing written in this time",
};

// latest is the last value that is known of a member's line, not older than a minute.
function latest(times, values, at) {
  for (let i = times.length - 1; i >= 0 && at - times[i] < 60e3; i--) {
    if (times[i] <= at && values[i] !== null && values[i] !== undefined) return values[i];
  }
  return null;
}

// describe says what a picture shows, for who does not see it.
function describe(chart, page) {
  const parts = [];
  for (const name of page.order) {
    const track = page.tracks[name];
    const v = track && latest(page.times, track.lines[chart.lines[0].id], page.stretch.to);
    if (v !== null && v !== undefined) parts.push(`${name} ${format[chart.unit](v)}`);
  }
  return `${chart.title}, ${chart.lines[0].label}: ${parts.length ? parts.join(", ") : "nothing known"}. Arrow keys move through time.`;
}

// drawLanes makes a lane for each member: led, served, away.
function drawLanes(page, width) {
  const { times, tracks, order, colour, stretch, events } = page;
  const lane = 15, gap = 7, top = 18;
  const height = top + order.length * (lane + gap) + 16;
  const svg = el("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": lanesText(page) });
  svg.append(el("defs", {}, el("pattern", { id: "gone", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    el("rect", { width: 5, height: 5, fill: "var(--bad-bg)" }), el("rect", { width: 2, height: 5, fill: "var(--bad)", opacity: 0.75 }))));
  const every = page.every;
  order.forEach((name, row) => {
    const y = top + row * (lane + gap);
    svg.append(el("text", { x: 0, y: y + lane - 4 }, name.length > 9 ? name.slice(0, 8) + "…" : name));
    svg.append(el("rect", { x: box.left + 10, y, width: Math.max(0, width - box.left - 10 - box.right), height: lane, rx: 3, fill: "var(--sunk)" }));
    const track = tracks[name];
    if (!track) return;
    for (let i = 0; i < times.length;) {
      const state = track.state[i];
      let j = i;
      while (j + 1 < times.length && track.state[j + 1] === state && times[j + 1] - times[j] < 4 * every) j++;
      const from = Math.max(laneX(times[i] - every, stretch, width), box.left + 10), to = laneX(times[j], stretch, width);
      i = j + 1;
      if (!state || to <= from) continue;
      svg.append(el("rect", {
        x: from.toFixed(1), y, width: Math.max(1, to - from + 0.4).toFixed(1), height: lane,
        fill: state === 1 ? "url(#gone)" : colour(name), opacity: state === 2 ? 0.32 : 1,
      }));
    }
  });
  for (const t of timeTicks(stretch)) {
    const x = laneX(t, stretch, width);
    if (x > box.left + 30 && x < width - 22) svg.append(el("text", { x, y: height - 2, "text-anchor": "middle" }, hourMinute(t)));
  }
  for (const mark of marks(events, stretch, width)) {
    svg.append(el("text", { class: "sign " + mark.kind, x: mark.x, y: 11, "text-anchor": "middle" }, el("title", {}, mark.says.join("\n")), signs[mark.kind]));
    if (mark.says.length > 1) svg.append(el("text", { class: "more", x: mark.x + 7, y: 8 }, mark.says.length));
  }
  return svg;
}

// marks are where something happened; what is too close to be told apart is one, by
// the gravest of it.
function marks(events, stretch, width) {
  const near = 22, grave = ["change", "backup", "well", "run", "election", "trouble"];
  const all = [];
  for (const e of events) {
    const t = Date.parse(e.time), says = `${clock(t)} ${e.member || ""} ${e.text}`;
    if (t < stretch.from || !grave.includes(e.kind)) continue;
    const x = laneX(t, stretch, width), last = all[all.length - 1];
    if (!last || x - last.x > near) { all.push({ x, kind: e.kind, says: [says] }); continue; }
    last.says.push(says);
    if (grave.indexOf(e.kind) > grave.indexOf(last.kind)) last.kind = e.kind;
  }
  return all;
}

const laneX = (t, stretch, width) => box.left + 10 + ((t - stretch.from) / (stretch.to - stretch.from)) * (width - box.left - 10 - box.right);

function lanesText(page) {
  return page.order.map((name) => {
    const states = (page.tracks[name] || { state: [] }).state;
    const away = states.filter((s) => s === 1).length * page.every / 1000;
    return `${name}: ${away ? `did not answer for ${Math.round(away)} s` : "answered all the time"}`;
  }).join("; ");
}

const signs = { election: "★", change: "◆", run: "▲", backup: "▼", slow: "◔", refused: "✕", trouble: "●", well: "○" };
