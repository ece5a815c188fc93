"use strict";
// What all parts of the page use. DATA is written by limner/bench/report/page.py; its shape is described there.
const DATA = JSON.parse(document.getElementById("data").textContent);
const ORIGINAL = "original";
let group = DATA.groups[0];

function by(id) {
  return document.getElementById(id);
}

function element(name, attributes = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
}

function shown(value, digits) {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? value.toFixed(digits).replace(/^-/, "−") : value;
}

// Fills a <select> with [value, words] pairs; its choice stays where it still can, or becomes the fallback.
function fill(select, pairs, fallback) {
  const before = select.value;
  select.replaceChildren(...pairs.map(([value, words]) => element("option", { value }, words)));
  const wanted = pairs.some(([value]) => value === before) ? before : fallback;
  if (wanted !== undefined) select.value = wanted;
}

// A generator of numbers in [0, 1) that gives the same for the same seed (mulberry32).
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
