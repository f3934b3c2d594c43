// How large the pictures are: as large as the window, or the place in the page, allows.
import { box } from '../panels/html.mjs';

const [WIDE, NARROW] = [1000, 600]; // CSS pixels: above it a column stands beside the pictures; up to it they are stacked
const [PAD, GAP, TITLE] = [20, 12, 24];
const SMALLEST = 120; // of a picture
const APART = 24; // between two runs
const BELOW = 440; // of a tablet's height, all but the pictures of two runs
const BESIDE = 112; // on a phone: the column of close-up and numbers

/** @typedef {'wide' | 'tablet' | 'phone' | 'slide'} Layout */

/**
 * The side of a picture, in CSS pixels. `height` is what the row of the pictures has, Infinity where the page grows with them;
 * `tall` is the height of all.
 * @param {Layout} layout
 * @param {boolean} open whether something is open beside or below the pictures
 * @param {number} width
 * @param {number} height
 * @param {number} tall
 */
function sideOf(layout, open, width, height, tall) {
  if (layout === 'slide') return Math.min(height - TITLE, (width - 2 * PAD - 2 * GAP) / (open ? 4 : 3));
  if (layout === 'wide') {
    const beside = open ? Math.min(460, Math.max(390, 0.31 * width)) : 240;
    return Math.min(height - TITLE, (width - 2 * PAD - 2 * GAP - beside) / 2);
  }
  if (layout === 'tablet') return Math.min((width - 2 * PAD - GAP) / 2, 0.46 * tall);
  return open ? (width - 2 * GAP - 8) / 2 : Math.min((height - 2 * TITLE) / 2, width - 3 * GAP - BESIDE);
}

/**
 * The same where two runs are compared: beside each other, `count` pictures across, or one below the other, two across.
 * @param {Layout} layout
 * @param {number} count
 * @param {number} width
 * @param {number} height
 * @param {number} tall all but the row at the bottom
 */
function comparedSide(layout, count, width, height, tall) {
  if (layout === 'phone') return (width - 2 * GAP - 8) / 2;
  if (layout === 'tablet') return Math.min((width - 2 * PAD - GAP) / 2, (tall - BELOW) / 2);
  return Math.min(height - TITLE, (width - 2 * PAD - APART - (count - 2) * GAP) / count);
}

/**
 * Keep data-layout and the pictures' side, `--side`, at what fits.
 * @param {HTMLElement} root
 * @param {boolean} fills whether the viewer fills the window
 * @returns {() => void} what stops it
 */
export function fitPictures(root, fills) {
  const rows = [box(root, '.sifa-pictures'), box(root, '.sifa-rest')]; // what is left over ends the page
  const timeline = box(root, '.timeline');
  root.classList.toggle('sifa-fills', fills);
  const fit = () => {
    const filling = fills || document.fullscreenElement === root;
    const { clientWidth: width, clientHeight: tall } = root;
    const { open = 'none', compared } = root.dataset;
    const narrow = open === 'compare' && width <= WIDE; // two runs are one below the other there, on a slide, too
    const slide = root.classList.contains('sifa-slide') && !narrow;
    const layout = slide ? 'slide' : width > WIDE ? 'wide' : width > NARROW ? 'tablet' : 'phone';
    if (root.dataset.layout !== layout) root.dataset.layout = layout;
    const height = filling || slide ? rows.reduce((sum, { clientHeight }) => sum + clientHeight, 0) : Infinity;
    const whole = filling ? tall - (open === 'compare' ? timeline.offsetHeight : 0) : Infinity;
    const room = open === 'compare' ? comparedSide(layout, compared === 'clips' ? 4 : 3, width, height, whole)
      : sideOf(layout, open !== 'none', width, height, whole);
    const side = Math.max(SMALLEST, Math.floor(room));
    if (root.style.getPropertyValue('--side') !== `${side}px`) root.style.setProperty('--side', `${side}px`);
  };
  const sizes = new ResizeObserver(fit);
  for (const each of [root, timeline, ...rows]) sizes.observe(each);
  const opened = new MutationObserver(fit);
  opened.observe(root, { attributes: true, attributeFilter: ['data-open', 'data-compared', 'class'] });
  fit();
  return () => { sizes.disconnect(); opened.disconnect(); };
}
