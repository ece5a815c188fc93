// The page: photographs, what is asked of each, and what came of it.
//
//   photos --chosen--> ask --making--> made --shown--> two-up, what was sent, packets, links, what can be taken

import * as api from "./api.js";
import { Ask } from "./ask.js";
import { commands } from "./command.js";
import { $, addressOf, make as element } from "./dom.js";
import { bytes, whole } from "./figures.js";
import { arrange } from "./layout.js";
import { Links } from "./links.js";
import { Loss } from "./loss.js";
import { make } from "./making.js";
import { Photos } from "./photos.js";
import { draw } from "./sent.js";
import { judged } from "./systems.js";
import { Take } from "./take.js";
import { Things } from "./things.js";
import { TwoUp } from "./twoup.js";

const WAIT_MS = 250;
const MAGIC_BYTES = 2;

const view = new TwoUp(document);
const photos = new Photos(look);
const things = new Things(view, soon);
const loss = new Loss();
const take = new Take(photos, loss, (words) => say(words, true));
let ask = null,
  links = null,
  running = null,
  timer = 0;

// --- one photograph, all the way

function soon() {
  clearTimeout(timer);
  timer = setTimeout(run, WAIT_MS);
}

async function run() {
  clearTimeout(timer);
  running?.abort();
  const photo = photos.current;
  if (!photo || !ask) return;
  const mine = (running = new AbortController());
  try {
    await made(photo, mine.signal);
    if (mine === running) await show(photo);
  } catch (error) {
    if (mine === running && error.name !== "AbortError") fail(photo, error);
  } finally {
    if (mine === running) told();
  }
}

// Throws what went wrong; the photograph knows it too.
async function made(photo, signal) {
  try {
    const asked = ask.of(photo);
    photo.made = { ...(await make(photo, asked, told, signal)), fields: photo.given ? null : asked.fields };
    photo.problem = "";
  } catch (error) {
    if (error.name !== "AbortError") [photo.made, photo.problem] = [null, error.message];
    throw error;
  } finally {
    photos.draw();
  }
}

// Where the work is; nothing: it is done. steps: of long work, 0 while they are not known.
function told(words = "", step = 0, steps = null) {
  $("twoup").classList.toggle("busy", Boolean(words));
  $("view").setAttribute("aria-busy", String(Boolean(words)));
  $("long").hidden = steps === null;
  if (steps) [$("steps").max, $("steps").value] = [steps, step];
  else $("steps").removeAttribute("value");
  if (words) say(steps ? `${words} step ${step} of ${steps}` : words);
}

// --- what is seen

function look(photo) {
  running?.abort();
  things.of(photo?.things || []);
  if (!photo) return;
  ask?.show(photo);
  $("painted").removeAttribute("src");
  $("original").removeAttribute("src");
  $("original-tag").textContent = photo.given ? "" : `original · ${photo.about}`;
  if (!photo.given) showOriginal(photo);
  take.able(false);
  run();
}

async function showOriginal(photo) {
  const image = $("original");
  image.src = photo.url;
  image.alt = `${photo.name}, the original`;
  try {
    await image.decode();
    if (photo === photos.current) view.size(image.naturalWidth, image.naturalHeight);
    things.boxes();
  } catch {
    /* Not every picture that the service reads can be shown here. */
  }
}

async function show(photo) {
  const { made } = photo,
    { report } = made,
    verdict = judged(made.detail);
  view.size(report.width, report.height);
  $("painted").src = addressOf("painted", made.picture);
  $("painted").alt = `${photo.name}, painted from ${report.bytes} bytes by ${report.system}`;
  $("painted-tag").textContent = `${made.painter.value === "card" ? "what was sent" : "painted"} · ${bytes(report.bytes)}`;
  $("twoup").classList.toggle("card", made.painter.value === "card");
  $("save-picture").textContent = made.painter.value === "card" ? "Preview" : "Painted picture";
  $("size").textContent = whole(report.bytes);
  $("ratio").textContent = photo.given
    ? ""
    : `1/${whole(photo.file.size / report.bytes)} of the file · ${report.bpp.toFixed(4)} bits a pixel`;
  $("detail").textContent = verdict.words;
  $("detail").classList.toggle("invented", verdict.invented);
  $("least-box").hidden = true;
  const painted = `${report.width} × ${report.height} px, ${report.system}, ${bytes(report.bytes)}.`;
  say([painted, ...made.warnings].join(" "));
  if (photo.given) ask.show(photo);
  ask.fitted(made.sending);
  draw(made, photo.given ? null : (before, words) => edit(photo, before, words));
  $("command").textContent = commands(photo.name, made.fields, made.painter, photo.given);
  take.able(true);
  await Promise.all([loss.of(made), links.plan(report.bytes - (report.bare ? 0 : MAGIC_BYTES))]);
}

