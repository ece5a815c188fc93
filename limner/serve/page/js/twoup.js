// Two pictures in one frame, with a divider, zoom and pan; and boxes that are drawn over them. Where the enlarged picture
// stands, x and y, is in parts of the frame's width and height.
//
// Dragging moves the divider; of an enlarged picture it moves the picture, unless the divider itself is held. Two fingers, the
// wheel with Ctrl, and plus and minus zoom.

const MOST = 16,
  STEP = 1.5,
  PAN_PX = 40,
  GRIP_PX = 24,
  LEAST_BOX_PX = 4,
  PIXELS = 4;
const ARROWS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class TwoUp {
  constructor(root) {
    this.frame = root.querySelector("#twoup");
    this.pane = this.frame.querySelector(".pane");
    this.split = root.querySelector("#split");
    this.shown = root.querySelector("#zoom");
    this.pointers = new Map();
    this.fit();
    this.split.addEventListener("input", () => this.place());
    root.querySelector("#in").addEventListener("click", () => this.zoom(STEP));
    root.querySelector("#out").addEventListener("click", () => this.zoom(1 / STEP));
    root.querySelector("#fit").addEventListener("click", () => this.fit());
    this.frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.frame.addEventListener("pointerdown", (event) => this.down(event));
    this.frame.addEventListener("pointermove", (event) => this.moved(event));
    for (const kind of ["pointerup", "pointercancel"]) this.frame.addEventListener(kind, (event) => this.up(event));
    this.frame.addEventListener("keydown", (event) => this.key(event));
  }

  // Of the picture, in its own pixels.
  size(width, height) {
    if (width === this.width && height === this.height) return;
    [this.width, this.height] = [width, height];
    this.pane.style.setProperty("--ratio", width / height);
    this.fit();
  }

  // The next drag draws a box: done([left, top, right, bottom]) in the picture's pixels. Without done: none is drawn.
  draw(done = null) {
    this.drawn = done;
    this.frame.classList.toggle("drawing", Boolean(done));
  }

  get box() {
    return this.pane.getBoundingClientRect();
  }

  fit() {
    [this.scale, this.x, this.y] = [1, 0, 0];
    this.place();
  }

  zoom(by, at = null) {
    const box = this.box;
    const [px, py] = at ? [(at.x - box.left) / box.width, (at.y - box.top) / box.height] : [0.5, 0.5];
    const scale = Math.min(MOST, Math.max(1, this.scale * by));
    this.x = px - ((px - this.x) * scale) / this.scale;
    this.y = py - ((py - this.y) * scale) / this.scale;
    this.scale = scale;
    this.place();
  }

  // By pixels of the screen.
  pan(x, y) {
    this.x += x / this.box.width;
    this.y += y / this.box.height;
    this.place();
  }

  place() {
    this.x = Math.min(0, Math.max(1 - this.scale, this.x));
    this.y = Math.min(0, Math.max(1 - this.scale, this.y));
    this.pane.style.setProperty("--split", `${this.split.value}%`);
    this.pane.style.setProperty("--move", `translate(${100 * this.x}%, ${100 * this.y}%) scale(${this.scale})`);
    this.frame.classList.toggle("deep", this.scale > 1);
    this.frame.classList.toggle("deeper", this.scale >= PIXELS);
    this.shown.textContent = `${Math.round(this.scale * 10) / 10}×`;
  }

  // A point of the screen in pixels of the picture.
  within(event) {
    const box = this.box;
    const part = (at, start, side, moved) => Math.min(1, Math.max(0, ((at - start) / side - moved) / this.scale));
    return [
      part(event.clientX, box.left, box.width, this.x) * this.width,
      part(event.clientY, box.top, box.height, this.y) * this.height,
    ];
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey && this.scale === 1) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, { x: event.clientX, y: event.clientY });
  }

  down(event) {
    if (event.button || event.target.closest("button")) return;
    this.frame.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size > 1) {
      this.hold = this.pinch;
      return;
    }
    const box = this.box;
    const near = Math.abs(event.clientX - box.left - (box.width * this.split.value) / 100) < GRIP_PX;
    if (this.drawn) {
      this.corner = this.within(event);
      this.hold = this.stretch;
    } else this.hold = this.scale > 1 && !near ? this.drag : this.divide;
    this.hold(event, event);
  }

  moved(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    this.hold(event, before);
    this.pointers.set(event.pointerId, event);
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId) || this.hold !== this.stretch) return;
    const [done, found] = [this.drawn, this.between(this.corner, this.within(event))];
    const large = found[2] - found[0] >= LEAST_BOX_PX && found[3] - found[1] >= LEAST_BOX_PX;
    this.draw();
    done(event.type === "pointerup" && large ? found : null);
  }

  divide(event) {
    const box = this.box;
    this.split.value = (100 * (event.clientX - box.left)) / box.width;
    this.place();
  }

  drag(event, before) {
    this.pan(event.clientX - before.clientX, event.clientY - before.clientY);
  }

  stretch(event) {
    this.stretched?.(this.between(this.corner, this.within(event)));
  }

  pinch(event, before) {
    const other = [...this.pointers.values()].find((one) => one.pointerId !== event.pointerId);
    if (!other) return;
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    this.zoom(apart(event) / apart(before), { x: (event.clientX + other.clientX) / 2, y: (event.clientY + other.clientY) / 2 });
  }

  between(one, other) {
    const [left, right] = [one[0], other[0]].sort((a, b) => a - b),
      [top, bottom] = [one[1], other[1]].sort((a, b) => a - b);
    return [left, top, right, bottom].map(Math.round);
  }

  key(event) {
    if (event.target !== this.frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = ARROWS[event.key];
    if (event.key === "+" || event.key === "=") this.zoom(STEP);
    else if (event.key === "-") this.zoom(1 / STEP);
    else if (event.key === "0") this.fit();
    else if (step && this.scale > 1) this.pan(step[0] * PAN_PX, step[1] * PAN_PX);
    else return;
    event.preventDefault();
  }
}
