"use strict";
// Rate curves as an inline SVG: mean figure over mean rate, with bands; systems can be left out.

const SVG = "http://www.w3.org/2000/svg";
const PLOT = { width: 1080, height: 540, left: 62, right: 20, top: 34, bottom: 58 };
const NARROWEST_PX = 320;
const MANY_CURVES = 6;
const hiddenFamilies = new Set();

function svg(name, attributes = {}, ...children) {
  const found = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  found.append(...children);
  return found;
}

function drawCurves() {
  fill(by("metric"), group.metrics.map((metric) => [metric, DATA.scales[metric].heading]));
  drawLegend();
  drawPlot();
}

function drawLegend() {
  const entries = group.families.map((label) => {
    const box = element("input", { type: "checkbox" });
    box.checked = !hiddenFamilies.has(label);
    box.addEventListener("change", () => {
      if (box.checked) hiddenFamilies.delete(label);
      else hiddenFamilies.add(label);
      drawPlot();
    });
    const look = group.looks[label];
    const key = svg("svg", { viewBox: "0 0 34 14", "aria-hidden": "true" });
    key.append(svg("line", { x1: 0, y1: 7, x2: 34, y2: 7, stroke: look.colour, "stroke-width": 2.2, "stroke-dasharray": look.dash }));
    key.append(mark(look, 17, 7));
    return element("label", {}, box, key, label);
  });
  by("legend").replaceChildren(by("legend").firstElementChild, ...entries);
}

const MARKS = {
  o: (x, y) => ["circle", { cx: x, cy: y, r: 5 }],
  s: (x, y) => ["rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9 }],
  D: (x, y) => ["path", { d: `M${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}L${x - 6} ${y}Z` }],
  "^": (x, y) => ["path", { d: `M${x} ${y - 6}L${x + 6} ${y + 5}L${x - 6} ${y + 5}Z` }],
  v: (x, y) => ["path", { d: `M${x} ${y + 6}L${x + 6} ${y - 5}L${x - 6} ${y - 5}Z` }],
};

function mark(look, x, y) {
  const [name, attributes] = MARKS[look.marker](x, y);
  return svg(name, { ...attributes, fill: look.colour, class: "mark" });
}

function drawPlot() {
  const metric = by("metric").value;
  const scale = DATA.scales[metric];
  const all = metric ? group.curves[metric] : [];
  const curves = all.filter((curve) => !hiddenFamilies.has(curve.family) && curve.points.length > 0);
  const plot = by("plot");
  PLOT.width = Math.max(NARROWEST_PX, by("plot-frame").clientWidth);
  PLOT.height = Math.round(Math.min(560, Math.max(340, PLOT.width * 0.55)));
  plot.setAttribute("viewBox", `0 0 ${PLOT.width} ${PLOT.height}`);
  const words = scale ? `${scale.heading} over bits a pixel, ${group.title}, ${group.count} pictures` : "no figures";
  plot.replaceChildren(svg("title", { id: "plot-title" }, words));
  drawLeftOut(all);
  if (curves.length === 0) return;
  const points = curves.flatMap((curve) => curve.points);
  const rates = points.map((point) => Math.log10(point.bpp));
  const values = points.flatMap((point) => (by("show-bands").checked ? [point.low ?? point.mean, point.high ?? point.mean] : [point.mean]));
  const across = axis(Math.min(...rates), Math.max(...rates), PLOT.left, PLOT.width - PLOT.right);
  const down = axis(Math.min(...values), Math.max(...values), PLOT.height - PLOT.bottom, PLOT.top);
  drawAxes(plot, across, down, scale);
  for (const curve of curves) drawCurve(plot, curve, (point) => across.at(Math.log10(point.bpp)), down.at, scale);
}

// A linear map from values to pixels, with some air at both ends.
function axis(low, high, from, to) {
  const air = (high - low || Math.abs(high) || 1) * 0.05;
  const [first, last] = [low - air, high + air];
  return { first, last, at: (value) => from + ((value - first) / (last - first)) * (to - from) };
}

function steps(first, last, wanted) {
  const rough = (last - first) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  const found = [];
  for (let place = Math.ceil(first / step); place * step <= last; place += 1) found.push(place * step);
  return { values: found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function decades(first, last) {
  const found = [];
  for (let power = Math.floor(first); power <= last; power += 1) {
    for (const factor of [1, 2, 5]) {
      const value = power + Math.log10(factor);
      if (value >= first && value <= last) found.push([value, Number((factor * 10 ** power).toPrecision(1))]);
    }
  }
  return found;
}

function drawAxes(plot, across, down, scale) {
  const bottom = PLOT.height - PLOT.bottom;
  for (const [value, words] of decades(across.first, across.last)) {
    const x = across.at(value);
    plot.append(svg("line", { x1: x, x2: x, y1: PLOT.top, y2: bottom, class: "grid" }));
    plot.append(svg("text", { x, y: bottom + 22, "text-anchor": "middle" }, String(words)));
  }
  const ticks = steps(down.first, down.last, 8);
  for (const value of ticks.values) {
    const y = down.at(value);
    plot.append(svg("line", { x1: PLOT.left, x2: PLOT.width - PLOT.right, y1: y, y2: y, class: "grid" }));
    plot.append(svg("text", { x: PLOT.left - 10, y: y + 4, "text-anchor": "end" }, shown(value, ticks.digits)));
  }
  plot.append(svg("text", { x: PLOT.left, y: 18 }, scale.heading));
  plot.append(svg("text", { x: PLOT.width - PLOT.right, y: PLOT.height - 14, "text-anchor": "end" }, "bits a pixel, mean of whole files"));
}

function drawCurve(plot, curve, across, down, scale) {
  const look = group.looks[curve.family];
  const banded = by("show-bands").checked && curve.points.every((point) => point.low !== null);
  if (banded && curve.points.length > 1) {
    const upper = curve.points.map((point) => `${across(point)},${down(point.high)}`);
    const lower = curve.points.map((point) => `${across(point)},${down(point.low)}`).reverse();
    plot.append(svg("polygon", { points: [...upper, ...lower].join(" "), fill: look.colour, class: "band" }));
  }
  const line = curve.points.map((point) => `${across(point)},${down(point.mean)}`).join(" ");
  plot.append(svg("polyline", { points: line, stroke: look.colour, "stroke-dasharray": look.dash, class: "line" }));
  for (const point of curve.points) {
    const dot = mark(look, across(point), down(point.mean));
    const band = point.low === null ? "" : ` (${shown(point.low, scale.digits)} to ${shown(point.high, scale.digits)})`;
    const words = `${curve.family}, ${point.target}: ${shown(point.mean, scale.digits)}${band} at ${point.bpp.toPrecision(3)} bpp, ${shown(point.bytes, 1)} bytes`;
    dot.append(svg("title", {}, words));
    plot.append(dot);
  }
}

function drawLeftOut(curves) {
  const found = curves.flatMap((curve) => curve.incomplete.map((point) => `${curve.family} at ${point.target} (${point.pictures} of ${point.wanted})`));
  by("left-out").textContent = found.length ? `Incomplete, so on no curve: ${found.join("; ")}.` : "";
  by("bands").textContent = `${DATA.bands}.`;
}

function startCurves() {
  by("show-bands").checked = group.families.length <= MANY_CURVES;
  by("show-bands").addEventListener("change", drawPlot);
  new ResizeObserver(drawPlot).observe(by("plot-frame"));
  by("metric").addEventListener("change", drawPlot);
}
