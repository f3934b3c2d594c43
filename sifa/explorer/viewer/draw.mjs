// Drawing on the two pictures. A picture shows the model's square with a margin around it, so that points which fall
// outside can be seen. Coordinates come in cells; (0, 0) is the centre of the first cell.
import { arrowEvery, cropBox } from './geometry.mjs';

export const QUERY = '#ff9d2e';
export const KEY = '#3fc9e8';
const MARGIN = 0.055; // of the picture's side

/** The ways from cells to the pixels of a canvas of the given side. */
export function projection(block, side) {
  const margin = side * MARGIN;
  const inner = side - 2 * margin;
  const [ch, cw] = [inner / block.height, inner / block.width];
  return {
    margin, inner, side, ch, cw,
    px: (y, x) => [margin + (x + 0.5) * cw, margin + (y + 0.5) * ch],
    cell: (px, py) => [
      Math.max(0, Math.min(block.height - 1, Math.floor((py - margin) / ch))),
      Math.max(0, Math.min(block.width - 1, Math.floor((px - margin) / cw))),
    ],
  };
}

/** A line drawn dark then light, legible on any picture. */
function stroke(ctx, colour, width) {
  ctx.strokeStyle = 'rgba(0,0,0,.75)';
  ctx.lineWidth = width * 2.1;
  ctx.stroke();
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke();
}

/** The frame's square, enlarged, in its margin. */
export function drawFrame(ctx, image, crop, side) {
  const { margin, inner } = projection({ height: 1, width: 1 }, side);
  ctx.fillStyle = '#23272e';
  ctx.fillRect(0, 0, side, side);
  ctx.strokeStyle = 'rgba(255,255,255,.09)';
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let d = -side; d < side; d += 9) { ctx.moveTo(d, 0); ctx.lineTo(d + side, side); }
  ctx.stroke();
  const box = cropBox(crop);
  ctx.imageSmoothingQuality = 'high';
  ctx.drawImage(image, box.left, box.top, box.side, box.side, margin, margin, inner, inner);
}

/** Arrows of the displacement field, true to scale. */
export function drawQuiver(ctx, block, field, side, ratio) {
  const at = projection(block, side);
  const every = arrowEvery(block, side / ratio);
  ctx.lineCap = 'round';
  ctx.beginPath();
  const still = [];
  for (let y = every >> 1; y < block.height; y += every) {
    for (let x = every >> 1; x < block.width; x += every) {
      const i = 2 * (y * block.width + x);
      const [x0, y0] = at.px(y, x);
      const [dx, dy] = [field[i + 1] * at.cw, field[i] * at.ch];
      const length = Math.hypot(dx, dy);
      if (length < 2 * ratio) { still.push([x0, y0]); continue; }
      const head = Math.min(5 * ratio, 1 + length * 0.4);
      const angle = Math.atan2(dy, dx);
      ctx.moveTo(x0, y0);
      ctx.lineTo(x0 + dx, y0 + dy);
      for (const turn of [2.6, -2.6]) {
        ctx.moveTo(x0 + dx, y0 + dy);
        ctx.lineTo(x0 + dx + head * Math.cos(angle + turn), y0 + dy + head * Math.sin(angle + turn));
      }
    }
  }
  stroke(ctx, '#fff', 1.25 * ratio);
  ctx.fillStyle = 'rgba(255,255,255,.7)';
  for (const [x, y] of still) ctx.fillRect(x - ratio * 0.8, y - ratio * 0.8, ratio * 1.6, ratio * 1.6);
}

/** The outline of a cell. */
export function drawCell(ctx, at, y, x, colour, width) {
  const [cx, cy] = at.px(y, x);
  ctx.beginPath();
  ctx.rect(cx - at.cw / 2, cy - at.ch / 2, at.cw, at.ch);
  stroke(ctx, colour, width);
}

/** The neighbours of a query in the next frame: base tap, offset, sampled point, and where the attention went. */
export function drawNeighbours(ctx, block, read, scale, side, ratio) {
  const at = projection(block, side);
  const limit = v => Math.max(5 * ratio, Math.min(side - 5 * ratio, v));
  const place = p => at.px(...p).map(limit);
  drawCell(ctx, at, read.y, read.x, 'rgba(255,157,46,.55)', 1.2 * ratio);
  ctx.beginPath();
  for (const n of read.neighbours) { ctx.moveTo(...place(n.tap)); ctx.lineTo(...place(n.point)); }
  stroke(ctx, '#fff', 1.1 * ratio);
  for (const n of read.neighbours) {
    const [x, y] = place(n.tap);
    ctx.beginPath();
    ctx.rect(x - 2.5 * ratio, y - 2.5 * ratio, 5 * ratio, 5 * ratio);
    stroke(ctx, '#fff', 1.2 * ratio);
  }
  for (const n of [...read.neighbours].sort((a, b) => Math.abs(a.weight) - Math.abs(b.weight))) {
    const [x, y] = place(n.point);
    ctx.beginPath();
    ctx.arc(x, y, (3.5 + 6 * scale.size(n.weight)) * ratio, 0, 7);
    if (n.outside) { stroke(ctx, '#fff', 1.3 * ratio); continue; }
    ctx.fillStyle = scale.colour(n.weight);
    ctx.fill();
    stroke(ctx, '#fff', 1.1 * ratio);
    ctx.fill();
  }
  drawArrow(ctx, at.px(read.y, read.x), place([read.y + read.displacement[0], read.x + read.displacement[1]]), KEY, ratio);
}

/** One arrow in the key colour: from the query cell to where its attention went. */
function drawArrow(ctx, [x0, y0], [x1, y1], colour, ratio) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  ctx.beginPath();
  if (length < 3 * ratio) {
    ctx.arc(x0, y0, 3 * ratio, 0, 7);
  } else {
    const angle = Math.atan2(y1 - y0, x1 - x0);
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
    for (const turn of [2.6, -2.6]) {
      ctx.moveTo(x1, y1);
      ctx.lineTo(x1 + 9 * ratio * Math.cos(angle + turn), y1 + 9 * ratio * Math.sin(angle + turn));
    }
  }
  stroke(ctx, colour, 2.4 * ratio);
}
