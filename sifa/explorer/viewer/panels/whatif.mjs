// What if one thing were changed: switches, the answer before and after, the other run's marks as ghosts. And the true
// motion of generated clips.
import { STEPS_PER_CELL } from './decode.mjs';
import { displacementField, readout } from './geometry.mjs';
import { GHOST, TRUE } from './palette.mjs';
import { direction, percent } from './words.mjs';
import { barsHtml, escapeHtml, mark } from './template.mjs';
import { strokePaths, traceArrow } from './draw.mjs';

export const chosenWhatIf = (trace, state) => trace.what_if.find(each => each.name === state.whatIf) ?? null;

/** The name of the what-if `step` places further; '' stands between the last and the first. */
export function whatIfAfter(trace, state, step) {
  const names = ['', ...trace.what_if.map(each => each.name)];
  return names.at((names.indexOf(state.whatIf) + step) % names.length);
}

/** What the changed run read for the query cell, or null where nothing is chosen or its pictures are others. */
export function ghostOf(trace, { block, pair, y, x, whatIf }) {
  const other = chosenWhatIf(trace, { whatIf })?.blocks[block];
  const base = trace.blocks[block];
  const fits = other && ['pairs', 'height', 'width'].every(key => other[key] === base[key]);
  return fits ? readout(other, pair, y, x) : null;
}

/** True displacement of a pair on a block's grid, cell by cell, and which cells are `visible`; null where unknown. */
export function trueField(trace, { block, pair }) {
  const { pairs, height, width } = trace.blocks[block];
  const known = trace.true_flow.find(flow => flow.pairs === pairs && flow.height === height && flow.width === width);
  if (!known) return null;
  const cells = height * width;
  const at = i => [0, 1].map(axis => known.flow[(2 * pair + axis) * cells + i] / STEPS_PER_CELL);
  return { at, visible: known.visible.subarray(pair * cells, (pair + 1) * cells) };
}

/** True displacement of every n-th visible cell, under the arrows of the attention. */
export function drawTrueFlow(ctx, view, block, { at, visible }, every, ratio) {
  const arrows = new Path2D();
  for (let y = every >> 1; y < block.height; y += every) {
    for (let x = every >> 1; x < block.width; x += every) {
      const i = y * block.width + x;
      const [dy, dx] = at(i);
      if (visible[i]) traceArrow(arrows, view.px(y, x), view.px(y + dy, x + dx), 8 * ratio);
    }
  }
  strokePaths(ctx, [arrows], () => TRUE, 2.8 * ratio);
}

/** Sampled points of the changed run as dashed rings, and where its attention went as a dashed arrow. */
export function drawGhost(ctx, view, ghost, ratio, points = true) {
  const paths = [new Path2D()];
  const [dy, dx] = ghost.displacement;
  traceArrow(paths[0], view.px(ghost.y, ghost.x), view.px(ghost.y + dy, ghost.x + dx), 8 * ratio);
  const radius = Math.max(3, Math.min(8, 0.24 * view.cw / ratio)) * ratio;
  for (const [y, x] of points ? ghost.points : []) {
    const ring = new Path2D();
    ring.arc(...view.px(y, x), radius, 0, 7);
    paths.push(ring);
  }
  strokePaths(ctx, paths, () => GHOST, 1.7 * ratio, [3.5 * ratio, 3 * ratio]);
}

/** Mean length of a block's displacement over pairs and cells, in cells. */
export function meanLength(block) {
  let sum = 0;
  for (let pair = 0; pair < block.pairs; pair++) {
    const field = displacementField(block, pair);
    for (let i = 0; i < field.length; i += 2) sum += Math.hypot(field[i], field[i + 1]);
  }
  return sum / (block.pairs * block.height * block.width);
}

const bestFirst = values => values.map((_, i) => i).sort((a, b) => values[b] - values[a]);

/** The five best classes before; the best one after takes the last place where it is none of them. */
export function comparedClasses(before, after) {
  const order = bestFirst(before).slice(0, 5);
  const [best] = bestFirst(after);
  return order.includes(best) ? order : [...order.slice(0, 4), best];
}

