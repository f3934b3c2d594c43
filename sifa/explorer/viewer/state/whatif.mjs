// What if one thing were changed: which run is compared, and what it says of the cell. Pure functions.
import { readout } from '../trace/geometry.mjs';
import { meanLength } from '../trace/fields.mjs';
import { percent } from './text.mjs';
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
 * Places in a list of values, the largest value first.
 * @param {number[]} values
 */
export const bestFirst = values => values.map((_, i) => i).sort((a, b) => values[b] - values[a]);

/**
 * The five best classes before; the best one after takes the last place where it is none of them.
 * @param {number[]} before
 * @param {number[]} after
 */
export function comparedClasses(before, after) {
  const order = bestFirst(before).slice(0, 5);
  const [best] = bestFirst(after);
  return order.includes(best) ? order : [...order.slice(0, 4), best];
}

/**
 * What a chosen what-if did, in sentences.
 * @param {Trace} trace
 * @param {WhatIf} other
 * @param {number} index of the block
 */
export function whatIfWords(trace, other, index) {
  const [[before], [after]] = [bestFirst(trace.probabilities), bestFirst(other.probabilities)];
  const [from, to] = [meanLength(trace.blocks[index]), other.lengths[index]].map(v => v?.toFixed(2));
  return [
    other.explanation,
    `The answer ${before === after ? 'stays' : 'becomes'} “${trace.labels[after]}”, `
      + `${percent(trace.probabilities[after])} → ${percent(other.probabilities[after])}.`,
    to === undefined ? '' : `Mean length of this block’s displacement: ${from} → ${to} cells.`,
    other.order.length ? 'Its points lie in other pictures and are not drawn here.' : '',
  ].filter(Boolean).join(' ');
}
