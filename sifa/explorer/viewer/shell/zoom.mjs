// Wheel, pinch and drag on the pictures: both are enlarged together.
/** @import { Actions } from '../state/actions.mjs' */
/** @import { Under } from './inputs.mjs' */

const [NOTCH, PINCH, LINE] = [0.0018, 0.01, 16]; // of e a pixel of the wheel, and of a touchpad's pinch; pixels of a line
const DRAG = 5; // pixels from which on a pressed pointer drags

/**
 * @param {Actions} actions
 * @param {Under} under
 */
export function listenToZoom(actions, under) {
  for (const canvas of under.pictures) {
    listenToWheel(canvas, actions, under);
    listenToTouches(canvas, actions, under);
    listenToDrags(canvas, actions, under);
    canvas.addEventListener('dblclick', () => { if (!under.busy()) actions.whole(); });
  }
}

/**
 * A point of the page in shares of a canvas, down and across.
 * @param {HTMLCanvasElement} canvas
 * @param {{clientX: number, clientY: number}} at
 */
function share(canvas, { clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [(clientY - top) / height, (clientX - left) / width];
}

/**
 * The wheel enlarges about the pointer; outwards from the whole picture it is the page's.
 * @param {HTMLCanvasElement} canvas
 * @param {Actions} actions
 * @param {Under} under
 */
function listenToWheel(canvas, actions, { busy, zoom }) {
  canvas.addEventListener('wheel', event => {
    const { deltaY, deltaMode, ctrlKey } = event;
    if (busy() || !deltaY || event.shiftKey || (deltaY > 0 && zoom() === 1)) return;
    event.preventDefault();
    const [down, across] = share(canvas, event);
    const turned = (deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1) * deltaY * (ctrlKey ? PINCH : NOTCH);
    actions.zoom(Math.exp(-Math.max(-1, Math.min(1, turned))), down, across);
  }, { passive: false });
}

/**
 * Two fingers enlarge and move.
 * @param {HTMLCanvasElement} canvas
 * @param {Actions} actions
 * @param {Under} under
 */
function listenToTouches(canvas, actions, { busy }) {
  /** @type {{far: number, at: number[]} | null} */
  let last = null;
  const pinched = (/** @type {TouchEvent} */ event) => {
    if (busy() || event.touches.length !== 2) {
      last = null;
      return;
    }
    event.preventDefault(); // else the page is enlarged
    const [a, b] = event.touches;
    const at = share(canvas, { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 });
    const far = Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY));
    if (last) {
      actions.pan(at[0] - last.at[0], at[1] - last.at[1]);
      actions.zoom(far / last.far, at[0], at[1]);
    }
    last = { far, at };
  };
  for (const name of /** @type {const} */ (['touchstart', 'touchmove', 'touchend', 'touchcancel'])) {
    canvas.addEventListener(name, pinched, { passive: false });
  }
}

/**
 * A pressed mouse moves an enlarged picture; what it does then is no click.
 * @param {HTMLCanvasElement} canvas
 * @param {Actions} actions
 * @param {Under} under
 */
function listenToDrags(canvas, actions, { busy, zoom }) {
  /** @type {PointerEvent | null} */
  let from = null;
  let dragged = false;
  canvas.addEventListener('pointerdown', event => {
    dragged = false;
    from = event.pointerType === 'mouse' && event.button === 0 && !busy() && zoom() > 1 ? event : null;
  });
  canvas.addEventListener('pointermove', event => {
    if (!from || !(event.buttons & 1)) return;
    if (!dragged && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) < DRAG) return;
    if (!dragged) canvas.setPointerCapture(event.pointerId);
    dragged = true;
    const [[down, across], [top, left]] = [share(canvas, event), share(canvas, from)];
    actions.pan(down - top, across - left);
    from = event;
  });
  canvas.addEventListener('pointerup', () => { from = null; });
  canvas.addEventListener('click', event => {
    if (!dragged) return;
    dragged = false;
    event.stopImmediatePropagation();
  });
}
