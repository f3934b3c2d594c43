// What if one thing were changed: which run is compared, and what it says of the cell. Pure functions.
import { readout } from '../trace/geometry.mjs';
import { meanLength } from '../trace/fields.mjs';
import { changeWords } from './answers.mjs';
/** @import { ReadOut, Trace, WhatIf } from '../trace/types' */
/** @import { State } from './types' */

/**
 * @param {Trace} trace
 * @param {Pick<State, 'whatIf'>} state
 * @returns {WhatIf | null}
 */
export const chosenWhatIf = (trace, state) => trace.what_if.find(each => each.name === state.whatIf) ?? null;

/**
 * The name of the what-if `step` places further; '' stands between the last and the first.
 * @param {Trace} trace
 * @param {State} state
 * @param {number} step
 */
export function whatIfAfter(trace, state, step) {
  const names = ['', ...trace.what_if.map(each => each.name)];
  return names[(names.indexOf(state.whatIf) + step + names.length) % names.length];
}

/**
 * What the changed run read for the query cell, or null where nothing is chosen or its pictures are others.
 * @param {Trace} trace
 * @param {Pick<State, 'block' | 'pair' | 'y' | 'x' | 'whatIf'>} state
 * @returns {ReadOut | null}
 */
export function ghostOf(trace, { block, pair, y, x, whatIf }) {
  const other = chosenWhatIf(trace, { whatIf })?.blocks[block];
  const base = trace.blocks[block];
  const fits = other && other.pairs === base.pairs && other.height === base.height && other.width === base.width;
  return fits ? readout(other, pair, y, x) : null;
}

/**
 * What a chosen what-if did, in sentences.
 * @param {Trace} trace
 * @param {WhatIf} other
 * @param {number} index of the block
 */
export function whatIfWords(trace, other, index) {
  const [from, to] = [meanLength(trace.blocks[index]), other.lengths[index]].map(v => v?.toFixed(2));
  return [
    other.explanation,
    changeWords(trace, other),
    to === undefined ? '' : `Mean length of this block’s displacement: ${from} → ${to} cells.`,
    other.order.length ? 'Its points lie in other pictures and are not drawn here.' : '',
  ].filter(Boolean).join(' ');
}
