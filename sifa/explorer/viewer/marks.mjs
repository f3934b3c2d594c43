// Marks of the further views: heat maps, tracks, readers of a place, and what a term of the equation stands for.
import { stroke } from './draw.mjs';
import { HEAT, KEY, QUERY, TRACK, mixed, readerColour } from './palette.mjs';
import { bilinearCorners } from './terms.mjs';

const HEAT_STEPS = Array.from({ length: 256 }, (_, i) => [...mixed(HEAT, i / 255), 255]);

/** A small canvas with one pixel per cell, coloured from 0 to `most`. */
export function heatCanvas(map, { height, width }, most) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { height, width });
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
  for (const { place } of track.slice(1)) {
    ctx.beginPath();
    ctx.arc(...view.px(...place), 2.6 * ratio, 0, 7);
    stroke(ctx, TRACK, 1.4 * ratio);
    ctx.fillStyle = TRACK;
    ctx.fill();
  }
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
    ctx.beginPath();
    ctx.arc(...view.px(y, x), Math.max(1.6 * ratio, 0.46 * Math.min(view.cw, view.ch) * Math.sqrt(share)), 0, 7);
    stroke(ctx, '#fff', 1.2 * ratio);
    ctx.fillStyle = readerColour(share);
    ctx.fill();
  }
}

const cellPath = (view, cells) => {
  const path = new Path2D();
  for (const { y, x } of cells) {
    const [cx, cy] = view.px(y, x);
    path.rect(cx - view.cw / 2, cy - view.ch / 2, view.cw, view.ch);
  }
  return path;
};

/** Light up what a term of the equation stands for; `next` in frame t + 1, else in frame t. */
export function drawLit(ctx, view, block, read, tap, lit, next, ratio) {
  const [point, place] = [read.points[tap], read.taps[tap]];
  const corners = bilinearCorners(point, block);
  const cells = list => cellPath(view, list);
  const ring = ([y, x]) => {
    const path = new Path2D();
    path.arc(...view.px(y, x), Math.max(7 * ratio, 0.3 * view.cw), 0, 7);
    return path;
  };
  const line = (from, to) => {
    const path = new Path2D();
    path.moveTo(...view.px(...from));
    path.lineTo(...view.px(...to));
    return path;
  };
  const around = () => [-1, 0, 1].flatMap(y => [-1, 0, 1].map(x => ({ y: read.y + y, x: read.x + x })));
  const end = [read.y + read.displacement[0], read.x + read.displacement[1]];
  const both = { difference: () => cells([read]), displacement: () => line([read.y, read.x], end) };
  const asking = { ...both, query: both.difference, output: both.difference };
  const reading = {
    ...both, gate: () => cells(around()), tap: () => ring(place), offset: () => line(place, point),
    point: () => ring(point), value: () => cells(corners), weight: () => ring(point), share: () => ring(point),
    ...Object.fromEntries(corners.map((corner, i) => [`corner${i}`, () => cells([corner])])),
  };
  const path = (next ? reading : asking)[lit]?.();
  if (!path) return;
  for (const [colour, width] of [['rgba(0,0,0,.8)', 7], [{ query: QUERY, displacement: KEY }[lit] ?? '#fff', 3.4]]) {
    ctx.strokeStyle = colour;
    ctx.lineWidth = width * ratio;
    ctx.stroke(path);
  }
}

/** What lies under a pixel of a view on frame t + 1, as {term, tap}, or null: a mark within reach, else the query. */
export function markAt(view, read, px, py, reach) {
  const far = ([y, x]) => { const at = view.px(y, x); return Math.hypot(at[0] - px, at[1] - py); };
  const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const marks = read.points.flatMap((point, tap) => [
    { term: 'point', tap, far: far(point) },
    { term: 'tap', tap, far: far(read.taps[tap]) },
    { term: 'offset', tap, far: far(middle(read.taps[tap], point)) },
  ]);
  const end = [read.y + read.displacement[0], read.x + read.displacement[1]];
  marks.push({ term: 'displacement', tap: null, far: far(end) });
  const nearest = marks.reduce((best, mark) => (mark.far < best.far ? mark : best));
  if (nearest.far <= reach) return { term: nearest.term, tap: nearest.tap };
  const [qx, qy] = view.px(read.y, read.x);
  return Math.abs(qx - px) < view.cw / 2 && Math.abs(qy - py) < view.ch / 2 ? { term: 'query', tap: null } : null;
}
