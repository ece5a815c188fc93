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
