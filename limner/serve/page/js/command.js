// The same work as commands of limner.

import { stem } from "./figures.js";

const quoted = (text) => (/^[\w./][\w./-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
// A name that begins like an option would be taken for one.
const path = (name) => quoted(name.startsWith("-") ? `./${name}` : name);

function encoding(name, fields) {
  const words = ["limner encode", path(name)];
  if (fields.system !== "miniature") words.push(`--system ${fields.system}`);
  if (fields.channel) words.push(`--channel ${fields.channel}`);
  if (fields.messages > 1) words.push(`--messages ${fields.messages}`);
  if (fields.target_bytes) words.push(`--target-bytes ${fields.target_bytes}`);
  if (fields.caption) words.push(`--caption ${quoted(fields.caption)}`);
  if (fields.scene) words.push(`--scene ${path(`${stem(name)}.json`)}`);
  return words.join(" ");
}

// painter: one of systems.js. given: the file was not made here.
export function commands(name, fields, painter, given) {
  const file = given ? name : `${stem(name)}.limn`;
  const decoding = ["limner decode", path(file), "-o", path(`${stem(name)}-painted.png`), painter.option]
    .filter(Boolean)
    .join(" ");
  return given ? decoding : `${encoding(name, fields)}\n${decoding}`;
}
