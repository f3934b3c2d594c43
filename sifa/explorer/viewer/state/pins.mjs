// Pinned queries: up to five places of frame t, each with a letter of its own. A pin keeps the cell and the block that it
// was set in, so that going to another block and back loses nothing. Pure functions.
import { sameplace } from '../trace/geometry.mjs';
/** @import { Place, Trace } from '../trace/types' */
/** @import { Pin, State } from './types' */

export const LETTERS = ['A', 'B', 'C', 'D', 'E'];
export const FULL = `All ${LETTERS.length} pins are set, which is the most. Let one go first: Del, or × beside its letter.`;

const ITEM = /^(\d{1,4}),(\d{1,4})(?:,(\d{1,4}))?$/;

/** What pins are read from. @typedef {Pick<State, 'block' | 'pins' | 'active' | 'pinned' | 'reverse'>} Pinned */

/**
 * The cell of a pin on the grid of a block.
 * @param {Pin} pin
 * @param {Trace} trace
 * @param {number} block
 * @returns {Place}
 */
export const pinCell = (pin, trace, block) => sameplace(pin.y, pin.x, trace.blocks[pin.block], trace.blocks[block]);

/**
 * The pin that the query cell is, or null: none is set, or the question is reversed.
 * @param {Pinned} state
 */
export const activePin = ({ pins, active, pinned, reverse }) => (pinned && !reverse && pins[active]) || null;

/**
 * The pins that are set: number of the letter, cell on the shown block's grid, and whether it is the query cell.
 * @param {Pinned} state
 * @param {Trace} trace
 */
export function setPins(state, trace) {
  const now = activePin(state);
  return state.pins.flatMap((pin, index) => {
    if (!pin) return [];
    const [y, x] = pinCell(pin, trace, state.block);
    return [{ index, y, x, active: pin === now }];
  });
}

/**
 * Whether pins are told apart by letters and colours: one alone, the first, looks as a query without a letter.
 * @param {Pick<State, 'pins'>} state
 */
export const lettered = ({ pins }) => pins.length > 1;

/**
 * The letter of the query cell, '' where it has none.
 * @param {Pinned} state
 */
export const letterOf = state => (lettered(state) && activePin(state) ? LETTERS[state.active] : '');

/**
 * The number of the first letter that is free, -1 where there is none.
 * @param {Pick<State, 'pins'>} state
 */
export const freeLetter = ({ pins }) => LETTERS.findIndex((_, index) => !pins[index]);

/**
 * Pins with another one, or with null, under a letter; none ends the list.
 * @param {readonly (Pin | null)[]} pins
 * @param {number} index
 * @param {Pin | null} pin
 */
export function withLetter(pins, index, pin) {
  const next = Array.from({ length: Math.max(pins.length, index + 1) }, (_, i) => (i === index ? pin : pins[i] ?? null));
  while (next.length && !next[next.length - 1]) next.pop();
  return next;
}

/**
 * Pins as a link has them, "y,x;;y,x": letter by letter, in cells of the shown block; of another one, "y,x,block". Empty
 * where the query cell, pinned, is all there is.
 * @param {Pinned} state
 */
export function pinsText(state) {
  const { pins, block } = state;
  if (pins.length === 1 && pins[0]?.block === block && activePin(state)) return '';
  return pins.map(pin => (pin ? [pin.y, pin.x, ...(pin.block === block ? [] : [pin.block])].join(',') : '')).join(';');
}

/**
 * Pins of such a text, null for what is no cell, however many they are; and how many places it asks for.
 * @param {string} text
 * @param {number} block the shown one
 * @returns {{pins: (Pin | null)[], asked: number}}
 */
export function readPins(text, block) {
  const items = text.split(';').slice(0, 99);
  return {
    asked: items.filter(Boolean).length,
    pins: items.map(item => {
      const [, y, x, other] = ITEM.exec(item) ?? [];
      return x === undefined ? null : { block: other === undefined ? block : Number(other), y: Number(y), x: Number(x) };
    }),
  };
}

/**
 * Whether two traces are of the same frames of one clip, in any order.
 * @param {Trace} a
 * @param {Trace} b
 */
export const sameClip = ({ clip: a }, { clip: b }) => a.name === b.name
  && [...a.indices].sort().join() === [...b.indices].sort().join();

/**
 * Pins of one trace at the same places of another.
 * @param {readonly (Pin | null)[]} pins
 * @param {Trace} before
 * @param {Trace} trace
 */
export const movedPins = (pins, before, trace) => pins.map(pin => {
  if (!pin) return null;
  const block = Math.min(pin.block, trace.blocks.length - 1);
  const [y, x] = sameplace(pin.y, pin.x, before.blocks[pin.block], trace.blocks[block]);
  return { block, y, x };
});

/**
 * Cells on the shown block's grid by letter, as hosts have them.
 * @param {State} state
 * @param {Trace} trace
 * @returns {{[letter: string]: Place}}
 */
export const pinsByLetter = (state, trace) =>
  Object.fromEntries(setPins(state, trace).map(({ index, y, x }) => [LETTERS[index], [y, x]]));

/**
 * The same read back; what is no cell counts as no pin.
 * @param {unknown} value
 * @param {number} block
 */
export function readByLetter(value, block) {
  const places = new Map(Object.entries(value && typeof value === 'object' ? value : {}));
  return LETTERS.map(letter => {
    const place = places.get(letter);
    return Array.isArray(place) && place.length === 2 ? { block, y: Number(place[0]), x: Number(place[1]) } : null;
  });
}

/**
 * Why not all places of a link are pinned, or ''.
 * @param {number} asked
 * @param {Pick<State, 'pins'>} state that it led to
 */
export function pinsLeftOut(asked, { pins }) {
  const shown = pins.filter(Boolean).length;
  const places = `${asked} ${asked === 1 ? 'place' : 'places'}`;
  return asked <= shown ? '' : `The link pins ${places}, of which ${shown} can be shown: at most ${LETTERS.length}, `
    + 'each a cell “row,column” of this clip.';
}
