// The ways in: keys, buttons, mouse and touch. Each ends in one of the actions.
import { box, boxes, part } from '../panels/html.mjs';
import { LETTERS } from '../state/pins.mjs';
import { own } from '../trace/own.mjs';
import { near } from './events.mjs';
import { listenToZoom } from './zoom.mjs';
/** @import { Place } from '../trace/types' */
/** @import { Lit, Settings } from '../state/types' */
/** @import { Actions } from '../state/actions.mjs' */
/** @import { Canvases } from '../panels/pictures.mjs' */

/**
 * What lies under a pointer: the cell of a canvas, and the mark that lights up; `pictures` are those of both runs, of which `keys`
 * are of frame t + 1; `busy` is true while there is nothing to act on.
 * @typedef {{
 *   canvases: Canvases, pictures: HTMLCanvasElement[], keys: HTMLCanvasElement[],
 *   busy: () => boolean, reversed: () => boolean, tour: () => number, zoom: () => number,
 *   cellAt: (canvas: HTMLCanvasElement, event: MouseEvent) => Place,
 *   markUnder: (canvas: HTMLCanvasElement, event: MouseEvent) => Lit | null
 * }} Under
 */

// some browsers tell of a pointermove only when the next frame begins, and of this one at once
const MOVE = 'onpointerrawupdate' in window ? 'pointerrawupdate' : 'pointermove';

/** @type {{[key: string]: Place}} */
const GRID_KEYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
/** @type {{[tag: string]: string[]}} */
const THEIR_OWN = {
  BUTTON: [' '], SUMMARY: [' '], SELECT: [' ', 'ArrowLeft', 'ArrowRight'], INPUT: ['ArrowLeft', 'ArrowRight'], // sliders
};

/**
 * Wire a viewer's root.
 * @param {HTMLElement} root
 * @param {Actions} actions
 * @param {Under} under
 */
export function listen(root, actions, under) {
  listenToKeys(root, actions, under);
  listenToButtons(root, actions, under.busy);
  listenToTour(root, actions, under.tour);
  listenToSheet(box(root, '.sifa-tiles'), actions);
  listenToZoom(actions, under); // first: a drag is no click
  listenToPointers(actions, under);
  listenToTerms(root, actions, under);
}

/**
 * @param {Actions} actions
 * @returns {{[key: string]: () => void}}
 */
function keysOf(actions) {
  return {
    ',': actions.previous, '.': actions.next, ArrowLeft: actions.previous, ArrowRight: actions.next,
    '[': actions.shallower, ']': actions.deeper, ' ': actions.play, q: actions.quiver, Q: actions.quiver,
    a: actions.arrows, '+': actions.closer, '=': actions.closer, '-': actions.farther, d: actions.more,
    D: actions.fewer, c: actions.tint, o: actions.overlay,
    w: actions.nextWhatIf, W: actions.previousWhatIf, m: actions.flow, M: actions.flow,
    f: actions.full,
    g: () => actions.tour(),
    e: actions.equation, t: actions.neighbours, s: actions.sheet, r: actions.turn, n: actions.nextTap,
    N: actions.previousTap, v: actions.compare, '<': actions.slower, '>': actions.faster, '?': actions.help, Escape: actions.escape,
    Delete: () => actions.unpin(), p: actions.another, y: actions.experiment, i: actions.inside,
    ...Object.fromEntries(LETTERS.map((_, index) => [`${index + 1}`, () => actions.activate(index)])),
  };
}

/**
 * @param {HTMLElement} root
 * @param {Actions} actions
 * @param {Under} under
 */
