// The painter of marks on canvases.
import { cropBox } from '../trace/geometry.mjs';
import { GROUND, HEAT_STEPS, TAG_BASE, heatStep } from './palette.mjs';
import { eachArrow, strokePath } from './shapes.mjs';
/** @import { Crop } from '../trace/types' */
/** @import { Disc, HeatMap, Mark, Path, Stroke, Tag } from './types' */

/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */

const TURN = 7; // radians: more than a full circle
const HEAT_PIXELS = HEAT_STEPS.map(colour => [...colour, 255]);

/**
 * Paint a list of marks; `images` are the clip's input frames.
 * @param {Context} ctx
 * @param {Mark[]} marks
 * @param {ImageBitmap[]} images
 */
export function paint(ctx, marks, images) {
  for (const mark of marks) paintMark(ctx, mark, images);
}

/**
 * @param {Context} ctx
 * @param {Mark} mark
 * @param {ImageBitmap[]} images
 */
function paintMark(ctx, mark, images) {
  switch (mark.kind) {
    case 'stroke': return paintStroke(ctx, mark);
    case 'disc': return paintDisc(ctx, mark);
    case 'ground':
      ctx.fillStyle = GROUND;
      return ctx.fillRect(0, 0, mark.side, mark.side);
    case 'picture':
      ctx.imageSmoothingQuality = mark.smoothing;
      return ctx.drawImage(images[mark.index], mark.box.left, mark.box.top, mark.box.side, mark.box.side,
        mark.x, mark.y, mark.width, mark.height);
    case 'heat': return paintHeat(ctx, mark);
    case 'ellipses':
      ctx.fillStyle = mark.colour;
      for (const { x, y, across, down } of mark.ellipses) {
        ctx.beginPath();
        ctx.ellipse(x, y, across, down, 0, 0, TURN);
        ctx.fill();
      }
      return undefined;
    case 'tag': return paintTag(ctx, mark);
    case 'dots':
      for (let i = 0; i < mark.points.length; i += 2) {
        square(ctx, mark.points[i], mark.points[i + 1], 2 * mark.size, 'rgba(0,0,0,.5)');
        square(ctx, mark.points[i], mark.points[i + 1], mark.size, '#fff');
      }
      return undefined;
  }
}

/**
 * @param {Context} ctx
 * @param {number} x of its middle
 * @param {number} y
 * @param {number} size
 * @param {string} colour
 */
function square(ctx, x, y, size, colour) {
  ctx.fillStyle = colour;
  ctx.fillRect(x - size / 2, y - size / 2, size, size);
}

/**
 * All paths in the casing, then each in its colour.
 * @param {Context} ctx
 * @param {Stroke} mark
 */
function paintStroke(ctx, { parts, width, dash, casing, round }) {
  const [alone] = parts;
  if (round) [ctx.lineJoin, ctx.lineCap] = ['round', 'round'];
  if (parts.length === 1) {
    ctx.beginPath(); // costs less than a path of its own
    trace(ctx, alone.path);
    if (casing) strokeWith(ctx, casing.colour, casing.width, casing.dash, () => ctx.stroke());
    strokeWith(ctx, alone.colour, width, dash, () => ctx.stroke());
  } else {
    const paths = parts.map(({ path }) => trace(new Path2D(), path));
    if (casing) strokeWith(ctx, casing.colour, casing.width, casing.dash, () => paths.forEach(path => ctx.stroke(path)));
    strokeWith(ctx, '', width, dash, () => paths.forEach((path, i) => {
      ctx.strokeStyle = parts[i].colour;
      ctx.stroke(path);
    }));
  }
  if (round) [ctx.lineJoin, ctx.lineCap] = ['miter', 'butt'];
}

/**
 * @param {Context} ctx
 * @param {string} colour
 * @param {number} width
 * @param {number[]} dash
 * @param {() => void} stroke
 */
function strokeWith(ctx, colour, width, dash, stroke) {
  if (colour) ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  if (dash.length) ctx.setLineDash(dash);
  stroke();
  if (dash.length) ctx.setLineDash([]);
}

