// The further views around the pictures: menus, arrow options, legend of a heat map, track chart, and the drawer.
import { trackChart } from './chart.mjs';
import { equationStrip, neighbourTable } from './equation.mjs';
import { saliencyMap } from './fields.mjs';
import { nextDensity } from './geometry.mjs';
import { HEAT, SECTORS, gradient, sectorColour } from './palette.mjs';
import { contactSheet } from './sheet.mjs';
import { SETTINGS } from './state.mjs';
import { put } from './template.mjs';
import { direction } from './words.mjs';

const ARROW_WORDS = { displacement: 'displacement', offset: 'mean offset', strongest: 'strongest neighbour' };

const scaleHtml = most =>
  `<span>0</span><i style="background:${gradient(HEAT)}"></i><span>${most.toPrecision(3)}</span>`;

/** Wedges of the direction wheel, and a needle for the cell shown. */
function wheelSvg(tinted) {
  const wedge = (_, i) => {
    const [a, b] = [i - 0.5, i + 0.5].map(k => 2 * Math.PI * k / SECTORS);
    const at = angle => `${(22 * Math.cos(angle)).toFixed(2)} ${(22 * Math.sin(angle)).toFixed(2)}`;
    return `<path d="M0 0L${at(a)}A22 22 0 0 1 ${at(b)}Z" fill="${tinted ? sectorColour(i) : '#59616c'}"/>`;
  };
  return `${Array.from({ length: SECTORS }, wedge).join('')}<circle r="9"/><path class="sifa-needle"/>`;
}

/**
 * Fill the menus and keep everything around the pictures up to date.
 * @returns {(about: {trace, images, state, read, tap: number, lit: string, track, rigid, painter}) => void}
 */
export function furtherViews(root, actions) {
  const $ = selector => root.querySelector(selector);
  const strip = equationStrip($('.sifa-equation'));
  const sheet = contactSheet($('.sifa-tiles'), actions.visit);
  const shown = {};
  $('.sifa-drawer').insertAdjacentHTML('beforeend',
    '<p data-drawer="query">Equation and table are of a query: choose a cell of frame t.</p>');

  /** Run f where any of the values differs from the last time that this key was used. */
  function changed(key, values, f) {
    if (shown[key]?.every((value, i) => value === values[i])) return;
    shown[key] = values;
    f();
  }

  function writeMenus(state, block, side, below) {
    const { quiver, overlay, tinted, density } = state;
    for (const menu of root.querySelectorAll('[data-set]')) menu.value = state[menu.dataset.set];
    if (!quiver) $('[data-set=arrows]').value = 'off';
    $('.sifa-arrows').hidden = !quiver;
    $('[data-do=tint]').setAttribute('aria-pressed', tinted);
    for (const [name, step] of [['fewer', -1], ['more', 1]]) {
      $(`[data-do=${name}]`).setAttribute('aria-disabled', nextDensity(block, side, density, step) === density);
    }
    $('.sifa-chart').hidden = overlay !== 'track';
    $('.sifa-heat').hidden = !['saliency', 'difference'].includes(overlay);
    $('.sifa-drawer').hidden = state.drawer === 'none';
    for (const part of root.querySelectorAll('[data-drawer]')) part.hidden = part.dataset.drawer !== below;
  }

  function writeWheel({ tinted, arrows, reverse }, [dy, dx]) {
    changed('wheel', [tinted], () => { $('.sifa-wheel').innerHTML = wheelSvg(tinted); });
    const length = reverse ? Infinity : Math.hypot(dy, dx) || 1;
    $('.sifa-needle').setAttribute('d', `M0 0L${(20 * dx / length).toFixed(1)} ${(20 * dy / length).toFixed(1)}`);
    put($('.sifa-wheel-words'), reverse ? '' : `here, ${ARROW_WORDS[arrows]}: ${direction([dy, dx])}`);
  }

  return function write({ trace, images, state, read, arrow, tap, lit, track, rigid, painter }) {
    const block = trace.blocks[state.block];
    const { overlay, drawer, pair, measure } = state;
    const below = state.reverse && drawer !== 'sheet' ? 'query' : drawer;
    const about = [block, painter.width(), below];
    changed('menus', [...Object.keys(SETTINGS).map(name => state[name]), state.quiver, ...about],
      () => writeMenus(state, ...about));
    if (state.quiver) writeWheel(state, arrow);
    if (!$('.sifa-heat').hidden) {
      changed('heat', [trace, state.block, overlay], () => {
        const { most, words } = painter.heat(trace, images, state);
        $('.sifa-heat').innerHTML = `${scaleHtml(most)} ${words}`;
      });
    }
    if (track) changed('track', [trace, state.block, pair, read.y, read.x],
      () => { $('.sifa-chart').innerHTML = trackChart(track, rigid, block); });
    if (below === 'equation') {
      const cell = read.y * block.width + read.x;
      strip({
        read, block, tap, saliency: saliencyMap(block, pair)[cell],
        difference: painter.heat(trace, images, { ...state, overlay: 'difference' }).map[cell],
      }, lit);
      put($('.sifa-tap'), `neighbour ${tap + 1} of ${block.taps}${state.tap < 0 && !lit ? ', the strongest' : ''}`);
    }
    if (below === 'neighbours') changed('neighbours', [trace, state.block, pair, read.y, read.x],
      () => { $('[data-drawer=neighbours]').innerHTML = neighbourTable(read, block, pair); });
    if (drawer === 'sheet') {
      changed('sheet', [trace, measure], () => {
        const most = sheet.fill(trace, measure);
        $('.sifa-tiles-scale').innerHTML = scaleHtml(most);
        shown.tile = null;
      });
      changed('tile', [state.block, pair], () => sheet.mark(state.block, pair));
    }
  };
}
