// Marks of the further views: heat maps, tracks, readers of a place, and what a term of the equation stands for.
import { stroke } from './draw.mjs';
import { HEAT, KEY, QUERY, TRACK, mixed, readerColour } from './palette.mjs';
import { bilinearCorners } from './terms.mjs';

const HEAT_STEPS = Array.from({ length: 256 }, (_, i) => [...mixed(HEAT, i / 255), 255]);

/** A small canvas with one pixel per cell, coloured from 0 to `most`. */
export function heatCanvas(map, { height, width }, most) {
  const canvas = Object.assign(document.createElement('canvas'), { height, width });
  const ctx = canvas.getContext('2d');
  const image = ctx.createImageData(width, height);
  map.forEach((value, i) => image.data.set(HEAT_STEPS[Math.min(255, Math.round(255 * value / (most || 1)))], 4 * i));
  ctx.putImageData(image, 0, 0);
  return canvas;
}

/** Lay a heat map over the cells, so that the picture still shows through. */
export function drawHeat(ctx, view, block, map, most) {
  const [left, top] = view.px(-0.5, -0.5);
  const [right, bottom] = view.px(block.height - 0.5, block.width - 0.5);
  ctx.save();
  ctx.globalAlpha = 0.72;
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(heatCanvas(map, block, most), left, top, right - left, bottom - top);
  ctx.restore();
}

/** The attention's track with its spread as ellipses, and the rigid grid's, dashed. */
export function drawTracks(ctx, view, track, rigid, ratio) {
  ctx.fillStyle = 'rgba(140,245,160,.26)';
  for (const { place, spread } of track.slice(1)) {
    ctx.beginPath();
    ctx.ellipse(...view.px(...place), spread[1] * view.cw, spread[0] * view.ch, 0, 0, 7);
    ctx.fill();
  }
  ctx.save();
  ctx.setLineDash([4 * ratio, 4 * ratio]);
  tracePlaces(ctx, view, rigid);
  stroke(ctx, '#fff', 1.4 * ratio);
  ctx.restore();
  tracePlaces(ctx, view, track);
  stroke(ctx, TRACK, 2.2 * ratio);
  for (const { place } of track.slice(1)) disc(ctx, view, place, 2.6 * ratio, TRACK, TRACK, 1.4 * ratio);
}

function disc(ctx, view, place, radius, colour, edge, width) {
  ctx.beginPath();
  ctx.arc(...view.px(...place), radius, 0, 7);
  stroke(ctx, edge, width);
  ctx.fillStyle = colour;
  ctx.fill();
}

function tracePlaces(ctx, view, track) {
  ctx.beginPath();
  track.forEach(({ place }, i) => ctx[i ? 'lineTo' : 'moveTo'](...view.px(...place)));
}

/** The queries that read a place: a disc each, whose area and colour follow its weight. */
export function drawReaders(ctx, view, readers, ratio) {
  const most = readers[0]?.weight ?? 1;
  for (const { y, x, weight } of [...readers].reverse()) {
    const share = weight / most;
    const radius = Math.max(1.6 * ratio, 0.46 * Math.min(view.cw, view.ch) * Math.sqrt(share));
    disc(ctx, view, [y, x], radius, readerColour(share), '#fff', 1.2 * ratio);
  }
}

const arrowEnd = ({ y, x, displacement: [dy, dx] }) => [y + dy, x + dx];

/** Light up what a term of the equation stands for; `next` in frame t + 1, else in frame t. */
export function drawLit(ctx, view, block, read, tap, lit, next, ratio) {
  const { y, x } = read;
  const [point, place] = [read.points[tap], read.taps[tap]];
  const corners = bilinearCorners(point, block);
  const corner = corners[lit.slice('corner'.length)];
  const around = [-1, 0, 1].flatMap(down => [-1, 0, 1].map(across => ({ y: y + down, x: x + across })));
  const cells = { difference: [read], ...(next ? { gate: around, value: corners } : { query: [read], output: [read] }) };
  const lines = { displacement: [[y, x], arrowEnd(read)], ...(next && { offset: [place, point] }) };
  const rings = next && { tap: place, point, weight: point, share: point };
  const path = new Path2D();
  for (const { y: cy, x: cx } of cells[lit] ?? (next && corner ? [corner] : [])) {
    const [right, down] = view.px(cy + 0.5, cx + 0.5);
    path.rect(right, down, -view.cw, -view.ch);
  }
  lines[lit]?.forEach((end, i) => path[i ? 'lineTo' : 'moveTo'](...view.px(...end)));
  if (rings[lit]) path.arc(...view.px(...rings[lit]), Math.max(7 * ratio, 0.3 * view.cw), 0, 7);
  for (const [colour, width] of [['rgba(0,0,0,.8)', 7], [{ query: QUERY, displacement: KEY }[lit] ?? '#fff', 3.4]]) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width * ratio;
    ctx.stroke(path);
  }
}

/**
 * What lies under a pixel of a view, as {term, tap}, or null: a mark within reach; else, in the `next` frame, a cell that
 * bilinear reading mixes for the neighbour `tap`; else the query.
 */
export function markAt(view, block, read, tap, next, px, py, reach) {
  const marks = (next ? read.points : []).flatMap((point, n) => [
    ['point', n, point], ['tap', n, read.taps[n]], ['offset', n, point.map((v, axis) => (v + read.taps[n][axis]) / 2)],
  ]);
  const far = ([, , place]) => { const at = view.px(...place); return Math.hypot(at[0] - px, at[1] - py); };
  const nearest = marks.reduce((a, b) => (far(b) < far(a) ? b : a), ['displacement', null, arrowEnd(read)]);
  if (far(nearest) <= reach) return { term: nearest[0], tap: nearest[1] };
  const under = ({ y, x }) => {
    const [cx, cy] = view.px(y, x);
    return Math.abs(cx - px) < view.cw / 2 && Math.abs(cy - py) < view.ch / 2;
  };
  const corner = next ? bilinearCorners(read.points[tap], block).findIndex(under) : -1;
  if (corner >= 0) return { term: `corner${corner}`, tap };
  return under(read) ? { term: 'query', tap: null } : null;
}
