// Things of a scene: a name, words, and a box that is drawn on the picture or written in numbers.

import { $, button, make, redraw } from "./dom.js";

const MOST = 3,
  SIDES = ["left", "top", "right", "bottom"];

export class Things {
  // view: the two-up; changed(): a thing was changed.
  constructor(view, changed) {
    [this.view, this.changed, this.list] = [view, changed, []];
    $("add-thing").addEventListener("click", () => this.add());
    view.stretched = (box) => {
      if (this.drawing) {
        this.drawing.box = box;
        this.boxes();
      }
    };
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.drawing) this.drawn(this.drawing, null, this.before);
    });
  }

  // list: [{name, detail, box}], kept by the photograph.
  of(list) {
    this.list = list;
    this.drawing = null;
    this.view.draw();
    this.draw();
  }

  add() {
    this.list.push({ name: `thing ${this.list.length + 1}`, detail: "", box: null });
    this.draw();
    this.place(this.list.at(-1));
    $("things").lastElementChild.querySelector("input").select();
  }

  place(thing) {
    [this.drawing, this.before] = [thing, thing.box];
    this.view.draw((box) => this.drawn(thing, box, this.before));
    this.draw();
  }

  drawn(thing, box, before) {
    thing.box = box || before;
    this.drawing = null;
    this.view.draw();
    this.draw();
    if (box) this.changed();
  }

  draw() {
    redraw(
      $("things"),
      this.list.map((thing, place) => this.line(thing, place)),
    );
    $("add-thing").disabled = this.list.length >= MOST;
    this.boxes();
  }

  line(thing, place) {
    const field = (name, hint) => {
      const input = make("input", { defaultValue: thing[name], placeholder: hint, ariaLabel: `Thing ${place + 1}: ${hint}` });
      input.addEventListener("change", () => {
        thing[name] = input.value.trim();
        this.boxes();
        this.changed();
      });
      return input;
    };
    const words = thing === this.drawing ? "Draw it on the picture …" : thing.box ? "Draw its box anew" : "Draw its box";
    return make(
      "li",
      {},
      make(
        "div",
        { className: "row" },
        field("name", "its name"),
        button("×", () => this.remove(place), { ariaLabel: `Remove thing ${place + 1}`, className: "small" }),
      ),
      field("detail", "words about it"),
      make(
        "div",
        { className: "row wrap" },
        button(words, () => this.place(thing), { className: "small", ariaPressed: String(thing === this.drawing) }),
        this.numbers(thing, place),
      ),
    );
  }

  numbers(thing, place) {
    const inputs = SIDES.map((side, at) => {
      const input = make("input", {
        type: "number",
        min: 0,
        step: 1,
        defaultValue: thing.box ? thing.box[at] : "",
        ariaLabel: `Thing ${place + 1}: ${side} of its box in pixels`,
        title: `${side}, in pixels`,
      });
      input.addEventListener("change", () => {
        const box = inputs.map((one) => Number(one.value));
        if (inputs.some((one) => one.value === "") || box[0] >= box[2] || box[1] >= box[3]) return;
        thing.box = box;
        this.boxes();
        this.changed();
      });
      return input;
    });
    return make("span", { className: "box-numbers" }, ...inputs);
  }

  remove(place) {
    const [gone] = this.list.splice(place, 1);
    if (gone === this.drawing) {
      this.drawing = null;
      this.view.draw();
    }
    this.draw();
    $("add-thing").focus();
    if (gone.box) this.changed();
  }

  boxes() {
    const { width, height } = this.view;
    $("boxes").replaceChildren(
      ...this.list
        .filter((thing) => thing.box)
        .map(({ box, name }) => {
          const [left, top, right, bottom] = box,
            frame = make("span", {}, make("b", {}, name));
          Object.assign(frame.style, {
            left: `${(100 * left) / width}%`,
            top: `${(100 * top) / height}%`,
            width: `${(100 * (right - left)) / width}%`,
            height: `${(100 * (bottom - top)) / height}%`,
          });
          return frame;
        }),
    );
  }
}

// As the service and the command take it. Things without a box are still being made.
export function sceneOf(words, things) {
  const objects = things.filter((one) => one.box).map(({ name, detail, box }) => ({ name: name || "thing", box, detail }));
  return `${JSON.stringify({ overall: words, objects }, null, 1)}\n`;
}
