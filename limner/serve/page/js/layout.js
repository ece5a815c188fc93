// Where there is room, controls stand beside the pictures. Sections are moved, so that the order of reading and of the Tab
// key is always the one that is seen.

import { $ } from "./dom.js";

const WIDE = matchMedia("(min-width: 60.01rem)");
const BESIDE = ["source", "settings", "take", "links"],
  PICTURES = ["view", "sent", "loss"];
const ALONE = ["source", "view", "settings", "sent", "loss", "links", "take"];

export function arrange() {
  const put = (place, ids) => place.append(...ids.map($));
  const anew = () => {
    if (WIDE.matches) {
      put($("beside"), BESIDE);
      put($("pictures"), PICTURES);
    } else put($("alone"), ALONE);
  };
  WIDE.addEventListener("change", anew);
  anew();
}
