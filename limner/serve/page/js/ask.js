// What is asked: bytes or a link, a system, a painter, words. The form alone keeps it; words are the photograph's.

import { $ } from "./dom.js";
import { ofSlider, toSlider } from "./figures.js";
import { KNOWN, paintersOf } from "./systems.js";
import { sceneOf } from "./things.js";

const FIRST_BYTES = 500,
  MOST_PACKET_BYTES = 4095;
const WORDS_NOTES = {
  sent: "They are sent, and cost bytes; anybody can read them in the file.",
  read: "The encoder reads them; they are not sent.",
};

export class Ask {
  // here: what the service says of its systems. changed(): something else is asked.
  constructor(here, links, changed) {
    [this.systems, this.links, this.changed] = [new Map(here.systems.map((one) => [one.name, one])), links, changed];
    $("system").replaceChildren(
      ...here.systems.map((one) => {
        const option = new Option(one.encodes ? one.name : `${one.name}: lacks ${one.missing.join(", ")}`, one.name);
        option.disabled = !one.encodes;
        return option;
      }),
    );
    $("bytes").addEventListener("input", () => this.setBytes(ofSlider(Number($("bytes").value))));
    $("bytes-number").addEventListener("change", () => this.setBytes(Number($("bytes-number").value) || FIRST_BYTES));
    $("system").addEventListener("change", () => {
      this.system();
      this.show(this.photo);
      changed();
    });
    $("painter").addEventListener("change", changed);
    $("messages").addEventListener("change", () => this.linked());
    $("words").addEventListener("input", () => {
      if (this.photo) {
        this.photo.words = $("words").value.trim();
        changed();
      }
    });
    this.display(FIRST_BYTES);
    this.system();
  }

  // --- bytes

  setBytes(bytes) {
    this.links.leave();
    this.display(bytes);
    this.changed();
  }

  linked() {
    const link = this.links.chosen;
    if (link) {
      this.display(this.links.bytes(Number($("messages").value) || 1));
      $("payload").value = Math.min(MOST_PACKET_BYTES, link.payload_bytes);
    }
    this.changed();
  }

  display(bytes) {
    $("bytes-number").value = bytes;
    $("bytes").value = toSlider(bytes);
    $("bytes").setAttribute("aria-valuetext", `${bytes} bytes`);
  }

  // Of messages that were asked for, the service knows exactly what goes in.
  fitted(sending) {
    if (sending && sending.messages === Number($("messages").value)) this.display(sending.blob_bytes + sending.left_bytes);
  }

  // --- systems and photographs

  system(name = $("system").value) {
    const before = $("painter").value,
      known = KNOWN[name] || { words: "", note: "" };
    const painters = paintersOf(this.systems.get(name) || { name });
    this.named = name;
    $("painter").replaceChildren(...painters.map((one) => new Option(one.words, one.value)));
    if (painters.some((one) => one.value === before)) $("painter").value = before;
    $("system-note").textContent = known.note;
    $("words-note").textContent = WORDS_NOTES[known.words] || "";
  }

  // Of a file that was dropped, the system is what it is.
  show(photo) {
    this.photo = photo;
    const given = photo?.given,
      name = given ? photo.made?.report.system || $("system").value : $("system").value;
    if (name !== this.named) this.system(name);
    const known = KNOWN[name] || {};
    for (const id of ["system", "channel", "messages", "bytes", "bytes-number"]) $(id).disabled = Boolean(given);
    for (const one of $("ticks").children) one.disabled = Boolean(given);
    $("words-box").hidden = Boolean(given) || !known.words;
    $("things-box").hidden = Boolean(given) || !known.things;
    $("twoup").classList.toggle("boxed", !$("things-box").hidden);
    if (photo && document.activeElement !== $("words")) $("words").value = photo.words;
  }

  // --- for the service

  of(photo) {
    if (!photo.given && !photo.words && ["pic", "pics"].includes($("system").value))
      throw new Error("Write what is in the picture: these words are what is sent.");
    return { fields: photo.given ? null : this.fields(photo), painterOf: (system) => this.painter(system) };
  }

  fields({ words, things }) {
    const system = $("system").value,
      link = this.links.chosen,
      { things: boxed, words: worded } = KNOWN[system] || {};
    const messages = Number($("messages").value) || 1;
    return {
      system,
      target_bytes: link ? "" : Number($("bytes-number").value),
      channel: link?.name || "",
      messages: link && messages > 1 ? messages : "",
      caption: worded && !boxed ? words : "",
      scene: boxed ? sceneOf(words, things) : "",
    };
  }

  painter(system) {
    const found = paintersOf(this.systems.get(system) || { name: system });
    return found.find((one) => one.value === $("painter").value) || found[0];
  }
}
