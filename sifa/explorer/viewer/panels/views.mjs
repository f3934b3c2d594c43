// The further views around the pictures: menus, arrow options, legend of a heat map, track chart, and the drawer.
import { HEAT, SECTORS, gradient, sectorColour } from '../marks/palette.mjs';
import { letterOf } from '../state/pins.mjs';
import { SETTINGS } from '../state/state.mjs';
import { direction } from '../state/text.mjs';
import { saliencyMap } from '../trace/fields.mjs';
import { nextDensity } from '../trace/geometry.mjs';
import { strongestTap } from '../trace/terms.mjs';
import { trackChart } from './chart.mjs';
import { EquationStrip, neighbourTable } from './equation.mjs';
import { box, boxes, part, put } from './html.mjs';
import { ContactSheet } from './sheet.mjs';
/** @import { Block, Place } from '../trace/types' */
/** @import { Settings, Shown, State } from '../state/types' */
/** @import { Pictures } from './pictures.mjs' */

const ARROW_WORDS = { displacement: 'displacement', offset: 'mean offset', strongest: 'strongest neighbour' };

const scaleHtml = (/** @type {number} */ most) =>
  `<span>0</span><i style="background:${gradient(HEAT)}"></i><span>${most.toPrecision(3)}</span>`;

/**
 * Wedges of the direction wheel, and a needle for the cell shown.
 * @param {boolean} tinted
 */
function wheelSvg(tinted) {
  const wedge = (/** @type {unknown} */ _, /** @type {number} */ i) => {
    const [a, b] = [i - 0.5, i + 0.5].map(k => 2 * Math.PI * k / SECTORS);
    const at = (/** @type {number} */ angle) => `${(22 * Math.cos(angle)).toFixed(2)} ${(22 * Math.sin(angle)).toFixed(2)}`;
    return `<path d="M0 0L${at(a)}A22 22 0 0 1 ${at(b)}Z" fill="${tinted ? sectorColour(i) : '#59616c'}"/>`;
  };
  return `${Array.from({ length: SECTORS }, wedge).join('')}<circle r="9"/><path class="sifa-needle"/>`;
}

/** Fills the menus and keeps everything around the pictures up to date. */
export class FurtherViews {
  /** @type {{[key: string]: unknown[]}} */
  #shown = {};

  /**
   * @param {HTMLElement} root
   * @param {Pictures} painter
   */
  constructor(root, painter) {
    this.root = root;
    this.painter = painter;
    this.strip = new EquationStrip(box(root, '.sifa-equation'));
    this.sheet = new ContactSheet(box(root, '.sifa-tiles'));
    this.drawer = box(root, '.sifa-drawer');
    this.drawer.insertAdjacentHTML('beforeend',
      '<p data-drawer="query">Equation and table are of a query: choose a cell of frame t.</p>');
    this.heat = box(root, '.sifa-heat');
    this.chart = box(root, '.sifa-chart');
    this.wheel = box(root, '.sifa-wheel-words');
  }

  /**
   * Run f where any of the values differs from the last time that this key was used.
   * @param {string} key
   * @param {unknown[]} values
   * @param {() => void} f
   */
  #changed(key, values, f) {
    if (this.#shown[key]?.every((value, i) => value === values[i])) return;
    this.#shown[key] = values;
    f();
  }

