// Drawing on canvases. Every mark is stroked dark, then light, so that it is legible on any picture. `view` is a window
// on the cell grid (geometry.mjs), `ratio` the device pixels per CSS pixel.
import { cropBox } from './geometry.mjs';
import { KEY, QUERY, sectorColour, sectorOf } from './palette.mjs';

const GROUND = '#23272e';

const CASING = { colour: 'rgba(0,0,0,.75)', width: 2.2 };

export function stroke(ctx, colour, width) {
  ctx.strokeStyle = CASING.colour;
  ctx.lineWidth = width * CASING.width;
  ctx.stroke();
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke();
}

/** The square that the model saw, enlarged; hatched ground where there is no picture. */
export function drawFrame(ctx, view, block, image, crop, ratio, smoothing = 'high') {
  const { side } = view;
  ctx.fillStyle = GROUND;
  ctx.fillRect(0, 0, side, side);
  const box = cropBox(crop);
  const [left, top] = view.px(-0.5, -0.5);
  const [right, bottom] = view.px(block.height - 0.5, block.width - 0.5);
  if (Math.max(left, top) > 0 || Math.min(right, bottom) < side) hatch(ctx, side, ratio);
  ctx.imageSmoothingQuality = smoothing;
  ctx.drawImage(image, box.left, box.top, box.side, box.side, left, top, right - left, bottom - top);
}

function hatch(ctx, side, ratio) {
  ctx.strokeStyle = 'rgba(255,255,255,.1)';
  ctx.lineWidth = ratio;
  ctx.beginPath();
  for (let d = -side; d < side; d += 9 * ratio) { ctx.moveTo(d, 0); ctx.lineTo(d + side, side); }
  ctx.stroke();
}

/** Thin lines between the cells in view. */
export function drawGrid(ctx, view, block, ratio) {
  ctx.beginPath();
  const [y0, x0] = view.cell(0, 0);
  const [y1, x1] = view.cell(view.side, view.side);
  for (let y = y0; y <= y1 + 1; y++) {
    ctx.moveTo(...view.px(y - 0.5, x0 - 0.5));
    ctx.lineTo(...view.px(y - 0.5, x1 + 0.5));
  }
  for (let x = x0; x <= x1 + 1; x++) {
    ctx.moveTo(...view.px(y0 - 0.5, x - 0.5));
    ctx.lineTo(...view.px(y1 + 0.5, x - 0.5));
  }
  ctx.strokeStyle = 'rgba(255,255,255,.28)';
  ctx.lineWidth = ratio;
  ctx.stroke();
}

/**
 * Arrows of a field, every n-th, true to scale; a dot where one is shorter than two pixels. `tinted` colours them by
 * direction.
 */
export function drawQuiver(ctx, view, block, field, every, tinted, ratio) {
  const still = [];
  const paths = new Map(); // many small paths are stroked faster than a large one
  for (let y = every >> 1; y < block.height; y += every) {
    for (let x = every >> 1; x < block.width; x += every) {
      const i = 2 * (y * block.width + x);
      const from = view.px(y, x);
      const to = view.px(y + field[i], x + field[i + 1]);
      if (Math.hypot(to[0] - from[0], to[1] - from[1]) < 2 * ratio) {
        still.push(from);
        continue;
      }
      const group = tinted ? sectorOf([field[i], field[i + 1]]) : y;
      if (!paths.has(group)) paths.set(group, new Path2D());
      traceArrow(paths.get(group), from, to, 5 * ratio);
    }
  }
  const groups = [...paths.keys()];
  const colour = i => (tinted ? sectorColour(groups[i]) : '#fff');
  strokePaths(ctx, [...paths.values()], colour, 1.2 * ratio);
  for (const [x, y] of still) {
    ctx.fillStyle = 'rgba(0,0,0,.5)';
    ctx.fillRect(x - 1.4 * ratio, y - 1.4 * ratio, 2.8 * ratio, 2.8 * ratio);
    ctx.fillStyle = '#fff';
    ctx.fillRect(x - 0.7 * ratio, y - 0.7 * ratio, 1.4 * ratio, 1.4 * ratio);
  }
}

/** Stroke paths, all dark ones first; the light ones in colour(i), with a dash where one is given. */
export function strokePaths(ctx, paths, colour, width, dash = []) {
  for (const [style, wide, lines] of [[() => CASING.colour, width * CASING.width, []], [colour, width, dash]]) {
    ctx.lineWidth = wide;
    ctx.setLineDash(lines);
    paths.forEach((path, i) => {
      ctx.strokeStyle = style(i);
      ctx.stroke(path);
    });
  }
  ctx.setLineDash([]);
}

