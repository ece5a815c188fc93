// Links by name: under the slider, in the list, and what a file takes on them.

import * as api from "./api.js";
import { $, button, make, redraw } from "./dom.js";
import { seconds, toSlider, whole } from "./figures.js";

// What stands under the slider, with short names; the others are in the list.
const SHORT = {
  "lorawan-eu868-dr0": "LoRaWAN DR0",
  sms: "SMS",
  "meshtastic-longfast": "Meshtastic",
  sbd: "Iridium SBD",
  ntag215: "NFC NTAG215",
  "qr-20-m": "QR 20-M",
  "sbd-9522": "SBD 9522",
  "desfire-4k": "DESFire 4k",
};
const PLANNED = ["sms", "sbd", "meshtastic-longfast", "meshcore-eu", "lorawan-eu868-dr3", "aprs"];
const GAP_PX = 6,
  LANE_REM = 1.6;

export class Links {
  // chosen(link): one was chosen by name; null for none.
  constructor(channels, chosen) {
    this.all = new Map(channels.map((one) => [one.name, one]));
    this.choose = (name) => {
      $("channel").value = name;
      this.told();
      chosen(this.chosen);
    };
    $("channel").append(...channels.map((one) => new Option(`${one.name}: ${one.payload_bytes} bytes`, one.name)));
    $("channel").addEventListener("change", () => this.choose($("channel").value));
    $("ticks").append(
      ...Object.keys(SHORT)
        .filter((name) => this.all.has(name))
        .map((name) => this.tick(this.all.get(name))),
    );
    new ResizeObserver(() => this.place()).observe($("ticks"));
    this.told();
  }

  get chosen() {
    return this.all.get($("channel").value) || null;
  }

  // No link is meant any more.
  leave() {
    $("channel").value = "";
    this.told();
  }

  told() {
    const link = this.chosen;
    $("messages-box").hidden = !link?.several_bytes;
    if (!link?.several_bytes) $("messages").value = 1;
    for (const one of $("ticks").children) one.setAttribute("aria-pressed", String(one.dataset.name === link?.name));
  }

  // About how much goes in so many messages; the service knows exactly.
  bytes(messages) {
    const { payload_bytes, several_bytes, joined } = this.chosen;
    return messages > 1 ? Math.max(payload_bytes, messages * several_bytes - (joined ? 0 : 1)) : payload_bytes;
  }

  tick(link) {
    const one = button(SHORT[link.name], () => this.choose(link.name), {
      title: `${link.what}: ${link.payload_bytes} bytes`,
      ariaLabel: `${SHORT[link.name]}: ${link.payload_bytes} bytes`,
    });
    one.dataset.name = link.name;
    one.dataset.bytes = link.payload_bytes;
    return one;
  }

  // Each tick under its bytes, in the first lane that is free there.
  place() {
    const ticks = [...$("ticks").children].sort((one, other) => one.dataset.bytes - other.dataset.bytes);
    const wide = $("ticks").clientWidth,
      ends = [];
    for (const one of ticks) {
      const at = (wide * toSlider(Number(one.dataset.bytes))) / 1000,
        width = one.offsetWidth;
      const left = Math.min(wide - width, Math.max(0, at - width / 2));
      const lane = ends.findIndex((end) => end + GAP_PX <= left),
        free = lane < 0 ? ends.length : lane;
      ends[free] = left + width;
      one.style.left = `${left}px`;
      one.style.top = `${0.5 + free * LANE_REM}rem`;
      one.style.setProperty("--stem", `${at - left}px`);
      one.style.setProperty("--rise", `${0.5 + free * LANE_REM}rem`);
    }
    $("ticks").style.height = `${0.5 + ends.length * LANE_REM}rem`;
  }

  // What a file of so many bytes, without magic, takes.
  async plan(bytes) {
    const { channels } = await api.channels(bytes);
    const names = [...new Set([...PLANNED, ...(this.chosen ? [this.chosen.name] : [])])];
    const shown = names.map((name) => channels.find((one) => one.name === name)).filter(Boolean);
    redraw(
      $("plans").tBodies[0],
      shown.map((link) => this.line(link)),
    );
  }

  line({ name, what, plan }) {
    const cells = plan ? [whole(plan.messages), seconds(plan.air_s), seconds(inAll(plan))] : ["too many", "", ""];
    const chosen = name === this.chosen?.name;
    const choose = () => this.choose(name);
    const head = button(name, choose, { className: "plain", title: what, ariaPressed: String(chosen) });
    const line = make("tr", { className: chosen ? "chosen" : "" }, make("th", { scope: "row" }, head));
    line.append(...cells.map((cell) => make("td", {}, cell)));
    return line;
  }
}

// On the air and in silence; null where neither is known.
const inAll = ({ air_s, wait_s }) => (air_s === null && !wait_s ? null : (air_s || 0) + wait_s);
