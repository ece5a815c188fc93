"use strict";
// Two paintings of one picture at one budget, one over the other, with a seam that moves.

function drawCompare() {
  const some = group.pictures.length > 0;
  by("no-pictures").hidden = some;
  by("compare-body").hidden = !some;
  if (!some) return;
  fill(by("picture"), group.pictures.map((picture, place) => [String(place), picture.name]));
  drawTargets();
}

function drawTargets() {
  const picture = group.pictures[by("picture").value];
  const targets = Object.keys(picture.shots);
  fill(by("target"), group.targets.filter((target) => targets.includes(target)).map((target) => [target, target]));
  drawSides();
}

// The first time: the first way of the first system beside another system, or what else there is.
function drawSides() {
  const picture = group.pictures[by("picture").value];
  const here = group.families.filter((label) => label in picture.shots[by("target").value]);
  const pairs = here.map((label) => [label, label]);
  if (picture.original) pairs.push([ORIGINAL, "the original"]);
  fill(by("left"), pairs, here[0]);
  const other = here.find((label) => group.systems[label] !== group.systems[here[0]]);
  fill(by("right"), pairs, other ?? here[1] ?? pairs.at(-1)[0]);
  drawPair();
}

function side(label) {
  const picture = group.pictures[by("picture").value];
  if (label === ORIGINAL) return { src: picture.original, bytes: null, bpp: null, chosen: "", figures: {} };
  return picture.shots[by("target").value][label];
}

function drawPair() {
  const picture = group.pictures[by("picture").value];
  for (const which of ["left", "right"]) {
    const label = by(which).value;
    const shot = side(label);
    const words = label === ORIGINAL ? "the original" : `${label}, ${shot.bytes} bytes`;
    const image = by(`${which}-image`);
    image.src = shot.src;
    image.alt = `${picture.name}: ${words}`;
    image.width = picture.width_px;
    image.height = picture.height_px;
    by(`${which}-tag`).textContent = words;
  }
  by("stage").style.setProperty("--ratio", String(picture.width_px / picture.height_px));
  drawBeside(side(by("left").value), side(by("right").value));
}

function drawBeside(left, right) {
  const lines = [
    ["bytes", "bytes", -1, 0, left.bytes, right.bytes],
    ["bpp", "bits a pixel", -1, 4, left.bpp, right.bpp],
    ...group.metrics.map((metric) => {
      const scale = DATA.scales[metric];
      return [metric, scale.heading, scale.better, scale.digits, left.figures[metric], right.figures[metric]];
    }),
  ];
  const head = element("tr", {}, element("th", { scope: "col" }, "measure"));
  for (const which of ["left", "right"]) head.append(element("th", { scope: "col", class: "number" }, by(which).value));
  const rows = lines.map(([, words, better, digits, one, other]) => {
    const row = element("tr", {}, element("th", { scope: "row" }, words));
    const known = typeof one === "number" && typeof other === "number";
    row.append(cell(one, digits, known && better * (one - other) > 0), cell(other, digits, known && better * (other - one) > 0));
    return row;
  });
  if (left.chosen || right.chosen) rows.push(textRow("chosen by the encoder", left.chosen, right.chosen));
  const caption = element("caption", { class: "hidden" }, "Figures of the two pictures");
  by("beside").replaceChildren(caption, element("thead", {}, head), element("tbody", {}, ...rows));
}

function textRow(words, one, other) {
  const cells = [one, other].map((text) => element("td", { class: "number text" }, text || "–"));
  return element("tr", {}, element("th", { scope: "row" }, words), ...cells);
}

function cell(value, digits, better) {
  return element("td", { class: better ? "number better" : "number" }, shown(value, digits));
}

function moveSeam() {
  by("stage").style.setProperty("--seam", `${by("seam").value}%`);
  by("seam").setAttribute("aria-valuetext", `${by("seam").value} % left, ${by("left").value}`);
}

// The pointer drags the picture, and keys the range that lies over it.
function dragSeam(event) {
  if (event.type === "pointerdown") {
    by("stage").setPointerCapture(event.pointerId);
    by("seam").focus({ preventScroll: true });
  }
  if (!event.buttons) return;
  const box = by("stage").getBoundingClientRect();
  by("seam").value = String(Math.round((100 * (event.clientX - box.left)) / box.width));
  moveSeam();
}

function startCompare() {
  by("picture").addEventListener("change", drawTargets);
  by("target").addEventListener("change", drawSides);
  by("left").addEventListener("change", drawPair);
  by("right").addEventListener("change", drawPair);
  by("swap").addEventListener("click", () => {
    [by("left").value, by("right").value] = [by("right").value, by("left").value];
    drawPair();
  });
  by("actual").addEventListener("change", () => by("stage").classList.toggle("actual", by("actual").checked));
  by("seam").addEventListener("input", moveSeam);
  by("stage").addEventListener("pointerdown", dragSeam);
  by("stage").addEventListener("pointermove", dragSeam);
  moveSeam();
}
