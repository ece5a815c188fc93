// The photographs: those that were dropped, pasted, chosen or taken from the samples, and which of them is looked at.

import { $, button, make, redraw } from "./dom.js";
import { bytes, stem } from "./figures.js";

export class Photos {
  // chosen(photo): another is looked at.
  constructor(chosen) {
    [this.list, this.at, this.chosen] = [[], -1, chosen];
  }

  get current() {
    return this.list[this.at] || null;
  }

  // scene: {words, things}, where somebody has said what is there.
  async add(files, scene = { words: "", things: [] }) {
    const first = this.list.length;
    for (const file of files) this.list.push(await photoOf(file, scene));
    if (this.list.length > first) this.choose(first);
  }

  choose(place) {
    this.at = place;
    this.draw();
    this.chosen(this.current);
  }

  remove(place) {
    const [gone] = this.list.splice(place, 1);
    URL.revokeObjectURL(gone.url);
    if (!this.list.length) {
      this.at = -1;
      this.draw();
      this.chosen(null);
    } else if (place === this.at) this.choose(Math.min(place, this.list.length - 1));
    else {
      this.at -= place < this.at;
      this.draw();
    }
  }

  // Names of files are told apart, since they lie beside each other in a zip.
  stems() {
    const met = new Map();
    return this.list.map(({ name }) => {
      const count = (met.get(stem(name)) || 0) + 1;
      met.set(stem(name), count);
      return count > 1 ? `${stem(name)}-${count}` : stem(name);
    });
  }

  draw() {
    document.body.classList.toggle("empty", !this.list.length);
    $("batch").hidden = this.list.length < 2;
    redraw(
      $("queue"),
      this.list.map((photo, place) => this.line(photo, place)),
    );
  }

  line(photo, place) {
    const said = photo.problem ? "failed" : photo.made ? `${photo.made.blob.length} B` : "…";
    const face = photo.given
      ? make("span", { className: "face" }, "limn")
      : make("img", { src: photo.url, alt: "", onerror: (event) => event.target.classList.add("none") });
    const show = make(
      "button",
      { type: "button", className: "photo", title: photo.name, onclick: () => this.choose(place) },
      face,
      make("span", { className: "name" }, photo.name),
      make("span", { className: "cost" }, said),
    );
    show.setAttribute("aria-current", String(place === this.at));
    return make(
      "li",
      {},
      show,
      button("×", () => this.remove(place), { className: "remove", ariaLabel: `Remove ${photo.name}` }),
    );
  }
}

async function photoOf(file, { words, things }) {
  const given = /\.limn$/i.test(file.name) ? new Uint8Array(await file.arrayBuffer()) : null;
  return {
    name: file.name || "pasted.png",
    file,
    given,
    url: URL.createObjectURL(file),
    about: bytes(file.size),
    words,
    things: things.map((one) => ({ ...one })),
    made: null,
    problem: "",
  };
}
