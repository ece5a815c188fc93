// One photograph, all the way: what is asked -> file -> what is in it, and the picture painted from it.

import * as api from "./api.js";
import { plainly } from "./systems.js";

const SENT_PX = 320;

// photo: {file, given}; ask: {fields, painter}. told(words, step, steps): where it is. Returns all that the page shows.
export async function make(photo, ask, told, signal) {
  const made = photo.given ? { blob: photo.given, sending: null, warnings: [] } : await encoded(photo, ask, told, signal);
  told("Looking into the file …");
  const report = await api.inspect(made.blob, signal);
  const painter = ask.painterOf(report.system);
  told("Painting …", 0, painter.long ? 0 : null);
  const query = { format: "png", ...painter.query };
  const steps = (step, steps) => told("Painting …", step, steps);
  const { picture, detail } = painter.long
    ? await api.paint(made.blob, query, steps, signal)
    : await api.decode(made.blob, query, signal);
  return { ...made, report, picture, detail, painter, plain: await plain(made.blob, report, picture, query, signal) };
}

async function encoded(photo, ask, told, signal) {
  told("Encoding …");
  const answer = await api.encode(photo.file, ask.fields, signal);
  return { blob: api.toBytes(answer.blob), sending: answer.sending, warnings: answer.warnings };
}

// What the layers say that are no words: as large as it is shown.
async function plain(blob, report, picture, query, signal) {
  const wanted = plainly(report.system);
  if (!wanted || !report.layers.some((layer) => layer.kind === "latent")) return null;
  if (Object.entries(wanted).every(([name, value]) => query[name] === value) && report.system !== "sedic") return picture;
  const part = Math.min(1, SENT_PX / Math.max(report.width, report.height));
  const size = [report.width, report.height].map((side) => Math.max(1, Math.round(side * part))).join("x");
  return (await api.decode(blob, { format: "png", size, ...wanted }, signal)).picture;
}
