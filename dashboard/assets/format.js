// How values are written for people.
"use strict";

const format = {
  seconds(v) {
    if (v === 0) return "0";
    if (v < 0.001) return short(v * 1e6) + " µs";
    if (v < 1) return short(v * 1e3) + " ms";
    return short(v) + " s";
  },
  bytes(v) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let i = 0;
    while (v >= 1024 && i < units.length - 1) { v /= 1024; i++; }
    return short(v) + " " + units[i];
  },
  cores(v) { return short(v * 100) + " %"; },
  perSecond(v) { return short(v) + "/s"; },
  count(v) { return short(v); },
};

// short writes three digits that count.
function short(v) {
  if (v >= 1e6) return short(v / 1e6) + " M";
  if (v >= 1e4) return short(v / 1e3) + " k";
  if (v >= 100 || Number.isInteger(v)) return String(Math.round(v));
  if (v >= 10) return v.toFixed(1).replace(/\.0$/, "");
  return v.toFixed(2).replace(/\.?0+$/, "");
}

const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const hourMinute = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });

// ago is a time that has passed, in its largest unit.
function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 86400) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " d";
}

// el makes an element of what is given: text stays text.
function el(name, attributes, ...children) {
  const svg = ["svg", "path", "line", "text", "rect", "circle", "g", "title", "defs", "pattern"].includes(name);
  const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "colour") e.style.setProperty("--c", value);
    else if (key === "width%") e.style.width = value + "%";
    else if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else e.setAttribute(key, value === true ? "" : value);
  }
  e.append(...children.filter((c) => c !== undefined && c !== null && c !== false));
  return e;
}
