// What the model answered, group by group of its labels, and what a what-if made of it, in words. Pure functions.
import { percent } from './text.mjs';
/** @import { Answer, Group, Trace, WhatIf } from '../trace/types' */

/** What became of an answer. @typedef {'stays' | 'flips' | 'unsure' | 'sure' | 'stays unsure'} Change */

/** Of a run, what its answers say. @typedef {Pick<Trace, 'probabilities' | 'answers'>} Said */

/**
 * Whether labels come in groups with names.
 * @param {Pick<Trace, 'groups'>} trace
 */
export const grouped = ({ groups }) => groups.some(({ name }) => name);

/**
 * The title of a group.
 * @param {Pick<Group, 'name'>} group
 */
export const titleOf = ({ name }) => name.replace(/^./u, letter => letter.toUpperCase());

/**
 * A label under the title of its group: "camera pans left" is "pans left" there.
 * @param {string} label
 * @param {Pick<Group, 'name'>} group
 */
export const underTitle = (label, { name }) =>
  (name && label.startsWith(`${name} `) && label.slice(name.length).trim()) || label;

/**
 * The answers in a few words; '' where there are none.
 * @param {Pick<Trace, 'answers' | 'withheld'>} trace
 */
export const headline = ({ answers, withheld }) => (withheld && answers.length ? 'no answer' : '')
  || answers.map(({ label, sure }) => (sure ? label : 'unsure')).join(', ');

const PLAIN = 0.55; // below which an answer of weights that state no threshold is unsure

/**
 * How sure an answer is, by the threshold on its weights' card: from half of what is left above it on, it is sure.
 * @param {Answer} answer
 * @param {Pick<Group, 'unsure_below'>} group
 * @returns {'sure' | 'likely' | 'unsure'}
 */
export function certaintyOf({ sure, probability }, { unsure_below: stated }) {
  const least = stated || PLAIN;
  if (!sure || probability < least) return 'unsure';
  return probability < (1 + least) / 2 ? 'likely' : 'sure';
}

/**
 * What a tab or a list calls a trace: its clip, and what was answered.
 * @param {Pick<Trace, 'answers' | 'withheld' | 'clip'>} trace
 */
export const traceTitle = trace =>
  [trace.clip.name.replace(/(?<=.)\.[^.]*$/u, ''), headline(trace)].filter(Boolean).join(': ');

/**
 * The most probable labels of a group, the best one first, as places in the list of all.
 * @param {number[]} probabilities
 * @param {Pick<Group, 'start' | 'stop'>} group
 * @param {number} count
 */
export function bestOf(probabilities, { start, stop }, count) {
  const places = Array.from({ length: stop - start }, (_, i) => start + i);
  return places.sort((a, b) => probabilities[b] - probabilities[a]).slice(0, count);
}

/**
 * The same before a change; the best one after it takes the last place where it is none of them.
 * @param {number[]} before
 * @param {number[]} after
 * @param {Pick<Group, 'start' | 'stop'>} group
 * @param {number} count
 */
export function comparedBest(before, after, group, count) {
  const order = bestOf(before, group, count);
  const [best] = bestOf(after, group, 1);
  return order.includes(best) ? order : [...order.slice(0, count - 1), best];
}

/**
 * @param {Answer} before
 * @param {Answer} after
 * @returns {Change}
 */
export function changeOf(before, after) {
  if (!after.sure) return before.sure ? 'unsure' : 'stays unsure';
  if (!before.sure) return 'sure';
  return before.index === after.index ? 'stays' : 'flips';
}

/**
 * What became of the answer of one group, as a sentence.
 * @param {Said} trace
 * @param {Said} other
 * @param {Group} group
 * @param {number} i its number
 */
function groupWords(trace, other, group, i) {
  const [before, after] = [trace.answers[i], other.answers[i]];
  const named = (/** @type {Answer} */ { label, index }) => `“${underTitle(label, group)}”, `
    + `${percent(trace.probabilities[index])} → ${percent(other.probabilities[index])}`;
  const kept = before.index === after.index;
  const words = {
    stays: `stays ${named(after)}`,
    flips: `the answer flips from ${named(before)}, to ${named(after)}`,
    unsure: `becomes unsure; ${kept ? 'still' : 'now'} most probable is ${named(after)}`,
    sure: `is sure now: ${named(after)}`,
    'stays unsure': `stays unsure; most probable is ${named(after)}`,
  };
  return `${titleOf(group)}: ${words[changeOf(before, after)]}.`;
}

/**
 * What became of the answers under a what-if, a sentence for each group of labels.
 * @param {Pick<Trace, 'groups' | 'probabilities' | 'answers'>} trace
 * @param {Said} other
 */
export function changeWords(trace, other) {
  if (grouped(trace)) return trace.groups.map((group, i) => groupWords(trace, other, group, i)).join(' ');
  const [[before], [after]] = [trace.answers, other.answers];
  if (!before || !after) return '';
  return `The answer ${before.index === after.index ? 'stays' : 'becomes'} “${after.label}”, `
    + `${percent(trace.probabilities[after.index])} → ${percent(other.probabilities[after.index])}.`;
}

/**
 * Whether any answer is another one under a what-if, or no longer one.
 * @param {Said} trace
 * @param {Said} other
 */
export const anyChange = (trace, other) =>
  trace.answers.some((before, i) => !['stays', 'stays unsure'].includes(changeOf(before, other.answers[i])));