// Words as sent may be the beginning of those that were given.
function edit(photo, before, words) {
  const thing = before === null ? null : photo.things.find((one) => (one.detail || one.name).startsWith(before));
  if (thing) thing.detail = words;
  else photo.words = words;
  ask.show(photo);
  things.of(photo.things);
  soon();
}

function fail(photo, error) {
  say(error.message, true);
  for (const id of ["detail", "ratio"]) $(id).textContent = "";
  $("size").textContent = "–";
  $("painted").removeAttribute("src");
  take.able(false);
  const least = error.least;
  $("least-box").hidden = !least;
  if (least) {
    $("least").textContent = `Use ${least} bytes, the least for this picture`;
    $("least").onclick = () => ask.setBytes(least);
  }
}

function say(words, wrong = false) {
  $("status").textContent = words;
  $("status").classList.toggle("wrong", wrong);
}

// --- all photographs

async function all() {
  const mine = (running = new AbortController()),
    { list } = photos;
  const under = (yes) => {
    $("all").disabled = yes;
    $("all-progress").hidden = $("all-stop").hidden = !yes;
  };
  under(true);
  $("all-stop").onclick = () => mine.abort();
  const over = () => mine.signal.aborted || mine !== running;
  for (const [place, photo] of list.entries()) {
    if (over()) break;
    [$("all-progress").max, $("all-progress").value] = [list.length, place];
    $("all-said").textContent = `${place + 1} of ${list.length}`;
    await made(photo, mine.signal).catch(() => {
      /* it is said below */
    });
  }
  under(false);
  if (mine === running) told();
  const wrong = list.filter((one) => one.problem).length;
  $("all-said").textContent = over() ? "stopped" : wrong ? `${wrong} of ${list.length} could not be made` : "done";
  if (over()) return;
  await take.all();
  if (photos.current.made) await show(photos.current);
}

// --- what people do

$("file").addEventListener("change", (event) => {
  photos.add([...event.target.files]);
  event.target.value = "";
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragover");
    if (kind === "drop") photos.add([...event.dataTransfer.files]);
  });
}
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])];
  if (files.length) {
    event.preventDefault();
    photos.add(files);
  }
});
$("all").addEventListener("click", () => all().catch((error) => say(error.message, true)));
$("stop").addEventListener("click", () => {
  running?.abort();
  told();
  say("Stopped.");
});
$("describe").addEventListener("click", async () => {
  const photo = photos.current;
  say("Describing …");
  try {
    const scene = await api.describe(photo.file);
    photo.words = ask.fields(photo).scene ? scene.overall || scene.caption : scene.caption || scene.overall;
    photo.things = scene.objects.filter((one) => one.box);
    ask.show(photo);
    things.of(photo.things);
    soon();
  } catch (error) {
    say(error.message, true);
  }
});
$("key-box").addEventListener("submit", (event) => {
  event.preventDefault();
  api.useKey($("key").value);
  start();
});

// --- the start

function sampleButton(one) {
  const image = element("img", { src: `samples/${one.file}`, alt: one.what });
  const press = async () => photos.add([new File([await api.sample(one.file)], one.file, { type: "image/jpeg" })], one);
  return element("button", { type: "button", onclick: () => press().catch((error) => say(error.message, true)) }, image);
}

async function start() {
  [$("trouble").textContent, $("key-box").hidden] = ["", true];
  try {
    const [here, { channels }] = await Promise.all([api.systems(), api.channels()]);
    links = new Links(channels, () => ask.linked());
    ask = new Ask(here, links, soon);
    $("describe").hidden = !here.describes;
    if (photos.current) look(photos.current);
  } catch (error) {
    const keyed = error.status === 401;
    $("trouble").textContent = keyed ? "This service asks for a key." : error.message;
    $("key-box").hidden = !keyed;
    if (keyed) $("key").focus();
  }
}

arrange();
start();
api.samples().then(
  (found) => $("samples").append(...found.map(sampleButton)),
  () => {
    /* not in this installation */
  },
);
