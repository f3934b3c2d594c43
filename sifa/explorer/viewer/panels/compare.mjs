// Compare: what stands over, under and between the pictures of two runs, and the list of what a run can be compared with.
import { whatIfBeside } from '../state/compare.mjs';
import { escapeHtml } from '../state/text.mjs';
import { verdictHtml } from './answer.mjs';
import { frameTitles, sentenceHtml } from './controls.mjs';
import { box, boxes, part } from './html.mjs';
/** @import { Beside, Second, Shown } from '../state/types' */

/**
 * A run that the host offers; choosing one without a `url` asks the host to run it.
 * @typedef {{group: string, title: string, url?: string}} Offer
 */

const NOTHING = 'Nothing to compare with yet. Open a .sifa file here, or drop one on this page.';
const MORE = 'Nothing to compare with yet. Choose another result or other weights above, or open a .sifa file.';

/**
 * What a run can be compared with, as options of a list. Values are `what:` with a what-if's name, `offer:` with an offer's
 * number, and `second`.
 * @param {Shown} shown
 * @param {Second | null} second
 * @param {Beside | null} beside
 * @param {Offer[]} offers
 */
export function optionsHtml({ trace, state }, second, beside, offers) {
  const chosen = whatIfBeside(trace, state, Boolean(second));
  const option = (/** @type {string} */ value, /** @type {string} */ title, on = false) =>
    `<option value="${escapeHtml(value)}"${on ? ' selected' : ''}>${escapeHtml(title)}</option>`;
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  const add = (/** @type {string} */ group, /** @type {string} */ html) => groups.set(group, [...groups.get(group) ?? [], html]);
  for (const { name, title } of trace.what_if) add('What if', option(`what:${name}`, title, chosen?.name === name));
  const named = second && beside?.of === second ? beside.names[1] : second?.trace.clip.name;
  if (named) add('Beside it now', option('second', named, !chosen));
  offers.forEach(({ group, title }, i) => add(group, option(`offer:${i}`, title)));
  return (chosen || second ? '' : option('', 'choose …', true))
    + [...groups].map(([group, list]) => `<optgroup label="${escapeHtml(group)}">${list.join('')}</optgroup>`).join('');
}

/** The words of Compare in a root. */
export class ComparePanel {
  /** @type {Map<Element, string>} */
  #written = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.head = box(root, '.sifa-compare');
    this.list = part(root, '[data-against]', HTMLSelectElement);
    this.second = box(root, '.sifa-second');
    this.first = box(root, '.sifa-run');
    this.other = box(this.second, '.sifa-run');
    this.titles = boxes(this.second, 'figcaption');
    this.words = box(root, '.sifa-words');
    this.side = box(root, '.sifa-side');
  }

  /**
   * @param {Element} target
   * @param {string} html
   */
  #put(target, html) {
    if (this.#written.get(target) === html) return;
    this.#written.set(target, html);
    target.innerHTML = html;
  }

  /** Nothing of it is seen. */
  close() {
    for (const each of [this.head, this.second, this.first]) each.hidden = true;
    this.side.hidden = false;
    for (const figure of boxes(this.root, 'figure[data-run]')) delete figure.dataset.run;
    delete this.root.dataset.compared;
  }

  /**
   * @param {Shown} shown
   * @param {Beside | null} beside
   * @param {Shown | null} other what is shown of it; null where it has no points
   * @param {{second: Second | null, offers: Offer[]}} choices
   */
  write(shown, beside, other, { second, offers }) {
    const compared = beside ? (beside.twins ? 'twins' : 'clips') : 'none';
    for (const each of [this.head, this.second]) each.hidden = false;
    this.side.hidden = true; // not by its style: what has the keyboard in there lets go of it
    this.first.hidden = !beside;
    if (this.root.dataset.compared !== compared) this.root.dataset.compared = compared;
    this.#put(this.list, optionsHtml(shown, second, beside, offers));
    this.#put(box(this.head, '.sifa-how'), beside ? escapeHtml(beside.words) : '');
    if (!beside) return this.#put(this.words, offers.length ? MORE : NOTHING);
    const [name, named] = beside.names.map(escapeHtml);
    this.#put(this.first, `<small class="sifa-both">The same for both; arrows: ${name}</small>`
      + runHtml(name, verdictHtml(shown.trace)));
    this.#put(this.other, runHtml(named, verdictHtml(beside.trace)));
    frameTitles(beside).forEach((title, i) => this.#put(this.titles[i], title));
    this.#put(this.words, `<span>${other ? sentenceHtml(other) : escapeHtml(beside.plain)}</span>`);
    for (const [selector, run] of Object.entries({ '.sifa-pictures figure': 0, '.sifa-pair figure': 1 })) {
      for (const figure of boxes(this.root, selector)) figure.dataset.run = beside.names[run];
    }
  }
}

/**
 * @param {string} name
 * @param {string} verdict
 */
const runHtml = (name, verdict) => `<b>${name}</b> <span class="sifa-verdict">${verdict}</span>`;
