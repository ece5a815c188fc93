// What the page knows of each system: what its words are for, how its files are painted, what is to be thought of the picture.

// words: "sent", "read" by the encoder alone, or "" for none; things: whether it sends things in boxes.
export const KNOWN = {
  miniature: { words: "", note: "Latents of a small codec, painted at once. It reads no words." },
  taco: {
    words: "read",
    note: "Latents of a codec whose encoder reads your words. They steer what is kept, and are not sent.",
  },
  pic: { words: "sent", note: "Words alone, of which a diffusion model paints a picture." },
  pics: { words: "sent", note: "Words and a sketch, which a diffusion model follows." },
  sedic: {
    words: "sent",
    things: true,
    note: "A tiny reference, words for the whole, words and a mask for each thing. A diffusion model paints thing by thing.",
  },
};

const PAINTED = { value: "diffusion", words: "diffusion: takes minutes" };
const PAINTERS = {
  miniature: [
    { value: "faithful", words: "faithful: blurs", query: { painter: "faithful" }, option: "" },
    { value: "vivid", words: "vivid: paints likely detail", query: { painter: "vivid" }, option: "--painter vivid" },
  ],
  taco: [{ value: "faithful", words: "its own decoder", query: {}, option: "" }],
  pic: [{ value: "card", words: "none: what was sent", query: { preview: true }, option: "--preview" }],
  pics: [{ value: "card", words: "none: what was sent", query: { preview: true }, option: "--preview" }],
  sedic: [{ value: "reference", words: "none: reference alone", query: { stages: 0 }, option: "--stages 0" }],
};

// here: what the service says of the system.
export function paintersOf(here) {
  const quick = PAINTERS[here.name] || [{ value: "faithful", words: "its own decoder", query: {}, option: "" }];
  return here.diffusion && here.paints ? [...quick, { ...PAINTED, query: {}, option: "", long: true }] : quick;
}

// How a file is painted at once, and not by diffusion.
export const quickly = (system) => PAINTERS[system]?.[0].query || {};

// What is sent besides words, as its own decoder shows it: the query, or null where there is none.
export const plainly = (system) => ({ miniature: { painter: "faithful" }, taco: {}, sedic: { stages: 0 } })[system] || null;

// detail: the service's words. invented: whether what is seen may never have been there.
export function judged(detail) {
  if (detail.startsWith("a preview"))
    return {
      invented: false,
      words:
        "This is not a picture: it is what was sent. A diffusion model would paint from it, and would invent what you see.",
    };
  if (detail.startsWith("the reference"))
    return { invented: false, words: "The reference alone. Nothing is invented: what was not sent is blurred." };
  if (detail === "nothing invented") return { invented: false, words: "Nothing is invented: what was not sent is blurred." };
  return { invented: true, words: "Detail is invented. Texture, text and faces look likely and may be wrong." };
}
