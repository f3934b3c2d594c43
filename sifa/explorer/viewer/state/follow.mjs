// What a host sets, as the next state. Pure.
import { pinsByLetter, readByLetter } from './pins.mjs';
import { withBlock, withCell, withPair, withPins, withoutPins } from './state.mjs';
/** @import { Trace } from '../trace/types' */
/** @import { State } from './types' */

/** What a host may set. @typedef {'block' | 'pair' | 'pins' | 'y' | 'x' | 'pinned'} Followed */

/**
 * The state once a host has set a field; the same one where the value is none.
 * @param {State} state
 * @param {Trace} trace
 * @param {Followed} key
 * @param {unknown} value
 * @returns {State}
 */
export function followed(state, trace, key, value) {
  if (value === undefined || value === null || value === state[key]) return state;
  if (key === 'pins') {
    const same = JSON.stringify(value) === JSON.stringify(pinsByLetter(state, trace));
    return same ? state : withPins({ ...state, reverse: false }, trace, readByLetter(value, state.block), false);
  }
  if (key === 'pinned') return value ? withPins(state, trace, state.pins, true) : withoutPins(state);
  if (key === 'pair') return { ...withPair(state, trace, Number(value)), playing: false };
  if (key === 'block') return withBlock(state, trace, Number(value));
  const [y, x] = key === 'y' ? [Number(value), state.x] : [state.y, Number(value)];
  return withCell(state, trace, y, x);
}
