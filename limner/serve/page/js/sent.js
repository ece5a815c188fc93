// What was sent: a bar of every byte's owner, a card for each layer, and the table of all bytes.

import { $, addressOf, make, redraw } from "./dom.js";
import * as api from "./api.js";
import { whole } from "./figures.js";

// edited(before, words): words were changed; before: those that were sent of a thing, null for those of the whole.
export function draw(made, edited) {
  const { report } = made;
  const named = names(report);
  const plain = made.plain && addressOf("plain", made.plain);
  $("bar").replaceChildren(
    ...report.layers.map((layer, place) => {
      const part = make(
        "span",
        { className: `kind ${layer.kind}`, title: `${named[place]}: ${layer.bytes} bytes` },
        make("span", {}, named[place]),
      );
      part.style.flexGrow = layer.bytes;
      return part;
    }),
  );
  $("bar").setAttribute(
    "aria-label",
    `Of ${report.bytes} bytes: ${report.layers.map((layer, place) => `${named[place]} ${layer.bytes}`).join(", ")}`,
  );
  redraw(
    $("parts"),
    report.layers.map((layer, place) => card(layer, named[place], made, plain, edited)),
  );
  $("rows").tBodies[0].replaceChildren(
    ...report.rows.map((row) => {
      const line = make("tr");
      for (const cell of [row.offset, row.length, row.owner, row.field, row.value]) line.insertCell().textContent = cell;
      return line;
    }),
  );
}

// A thing's mask comes before its words; words without a mask before them are of the whole.
function names(report) {
  let thing = 0;
  const several = report.layers.filter((layer) => layer.kind === "masks").length > 1;
  return report.layers.map((layer) => {
    if (layer.kind === "masks") thing += 1;
    const of = thing && several ? ` of thing ${thing}` : thing ? " of a thing" : "";
    return (
      { latent: report.system === "sedic" ? "reference" : "latents", text: `words${of}`, masks: `mask${of}` }[layer.kind] ||
      layer.kind
    );
  });
}

function card(layer, name, made, plain, edited) {
  const share = layer.share_percent < 10 ? layer.share_percent.toFixed(1) : Math.round(layer.share_percent);
  const title = make(
    "h3",
    {},
    make("span", {}, name),
    make("span", { className: "cost" }, `${whole(layer.bytes)} B · ${share} %`),
  );
  const box = make("article", { className: `part ${layer.kind}` }, title);
  if (layer.words !== null) box.append(words(layer, name, made, edited));
  const picture = pictureOf(layer, name, plain);
  if (picture) box.append(picture);
  if (layer.said && layer.words === null) box.append(make("p", { className: "note" }, layer.said));
  return box;
}

function words(layer, name, made, edited) {
  if (!edited) return make("p", {}, layer.words);
  const ofThing = made.report.layers.slice(0, layer.number).some((one) => one.kind === "masks");
  const field = make("textarea", { defaultValue: layer.words, rows: 3, "aria-label": `${name}, as sent: edit to send others` });
  field.addEventListener("change", () => edited(ofThing ? layer.words : null, field.value.trim()));
  return field;
}

function pictureOf(layer, name, plain) {
  const alt = `the ${name}, as sent`;
  if (layer.kind === "latent" && plain) return make("img", { src: plain, alt });
  if (!layer.picture) return null;
  const drawn = make("img", { src: addressOf(`layer ${layer.number}`, api.pngOf(layer.picture)), alt });
  // A mask over a grey of the reference: what is outside of it is dark.
  return layer.kind === "masks" && plain
    ? make("div", { className: "masked" }, make("img", { src: plain, alt: "" }), drawn)
    : drawn;
}