function comparedBarsHtml(trace, other) {
  const bar = p => `<span style="width:${(100 * p).toFixed(1)}%"></span>`;
  return comparedClasses(trace.probabilities, other.probabilities).map(i => {
    const [label, p, q] = [escapeHtml(trace.labels[i]), trace.probabilities[i], other.probabilities[i]];
    return `<li><span class="sifa-name" title="${label}">${label}</span>
      <span class="sifa-track">${bar(p)}${bar(q)}</span>
      <span class="sifa-number">${percent(p)} → <b>${percent(q)}</b></span></li>`;
  }).join('');
}

/** What a chosen what-if did, in sentences. */
export function whatIfWords(trace, other, index) {
  const [[before], [after]] = [bestFirst(trace.probabilities), bestFirst(other.probabilities)];
  const [from, to] = [meanLength(trace.blocks[index]), other.lengths[index]].map(v => v?.toFixed(2));
  return [
    other.explanation,
    `The answer ${before === after ? 'stays' : 'becomes'} “${trace.labels[after]}”, `
      + `${percent(trace.probabilities[after])} → ${percent(other.probabilities[after])}.`,
    to === undefined ? '' : `Mean length of this block’s displacement: ${from} → ${to} cells.`,
    other.order.length ? 'Its points lie in other pictures and are not drawn here.' : '',
  ].filter(Boolean).join(' ');
}

const GHOST_MARK = '<circle class="g" cx="12" cy="9" r="5.5"/>';
const TRUE_MARK = '<path class="t" d="M4 9h15M14.5 5l4.5 4l-4.5 4"/>';

/** The row of switches below the toolbar; returns what writes it. `actions` are whatIf(name) and flow(). */
export function whatIfRow(root, actions) {
  const row = document.createElement('div');
  row.className = 'sifa-whatif';
  row.innerHTML = '<div class="sifa-switches" role="group" aria-label="What if"></div>'
    + '<p class="sifa-says" role="status"></p><p class="sifa-legend"></p>';
  root.querySelector('.sifa-bar').after(row);
  const [switches, says, here] = row.children;
  const bars = root.querySelector('.sifa-bars');
  let shown = null, written = '', said = '';

  switches.addEventListener('click', event => {
    const { name } = event.target.closest('button')?.dataset ?? {};
    if (name === 'flow') actions.flow();
    else if (name !== undefined) actions.whatIf(name);
  });

  function build(trace) {
    const button = (name, title, hint) => `<button type="button" data-name="${escapeHtml(name)}"
      title="${escapeHtml(hint)}">${escapeHtml(title)}</button>`;
    switches.innerHTML = (trace.what_if.length ? '<span>What if</span>' : '')
      + trace.what_if.map(each => button(each.name, each.title, each.explanation)).join('')
      + (trace.true_flow.length ? button('flow', 'True motion', 'Known of generated clips (f)') : '');
    row.hidden = !switches.innerHTML;
  }

  function press(trace, state, other) {
    for (const button of switches.querySelectorAll('button')) {
      const on = button.dataset.name === 'flow' ? state.flow : button.dataset.name === state.whatIf;
      button.setAttribute('aria-pressed', on);
    }
    bars.innerHTML = other ? comparedBarsHtml(trace, other) : barsHtml(trace, bestFirst(trace.probabilities));
    bars.classList.toggle('sifa-compared', !!other);
    says.textContent = other ? whatIfWords(trace, other, state.block) : '';
  }

  return function write(trace, state, read) {
    if (shown !== trace) build(trace);
    const now = `${state.whatIf} ${state.flow} ${state.block}`;
    if (shown !== trace || written !== now) press(trace, state, chosenWhatIf(trace, state));
    [shown, written] = [trace, now];
    const ghost = !state.reverse && ghostOf(trace, state);
    const truth = !state.reverse && state.flow && trueField(trace, state);
    const i = state.y * trace.blocks[state.block].width + state.x;
    const words = (ghost ? mark(GHOST_MARK, `this cell’s mean: ${direction(read.displacement)} → `
      + direction(ghost.displacement)) : '') + (truth ? mark(TRUE_MARK, `true motion of this cell: ${truth.visible[i]
      ? direction(truth.at(i)) : 'not one surface, or hidden in the next step'}`) : '');
    if (words !== said) here.innerHTML = said = words;
  };
}
