"use strict";
// Starts the parts and draws them for the chosen data set.

function draw() {
  group = DATA.groups[Number(by("group").value)];
  by("summary").textContent = group.summary;
  drawCompare();
  drawCurves();
  drawNumbers();
  drawPublished();
  drawBlind();
}

function drawFacts() {
  const facts = DATA.facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  by("facts").replaceChildren(...facts);
}

by("group-field").hidden = DATA.groups.length < 2;
fill(by("group"), DATA.groups.map((one, place) => [String(place), one.title]));
by("group").addEventListener("change", draw);
startCompare();
startCurves();
startNumbers();
startBlind();
drawFacts();
draw();
