// What the model answered: label, probability, clip, badge and bars. Text from files is always escaped.
import { escapeHtml, percent } from '../state/text.mjs';
import { bestFirst, comparedClasses } from '../state/whatif.mjs';
import { knowledge } from '../state/words.mjs';
/** @import { Trace, WhatIf } from '../trace/types' */

/**
 * Predicted label, probability, clip and badge.
 * @param {Trace} trace
 */
export function answerHtml(trace) {
  const [best] = bestFirst(trace.probabilities);
  if (best === undefined) return foreignHtml(trace);
  const untrained = trace.checkpoint.trained_on ? '' : ' sifa-warn';
  return `<p class="sifa-clip">${escapeHtml(trace.clip.name)}</p>
    <h2>${escapeHtml(trace.labels[best])} <span>${percent(trace.probabilities[best])}</span></h2>
    <p class="sifa-badge${untrained}">${escapeHtml(knowledge(trace.checkpoint))}</p>`;
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
 * The five most probable classes as bars.
 * @param {Trace} trace
 */
export function barsHtml(trace) {
  return bestFirst(trace.probabilities).slice(0, 5).map(i => {
    const [label, p] = [escapeHtml(trace.labels[i]), trace.probabilities[i]];
    return `<li><span class="sifa-name" title="${label}">${label}</span>
      <span class="sifa-track"><span style="width:${(100 * p).toFixed(1)}%"></span></span>
      <span class="sifa-number">${percent(p)}</span></li>`;
  }).join('');
}

/**
 * The same before and after a what-if.
 * @param {Trace} trace
 * @param {WhatIf} other
 */
export function comparedBarsHtml(trace, other) {
  const bar = (/** @type {number} */ p) => `<span style="width:${(100 * p).toFixed(1)}%"></span>`;
  return comparedClasses(trace.probabilities, other.probabilities).map(i => {
    const [label, p, q] = [escapeHtml(trace.labels[i]), trace.probabilities[i], other.probabilities[i]];
    return `<li><span class="sifa-name" title="${label}">${label}</span>
      <span class="sifa-track">${bar(p)}${bar(q)}</span>
      <span class="sifa-number">${percent(p)} → <b>${percent(q)}</b></span></li>`;
  }).join('');
}
