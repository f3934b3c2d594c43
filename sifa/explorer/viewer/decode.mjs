// Reading a packed trace. ../README.md describes the format.

const MAGIC = 'SIFATRC\n';
const VERSION = 2;
export const STEPS_PER_CELL = 32;
const CUT_OFF = 'The trace is cut off. Copy the file again, or run the clip again.';
export const DAMAGED = 'The trace is damaged. Copy the file again, or run the clip again.';

/**
 * What one SIFA block did. The typed arrays hold [pair][tap][(dy, dx)][y][x], the last index fastest: `offset` in 1/32
 * cell, `attention` in 1/255 of the pair's `range`, `saliency` in 1/255 of `saliency_max`.
 * @typedef {{
 *   name: string, stage: number, block: number, kernel: number, dilation: number, taps: number,
 *   stride: [number, number, number], normalised: boolean, pairs: number, height: number, width: number,
 *   offset: Int16Array, attention: Uint8Array, range: [number, number][], saliency: Uint8Array, saliency_max: number
 * }} Block
 *
 * The header of a packed trace, with arrays and pictures in place of positions.
 * @typedef {{
 *   blocks: Block[], pictures: Blob[], labels: string[], probabilities: number[], clip: object, crop: object,
 *   checkpoint: object, what_if: WhatIf[], trust: ?object, true_flow: Flow[]
 * }} Trace
 *
 * The same clip once one thing is changed; `order`: the clip's frame shown at each place, empty where it is the same.
 * @typedef {{
 *   name: string, title: string, explanation: string, order: number[], probabilities: number[], lengths: number[],
 *   blocks: Block[]
 * }} WhatIf
 *
 * True motion on one grid: `flow` [pair][(dy, dx)][y][x] in 1/32 cell, `visible` [pair][y][x] 0 or 1.
 * @typedef {{pairs: number, height: number, width: number, flow: Int16Array, visible: Uint8Array}} Flow
 */

/** Whatever a host hands over (base64 text, ArrayBuffer, DataView, typed array) as an ArrayBuffer. */
export function toBuffer(source) {
  if (source instanceof ArrayBuffer) return source;
  if (ArrayBuffer.isView(source)) return source.buffer.slice(source.byteOffset, source.byteOffset + source.byteLength);
  try {
    return Uint8Array.from(atob(source), c => c.charCodeAt(0)).buffer;
  } catch (error) {
    throw new Error(DAMAGED, { cause: error });
  }
}

/**
 * The trace in a buffer. Throws Error with a sentence for the reader where it is none, cut off, damaged or too new.
 * @param {ArrayBuffer} buffer
 * @returns {Trace}
 */
export function parseTrace(buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes.length < 16 || String.fromCharCode(...bytes.subarray(0, 8)) !== MAGIC) {
    throw new Error('This is not a SIFA trace. Choose a .sifa file, or run the clip again.');
  }
  const base = 16 + new DataView(buffer).getUint32(8, true);
  if (base > bytes.length) throw new Error(CUT_OFF);
  const header = parseHeader(bytes.subarray(16, base));
  if (header.version > VERSION) {
    const seen = `The trace has format version ${header.version}; this page reads up to ${VERSION}.`;
    throw new Error(`${seen} Update the program.`);
  }
  try {
    return inflateHeader(header, buffer, base);
  } catch (error) {
    if (error instanceof RangeError) throw new Error(CUT_OFF, { cause: error });
    throw new Error(DAMAGED, { cause: error });
  }
}

function parseHeader(bytes) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new Error(DAMAGED, { cause: error });
  }
}

function inflateHeader(header, buffer, base) {
  const inflate = blocks => blocks.map(block => {
    const taps = block.kernel ** 2;
    const cells = block.pairs * block.height * block.width;
    return {
      ...block,
      taps,
      offset: new Int16Array(buffer, base + block.offset, cells * taps * 2),
      attention: new Uint8Array(buffer, base + block.attention, cells * taps),
      saliency: new Uint8Array(buffer, base + block.saliency, cells),
    };
  });
  const flows = (header.true_flow ?? []).map(flow => {
    const cells = flow.pairs * flow.height * flow.width;
    return {
      ...flow,
      flow: new Int16Array(buffer, base + flow.flow, 2 * cells),
      visible: new Uint8Array(buffer, base + flow.visible, cells),
    };
  });
  const changed = (header.what_if ?? []).map(
    each => ({ ...each, blocks: inflate(each.blocks), probabilities: softmax(each.logits) }));
  const pictures = header.frames.pictures.map(
    p => new Blob([new Uint8Array(buffer, base + p.at, p.bytes)], { type: 'image/jpeg' }));
  if (pictures.length !== header.clip.indices.length) throw new Error('pictures are missing');
  return {
    ...header, blocks: inflate(header.blocks), pictures, probabilities: softmax(header.logits), what_if: changed,
    true_flow: flows,
  };
}

/** Probabilities of logits. */
export function softmax(logits) {
  const top = Math.max(...logits);
  const powers = logits.map(v => Math.exp(v - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map(p => p / total);
}

/** Offset [dy, dx] of a tap at a cell, in cells. */
export function offsetAt(block, pair, tap, y, x) {
  const plane = block.height * block.width;
  const at = (pair * block.taps + tap) * 2 * plane + y * block.width + x;
  return [block.offset[at] / STEPS_PER_CELL, block.offset[at + plane] / STEPS_PER_CELL];
}

/** Attention weight of a tap at a cell. */
export function weightAt(block, pair, tap, y, x) {
  const [low, high] = block.range[pair];
  const at = ((pair * block.taps + tap) * block.height + y) * block.width + x;
  return low + block.attention[at] * (high - low) / 255;
}
