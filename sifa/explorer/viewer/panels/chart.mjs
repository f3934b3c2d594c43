// A track over time, as two small charts: y and x of the attention with its spread, beside the rigid grid's.
import { PINS } from '../marks/palette.mjs';
import { letterHtml } from './pins.mjs';
/** @import { Block, TrackPoint } from '../trace/types' */
/** @import { ShownPin } from '../state/types' */

const [CHART_WIDTH, CHART_HEIGHT, PAD] = [280, 110, 24];

/**
 * One axis (0: y, downwards as in the picture; 1: x) of a track and of the rigid grid's, as SVG.
 * @param {TrackPoint[]} track
 * @param {TrackPoint[]} rigid
 * @param {0 | 1} axis
 * @param {Pick<Block, 'pairs' | 'height' | 'width'>} block
 * @param {{index: number, track: TrackPoint[]}[]} others the tracks of other pins
 * @param {string} colour of the track, '' its own
 */
function axisChart(track, rigid, axis, { pairs, height, width }, others, colour) {
  const values = [...track, ...rigid, ...others.flatMap(each => each.track)].flatMap(
    ({ place, spread }) => [place[axis] - spread[axis], place[axis] + spread[axis]]);
  const [low, high] = [Math.floor(Math.min(...values)), Math.ceil(Math.max(...values) + 0.01)];
  const across = (/** @type {number} */ step) =>
    PAD + (step - track[0].step) * (CHART_WIDTH - PAD - 8) / Math.max(1, pairs - track[0].step);
  const down = (/** @type {number} */ v) => 8 + (axis ? high - v : v - low) * (CHART_HEIGHT - 28) / (high - low);
  const at = (/** @type {number} */ step, /** @type {number} */ v) => `${across(step).toFixed(1)},${down(v).toFixed(1)}`;
  const line = (/** @type {TrackPoint[]} */ points) => points.map(({ step, place }) => at(step, place[axis])).join(' ');
  const band = [...track.map(p => at(p.step, p.place[axis] - p.spread[axis])),
    ...[...track].reverse().map(p => at(p.step, p.place[axis] + p.spread[axis]))].join(' ');
  const steps = Array.from({ length: pairs - track[0].step + 1 }, (_, i) => track[0].step + i);
  const every = Math.ceil(steps.length / 9);
  const name = axis ? `x, of ${width} cells` : `y, of ${height} cells, downwards`;
  return `<figure><figcaption>${name}</figcaption>
    <svg viewBox="0 0 ${CHART_WIDTH} ${CHART_HEIGHT}" aria-hidden="true">
    <path d="M${PAD} 8V${CHART_HEIGHT - 20}H${CHART_WIDTH - 8}" class="sifa-axis"/>
    <text x="${PAD - 5}" y="14" text-anchor="end">${axis ? high : low}</text>
    <text x="${PAD - 5}" y="${CHART_HEIGHT - 18}" text-anchor="end">${axis ? low : high}</text>
    ${steps.filter((_, i) => i % every === 0).map(s =>
    `<text x="${across(s)}" y="${CHART_HEIGHT - 5}" text-anchor="middle">${s + 1}</text>`).join('')}
    <polygon points="${band}" class="sifa-band"/><polyline points="${line(rigid)}" class="sifa-rigid"/>
    ${others.map(each => `<polyline points="${line(each.track)}" class="sifa-other" style="stroke:${PINS[each.index]}"/>`).join('')}
    <polyline points="${line(track)}" class="sifa-path"${colour && ` style="stroke:${colour}"`}/></svg></figure>`;
}

const whereabouts = (/** @type {TrackPoint} */ { place, step }) =>
  `y ${place[0].toFixed(2)}, x ${place[1].toFixed(2)} at step ${step + 1}`;

/**
 * HTML of both charts, and where the tracks end, in words.
 * @param {TrackPoint[]} track
 * @param {TrackPoint[]} rigid
 * @param {Pick<Block, 'pairs' | 'height' | 'width'>} block
 * @param {ShownPin[]} pins that have letters
 */
export function trackChart(track, rigid, block, pins = []) {
  const [end, plain] = [track[track.length - 1], rigid[rigid.length - 1]];
  const spread = end.spread.map(v => v.toFixed(2)).join(', ');
  const left = end.step < block.pairs ? ' It left the frame there.' : '';
  const others = pins.flatMap(pin => (pin.track && !pin.active ? [{ index: pin.index, track: pin.track }] : []));
  const now = pins.find(pin => pin.active);
  const colour = now ? PINS[now.index] : '';
  return `${axisChart(track, rigid, 0, block, others, colour)}${axisChart(track, rigid, 1, block, others, colour)}
    <p>${now ? letterHtml(now.index) : ''}
    <b class="sifa-path">Attention</b> ends at ${whereabouts(end)}, spread ${spread} (weighted standard
    deviation of the points read).${left} <b class="sifa-rigid">Rigid grid</b>, same weights without the offsets:
    ${whereabouts(plain)}. ${others.map(each => `${letterHtml(each.index)} ends at
    ${whereabouts(each.track[each.track.length - 1])}.`).join(' ')} Over steps, in cells of this block.</p>`;
}
