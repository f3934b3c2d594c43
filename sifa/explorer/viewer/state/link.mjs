// The view as the hash of a link, and back. Pure functions; ../../README.md lists the keys.
import { own } from '../trace/own.mjs';
import { pinsText, readPins } from './pins.mjs';
import { emptyState, withBlock, withCell, withPair, withPins, withTrace, withoutPins } from './state.mjs';
import { withTour } from './tour.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { Link, State, Value } from './types' */

const LONGEST = 512; // characters of a link's hash
/** @type {{[field: string]: string}} */
const SHORT = { block: 'b', pair: 't', y: 'y', x: 'x', pinned: 'p', quiver: 'q' }; // other fields go by their own names
/** @type {{[text: string]: boolean}} */
const TRUTH = { 0: false, 1: true };
const PASSING = ['playing', 'beat', 'led', 'active']; // what no link keeps; the active pin is the one at the query cell
const PARTS = /^[a-z]{2,12}$/; // names of things that a link locks or hides
/** @type {{[lock: string]: string[]}} */
const GROUPS = {
  time: ['pair', 'playing', 'beat'], block: ['block'], cell: ['y', 'x', 'led', 'pinned', 'pins', 'active', 'reverse'],
};

/** What can be locked: `view` is every field of the state that belongs to no other group, `all` is everything. */
export const LOCKS = [...Object.keys(GROUPS), 'view', 'all'];

/**
 * The fields of a state that a link keeps as [key in the link, field, standard value]; pins are written in their own way.
 * @returns {[string, keyof State, Value][]}
 */
const linkFields = () => Object.entries({ ...emptyState(), pins: '' })
  .filter(([field]) => !PASSING.includes(field))
  .map(([field, standard]) => [own(SHORT, field) ?? field, /** @type {keyof State} */ (field), standard]);

/** @param {Value} value */
function written(value) {
  return typeof value === 'boolean' ? `${Number(value)}` : `${value}`;
}

/**
 * A value of the same kind as the standard one, or undefined.
 * @param {string} text
 * @param {Value} standard
 * @returns {Value | undefined}
 */
function understood(text, standard) {
  if (text.length > 64) return undefined;
  if (typeof standard === 'boolean') return own(TRUTH, text);
  if (typeof standard === 'string') return text;
  try {
    const value = JSON.parse(text);
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  } catch { return undefined; }
}

/**
 * A link's hash, without '#', of at most 512 characters; a long clip name is cut, since the id tells clips apart. On the tour
 * every field is written, since `tour` alone stands for the view of its step.
 * @param {Partial<Link>} link
 * @param {State} state
 */
export function encodeLink({ clip = '', id = '', weights = '', lock = [], hide = [] }, state) {
  const about = [['h', id], ['w', weights], ['lock', lock.join(',')], ['hide', hide.join(',')]];
  const pairs = about.filter(([, text]) => text);
  for (const [key, field, standard] of linkFields()) {
    const value = state[field];
    const text = typeof value === 'object' ? pinsText(state) : written(value);
    if ((text !== written(standard) || (text && state.tour >= 0)) && text.length <= 64) pairs.push([key, text]);
  }
  const hash = (/** @type {string[][]} */ named) => new URLSearchParams(named).toString()
    .replaceAll('%2C', ',').replaceAll('%3B', ';');
  while (hash(pairs).length > LONGEST) pairs.pop();
  for (let name = [...clip.slice(0, LONGEST)]; name.length; name.pop()) {
    const whole = hash([['c', name.join('')], ...pairs]);
    if (whole.length <= LONGEST) return whole;
  }
  return hash(pairs);
}

/**
 * What a hash says, without whatever is unknown or no value of its kind; null where it says nothing of a view.
 * @param {string} text
 * @returns {Link | null}
 */
