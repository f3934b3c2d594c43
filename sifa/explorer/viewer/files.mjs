// File formats, written by hand: PNG metadata, NPY and NPZ, CSV. Pure functions from numbers to bytes and text.
import { offsetAt, weightAt } from './decode.mjs';
import { readout } from './geometry.mjs';

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

export function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = CRC[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

const utf8 = text => new TextEncoder().encode(text);

export function joined(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

/** A PNG with a text under the keyword Description, in an iTXt chunk after the header. */
export function withDescription(png, text) {
  const content = joined([utf8('iTXtDescription'), new Uint8Array(5), utf8(text)]);
  const chunk = new Uint8Array(content.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, content.length - 4);
  chunk.set(content, 4);
  view.setUint32(content.length + 4, crc32(content));
  return joined([png.subarray(0, 33), chunk, png.subarray(33)]);
}

/** An array in NumPy's format 1.0; `type` is '<f4', or '<U12' with UTF-32 data. */
export function npy(type, shape, data) {
  const tuple = `(${shape.map(n => `${n},`).join(' ')})`;
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${header.padEnd(header.length + 63 - (10 + header.length) % 64)}\n`;
  const sizes = Uint8Array.of(1, 0, padded.length & 255, padded.length >> 8);
  const start = joined([Uint8Array.of(0x93), utf8('NUMPY'), sizes]);
  return joined([start, utf8(padded), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/** A zip of [name, bytes] pairs, stored without compression. */
export function zip(files) {
  const record = (signature, { name, size, crc, at }) => {
    const central = signature === 0x02014b50;
    const start = new DataView(new ArrayBuffer(central ? 46 : 30));
    const shift = central ? 2 : 0; // the central record has one more version field before these
    start.setUint32(0, signature, true);
    start.setUint16(4, 20, true);
    if (central) start.setUint16(6, 20, true);
    start.setUint16(6 + shift, 0x0800, true); // names are UTF-8
    start.setUint16(12 + shift, 0x21, true); // 1 January 1980, so that equal content gives equal files
    start.setUint32(14 + shift, crc, true);
    start.setUint32(18 + shift, size, true);
    start.setUint32(22 + shift, size, true);
    start.setUint16(26 + shift, name.length, true);
    if (central) start.setUint32(42, at, true);
    return [new Uint8Array(start.buffer), name];
  };
  const parts = [], central = [];
  let at = 0;
  for (const [title, bytes] of files) {
    const about = { name: utf8(title), size: bytes.length, crc: crc32(bytes), at };
    parts.push(...record(0x04034b50, about), bytes);
    central.push(...record(0x02014b50, about));
    at += 30 + about.name.length + bytes.length;
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.length, true);
  end.setUint16(10, files.length, true);
  end.setUint32(12, central.reduce((size, part) => size + part.length, 0), true);
  end.setUint32(16, at, true);
  return joined([...parts, ...central, new Uint8Array(end.buffer)]);
}

/** Offsets (P, N, 2, H, W) and weights (P, N, H, W) of every block as float32, by the blocks' names, and a caption. */
export function npz(trace, caption) {
  const arrays = trace.blocks.flatMap(block => {
    const { pairs, taps, height, width } = block;
    const plane = height * width;
    const cells = Array.from({ length: pairs * taps * plane }, (_, i) =>
      [Math.floor(i / plane / taps), Math.floor(i / plane) % taps, Math.floor(i / width) % height, i % width]);
    const weights = Float32Array.from(cells, cell => weightAt(block, ...cell));
    const offsets = new Float32Array(2 * cells.length);
    cells.forEach((cell, i) => {
      const at = i + Math.floor(i / plane) * plane;
      [offsets[at], offsets[at + plane]] = offsetAt(block, ...cell);
    });
    return [[`${block.name}.offset.npy`, npy('<f4', [pairs, taps, 2, height, width], offsets)],
      [`${block.name}.attention.npy`, npy('<f4', [pairs, taps, height, width], weights)]];
  });
  const letters = Uint32Array.from(caption, letter => letter.codePointAt(0));
  return zip([['caption.npy', npy(`<U${letters.length}`, [], letters)], ...arrays]);
}

const COLUMNS = 'y,x,neighbour,tap_y,tap_x,offset_y,offset_x,point_y,point_x,weight,outside';

/** One line per neighbour of the given cells [y, x]; all places in cells; the caption is a first line with '#'. */
export function csv(block, pair, cells, caption) {
  const lines = cells.flatMap(([y, x]) => {
    const read = readout(block, pair, y, x);
    return read.weights.map((weight, tap) => [
      y, x, tap, ...read.taps[tap], ...read.offsets[tap], ...read.points[tap], Math.fround(weight), +read.outside[tap],
    ].join());
  });
  return `# ${caption}\n${COLUMNS}\n${lines.join('\n')}\n`;
}
