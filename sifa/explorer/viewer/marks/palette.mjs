// Colours. A query has one hue, which its marks share: how much a point counts is said by how full and how large it is.
/** @import { Block } from '../trace/types' */
/** @import { Rgb, Scale } from './types' */

export const QUERY = '#ff9d2e';
export const KEY = '#3fc9e8';
/** Pins by their letters: told apart by all kinds of colour vision, and light enough for a black letter. */
export const PINS = ['#ffb000', '#45c8f0', '#ff86bd', '#9d6bff', '#f0384f'];
export const GHOST = '#ff5fb0'; // of a what-if
export const TRUE = '#ffe45c'; // motion that is known
export const GROUND = '#23272e'; // under pictures
export const TAG_BASE = 0.78; // of a tag's side, where its letter stands

/** @type {Rgb[]} */
const SEQUENTIAL = [[247, 250, 240], [190, 228, 178], [108, 190, 120], [32, 132, 72], [0, 72, 34]];
/**
 * [r, g, b] at a share 0..1 along a list of colours.
 * @param {Rgb[]} colours
 * @param {number} share
 * @returns {Rgb}
 */
export function mix(colours, share) {
  const at = Math.max(0, Math.min(1, share)) * (colours.length - 1);
  const i = Math.min(colours.length - 2, Math.floor(at));
  const part = (/** @type {0 | 1 | 2} */ k) =>
    Math.round(colours[i][k] + (colours[i + 1][k] - colours[i][k]) * (at - i));
  return [part(0), part(1), part(2)];
}

/**
 * The same as 'rgb(...)'.
 * @param {Rgb[]} colours
 * @param {number} share
 */
export const along = (colours, share) => `rgb(${mix(colours, share).join(',')})`;

/**
 * The scale of one pair's weights.
 * @param {Pick<Block, 'range' | 'normalised'>} block
 * @param {number} pair
 * @returns {Scale}
 */
export function weightScale({ range, normalised }, pair) {
  const [low, high] = range[pair];
  const most = Math.max(Math.abs(low), Math.abs(high), 1e-12);
  return {
    ends: [normalised ? 0 : -most, most],
    share: w => (normalised ? w / most : (w / most + 1) / 2),
  };
}

/**
 * CSS gradient of a list of colours, for a legend.
 * @param {Rgb[]} colours
 */
export function gradient(colours) {
  return `linear-gradient(90deg, ${colours.map(c => `rgb(${c.join(',')})`).join(', ')})`;
}

/**
 * Heat maps: dark blue over grey to yellow, even in lightness, and alike for all kinds of colour vision.
 * @type {Rgb[]}
 */
export const HEAT = [[10, 30, 82], [66, 78, 112], [126, 124, 122], [192, 176, 104], [255, 234, 82]];
export const TRACK = '#8cf5a0';

/** The 256 colours of heat maps. */
export const HEAT_STEPS = Array.from({ length: 256 }, (_, i) => mix(HEAT, i / 255));

/**
 * Which of HEAT_STEPS a value has.
 * @param {number} value
 * @param {number} most the end of the scale
 */
export const heatStep = (value, most) => Math.min(255, Math.round(255 * value / (most || 1)));

/** @type {Rgb[]} */
const WINDS = [[255, 196, 46], [128, 116, 104], [92, 150, 255], [246, 246, 246]]; // right, down, left, up

export const SECTORS = 16; // of the colour wheel

/**
 * The sector around a direction: 0 to the right, then on to downwards.
 * @param {number} dy
 * @param {number} dx
 */
export const sectorOf = (dy, dx) => Math.round((Math.atan2(dy, dx) / (2 * Math.PI) + 1) * SECTORS) % SECTORS;

/**
 * The colour of a sector: yellow to blue tells right from left, light to dark tells up from down.
 * @param {number} sector
 */
export const sectorColour = sector => along([...WINDS, WINDS[0]], sector / SECTORS);

/**
 * Colour of the share that a query has in reading a cell, for marks on frame t.
 * @param {number} share
 */
export const readerColour = share => along(SEQUENTIAL, share);
