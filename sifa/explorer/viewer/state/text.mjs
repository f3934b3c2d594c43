// Numbers as text, and text from files as HTML.
/** @import { Block, Place } from '../trace/types' */

export const withSign = (/** @type {number} */ v, digits = 2) => {
  const size = Math.abs(v).toFixed(digits);
  return `${+size === 0 ? '' : v < 0 ? '−' : '+'}${size}`;
};

export const percent = (/** @type {number} */ p) => (p >= 0.9995 ? '> 99.9 %' : `${(100 * p).toFixed(1)} %`);

/** @param {string} text */
export const groupDigits = text =>
  text.replace(/\d{5,}/g, digits => digits.replace(/\B(?=(\d{3})+$)/g, '\u202F'));

/**
 * "24–28", or "24" where both are the same.
 * @param {string | number} a
 * @param {string | number} b
 */
export const span = (a, b) => (a === b ? `${a}` : `${a}–${b}`);

/**
 * A weight as text: raw ones with their sign, softmax ones without.
 * @param {Pick<Block, 'normalised'>} block
 * @param {number} w
 */
export const weightText = ({ normalised }, w, digits = 2) => (normalised ? w.toFixed(digits) : withSign(w, digits));

/**
 * "0.13 up, 0.75 right"
 * @param {Place} direction
 */
export function direction([dy, dx]) {
  const [down, across] = [Math.abs(dy).toFixed(2), Math.abs(dx).toFixed(2)];
  return `${down} ${dy < 0 ? 'up' : 'down'}, ${across} ${dx < 0 ? 'left' : 'right'}`;
}

const ARROWS = ['→', '↘', '↓', '↙', '←', '↖', '↑', '↗'];

/**
 * One of eight arrows along a direction, a dot where it is shorter than a twentieth of a cell.
 * @param {Place} direction
 */
export const compass = ([dy, dx]) =>
  (Math.hypot(dy, dx) < 0.05 ? '·' : ARROWS[(Math.round(Math.atan2(dy, dx) / (Math.PI / 4)) + 8) % 8]);

/** @param {unknown} text */
export const escapeHtml = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);
