// What can be taken away: the file, packets, QR codes, the painted picture, words, commands; and all photographs as a zip.

import * as api from "./api.js";
import { $, addressOf, make, save } from "./dom.js";
import { sceneOf } from "./things.js";
import { zip } from "./zip.js";

const QR_LINK = "qr-40-l";
const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

export class Take {
  // photos; loss: whose packets are meant; wrong(words): says what went wrong.
  constructor(photos, loss, wrong) {
    [this.photos, this.loss, this.codes] = [photos, loss, []];
    const pressed = (id, does) =>
      $(id).addEventListener("click", () => Promise.resolve(does()).catch((error) => wrong(error.message)));
    pressed("save-blob", () => save(new Blob([this.made.blob], { type: "image/x-limn" }), `${this.stem}.limn`));
    pressed("save-picture", () => save(this.made.picture, `${this.stem}-painted.png`));
    pressed("save-scene", () => save(new Blob([this.scene]), `${this.stem}.json`));
    pressed("save-packets", () => save(zip(this.packets()), `${this.stem}-packets.zip`));
    pressed("show-qr", () => this.showCodes());
    pressed("save-qr", () => this.saveCodes());
    pressed("close-qr", () => $("qr").close());
    pressed("copy", () => this.copy());
  }

  get made() {
    return this.photos.current.made;
  }
  get stem() {
    return this.photos.stems()[this.photos.at];
  }
  get scene() {
    return sceneOf(this.photos.current.words, this.photos.current.things);
  }

  // Without a file there is nothing to take.
  able(yes) {
    for (const one of document.querySelectorAll("#take button")) one.disabled = !yes;
    $("save-scene").hidden = !yes || !this.made?.fields?.scene;
  }

  packets() {
    return this.loss.packets.map((one) => ({
      name: `${this.stem}.${String(one.index + 1).padStart(3, "0")}.packet`,
      bytes: api.toBytes(one.data),
    }));
  }

  async showCodes() {
    const { packets } = await api.packets(this.made.blob, { channel: QR_LINK, armour: "qr" });
    this.codes = packets.map((one) => api.pngOf(one.data));
    $("qr-codes").replaceChildren(
      ...this.codes.map((code, place) =>
        make("img", { src: addressOf(`code ${place}`, code), alt: `QR code ${place + 1} of ${packets.length}` }),
      ),
    );
    const what = packets.length > 1 ? `The file in ${packets.length} codes` : `The whole file, ${packets[0].bytes} bytes`;
    $("qr-said").textContent = `${what}, as text that any reader keeps. limner packets join --armour base45 reads it.`;
    $("qr").showModal();
  }

  async saveCodes() {
    if (this.codes.length === 1) return save(this.codes[0], `${this.stem}-qr.png`);
    const files = await Promise.all(
      this.codes.map(async (code, place) => ({ name: `${this.stem}-qr-${place + 1}.png`, bytes: await bytesOf(code) })),
    );
    return save(zip(files), `${this.stem}-qr.zip`);
  }

  async copy() {
    const text = $("command").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Not on every address may a page write there: what is selected can be copied by hand.
      getSelection().selectAllChildren($("command"));
      $("copy").textContent = "Selected";
      return;
    }
    $("copy").textContent = "Copied";
    setTimeout(() => {
      $("copy").textContent = "Copy command";
    }, 1500);
  }

  async all() {
    const stems = this.photos.stems(),
      files = [];
    for (const [place, { made, words, things }] of this.photos.list.entries()) {
      if (!made) continue;
      files.push(
        { name: `${stems[place]}.limn`, bytes: made.blob },
        { name: `${stems[place]}-painted.png`, bytes: await bytesOf(made.picture) },
      );
      if (made.fields?.scene)
        files.push({ name: `${stems[place]}.json`, bytes: new TextEncoder().encode(sceneOf(words, things)) });
    }
    save(zip(files), "limner.zip");
  }
}
