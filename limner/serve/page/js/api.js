// The service's routes as functions. An answer that is an error is thrown, with the words that it says.

const TRIES = 4,
  LONGEST_WAIT_S = 20;
let key = "";

export class Problem extends Error {
  constructor(status, said) {
    super(said.detail || said.title || `the service answered ${status}`);
    this.status = status;
    this.least = said.least_bytes;
  }
}

export function useKey(given) {
  key = given;
}

const slept = (seconds, signal) =>
  new Promise((done, failed) => {
    const timer = setTimeout(done, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      failed(signal.reason);
    });
  });

// Where too many wait, it is asked again after the pause that the service names.
async function asked(path, options = {}) {
  const headers = { ...options.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) };
  for (let tried = 1; ; tried++) {
    const answer = await fetch(path, { ...options, headers });
    if (answer.ok) return answer;
    if (answer.status !== 429 || tried === TRIES) throw new Problem(answer.status, await answer.json().catch(() => ({})));
    await slept(Math.min(LONGEST_WAIT_S, Number(answer.headers.get("Retry-After")) || 1), options.signal);
  }
}

const json = async (path, options) => (await asked(path, options)).json();
const posted = (blob, signal) => ({ method: "POST", body: blob, signal, headers: { "Content-Type": "image/x-limn" } });
const query = (given) => new URLSearchParams(Object.entries(given).filter(([, value]) => value !== "" && value !== null));

function form(image, fields, signal) {
  const body = new FormData();
  body.append("image", image, "picture");
  for (const [name, value] of Object.entries(fields)) if (value !== "" && value !== null) body.append(name, value);
  return { method: "POST", body, signal, headers: { Accept: "application/json" } };
}

const pictureOf = async (answer) => ({ picture: await answer.blob(), detail: answer.headers.get("X-Limner-Detail") || "" });

export const systems = () => json("v1/systems");
export const channels = (bytes = null) => json(`v1/channels?${query({ bytes })}`);
export const samples = () => json("samples/samples.json");
export const sample = async (file) => (await asked(`samples/${file}`)).blob();
export const encode = (image, fields, signal) => json("v1/encode", form(image, fields, signal));
export const describe = (image, signal) => json("v1/describe", form(image, {}, signal));
export const inspect = (blob, signal) => json("v1/inspect?pictures=true", posted(blob, signal));
export const decode = async (blob, given, signal) => pictureOf(await asked(`v1/decode?${query(given)}`, posted(blob, signal)));
export const packets = (blob, given) => json(`v1/packets?${query(given)}`, posted(blob));
export const join = (packets) =>
  json("v1/join", {
    method: "POST",
    body: JSON.stringify({ packets }),
    headers: { "Content-Type": "application/json" },
  });

// Long work, as a job: told(step, steps) on the way. Whoever aborts it, ends it.
export async function paint(blob, given, told, signal) {
  const { id } = await json(`v1/jobs/decode?${query(given)}`, posted(blob, signal));
  const path = `v1/jobs/${id}`;
  try {
    for await (const job of events(await asked(`${path}/events`, { signal }))) if (job.steps) told(job.step, job.steps);
    return await pictureOf(await asked(`${path}/result`, { signal }));
  } finally {
    asked(path, { method: "DELETE" }).catch(() => {
      /* it is forgotten by itself */
    });
  }
}

// Server-sent events whose data is JSON; EventSource could not send a key.
async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const whole = (text + read.value).split("\n\n");
    text = whole.pop();
    for (const event of whole) {
      const data = event.split("\n").find((line) => line.startsWith("data:"));
      if (data) yield JSON.parse(data.slice(5));
    }
  }
}

export const toBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
export const pngOf = (text) => new Blob([toBytes(text)], { type: "image/png" });