  /**
   * @param {State} state
   * @param {Block} block
   * @param {string} below what the drawer shows
   */
  #writeMenus(state, block, below) {
    const { root } = this;
    const { quiver, overlay, tinted, density, zoom } = state;
    for (const menu of root.querySelectorAll('select')) {
      if (menu.dataset.set) menu.value = `${state[/** @type {keyof Settings} */ (menu.dataset.set)]}`;
    }
    if (!quiver) part(root, '[data-set=arrows]', HTMLSelectElement).value = 'off';
    box(root, '.sifa-arrows').hidden = !quiver;
    box(root, '[data-do=tint]').setAttribute('aria-pressed', `${tinted}`);
    for (const [name, step] of /** @type {[string, number][]} */ ([['fewer', -1], ['more', 1]])) {
      box(root, `[data-do=${name}]`).setAttribute('aria-disabled',
        `${nextDensity(block, this.painter.width * zoom, density, step) === density}`);
    }
    this.chart.hidden = overlay !== 'track';
    this.heat.hidden = !['saliency', 'difference'].includes(overlay);
    this.drawer.hidden = state.drawer === 'none';
    for (const each of boxes(root, '[data-drawer]')) each.hidden = each.dataset.drawer !== below;
  }

  /**
   * @param {State} state
   * @param {Place} arrow
   */
  #writeWheel({ tinted, arrows, reverse }, [dy, dx]) {
    const { root } = this;
    this.#changed('wheel', [tinted], () => { part(root, '.sifa-wheel', Element).innerHTML = wheelSvg(tinted); });
    const length = reverse ? Infinity : Math.hypot(dy, dx) || 1;
    part(root, '.sifa-needle', Element)
      .setAttribute('d', `M0 0L${(20 * dx / length).toFixed(1)} ${(20 * dy / length).toFixed(1)}`);
    put(this.wheel, reverse ? '' : `here, ${ARROW_WORDS[arrows]}: ${direction([dy, dx])}`);
  }

  /** @param {Shown} shown */
  #writeEquation(shown) {
    const { trace, state, read, tap, lit } = shown;
    const block = trace.blocks[state.block];
    const cell = read.y * block.width + read.x;
    this.strip.write({
      read, block, tap, saliency: saliencyMap(block, state.pair)[cell], difference: this.painter.difference(shown).map[cell],
    }, lit);
    const strongest = tap === strongestTap(read) ? ', the strongest' : ''; // also under a pointer, which words must not move
    put(box(this.root, '.sifa-tap'), `neighbour ${tap + 1} of ${block.taps}${strongest}`);
  }

  /** @param {Shown} shown */
  #writeSheet({ trace, state: { block, pair, measure } }) {
    this.#changed('sheet', [trace, measure], () => {
      box(this.root, '.sifa-tiles-scale').innerHTML = scaleHtml(this.sheet.fill(trace, measure));
      delete this.#shown.tile;
    });
    this.#changed('tile', [block, pair], () => this.sheet.mark(block, pair));
  }

  /** @param {Shown} shown */
  write(shown) {
    const { trace, state, read, track, rigid } = shown;
    const { overlay, drawer, pair } = state;
    const block = trace.blocks[state.block];
    const below = state.reverse && drawer !== 'sheet' ? 'query' : drawer;
    const settings = /** @type {(keyof Settings)[]} */ (Object.keys(SETTINGS)).map(name => state[name]);
    this.#changed('menus', [...settings, state.quiver, block, this.painter.width * state.zoom, below],
      () => this.#writeMenus(state, block, below));
    if (state.quiver) this.#writeWheel(state, shown.arrow);
    if (!this.heat.hidden) {
      this.#changed('heat', [trace, state.block, overlay], () => {
        const heat = this.painter.heat(shown);
        if (heat) this.heat.innerHTML = `${scaleHtml(heat.most)} ${heat.words}`;
      });
    }
    if (track && rigid) {
      this.#changed('track', [trace, state.block, pair, read.y, read.x, state.pins, state.active],
        () => { this.chart.innerHTML = trackChart(track, rigid, block, shown.pins); });
    }
    if (below === 'equation') this.#writeEquation(shown);
    if (below === 'neighbours') {
      const letter = letterOf(state);
      this.#changed('neighbours', [trace, state.block, pair, read.y, read.x, letter],
        () => { box(this.root, '[data-drawer=neighbours]').innerHTML = neighbourTable(read, block, pair, letter); });
      for (const row of boxes(this.root, '[data-drawer=neighbours] [data-tap]')) {
        row.classList.toggle('sifa-lit', Boolean(shown.lit) && row.dataset.tap === `${shown.tap}`);
      }
    }
    if (drawer === 'sheet') this.#writeSheet(shown);
  }
}