export function traceArrow(path, [x0, y0], [x1, y1], most) {
  const head = Math.min(most, 0.45 * Math.hypot(x1 - x0, y1 - y0));
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const barb = turn => [x1 + head * Math.cos(angle + turn), y1 + head * Math.sin(angle + turn)];
  path.moveTo(x0, y0);
  path.lineTo(x1, y1);
  path.moveTo(...barb(2.55));
  path.lineTo(x1, y1);
  path.lineTo(...barb(-2.55));
}

/** The outline of the query cell; `faint` in the next frame, for reference. */
export function drawQuery(ctx, view, { y, x }, ratio, { pinned = false, faint = false, colour = QUERY } = {}) {
  const [cx, cy] = view.px(y, x);
  ctx.beginPath();
  ctx.rect(cx - view.cw / 2, cy - view.ch / 2, view.cw, view.ch);
  if (!faint) return stroke(ctx, colour, (pinned ? 3 : 2) * ratio);
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.2 * ratio;
  ctx.stroke();
  ctx.setLineDash([]);
}

/** The arrow from the query cell to where its attention went; a dot where it stayed. */
export function drawDisplacement(ctx, view, { y, x, displacement: [dy, dx] }, ratio) {
  const from = view.px(y, x);
  const to = view.px(y + dy, x + dx);
  ctx.beginPath();
  if (Math.hypot(to[0] - from[0], to[1] - from[1]) < 3 * ratio) ctx.arc(...from, 2.5 * ratio, 0, 7);
  else traceArrow(ctx, from, to, 9 * ratio);
  ctx.save();
  ctx.lineJoin = ctx.lineCap = 'round';
  stroke(ctx, KEY, 2.4 * ratio);
  ctx.restore();
}

/** Base taps, offsets, sampled points and their weighted mean. Points off the view are drawn at its edge if `keep`. */
export function drawNeighbours(ctx, view, read, scale, ratio, keep = true) {
  const edge = 6 * ratio;
  const inside = v => (keep ? Math.max(edge, Math.min(view.side - edge, v)) : v);
  const place = ([y, x]) => view.px(y, x).map(inside);
  const reach = Math.max(3.2, Math.min(11, 0.33 * view.cw / ratio)) * ratio;
  const order = [...read.weights.keys()].sort((a, b) => Math.abs(read.weights[b]) - Math.abs(read.weights[a]));

  ctx.beginPath();
  for (const tap of order) { ctx.moveTo(...place(read.taps[tap])); ctx.lineTo(...place(read.points[tap])); }
  stroke(ctx, '#fff', 1.1 * ratio);
  for (const tap of order) {
    const [x, y] = place(read.points[tap]);
    const radius = reach * (0.38 + 0.62 * scale.size(read.weights[tap]));
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, 7);
    if (read.outside[tap]) {
      stroke(ctx, '#fff', 1.4 * ratio);
      continue;
    }
    stroke(ctx, '#fff', 1.5 * ratio);
    ctx.fillStyle = scale.colour(read.weights[tap]);
    ctx.fill();
    if (read.weights[tap] < 0) drawMinus(ctx, x, y, 0.5 * radius, ratio);
  }
  ctx.beginPath();
  for (const tap of order) {
    const [x, y] = place(read.taps[tap]);
    const arm = Math.min(3.2 * ratio, 0.4 * reach);
    ctx.moveTo(x - arm, y);
    ctx.lineTo(x + arm, y);
    ctx.moveTo(x, y - arm);
    ctx.lineTo(x, y + arm);
  }
  stroke(ctx, '#fff', 1.2 * ratio);
  drawDisplacement(ctx, view, read, ratio);
}

function drawMinus(ctx, x, y, arm, ratio) {
  ctx.beginPath();
  ctx.moveTo(x - arm, y);
  ctx.lineTo(x + arm, y);
  stroke(ctx, '#fff', 1.2 * ratio);
}

/** A whole frame as a thumbnail; what lies outside the model's square is dimmed. */
export function drawThumbnail(canvas, image, crop) {
  const ctx = canvas.getContext('2d');
  const [kx, ky] = [canvas.width / image.width, canvas.height / image.height];
  const { top, left, side } = cropBox(crop);
  ctx.drawImage(image, 0, 0, canvas.width, canvas.height);
  ctx.fillStyle = 'rgba(20,24,30,.66)';
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.drawImage(image, left, top, side, side, left * kx, top * ky, side * kx, side * ky);
}

/** A drawn canvas as an image, which costs nothing when the page around it changes. */
export function still(canvas, type) {
  const image = new Image();
  image.alt = '';
  image.src = canvas.toDataURL(type);
  return image;
}
