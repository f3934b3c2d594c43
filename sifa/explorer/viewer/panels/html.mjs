// Elements of the page: finding them, making them, and putting text into them.

/**
 * The first element that a selector finds, of a kind; the skeleton holds it.
 * @template {Element} T
 * @param {Element} root
 * @param {string} selector
 * @param {new () => T} kind
 * @returns {T}
 */
export function part(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The viewer has no ${kind.name} at ${selector}.`);
  return found;
}

/**
 * The first HTML element that a selector finds.
 * @param {Element} root
 * @param {string} selector
 */
export const box = (root, selector) => part(root, selector, HTMLElement);

/**
 * All HTML elements that a selector finds.
 * @param {Element} root
 * @param {string} selector
 */
export const boxes = (root, selector) =>
  /** @type {HTMLElement[]} */ ([...root.querySelectorAll(selector)]);

/**
 * Elements inside another one, as HTML elements.
 * @param {Element} parent
 */
export const children = parent => /** @type {HTMLElement[]} */ ([...parent.children]);

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name of its class
 * @param {string} [html]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, name, html = '') {
  const made = document.createElement(tag);
  made.className = name;
  made.innerHTML = html;
  return made;
}

/**
 * Put text into an element that holds nothing else; the text that is there already changes nothing.
 * @param {Element} target
 * @param {string} text
 */
export function put(target, text) {
  const node = target.firstChild;
  if (!(node instanceof Text)) target.textContent = text;
  else if (node.data !== text) node.data = text;
}

/**
 * A mark of the legend on the ground of the pictures, as the pictures show it.
 * @param {string} shape
 * @param {string} words
 */
export const mark = (shape, words) =>
  `<span><svg viewBox="0 0 24 18" aria-hidden="true"><rect width="24" height="18" rx="4"/>${shape}</svg>${words}</span>`;
