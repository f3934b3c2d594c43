// Reading a packed trace. ../../README.md describes the format.
import { checkHeader, checkMemory, checkPicture } from './check.mjs';
import { Unfit, answersOf, groupsOf, probabilitiesOf } from './groups.mjs';
/** @import { Block, Flow, Group, Place, Trace, WhatIf } from './types' */

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
    const said = error instanceof Unfit ? `The trace is damaged (${error.message}). ${AGAIN}` : DAMAGED;
    throw new Error(error instanceof RangeError ? CUT_OFF : said, { cause: error });
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
  whole(() => checkHeader(header));
  checkMemory(header);
  return whole(() => inflateHeader(header, buffer, base));
}

/**
 * @param {Json} header
 * @param {ArrayBuffer} buffer
 * @param {number} base where arrays and pictures begin
 * @returns {Trace}
 */
function inflateHeader(header, buffer, base) {
  const { frames, blocks, true_flow: flows, what_if: changed, labels } = header;
  const groups = groupsOf(header);
  const fit = !header.withheld && !header.clip.cut;
  return {
    ...header,
    blocks: inflateBlocks(blocks, buffer, base),
    groups,
    ...inflateSaid(header, labels, groups, fit),
    pictures: inflatePictures(frames, buffer, base),
    what_if: (changed ?? []).map((/** @type {Json} */ each) => ({
      ...each, blocks: inflateBlocks(each.blocks, buffer, base), ...inflateSaid(each, labels, groups, fit),
    })),
    true_flow: (flows ?? []).map((/** @type {Json} */ flow) => inflateFlow(flow, buffer, base)),
  };
}

/**
 * The pictures; where several are the same bytes, so is the Blob, and it is decoded once.
 * @param {Json} frames
 * @param {ArrayBuffer} buffer
 * @param {number} base
 * @returns {Blob[]}
 */
function inflatePictures(frames, buffer, base) {
  /** @type {Map<string, Blob>} */
  const known = new Map();
  return frames.pictures.map((/** @type {Json} */ { at, bytes }) => {
    const blob = known.get(`${at} ${bytes}`);
    if (blob) return blob;
    const jpeg = new Uint8Array(buffer, base + at, bytes);
    checkPicture(jpeg, frames);
    const made = new Blob([jpeg], { type: 'image/jpeg' });
    known.set(`${at} ${bytes}`, made);
    return made;
  });
}

/**
 * @param {Json[]} blocks
 * @param {ArrayBuffer} buffer
 * @param {number} base
 * @returns {Block[]}
 */
function inflateBlocks(blocks, buffer, base) {
  return blocks.map(block => {
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
 * Probabilities and answers of a run.
 * @param {Json} said
 * @param {string[]} labels
 * @param {Group[]} groups
 * @param {boolean} fit whether the clip is one shot, and long enough for an answer
 * @returns {Pick<WhatIf, 'probabilities' | 'answers'>}
 */
function inflateSaid(said, labels, groups, fit) {
  const probabilities = probabilitiesOf(said.logits, groups);
  return { probabilities, answers: answersOf(said, labels, groups, probabilities, fit) };
}

/**
 * @param {Json} flow
 * @param {ArrayBuffer} buffer
 * @param {number} base
 * @returns {Flow}
 */
function inflateFlow(flow, buffer, base) {
  const cells = flow.pairs * flow.height * flow.width;
  return {
    ...flow,
    flow: new Int16Array(buffer, base + flow.flow, 2 * cells),
    visible: new Uint8Array(buffer, base + flow.visible, cells),
  };
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
