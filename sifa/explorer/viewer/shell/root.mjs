// The element that a viewer fills.
import viewerStyle from '../styles/viewer.css';
import stageStyle from '../styles/stage.css';
import shareStyle from '../styles/share.css';
import tourStyle from '../styles/tour.css';
import compareStyle from '../styles/compare.css';
import { box, part } from '../panels/html.mjs';
import { SKELETON } from '../panels/skeleton.mjs';

/**
 * The root of a viewer in an element.
 * @param {HTMLElement} el
 * @param {boolean} asks whether the host answers the event `sifa-asks`
 */
export function rootIn(el, asks) {
  const root = document.createElement('section');
  root.className = 'sifa';
  root.tabIndex = -1;
  if (asks) root.dataset.asks = 'yes';
  root.setAttribute('aria-label', 'SIFA explorer');
  root.innerHTML = `<style>${viewerStyle}${stageStyle}${compareStyle}${shareStyle}${tourStyle}</style>${SKELETON}`;
  el.replaceChildren(root);
  return root;
}

/**
 * Say what went wrong.
 * @param {HTMLElement} root
 * @param {unknown} error
 */
export function complain(root, error) {
  const place = box(root, '.sifa-error');
  place.textContent = error instanceof Error ? error.message : String(error);
  place.hidden = false;
}

/**
 * Open the help, or close it.
 * @param {HTMLElement} root
 */
export function toggleHelp(root) {
  const help = part(root, '.sifa-help', HTMLDialogElement);
  if (help.open) return help.close();
  help.showModal();
  box(help, 'h2').focus();
}

/**
 * What has the keyboard inside a root, or null.
 * @param {HTMLElement} root
 */
export function focusedIn(root) {
  const node = root.getRootNode();
  const focused = node instanceof Document || node instanceof ShadowRoot ? node.activeElement : null;
  return focused && root.contains(focused) ? focused : null;
}
