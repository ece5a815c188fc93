// Numbers as people read them, and the slider's scale.

export const LEAST = 40,
  MOST = 8000;

// The slider runs over 0..1000, evenly in the logarithm of bytes.
export const ofSlider = (value) => Math.round(LEAST * (MOST / LEAST) ** (value / 1000));
export const toSlider = (bytes) =>
  Math.round((1000 * Math.log(Math.min(MOST, Math.max(LEAST, bytes)) / LEAST)) / Math.log(MOST / LEAST));

export const whole = (number) => Math.round(number).toLocaleString("en");

export function bytes(count) {
  if (count < 10_000) return `${whole(count)} bytes`;
  return count < 1e6 ? `${whole(count / 1000)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

export function seconds(count) {
  if (count === null) return "–";
  if (count < 0.95) return `${count.toFixed(count < 0.095 ? 2 : 1)} s`;
  if (count < 90) return `${whole(count)} s`;
  return count < 5400 ? `${whole(count / 60)} min` : `${(count / 3600).toFixed(1)} h`;
}

export const stem = (name) => name.replace(/\.[^.]*$/, "") || "picture";
