// File formats, written by hand: PNG metadata, NPY and NPZ, CSV. Pure functions from numbers to bytes and text.
import { STEPS_PER_CELL } from './decode.mjs';
import { readout } from './geometry.mjs';
/** @import { Block, Place, Trace } from './types' */

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = CRC[(sum ^ byte) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

const utf8 = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** @param {ArrayLike<number>[]} parts */
export function joinBytes(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

/**
 * Numbers as little-endian bytes, from pairs [value, count of bytes].
 * @param {number[][]} fields
 */
const little = fields => Uint8Array.from(
  fields.flatMap(([value, count]) => Array.from({ length: count }, (_, i) => value >>> 8 * i)));

/**
 * A PNG with a text under the keyword Description, in an iTXt chunk after the header.
 * @param {Uint8Array} png
 * @param {string} text
 */
export function withDescription(png, text) {
  const content = joinBytes([utf8('iTXtDescription'), new Uint8Array(5), utf8(text)]);
  const big = (/** @type {number} */ value) => little([[value, 4]]).reverse();
  return joinBytes([png.subarray(0, 33), big(content.length - 4), content, big(crc32(content)), png.subarray(33)]);
}

/**
 * An array in NumPy's format 1.0.
 * @param {string} type '<f4', or '<U12' with UTF-32 data
 * @param {number[]} shape
 * @param {Float32Array | Uint32Array} data
 */
export function npy(type, shape, data) {
  const tuple = `(${shape.map(n => `${n},`).join(' ')})`;
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${header.padEnd(header.length + 63 - (10 + header.length) % 64)}\n`;
  const sizes = Uint8Array.of(1, 0, padded.length & 255, padded.length >> 8);
  const start = joinBytes([Uint8Array.of(0x93), utf8('NUMPY'), sizes]);
  return joinBytes([start, utf8(padded), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/**
 * A zip of [name, bytes] pairs, stored without compression.
 * @param {[string, Uint8Array][]} files
 */
export function zip(files) {
  /** @type {Uint8Array[]} */
  const parts = [], central = [];
  let at = 0;
  for (const [title, bytes] of files) {
    const name = utf8(title), size = [bytes.length, 4];
    // zip 2.0, names in UTF-8, stored, 1 January 1980, so that equal content gives equal files
    const about = [[20, 2], [0x800, 2], [0, 2], [0x210000, 4], [crc32(bytes), 4], size, size, [name.length, 2]];
    parts.push(little([[0x04034b50, 4], ...about, [0, 2]]), name, bytes);
    central.push(little([[0x02014b50, 4], [20, 2], ...about, [0, 12], [at, 4]]), name);
    at += 30 + name.length + bytes.length;
  }
  const listed = joinBytes(central);
  const count = [files.length, 2], size = [listed.length, 4];
  return joinBytes([...parts, listed, little([[0x06054b50, 4], [0, 4], count, count, size, [at, 4], [0, 2]])]);
}

/**
 * Offsets (P, N, 2, H, W) and weights (P, N, H, W) of every block as float32, by the blocks' names, and a caption.
 * @param {Trace} trace
 * @param {string} caption
 */
export function npz(trace, caption) {
  const arrays = trace.blocks.flatMap(block => {
    const { name, pairs, taps, height, width } = block;
    const weights = Float32Array.from(block.attention, (step, i) => {
      const [low, high] = block.range[Math.floor(i / (taps * height * width))];
      return low + step * (high - low) / 255;
    });
    const offsets = Float32Array.from(block.offset, steps => steps / STEPS_PER_CELL);
    /** @type {[string, Uint8Array][]} */
    const made = [[`${name}.offset.npy`, npy('<f4', [pairs, taps, 2, height, width], offsets)],
      [`${name}.attention.npy`, npy('<f4', [pairs, taps, height, width], weights)]];
    return made;
  });
  const letters = Uint32Array.from(caption, letter => /** @type {number} */ (letter.codePointAt(0)));
  return zip([['caption.npy', npy(`<U${letters.length}`, [], letters)], ...arrays]);
}

export const COLUMNS = 'y,x,neighbour,tap_y,tap_x,offset_y,offset_x,point_y,point_x,weight,outside';

/**
 * One row per neighbour of the given cells; all places in cells.
 * @param {Block} block
 * @param {number} pair
 * @param {Place[]} cells
 */
export function csvRows(block, pair, cells) {
  return cells.flatMap(([y, x]) => {
    const read = readout(block, pair, y, x);
    return read.weights.map((weight, tap) => [
      y, x, tap, ...read.taps[tap], ...read.offsets[tap], ...read.points[tap], Math.fround(weight), +read.outside[tap],
    ]);
  });
}

/**
 * Rows as lines; the caption is a first line with '#'.
 * @param {string} caption
 * @param {string} columns
 * @param {(string | number)[][]} rows
 */
export const csv = (caption, columns, rows) => `${[`# ${caption}`, columns, ...rows].join('\n')}\n`;