function listenToKeys(root, actions, { canvases, busy, reversed }) {
  const help = part(root, '.sifa-help', HTMLDialogElement);
  const keys = keysOf(actions);
  // Jupyter Notebook 7 takes keys before the page does, unless what has the focus says this
  root.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLElement) target.dataset.lmSuppressShortcuts = '';
  });
  root.addEventListener('keydown', event => {
    const { target, key, shiftKey } = event;
    if (!(target instanceof HTMLElement)) return;
    const shortcut = (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState('AltGraph');
    if (busy() || shortcut || (!shiftKey && own(THEIR_OWN, target.tagName)?.includes(key))) return;
    if (target.tagName === 'SELECT' && /^\w$/.test(key)) return; // finds an option
    if (help.open && key !== '?') return;
    const grid = target === canvases.key || target === canvases.query;
    const reverse = grid ? target === canvases.key : reversed();
    const step = shiftKey ? own(GRID_KEYS, key) : null; // without Shift, arrow keys are those of time
    const act = step ? () => actions.move(...step, reverse)
      : grid && key === 'Enter' ? () => actions.pinHere(reverse) : own(keys, key);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
}

/**
 * @param {Actions} actions
 * @returns {{[name: string]: () => void}}
 */
function buttonsOf(actions) {
  const { previous, play, next, shallower, deeper, help, full, fewer, more, tint, previousTap, nextTap } = actions;
  return {
    previous, play, next, shallower, deeper, help, full, fewer, more, tint, previousTap, nextTap, tour: () => actions.tour(),
  };
}

/**
 * Buttons, sliders and menus.
 * @param {HTMLElement} root
 * @param {Actions} actions
 * @param {() => boolean} busy
 */
function listenToButtons(root, actions, busy) {
  const help = part(root, '.sifa-help', HTMLDialogElement);
  const buttons = buttonsOf(actions);
  root.addEventListener('click', event => {
    const { do: name, panel, ask } = near(event, '[data-do], [data-panel], [data-ask]')?.dataset ?? {};
    if (ask) actions.ask(ask);
    else if (!busy()) own(buttons, name)?.();
    if (panel && !busy()) actions.panel(panel);
    if (event.target === help) help.close();
  });
  box(root, '.sifa-film').addEventListener('click', event => {
    const button = near(event, '[data-step]');
    if (button) actions.goTo(Number(button.dataset.step));
  });
  box(root, '.sifa-way').addEventListener('click', event => {
    const index = near(event, '[data-block]')?.dataset.block;
    if (index) actions.block(Number(index));
  });
  box(root, '.sifa-asked').addEventListener('click', event => {
    const { y, x } = near(event, '[data-y]')?.dataset ?? {};
    if (y) actions.pin(Number(y), Number(x));
  });
  box(root, '.sifa-pins').addEventListener('click', event => {
    const { pin, unpin } = near(event, 'button')?.dataset ?? {};
    if (pin) actions.activate(Number(pin));
    if (unpin) actions.unpin(Number(unpin));
  });
  box(root, '.sifa-switches').addEventListener('click', event => {
    const name = near(event, 'button')?.dataset.name;
    if (name === 'flow') actions.flow();
    else if (name !== undefined) actions.whatIf(name);
  });
  const slider = part(root, '.sifa-bar input', HTMLInputElement);
  slider.addEventListener('input', () => actions.goTo(Number(slider.value)));
  const list = part(root, '.sifa-bar select', HTMLSelectElement);
  list.addEventListener('change', () => actions.block(Number(list.value)));
  for (const menu of root.querySelectorAll('select')) {
    const name = /** @type {keyof Settings | undefined} */ (menu.dataset.set);
    if (name) menu.addEventListener('change', () => actions.choose(name, menu.value));
  }
}

/**
 * The tour's buttons, slider and keys.
 * @param {HTMLElement} root
 * @param {Actions} actions
 * @param {() => number} at the step of the tour, -1 none
 */
function listenToTour(root, actions, at) {
  const panel = box(root, '.sifa-tour');
  const timeline = part(panel, 'input', HTMLInputElement);
  panel.addEventListener('click', event => {
    const step = near(event, 'button')?.dataset.tour;
    if (step) actions.tour(step === 'end' ? -1 : Math.max(0, at() + Number(step)));
  });
  timeline.addEventListener('input', () => actions.tour(Number(timeline.value)));
  root.addEventListener('keydown', event => {
    const step = own({ PageDown: 1, PageUp: -1 }, event.key);
    if (!step || at() < 0) return;
    event.preventDefault();
    actions.tour(Math.max(0, at() + step));
  });
}

/**
 * Tiles of the contact sheet: a click or Enter goes there, arrow keys move among them.
 * @param {HTMLElement} sheet
 * @param {Actions} actions
 */
function listenToSheet(sheet, actions) {
  sheet.addEventListener('click', event => {
    const { block, pair } = near(event, '[data-pair]')?.dataset ?? {};
    if (block) actions.visit(Number(block), Number(pair));
  });
  sheet.addEventListener('keydown', event => {
    const step = own(GRID_KEYS, event.key);
    const { block, pair } = near(event, '[data-pair]')?.dataset ?? {};
    if (!step || !block) return;
    event.preventDefault();
    event.stopPropagation();
    const there = `[data-block="${Number(block) + step[0]}"][data-pair="${Number(pair) + step[1]}"]`;
    for (const tile of boxes(sheet, there)) tile.focus();
  });
}

/**
 * Mouse and touch on frame t and frame t + 1.
 * @param {Actions} actions
 * @param {Under} under
 */
function listenToPointers(actions, { pictures, keys, busy, cellAt }) {
  for (const canvas of pictures) {
    const reverse = keys.includes(canvas);
    canvas.addEventListener(MOVE, event => {
      if (!busy() && event instanceof MouseEvent) actions.hover(...cellAt(canvas, event), reverse);
    });
    canvas.addEventListener('click', event => { if (!busy()) actions.pin(...cellAt(canvas, event), reverse); });
  }
  for (const key of keys) key.addEventListener('pointerleave', () => { if (!busy()) actions.leave(); });
}

/**
 * Light up together what belongs together: terms of the equation, and the marks of the pictures. A click on a mark keeps
 * its neighbour.
 * @param {HTMLElement} root
 * @param {Actions} actions
 * @param {Under} under
 */
function listenToTerms(root, { light, keep }, { canvases, markUnder }) {
  const strip = box(root, '.sifa-equation');
  for (const name of ['pointerover', 'focusin', 'click']) {
    strip.addEventListener(name, event => {
      const term = near(event, '[data-term]')?.dataset.term;
      light(term ? { term, tap: null } : null);
    });
  }
  for (const name of ['pointerleave', 'focusout']) strip.addEventListener(name, () => light(null));
  for (const canvas of Object.values(canvases)) {
    canvas.addEventListener('pointerleave', () => light(null));
    for (const name of ['pointerenter', MOVE]) { // the first of some moves comes before the other canvas is left
      canvas.addEventListener(name, event => { if (event instanceof MouseEvent) light(markUnder(canvas, event)); });
    }
  }
  const { close } = canvases;
  close?.addEventListener('click', event => {
    const mark = markUnder(close, event);
    if (mark && mark.tap !== null) keep(mark.tap);
  });
  for (const table of [box(root, '.sifa-read'), box(root, '[data-drawer=neighbours]')]) {
    table.addEventListener('pointerover', event => {
      const tap = near(event, '[data-tap]')?.dataset.tap;
      light(tap ? { term: 'point', tap: Number(tap) } : null);
    });
    table.addEventListener('pointerleave', () => light(null));
  }
  box(root, '.sifa-read').addEventListener('click', event => {
    const cell = near(event, '[data-tap]');
    if (cell) keep(Number(cell.dataset.tap));
  });
}
