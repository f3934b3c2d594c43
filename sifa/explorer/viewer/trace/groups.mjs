// Groups of labels: a model may give several answers at once, each a choice among labels of its own. The rules of
// ../../../weights/groups.py, in its words.
/** @import { Json } from './decode.mjs' */
/** @import { Answer, Group } from './types' */

const MOST = 16; // groups
const LONGEST = 30; // letters of a value that a sentence shows

/** What is wrong, in words that tell the reader more than that something is. */
export class Unfit extends Error {}

/** @param {string} text */
function quoted(text) {
  const letters = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  if (!letters.includes("'")) return `'${letters}'`;
  return letters.includes('"') ? `'${letters.replaceAll("'", "\\'")}'` : `"${letters}"`;
}

/**
 * A value as a sentence shows it: as Python does.
 * @param {Json} value
 */
function shown(value) {
  const text = typeof value === 'string' ? quoted(value)
    : value === undefined || value === null ? 'None'
      : typeof value === 'boolean' ? (value ? 'True' : 'False') : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, 13)}...${text.slice(-14)}` : text;
}

/**
 * Whether a name holds no control character, nor half of a letter.
 * @param {string} text
 */
const fitForScreens = text => !/[\p{Cc}\p{Cs}]/u.test(text);

/**
 * @param {unknown} fine
 * @param {() => string} words
 */
function want(fine, words) {
  if (!fine) throw new Unfit(words());
}

const isShare = (/** @type {Json} */ value) => typeof value === 'number' && value >= 0 && value <= 1;
const areObjects = (/** @type {Json[]} */ values) =>
  values.every(each => typeof each === 'object' && each !== null && !Array.isArray(each));
/** @type {(holder: Json, key: string) => Json} */
const ownOf = (holder, key) => (Object.hasOwn(holder, key) ? holder[key] : undefined);

/**
 * Throws Unfit unless groups share out all labels in order.
 * @param {Json} values
 * @param {number} classes
 */
export function checkGroups(values, classes) {
  want(Array.isArray(values) && values.length <= MOST && areObjects(values),
    () => `groups is ${shown(values)}; it must be a list of at most ${MOST} objects`);
  /** @type {string[]} */
  const names = [];
  let at = 0;
  for (const each of values) {
    const [name, start, stop, least] = ['name', 'start', 'stop', 'unsure_below'].map(key => ownOf(each, key));
    want(typeof name === 'string' && name && fitForScreens(name) && !names.includes(name),
      () => `groups has a name ${shown(name)}; each must have one line of its own`);
    want(start === at && Number.isSafeInteger(stop) && start < stop && stop <= classes,
      () => `group ${shown(name)} has labels ${shown(start)} to ${shown(stop)}; it must begin at ${at}`);
    want(least === undefined || least === null || isShare(least),
      () => `group ${shown(name)} is unsure below ${shown(least)}; it must be a number from 0 to 1`);
    names.push(name);
    at = stop;
  }
  want(!names.length || at === classes, () => `groups end at label ${at} of ${classes}; they must share out all labels`);
}

/**
 * Throws Unfit unless answers are one of each group, in their order.
 * @param {Json} values
 * @param {string[]} labels
 * @param {Group[]} groups
 */
export function checkAnswers(values, labels, groups) {
  want(Array.isArray(values) && values.length === groups.length && areObjects(values),
    () => `answers is ${shown(values)}; it must be a list of ${groups.length} objects, one for each group`);
  groups.forEach((group, i) => {
    const [name, label, share, sure] = ['group', 'label', 'probability', 'sure'].map(key => ownOf(values[i], key));
    want(name === group.name && labels.slice(group.start, group.stop).includes(label),
      () => `an answer is ${shown(label)} of group ${shown(name)}; it must be a label of ${shown(group.name)}`);
    want(isShare(share) && typeof sure === 'boolean',
      () => `the answer of group ${shown(group.name)} has probability ${shown(share)} and sure ${shown(sure)}; `
        + 'they must be a number from 0 to 1, and true or false');
  });
}

/**
 * Throws Unfit unless the groups of a header, and the answers in them, are as they should be.
 * @param {Json} header
 */
export function checkGrouped(header) {
  const groups = Object.hasOwn(header, 'groups') ? header.groups : [];
  checkGroups(groups, header.labels.length);
  for (const each of [header, ...(header.what_if ?? [])]) {
    checkAnswers(Object.hasOwn(each, 'answers') ? each.answers : [], header.labels, groups);
  }
}

/**
 * The groups of a header's labels. Where it has none, all labels are one without a name.
 * @param {Json} header
 * @returns {Group[]}
 */
export function groupsOf({ groups, labels }) {
  if (!groups?.length) return labels.length ? [{ name: '', start: 0, stop: labels.length, unsure_below: 0 }] : [];
  return groups.map((/** @type {Json} */ each) => ({ ...each, unsure_below: each.unsure_below ?? 0 }));
}

/**
 * Probabilities of logits: they sum to 1 in each group.
 * @param {number[]} logits
 * @param {Group[]} groups
 */
export const probabilitiesOf = (logits, groups) =>
  groups.flatMap(({ start, stop }) => softmax(logits.slice(start, stop)));

/** @param {number[]} logits */
function softmax(logits) {
  const top = logits.reduce((most, v) => Math.max(most, v), -Infinity);
  const powers = logits.map(v => Math.exp(v - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map(p => p / total);
}

/**
 * What a header, or one of its what-ifs, says in each group; where labels have no groups, the most probable one,
 * sure where the clip is fit for an answer.
 * @param {Json} said
 * @param {string[]} labels
 * @param {Group[]} groups
 * @param {number[]} probabilities
 * @param {boolean} fit
 * @returns {Answer[]}
 */
export function answersOf({ answers }, labels, groups, probabilities, fit) {
  return groups.map(({ name, start }, i) => {
    if (name) return { ...answers[i], index: labels.indexOf(answers[i].label, start) };
    const index = probabilities.reduce((best, p, at) => (p > probabilities[best] ? at : best), 0);
    return { group: '', label: labels[index], probability: probabilities[index], sure: fit, index };
  });
}
