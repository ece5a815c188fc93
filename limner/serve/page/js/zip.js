// A zip of files that are not compressed: pictures and blobs are already.

const FIRST_DAY = 0x21; // 1980-01-01, before which no zip has a date
const TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function record(size, fields) {
  const view = new DataView(new ArrayBuffer(size));
  for (const [at, bytes, value] of fields) bytes === 2 ? view.setUint16(at, value, true) : view.setUint32(at, value, true);
  return new Uint8Array(view.buffer);
}

// files: [{name, bytes}]. Names are UTF-8 (bit 11 of the flags).
export function zip(files) {
  const pieces = [],
    directory = [];
  let offset = 0;
  for (const { name, bytes } of files) {
    const title = new TextEncoder().encode(name),
      crc = crc32(bytes);
    const common = [
      [0, 2, 20],
      [2, 2, 0x800],
      [8, 2, FIRST_DAY],
      [10, 4, crc],
      [14, 4, bytes.length],
      [18, 4, bytes.length],
      [22, 2, title.length],
    ];
    const shifted = (by) => common.map(([at, size, value]) => [at + by, size, value]);
    const local = record(30, [[0, 4, 0x04034b50], ...shifted(4)]);
    directory.push(record(46, [[0, 4, 0x02014b50], [4, 2, 20], ...shifted(6), [42, 4, offset]]), title);
    pieces.push(local, title, bytes);
    offset += local.length + title.length + bytes.length;
  }
  const size = directory.reduce((sum, piece) => sum + piece.length, 0);
  const end = record(22, [
    [0, 4, 0x06054b50],
    [8, 2, files.length],
    [10, 2, files.length],
    [12, 4, size],
    [16, 4, offset],
  ]);
  return new Blob([...pieces, ...directory, end], { type: "application/zip" });
}
