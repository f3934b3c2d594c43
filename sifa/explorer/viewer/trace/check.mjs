// What a trace's header has to hold before any of it is read: the rules of ../../format/unpack.py.
import { checkGrouped } from './groups.mjs';
import { jpegSize } from './jpeg.mjs';
/** @import { Json } from './decode.mjs' */

const MOST_MEMORY = 2 ** 30; // bytes of all pictures and arrays, each counted as often as it is named
const LARGEST = 3.4028234663852886e38; // of float32
const MOST_PIXELS = 2 ** 20; // of a picture; `pack` writes at most 480 x 480
const WIDEST = 1024; // kernel and dilation
const SCALES = [1e-4, 1e4];

export const TOO_LARGE = 'The trace would take more than 1024 MB of memory, which is the limit. '
  + 'Pack fewer frames, blocks or what-ifs.';

/**
 * @param {unknown} fine
 * @param {string} what
 */
function want(fine, what) {
  if (!fine) throw new Error(`${what} is not what it should be`);
}

/**
 * Checks of one value: each throws unless it is of its kind.
 * @typedef {(value: Json, what: string) => void} Check
 */

/** @type {Check} */
const text = (value, what) => want(typeof value === 'string', what);
/** @type {Check} */
const number = (value, what) => want(Number.isFinite(value) && Math.abs(value) <= LARGEST, what);
/** @type {Check} */
const whole = (value, what) => want(Number.isSafeInteger(value) && value >= 0, what);
/** @type {Check} */
const size = (value, what) => want(Number.isSafeInteger(value) && value > 0, what);
/** @type {Check} */
const flag = (value, what) => want(typeof value === 'boolean', what);
/** @type {Check} */
const share = (value, what) => want(Number.isFinite(value) && value >= 0 && value <= 1, what);
/** @type {(check: Check) => Check} */
const orNone = check => (value, what) => value === null || value === undefined || check(value, what);

/**
 * @param {Check} check
 * @param {number} [length]
 * @returns {Check}
 */
const list = (check, length) => (value, what) => {
  want(Array.isArray(value) && value.length === (length ?? value.length), what);
  value.forEach((/** @type {Json} */ each) => check(each, what));
};

/**
 * An object whose named fields are as they should be; it may have others, too.
 * @param {{[field: string]: Check}} fields
 * @returns {Check}
 */
const object = fields => (value, what) => {
  want(typeof value === 'object' && value !== null && !Array.isArray(value), what);
  for (const [field, check] of Object.entries(fields)) check(Object.hasOwn(value, field) ? value[field] : undefined, field);
};

/** @type {Check} of an object whose values are all texts */
const texts = (value, what) => {
  object({})(value, what);
  Object.values(value).forEach(each => text(each, what));
};

const FIGURES = ['unevenness', 'offset', 'spread', 'follows_change', 'like_random', 'outside'];
const TRUST = object({
  blocks: list(object({ name: text, words: list(text), ...Object.fromEntries(FIGURES.map(name => [name, orNone(number)])) })),
  deletion: orNone(object({
    label: text, words: list(text), neighbours: whole, removed: whole, probability: share, strongest: share, random: share,
    all: share, random_each: list(share),
  })),
});

/**
 * Throws unless a header is that of a trace that can be shown. What it says of memory is a sentence for the reader.
 * @param {Json} header
 */
export function checkHeader(header) {
  const frames = header?.frames?.pictures?.length;
  object({
    version: size,
    clip: object({
      name: text, indices: list(whole, frames), times: list(number, frames), sampling_rate: orNone(whole),
      source_frames: orNone(whole), padded: orNone(whole), reach: orNone(list(whole, 2)),
    }),
    crop: object({ scale: number, top: number, left: number, size }),
    checkpoint: object({ variant: text, file: text, sha256: text, trained_on: text, top1: orNone(number) }),
    frames: object({ height: size, width: size, pictures: list(object({ at: whole, bytes: size })) }),
    opens_on: orNone(whole), withheld: orNone(text),
    labels: list(text), logits: list(number, header?.labels?.length), blocks: list(block(frames)),
    trust: orNone(TRUST), what_if: orNone(list(whatIf(header?.labels?.length, frames))),
    true_flow: orNone(list(object({ pairs: size, height: size, width: size, flow: whole, visible: whole }))),
  })(header, 'header');
  want(frames > 0, 'pictures');
  want(header.crop.scale >= SCALES[0] && header.crop.scale <= SCALES[1], 'scale');
  want(header.frames.height * header.frames.width <= MOST_PIXELS, 'size of the pictures');
  want((header.opens_on ?? 0) < Math.max(1, header.blocks.length), 'opens_on');
  checkTrust(header);
  checkGrouped(header);
}

/**
 * @param {number} frames
 * @returns {Check}
 */
const block = frames => (value, what) => {
  object({
    name: text, stage: whole, block: whole, kernel: size, dilation: size, pairs: whole, height: size, width: size,
    stride: list(number, 3), normalised: flag, range: list(list(number, 2), value?.pairs), offset: whole, attention: whole,
    saliency: whole, saliency_max: number, limited: orNone(whole), anchored: orNone(flag), meaning: orNone(text),
    operator: orNone(texts),
  })(value, what);
  if (Object.hasOwn(value, 'taps')) {
    list(list(number, 2))(value.taps, 'taps');
    want(value.taps.length > 0, 'taps');
  }
  want(value.kernel <= WIDEST && value.dilation <= WIDEST, 'kernel');
  const [t, y, x] = value.stride;
  want(t >= 1 && y > 0 && x > 0 && value.pairs * t <= frames - 1, 'stride');
};

/**
 * @param {number} classes
 * @param {number} frames
 * @returns {Check}
 */
const whatIf = (classes, frames) => object({
  name: text, title: text, explanation: text, logits: list(number, classes), lengths: list(number), order: list(whole),
  blocks: list(block(frames)),
});

/**
 * Figures of trust go by the blocks of the trace, one for one; what-ifs may be of weights with other blocks.
 * @param {Json} header
 */
function checkTrust({ blocks, trust }) {
  want(!trust?.blocks.length || trust.blocks.length === blocks.length, 'trust');
}

/**
 * Throws a sentence for the reader where the trace would take too much memory.
 * @param {Json} header
 */
export function checkMemory({ frames, blocks, what_if: changed, true_flow: flows }) {
  const all = [...blocks, ...(changed ?? []).flatMap((/** @type {Json} */ each) => each.blocks)];
  const cells = (/** @type {Json} */ grid) => grid.pairs * grid.height * grid.width;
  let values = 0;
  for (const each of all) values += cells(each) * (3 * (each.taps?.length ?? each.kernel ** 2) + 1);
  for (const flow of flows ?? []) values += 2 * cells(flow);
  if (4 * values + 3 * frames.pictures.length * frames.height * frames.width > MOST_MEMORY) throw new Error(TOO_LARGE);
}

/**
 * Throws unless bytes are a plain JPEG of the size that the header says: a browser would decode any other, however large.
 * @param {Uint8Array} bytes
 * @param {Json} frames
 */
export function checkPicture(bytes, { height, width }) {
  const found = jpegSize(bytes);
  want(found && found.height === height && found.width === width, 'a picture');
}
