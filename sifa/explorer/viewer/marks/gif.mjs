// Animated GIF (89a) with one fixed palette: 6 x 7 x 6 levels of red, green and blue, ordered dither, LZW.
import { joined } from '../trace/files.mjs';

/** A picture as a canvas gives it. @typedef {Pick<ImageData, 'data' | 'width' | 'height'>} Pixels */

const LEVELS = [6, 7, 6];
const BAYER = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5].map(v => (v + 0.5) / 16);
const [CLEAR, END, MOST] = [256, 257, 4096];

const gifPalette = () => {
  const colours = new Uint8Array(3 * 256);
  for (let i = 0; i < LEVELS[0] * LEVELS[1] * LEVELS[2]; i++) {
    const parts = [Math.floor(i / LEVELS[2] / LEVELS[1]), Math.floor(i / LEVELS[2]) % LEVELS[1], i % LEVELS[2]];
    colours.set(parts.map((part, k) => Math.round(255 * part / (LEVELS[k] - 1))), 3 * i);
  }
  return colours;
};

/**
 * Palette entries of a picture.
 * @param {Pixels} pixels
 */
function indexed({ data, width, height }) {
  const out = new Uint8Array(width * height);
  for (let i = 0; i < out.length; i++) {
    const threshold = BAYER[4 * (Math.floor(i / width) % 4) + i % width % 4];
    const level = (/** @type {number} */ k) => Math.floor(data[4 * i + k] / 255 * (LEVELS[k] - 1) + threshold * 0.999);
    out[i] = (level(0) * LEVELS[1] + level(1)) * LEVELS[2] + level(2);
  }
  return out;
}

/**
 * Palette entries as LZW codes in blocks of at most 255 bytes.
 * @param {Uint8Array} entries
 */
export function lzw(entries) {
  const bytes = [8];
  const start = 1;
  let bits = 0, filled = 0, size = 9, next = END + 1, prefix = -1;
  /** @type {Map<number, number>} */
  let codes = new Map();
  const put = (/** @type {number} */ byte) => {
    if ((bytes.length - start) % 256 === 0) bytes.push(0);
    bytes.push(byte);
    bytes[bytes.length - 1 - ((bytes.length - 1 - start) % 256)] += 1;
  };
  const emit = (/** @type {number} */ code) => {
    bits |= code << filled;
    for (filled += size; filled >= 8; filled -= 8) { put(bits & 255); bits >>>= 8; }
  };
  emit(CLEAR);
  for (const entry of entries) {
    const key = prefix << 8 | entry;
    const code = prefix < 0 ? entry : codes.get(key);
    if (code !== undefined) { prefix = code; continue; }
    emit(prefix);
    if (next === MOST) {
      emit(CLEAR);
      [codes, next, size] = [new Map(), END + 1, 9];
    } else {
      if (next === 1 << size) size += 1;
      codes.set(key, next++);
    }
    prefix = entry;
  }
  emit(prefix);
  emit(END);
  if (filled) put(bits & 255);
  bytes.push(0);
  return Uint8Array.from(bytes);
}

/**
 * Pictures of equal size, each shown for `delay` / 100 s, for ever; `comment` goes with them.
 * @param {Pixels[]} frames
 * @param {number} delay
 * @param {string} comment
 */
export function gif(frames, delay, comment) {
  const [{ width, height }] = frames;
  const word = (/** @type {number} */ v) => [v & 255, v >> 8];
  const text = new TextEncoder().encode(comment);
  const pieces = Array.from({ length: Math.ceil(text.length / 255) }, (_, i) => text.subarray(255 * i, 255 * i + 255));
  /** @type {ArrayLike<number>[]} */
  const parts = [
    new TextEncoder().encode('GIF89a'), [...word(width), ...word(height), 0xf7, 0, 0], gifPalette(),
    [0x21, 0xff, 11], new TextEncoder().encode('NETSCAPE2.0'), [3, 1, 0, 0, 0],
    [0x21, 0xfe], ...pieces.flatMap(piece => [[piece.length], piece]), [0],
  ];
  for (const frame of frames) {
    parts.push([0x21, 0xf9, 4, 4, ...word(delay), 0, 0], [0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0]);
    parts.push(lzw(indexed(frame)));
  }
  return joined([...parts, [0x3b]]);
}
