// Elements: found by id, made with their properties and children.

export const $ = (id) => document.getElementById(id);

// given: properties of the element, or attributes where it has no such property.
export function make(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export const button = (words, pressed, given = {}) => make("button", { type: "button", onclick: pressed, ...given }, words);

// Put nodes in place of what is there. Whoever was in a field or on a button stays there, with what is not yet taken over and
// with the caret where it was.
export function redraw(root, nodes) {
  const fields = () => [...root.querySelectorAll("button, input, textarea")];
  const held = document.activeElement;
  const place = fields().indexOf(held);
  const unsaved = place >= 0 && held.defaultValue !== undefined && held.value !== held.defaultValue ? held.value : null;
  const caret = [held?.selectionStart ?? null, held?.selectionEnd, held?.selectionDirection];
  root.replaceChildren(...nodes);
  const again = place >= 0 ? fields()[Math.min(place, fields().length - 1)] : null;
  again?.focus({ preventScroll: true });
  if (!again || again.tagName !== held.tagName) return;
  if (unsaved !== null) again.value = unsaved;
  // Numbers and buttons have no caret.
  if (caret[0] !== null && again.selectionStart !== null) again.setSelectionRange(...caret);
}

// Addresses of blobs, of which each owner keeps one at a time.
const kept = new Map();

export function addressOf(owner, blob) {
  URL.revokeObjectURL(kept.get(owner));
  kept.set(owner, URL.createObjectURL(blob));
  return kept.get(owner);
}

export function save(blob, name) {
  make("a", { href: addressOf("download", blob), download: name }).click();
}
