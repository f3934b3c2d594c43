// The dialog that shares and exports, and the question that a link to another clip asks, as HTML.
import { LOCKS } from '../state/link.mjs';
import { EXPORTS } from './exports.mjs';

/**
 * What a link may hide, by the names of classes without `sifa-`.
 * @type {{[name: string]: string}}
 */
export const HIDEABLE = {
  head: 'answer', bar: 'controls', tools: 'drawers', film: 'filmstrip', panel: 'numbers', legend: 'legend', note: 'note',
};

const checkbox = (/** @type {string} */ kind, /** @type {string} */ name, /** @type {string} */ words) =>
  `<label><input type="checkbox" name="${kind}" value="${name}"> ${words}</label>`;
const exportButtons = (/** @type {string} */ kind) =>
  Object.entries(EXPORTS).filter(([, each]) => each.kind === kind).map(([name, { words }]) =>
    `<button type="button" data-export="${name}">${words}</button>`).join('');

export const DIALOG = `<h2>Share and export</h2>
<h3>Link to this view</h3>
<p class="sifa-link"><input readonly aria-label="Link to this view"><button type="button" data-share="copy"
  title="Copy the link (l)">Copy link</button></p>
<fieldset><legend>Lock in the link</legend>${LOCKS.map(name => checkbox('lock', name, name)).join('')}</fieldset>
<fieldset><legend>Hide in the link</legend>${
  Object.entries(HIDEABLE).map(([name, words]) => checkbox('hide', name, words)).join('')}</fieldset>
<h3>Picture</h3><p>${exportButtons('picture')}</p>
<h3>Film of all steps</h3><p>${exportButtons('film')}</p>
<h3>Numbers</h3><p>${exportButtons('numbers')}</p>
<p class="sifa-said" role="status"></p>
<form method="dialog"><button>Close</button></form>`;

export const MENU = `<button type="button" data-share="menu" title="Share and export (x)">Share</button>
<p class="sifa-said" role="status"></p>`;

export const ASK = `<p></p><p><label>Open its .sifa file <input type="file" accept=".sifa"></label>
<button type="button" data-share="stay">Stay with this clip</button></p>`;

export const KEYS = `<dt><kbd>l</kbd></dt><dd>copy the link to this view</dd>
<dt><kbd>x</kbd></dt><dd>share and export: links, pictures, films, numbers</dd>`;
