// What the pictures show of one query, as one sentence in plain words. Pure functions; every number is the trace's.
import { trueField } from '../trace/fields.mjs';
import { evenness, nearlyEven } from '../trace/terms.mjs';
import { compass } from './text.mjs';
/** @import { Place, ReadOut, Reader, Trace } from '../trace/types' */
/** @import { State } from './types' */

const STILL = 0.15; // cells: shorter is no movement
const WRONG = 0.45; // cells from the true motion
const FAR = 0.35; // of its length: the finer the grid, the longer it is, and all that belongs to it
const MUCH = 1.15; // of an even share, for a point that counts for more
const APART = 0.3; // of an even share, between rows or columns of points that differ
const HARDLY = 0.4; // of what the others count for
const WAYS = ['to the right', 'down and right', 'down', 'down and left', 'to the left', 'up and left', 'up', 'up and right'];

/** A sentence in parts; `loud` is what it is about. @typedef {{text: string, loud?: boolean}[]} Parts */

const sizeOf = (/** @type {Place} */ [dy, dx]) => Math.hypot(dy, dx);

/**
 * "0.8 cells to the right"
 * @param {Place} way
 */
export const wayWords = ([dy, dx]) =>
  `${sizeOf([dy, dx]).toFixed(1)} cells ${WAYS[(Math.round(Math.atan2(dy, dx) / (Math.PI / 4)) + 8) % 8]}`;

/**
 * The rows or the columns of a 3 x 3 grid of points, whichever differ more, in two groups: those that count for more, and those
 * for less. Null where they hardly differ.
 * @param {number[]} times of an even share
 */
function grouped(times) {
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const lines = [0, 1, 2];
  const axes = [
    { names: ['top', 'middle', 'bottom'], shares: lines.map(i => mean(lines.map(k => times[3 * i + k]))) },
    { names: ['left-hand', 'middle', 'right-hand'], shares: lines.map(i => mean(lines.map(k => times[3 * k + i]))) },
  ];
  const [{ names, shares }] = axes.sort((a, b) => Math.max(...b.shares) - Math.min(...b.shares)
    - Math.max(...a.shares) + Math.min(...a.shares));
  const [low, mid, high] = [...shares].sort((a, b) => a - b);
  if (high - low < APART) return null;
  const above = high - mid > mid - low ? high : mid;
  const those = (/** @type {boolean} */ more) => names.filter((_, i) => shares[i] >= above === more).join(' and ');
  const of = (/** @type {boolean} */ more) => mean(shares.filter(share => share >= above === more));
  return { more: those(true), less: those(false), ratio: of(false) / of(true) };
}

/**
 * With which of its points it looked.
 * @param {ReadOut} read
 */
function withWords(read) {
  const times = evenness(read);
  const count = times.length === 9 ? 'nine' : `${times.length}`;
  if (times.length < 2) return '';
  if (nearlyEven(times)) return `, with all ${count} points counting about the same`;
  const groups = times.length === 9 ? grouped(times) : null;
  if (!groups) return `, ${times.filter(share => share > MUCH).length} of its ${count} points counting more than the others`;
  const { more, less, ratio } = groups;
  if (ratio < HARDLY) return `, mostly with the ${more} points`;
  return more.includes(' and ') ? `, less with the ${less} points` : `, more with the ${more} points`;
}

/**
 * True motion of the query cell, or null where it is not known.
 * @param {Trace} trace
 * @param {State} state
 * @param {ReadOut} read
 */
function truthOf(trace, state, { y, x }) {
  const field = trueField(trace, state);
  const i = y * trace.blocks[state.block].width + x;
  return field?.visible[i] ? field.at(i) : null;
}

/**
 * Where the model found a query whose true motion is known.
 * @param {Place} found
 * @param {Place} truth
 * @param {string} how
 * @returns {Parts}
 */
function checked(found, truth, how) {
  const still = { found: sizeOf(found) < STILL, truth: sizeOf(truth) < STILL };
  if (sizeOf([found[0] - truth[0], found[1] - truth[1]]) > Math.max(WRONG, FAR * sizeOf(truth))) {
    return [
      { text: still.found ? 'The model looked at the same place' : 'The model looked ' },
      { text: still.found ? '' : wayWords(found), loud: true },
      { text: `, but this spot really ${still.truth ? 'stayed' : `moved ${wayWords(truth)}`}: ` },
      { text: 'wrong here', loud: true }, { text: '.' },
    ];
  }
  if (still.truth) {
    return [{ text: 'This spot, one cell, ' }, { text: 'stayed', loud: true }, { text: `; the model looked there${how}.` }];
  }
  return [{ text: 'This spot, one cell, moved ' }, { text: wayWords(truth), loud: true },
    { text: `; the model found it ${wayWords(found)}${how}.` }];
}

/**
 * What a query shows.
 * @param {Trace} trace
 * @param {State} state
 * @param {ReadOut} read
 * @returns {Parts}
 */
export function sentenceOf(trace, state, read) {
  const found = read.displacement;
  const still = sizeOf(found) < STILL;
  const how = withWords(read);
  if (!trace.answers.length) { // another model, of which nothing more is known
    return [{ text: 'From this spot, the model looked ' }, { text: still ? 'at the same place' : wayWords(found), loud: true },
      { text: `${how}.` }];
  }
  if (!trace.checkpoint.trained_on) {
    return [{ text: 'These weights are random numbers: that the model looked ' },
      { text: still ? 'at the same place' : wayWords(found), loud: true }, { text: ' means nothing.' }];
  }
  const truth = truthOf(trace, state, read);
  if (truth) return checked(found, truth, how);
  return [{ text: `This spot, one cell, seems to have ${still ? '' : 'moved '}` },
    { text: still ? 'stayed' : wayWords(found), loud: true }, { text: `; the model looked there${how}.` }];
}

/**
 * Who reads a place of the next frame.
 * @param {Reader[]} readers
 * @returns {Parts}
 */
export function readersSentence(readers) {
  if (!readers.length) return [{ text: 'No spot of frame t looked at this place of frame t + 1.' }];
  const one = readers.length === 1;
  return [{ text: one ? 'One spot' : `${readers.length} spots`, loud: true },
    { text: ` of frame t looked at this place of frame t + 1${one ? '' : '; the brighter, the more it counted'}.` }];
}

