// What the model answered: label, probability, clip, badge and bars. Text from files is always escaped.
import { bestOf, changeOf, comparedBest, grouped, titleOf, underTitle } from '../state/answers.mjs';
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
 * Clip and badge, and between them the answer, where it is one; those of groups stand over their bars.
 * @param {Trace} trace
 */
export function answerHtml(trace) {
  const { clip, checkpoint, answers: [answer] } = trace;
  if (!answer) return foreignHtml(trace);
  const untrained = checkpoint.trained_on ? '' : ' sifa-warn';
  const said = grouped(trace) ? ''
    : `<h2>${escapeHtml(answer.label)} <span>${percent(answer.probability)}</span></h2>`;
  return `<p class="sifa-clip">${escapeHtml(clip.name)}</p>
    ${said}
    <p class="sifa-badge${untrained}">${escapeHtml(knowledge(checkpoint, trace.groups.length > 1))}</p>`;
}

/**
 * A recording of another model, which gave no answer.
 * @param {Trace} trace
 */
function foreignHtml({ clip, checkpoint }) {
  const badge = checkpoint.trained_on ? `<p class="sifa-badge">${escapeHtml(knowledge(checkpoint))}</p>` : '';
  return `<p class="sifa-clip">${escapeHtml(clip.name)}</p><h2>${escapeHtml(checkpoint.variant)}</h2>${badge}`;
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
  return `<h2 class="sifa-unsure"><small>${title}:</small> unsure <span>(${percent(probability)} ${words}; sure
    from ${percent(group.unsure_below)})</span></h2>`;
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