export function decodeLink(text) {
  const said = new URLSearchParams(text.replace(/^#/, '').slice(0, 4 * LONGEST));
  const matching = (/** @type {string} */ key, /** @type {RegExp} */ pattern) => {
    const value = said.get(key) ?? '';
    return pattern.test(value) ? value : '';
  };
  const names = (/** @type {string} */ key) =>
    (said.get(key) ?? '').split(',').filter(name => PARTS.test(name)).slice(0, 12);
  /** @type {{[field: string]: Value}} */
  const fields = {};
  for (const [key, field, standard] of linkFields()) {
    const value = understood(said.get(key) ?? '', standard);
    if (said.has(key) && value !== undefined && field !== 'pins') fields[field] = value;
  }
  const block = typeof fields.block === 'number' ? fields.block : 0;
  const { pins, asked } = readPins((said.get('pins') ?? '').slice(0, LONGEST), block);
  const link = {
    clip: said.get('c') ?? '', id: matching('h', /^[0-9a-f]{16}$/), weights: matching('w', /^[0-9a-f]{8}$/),
    lock: names('lock').filter(name => LOCKS.includes(name)), hide: names('hide'), asked,
    fields: { ...fields, ...(asked ? { pins } : {}) },
  };
  const empty = !link.clip && !link.id && !link.lock.length && !link.hide.length && !Object.keys(link.fields).length;
  return empty ? null : link;
}

/**
 * The state that a link asks for; whatever this trace does not have stays as it is.
 * @param {State} state
 * @param {Trace} trace
 * @param {Pick<Link, 'fields'>} link
 * @returns {State}
 */
export function withLink(state, trace, { fields }) {
  const inside = (/** @type {number} */ value, /** @type {number} */ end) =>
    Number.isInteger(value) && value >= 0 && value < end;
  const base = withTour(state, trace, fields.tour ?? -1);
  const standard = Object.fromEntries(linkFields().map(([, field, value]) => [field, value]));
  const wanted = /** @type {State} */ ({ ...(base.tour < 0 ? standard : base), ...fields });
  const { block, pair, y, x, tour, pins, pinned, active, ...rest } = wanted;
  let next = { ...withoutPins(base), ...rest };
  const view = Object.keys(fields).length > 0; // a link that says nothing of the view leaves the block as it is
  if (view && inside(block, trace.blocks.length)) next = withBlock(next, trace, block);
  const { pairs, height, width } = trace.blocks[next.block];
  if (inside(pair, pairs)) next = withPair(next, trace, pair);
  if (inside(y, height) && inside(x, width)) next = withCell(next, trace, y, x);
  next = withTrace(next, trace, trace); // which lets go of whatever else the trace does not have
  return withPins(next, trace, fields.pins ?? [], pinned);
}

/**
 * `next` with whatever is locked as it was; a locked time and cell still follow the block to the same place.
 * @param {State} state
 * @param {State} next
 * @param {string[]} lock
 * @param {Trace} trace
 * @returns {State}
 */
export function keepLocked(state, next, lock, trace) {
  if (!lock.length) return next;
  const apart = Object.values(GROUPS).flat();
  const all = lock.includes('all');
  const moved = next.block !== state.block;
  if (moved && (all || lock.includes('block'))) return state;
  const kept = moved ? withBlock(state, trace, next.block) : state;
  const fields = /** @type {(keyof State)[]} */ (Object.keys(next)).filter(field =>
    all || lock.some(name => (name === 'view' ? !apart.includes(field) : own(GROUPS, name)?.includes(field))));
  return { ...next, ...Object.fromEntries(fields.map(field => [field, kept[field]])) };
}

/**
 * 16 hexadecimal digits that tell lists of byte arrays apart (two 32-bit FNV-1a sums, not for secrets).
 * @param {Uint8Array[]} parts
 */
export function contentId(parts) {
  let [a, b] = [0x811c9dc5, 0x01000193];
  for (const bytes of parts) {
    for (const byte of bytes) {
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b ^ byte, 0x85ebca6b);
    }
    b = Math.imul(b ^ bytes.length, 0x85ebca6b);
  }
  return [a, b].map(sum => (sum >>> 0).toString(16).padStart(8, '0')).join('');
}
