// Packets as buttons: pressing one loses it; what is left is joined and painted.

import * as api from "./api.js";
import { $, addressOf, button, redraw } from "./dom.js";
import { quickly } from "./systems.js";

const CHANCE = 0.25;

export class Loss {
  constructor() {
    this.packets = [];
    this.lost = new Set();
    for (const id of ["payload", "parity"]) $(id).addEventListener("change", () => this.cut());
    $("restore").addEventListener("click", () => this.lose([]));
    $("chance").addEventListener("click", () => this.lose(this.packets.filter(() => Math.random() < CHANCE)));
  }

  // made: as making.js has it.
  async of(made) {
    this.made = made;
    await this.cut();
  }

  async cut() {
    const made = this.made;
    if (!made) return;
    const number = (id) => Number($(id).value);
    try {
      const { packets } = await api.packets(made.blob, {
        payload: number("payload"),
        parity: number("parity"),
        armour: "base64",
      });
      if (made !== this.made) return;
      this.packets = packets;
    } catch (error) {
      this.packets = [];
      $("arrived").textContent = error.message;
      this.draw();
      return;
    }
    await this.lose([]);
  }

  async lose(packets) {
    this.lost = new Set(packets.map((one) => one.index));
    this.draw();
    await this.arrive();
  }

  draw() {
    const data = this.packets.filter((one) => !one.parity).length;
    redraw(
      $("packets"),
      this.packets.map((one) => {
        const [short, long] = one.parity
          ? [`P${one.index - data + 1}`, `parity ${one.index - data + 1}`]
          : [one.index + 1, one.index + 1];
        return button(short, () => this.toggle(one), {
          className: one.parity ? "parity" : "",
          title: `${one.bytes} bytes`,
          ariaPressed: String(this.lost.has(one.index)),
          ariaLabel: `Lose packet ${long}, ${one.bytes} bytes`,
        });
      }),
    );
  }

  async toggle(one) {
    if (!this.lost.delete(one.index)) this.lost.add(one.index);
    this.draw();
    await this.arrive();
  }

  // What came, in words and as a picture.
  async arrive() {
    const [made, packets, lost] = [this.made, this.packets, this.lost.size];
    const left = packets.filter((one) => !this.lost.has(one.index));
    const needed = packets.filter((one) => !one.parity).length;
    const turn = (this.turn = Symbol("the last that was asked for"));
    try {
      const found = left.length ? (await api.join(left.map((one) => one.data))).pictures[0] : null;
      const picture = found?.whole
        ? made.picture
        : found?.partial
          ? await this.painted(made, api.toBytes(found.partial))
          : null;
      if (turn === this.turn) this.show(picture, said(packets.length, needed, lost, found));
    } catch (error) {
      if (turn === this.turn) this.show(null, error.message);
    }
  }

  async painted(made, blob) {
    const query = made.painter.long ? quickly(made.report.system) : made.painter.query;
    return (await api.decode(blob, { format: "png", salvage: true, ...query })).picture;
  }

  show(picture, words) {
    $("arrived").textContent = words;
    const image = $("arrived-picture");
    image.closest("figure").classList.toggle("nothing", !picture);
    if (picture) image.src = addressOf("arrived", picture);
    else image.removeAttribute("src");
  }
}

function said(all, needed, lost, found) {
  const spare = all - needed;
  const packets = `${all} packet${all === 1 ? "" : "s"}`;
  if (!lost) {
    const enough = spare ? `any ${needed} make${needed === 1 ? "s" : ""} the file` : "none may be lost";
    return `${packets}, of which ${enough}. Press one to lose it.`;
  }
  const gone = `${lost} of ${packets} lost:`;
  if (found?.whole) return `${gone} the file is whole again.`;
  if (found?.partial) return `${gone} the layers before the gap are whole, and painted.`;
  return `${gone} nothing can be painted. ${found ? `${found.needed} more would make it whole.` : "Nothing arrived."}`;
}
