// What the model answered: headline, badge and bars. Text from files is always escaped.
import { bestOf, certaintyOf, changeOf, comparedBest, titleOf, underTitle } from '../state/answers.mjs';
import { escapeHtml, percent } from '../state/text.mjs';
import { knowledge } from '../state/words.mjs';
/** @import { Answer, Group, Trace, WhatIf } from '../trace/types' */

const LISTED = 5; // labels of the one answer
const LISTED_OF_GROUP = 3;
const NUMBERS = ['', 'one', 'two', 'three', 'four', 'five'];
const CHANGES = {
  stays: 'the answer stays', flips: 'the answer flips', unsure: 'becomes unsure', sure: 'is sure now',
  'stays unsure': 'stays unsure',
};

/**
 * The answers as headlines, set by their certainty, and what the weights know.
 * @param {Trace} trace
 */
export function answerHtml(trace) {
  const { checkpoint, answers, groups, withheld = '' } = trace;
  const known = `<p class="sifa-badge${checkpoint.trained_on ? '' : ' sifa-warn'}">${
    escapeHtml(knowledge(checkpoint, groups.length > 1))}</p>`;
  if (!answers.length) { // a recording of another model, which gave no answer
    return `<div class="sifa-answer"><h2>${escapeHtml(checkpoint.variant)}</h2>${checkpoint.trained_on ? known : ''}</div>`;
  }
  const said = withheld ? `<h2 class="sifa-unsure">No answer</h2><p class="sifa-withheld">${escapeHtml(withheld)}</p>`
    : answers.map((answer, i) => headlineHtml(trace, answer, groups[i])).join('');
  return `<div class="sifa-answer"><div class="sifa-headlines">${said}</div>${known}</div>`;
}

/**
 * One answer in the type of its certainty: sure, likely, or unsure with what is most probable.
 * @param {Trace} trace
 * @param {Answer} answer
 * @param {Group} group
 */
function headlineHtml(trace, answer, group) {
  const certainty = certaintyOf(answer, group);
  const title = group.name ? `<small>${escapeHtml(titleOf(group))}:</small> ` : '';
  if (certainty === 'unsure') {
    const best = bestOf(trace.probabilities, group, LISTED_OF_GROUP).map(i =>
      `<li>${escapeHtml(underTitle(trace.labels[i], group))} <span>${percent(trace.probabilities[i])}</span></li>`).join('');
    return `<div><h2 class="sifa-unsure">${title}Unsure</h2>
      <ol class="sifa-best" aria-label="${escapeHtml(title ? titleOf(group) : 'The answer')}: most probable">${best}</ol></div>`;
  }
  return `<div><h2 class="sifa-${certainty}">${title}<b>${escapeHtml(underTitle(answer.label, group))}</b>
    <span>${certainty} ${percent(answer.probability)}</span></h2></div>`;
}

/**
 * The answers in one line, in the type of their certainty; '' of a model that gives none.
 * @param {Trace} trace
 */
export function verdictHtml({ answers, groups, probabilities, labels, withheld = '' }) {
  if (withheld && answers.length) return `<span class="sifa-unsure">No answer</span>`;
  return answers.map((answer, i) => {
    const certainty = certaintyOf(answer, groups[i]);
    const said = (/** @type {number} */ at) => `${escapeHtml(labels[at])} ${percent(probabilities[at])}`;
    if (certainty === 'unsure') {
      return `<span class="sifa-unsure">Unsure: ${bestOf(probabilities, groups[i], 2).map(said).join(', ')}</span>`;
    }
    return `<span class="sifa-${certainty}"><b>${escapeHtml(answer.label)}</b>, ${certainty} ${percent(answer.probability)}</span>`;
  }).join(' ');
}

/**
 * The most probable labels of each group as bars, before and, where there is another run, after a what-if. Over the bars
 * of a group with a name stands its answer.
 * @param {Trace} trace
 * @param {WhatIf | null} other
 */
export function barsHtml(trace, other = null) {
  return trace.groups.map((group, i) => {
    if (!group.name) return listHtml(trace, other, group, 'Five most probable classes');
    const title = escapeHtml(titleOf(group));
    const count = Math.min(LISTED_OF_GROUP, group.stop - group.start);
    const after = other ? changeHtml(trace.answers[i], other.answers[i], group) : '';
    return `<section aria-label="${title}">${headingHtml(trace.answers[i], group, title)}${after}
      ${listHtml(trace, other, group, `${title}: ${NUMBERS[count]} most probable`)}</section>`;
  }).join('');
}

/**
 * "Camera: pans left 97.0 %", or that it is unsure, and what is most probable.
 * @param {Answer} answer
 * @param {Group} group
 * @param {string} title
 */
function headingHtml({ label, probability, sure }, group, title) {
  const words = escapeHtml(underTitle(label, group));
  if (sure) return `<h2><small>${title}:</small> ${words} <span>${percent(probability)}</span></h2>`;
  const from = probability < group.unsure_below ? `; sure from ${percent(group.unsure_below)}` : ''; // else: a cut, say
  return `<h2 class="sifa-unsure"><small>${title}:</small> unsure <span>(${percent(probability)} ${words}${from})</span></h2>`;
}

/**
 * What a what-if made of an answer.
 * @param {Answer} before
 * @param {Answer} after
 * @param {Group} group
 */
function changeHtml(before, after, group) {
  const change = changeOf(before, after);
  const words = escapeHtml(underTitle(after.label, group));
  const now = after.sure ? `<b>${words}</b> ${percent(after.probability)}` : `${percent(after.probability)} ${words}`;
  const loud = before.sure === after.sure && change !== 'flips' ? '' : ' sifa-flips';
  return `<p class="sifa-change${loud}">→ ${now}, <span>${CHANGES[change]}</span></p>`;
}

/**
 * @param {Trace} trace
 * @param {WhatIf | null} other
 * @param {Group} group
 * @param {string} name of the list
 */
function listHtml(trace, other, group, name) {
  const count = group.name ? LISTED_OF_GROUP : LISTED;
  const bar = (/** @type {number} */ p) => `<span style="width:${(100 * p).toFixed(1)}%"></span>`;
  const places = other ? comparedBest(trace.probabilities, other.probabilities, group, count)
    : bestOf(trace.probabilities, group, count);
  return `<ol aria-label="${name}">${places.map(i => {
    const [label, words] = [trace.labels[i], underTitle(trace.labels[i], group)].map(escapeHtml);
    const [p, q] = [trace.probabilities[i], other?.probabilities[i]];
    return `<li><span class="sifa-name" title="${label}">${words}</span>
      <span class="sifa-track">${bar(p)}${q === undefined ? '' : bar(q)}</span>
      <span class="sifa-number">${percent(p)}${q === undefined ? '' : ` → <b>${percent(q)}</b>`}</span></li>`;
  }).join('')}</ol>`;
}
