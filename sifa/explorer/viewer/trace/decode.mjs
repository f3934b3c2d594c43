// Reading a packed trace. ../../README.md describes the format.
/** @import { Block, Flow, Place, Trace, WhatIf } from './types' */

const MAGIC = 'SIFATRC\n';
const VERSION = 2;
export const STEPS_PER_CELL = 32;
const AGAIN = 'Copy the file again, or run the clip again.';
const CUT_OFF = `The trace is cut off. ${AGAIN}`;
export const DAMAGED = `The trace is damaged. ${AGAIN}`;

/**
 * What JSON gives, before it is checked: the one place where a value may be anything.
 * @typedef {any} Json
 */

/**
 * What f gives; where it fails, the bytes were not whole.
 * @template T
 * @param {() => T} f
 * @returns {T}
 */
function whole(f) {
  try {
    return f();
  } catch (error) {
    throw new Error(error instanceof RangeError ? CUT_OFF : DAMAGED, { cause: error });
  }
}

/**
 * Whatever a host hands over (base64 text, ArrayBuffer, DataView, typed array) as an ArrayBuffer.
 * @param {string | ArrayBuffer | ArrayBufferView} source
 * @returns {ArrayBuffer}
 */
export function toBuffer(source) {
  if (source instanceof ArrayBuffer) return source;
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice().buffer;
  }
  return whole(() => Uint8Array.from(atob(source), c => c.charCodeAt(0)).buffer);
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
  const header = whole(() => JSON.parse(new TextDecoder().decode(bytes.subarray(16, base))));
  if (header?.version > VERSION) {
    throw new Error(`The trace has format version ${header.version}; this page reads up to ${VERSION}. `
      + 'Update the program.');
  }
  return whole(() => inflateHeader(header, buffer, base));
}

/**
 * Throw where an object lacks one of the numbers, or lists of (`length`) numbers, that the viewer reads.
 * @param {Json} holder
 * @param {string} names
 * @param {number} [length]
 */
function need(holder, names, length) {
  for (const name of names.split(' ')) {
    const values = [holder[name]].flat(2);
    if (!values.every(Number.isFinite) || values.length !== (length ?? values.length)) throw new Error(name);
  }
}

/**
 * @param {Json} header
 * @param {ArrayBuffer} buffer
 * @param {number} base where arrays and pictures begin
 * @returns {Trace}
 */
function inflateHeader(header, buffer, base) {
  const { clip, checkpoint, frames, labels, blocks, trust, true_flow: flows = [], what_if: changed = [] } = header;
  [clip.name, checkpoint.sha256, checkpoint.trained_on].forEach(text => text.trim());
  need(clip, 'indices times', frames.pictures.length);
  need(header.crop, 'scale top left size');
  need(header, 'logits', labels.length);
  if (trust?.blocks.length) {
    [...blocks.map((/** @type {Json} */ _, /** @type {number} */ i) => trust.blocks[i]), trust.deletion]
      .forEach(each => each.words.join());
    need(trust.deletion, 'neighbours removed probability strongest random all random_each');
  }
  return {
    ...header,
    blocks: inflateBlocks(blocks, buffer, base),
    probabilities: softmax(header.logits),
    pictures: frames.pictures.map((/** @type {Json} */ picture) => {
      need(picture, 'at bytes');
      return new Blob([new Uint8Array(buffer, base + picture.at, picture.bytes)], { type: 'image/jpeg' });
    }),
    what_if: changed.map((/** @type {Json} */ each) => inflateWhatIf(each, labels.length, buffer, base)),
    true_flow: flows.map((/** @type {Json} */ flow) => inflateFlow(flow, buffer, base)),
  };
}

/**
 * @param {Json[]} blocks
 * @param {ArrayBuffer} buffer
 * @param {number} base
 * @returns {Block[]}
 */
function inflateBlocks(blocks, buffer, base) {
  return blocks.map(block => {
    need(block, 'stage kernel dilation pairs height width offset attention saliency saliency_max');
    need(block, 'stride', 3);
    need(block, 'range', 2 * block.pairs);
    const taps = block.taps?.length ?? block.kernel ** 2;
    const cells = block.pairs * block.height * block.width;
    return {
      ...block,
      taps,
      base: block.taps ?? null,
      offset: new Int16Array(buffer, base + block.offset, cells * taps * 2),
      attention: new Uint8Array(buffer, base + block.attention, cells * taps),
      saliency: new Uint8Array(buffer, base + block.saliency, cells),
    };
  });
}

/**
 * @param {Json} each
 * @param {number} classes
 * @param {ArrayBuffer} buffer
 * @param {number} base
 * @returns {WhatIf}
 */
function inflateWhatIf(each, classes, buffer, base) {
  need(each, 'lengths order');
  need(each, 'logits', classes);
  return { ...each, blocks: inflateBlocks(each.blocks, buffer, base), probabilities: softmax(each.logits) };
}

/**
 * @param {Json} flow
 * @param {ArrayBuffer} buffer
 * @param {number} base
 * @returns {Flow}
 */
function inflateFlow(flow, buffer, base) {
  need(flow, 'pairs height width flow visible');
  const cells = flow.pairs * flow.height * flow.width;
  return {
    ...flow,
    flow: new Int16Array(buffer, base + flow.flow, 2 * cells),
    visible: new Uint8Array(buffer, base + flow.visible, cells),
  };
}

/**
 * Probabilities of logits.
 * @param {number[]} logits
 */
export function softmax(logits) {
  const top = Math.max(...logits);
  const powers = logits.map(v => Math.exp(v - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map(p => p / total);
}

/**
 * Offset [dy, dx] of a tap at a cell, in cells.
 * @param {Block} block
 * @param {number} pair
 * @param {number} tap
 * @param {number} y
 * @param {number} x
 * @returns {Place}
 */
export function offsetAt(block, pair, tap, y, x) {
  const plane = block.height * block.width;
  const at = (pair * block.taps + tap) * 2 * plane + y * block.width + x;
  return [block.offset[at] / STEPS_PER_CELL, block.offset[at + plane] / STEPS_PER_CELL];
}

/**
 * Attention weight of a tap at a cell.
 * @param {Block} block
 * @param {number} pair
 * @param {number} tap
 * @param {number} y
 * @param {number} x
 */
export function weightAt(block, pair, tap, y, x) {
  const [low, high] = block.range[pair];
  const at = ((pair * block.taps + tap) * block.height + y) * block.width + x;
  return low + block.attention[at] * (high - low) / 255;
}