/**
 * @template {CanvasPath} Sink
 * @param {Sink} sink
 * @param {Path} path
 * @returns {Sink}
 */
function trace(sink, path) {
  switch (path.shape) {
    case 'lines':
      for (const line of path.lines) {
        sink.moveTo(line[0], line[1]);
        for (let i = 2; i < line.length; i += 2) sink.lineTo(line[i], line[i + 1]);
      }
      break;
    case 'arrows':
      eachArrow(path, (x0, y0, x1, y1, leftX, leftY, rightX, rightY) => {
        sink.moveTo(x0, y0);
        sink.lineTo(x1, y1);
        sink.moveTo(leftX, leftY);
        sink.lineTo(x1, y1);
        sink.lineTo(rightX, rightY);
      });
      break;
    case 'rects':
      for (const rect of path.rects) sink.rect(...rect);
      break;
    case 'circle':
      sink.arc(path.x, path.y, path.radius, 0, TURN);
      break;
  }
  return sink;
}

/**
 * @param {Context} ctx
 * @param {Disc} disc
 */
function paintDisc(ctx, { x, y, radius, fill, edge, width, half, dash = [] }) {
  paintStroke(ctx, strokePath({ shape: 'circle', x, y, radius }, edge, width, { dash }));
  if (!fill) return;
  ctx.fillStyle = fill;
  if (half) {
    ctx.beginPath();
    ctx.arc(x, y, radius, 0, Math.PI);
  }
  ctx.fill(); // else the path that was stroked
}

/**
 * @param {Context} ctx
 * @param {Tag} tag
 */
function paintTag(ctx, { x, y, size, text, colour, width }) {
  ctx.fillStyle = '#000';
  ctx.fillRect(x - width, y - width, size + 2 * width, size + 2 * width);
  ctx.fillStyle = colour;
  ctx.fillRect(x, y, size, size);
  ctx.fillStyle = '#000';
  ctx.font = `700 ${0.78 * size}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'alphabetic';
  ctx.fillText(text, x + size / 2, y + TAG_BASE * size);
}

/**
 * @param {Context} ctx
 * @param {HeatMap} mark
 */
function paintHeat(ctx, { map, rows, columns, most, x, y, width, height }) {
  ctx.save();
  ctx.globalAlpha = 0.72;
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(heatCanvas(map, rows, columns, most), x, y, width, height);
  ctx.restore();
}

/**
 * The context of a canvas that has no other.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function contextOf(canvas, settings) {
  const ctx = canvas.getContext('2d', settings);
  if (!ctx) throw new Error('This browser gives no canvas to draw on.');
  return ctx;
}

/**
 * A small canvas with one pixel per cell, coloured from 0 to `most`.
 * @param {Float32Array} map
 * @param {number} rows
 * @param {number} columns
 * @param {number} most
 */
export function heatCanvas(map, rows, columns, most) {
  const canvas = Object.assign(document.createElement('canvas'), { height: rows, width: columns });
  const ctx = contextOf(canvas);
  const image = ctx.createImageData(columns, rows);
  map.forEach((value, i) => image.data.set(HEAT_PIXELS[heatStep(value, most)], 4 * i));
  ctx.putImageData(image, 0, 0);
  return canvas;
}

/**
 * A whole frame as a thumbnail; what lies outside the model's square is dimmed.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} image
 * @param {Crop} crop
 */
export function drawThumbnail(canvas, image, crop) {
  const ctx = contextOf(canvas);
  const [kx, ky] = [canvas.width / image.width, canvas.height / image.height];
  const { top, left, side } = cropBox(crop);
  ctx.drawImage(image, 0, 0, canvas.width, canvas.height);
  ctx.fillStyle = 'rgba(20,24,30,.66)';
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.drawImage(image, left, top, side, side, left * kx, top * ky, side * kx, side * ky);
}

/**
 * A drawn canvas as an image, which costs nothing when the page around it changes.
 * @param {HTMLCanvasElement} canvas
 * @param {string} [type]
 */
export function still(canvas, type) {
  const image = new Image();
  image.alt = '';
  image.src = canvas.toDataURL(type);
  return image;
}
