// What the page itself runs in the browser. Gradio takes scripts as text: layout.py hands it this file and the name of
// the function to call.

/**
 * A component of Gradio as its script sees it: `watch` calls back when the server sets a property,
 * `trigger` sends an event to the server.
 * @typedef {object} Component
 * @property {HTMLElement} element
 * @property {{ value: any }} props
 * @property {(property: string, call: () => void) => void} watch
 * @property {(event: string, data: object) => void} trigger
 */

/**
 * Show the trace that the component's value names, in the viewer whose source is `source`.
 * @param {Component} component
 * @param {string} source an ES module, as in the notebooks and in exported pages
 */
function showExplorer({ element, props, watch }, source) {
  const root = /** @type {HTMLElement} */ (element.querySelector('.explorer-root'));
  const model = {
    get: (/** @type {string} */ key) => (key === 'linked' ? true : (props.value || {})[key]),
    set() {},
    save_changes() {},
    on: (/** @type {string} */ event, /** @type {() => void} */ call) => {
      if (event === 'change:trace') watch('value', call);
    },
  };
  addEventListener('hashchange', () => location.reload()); // a link followed in place may be to another clip
  import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
    .then(module => module.default.render({ model, el: root }))
    .catch(error => { root.textContent = `The explorer could not start: ${error}`; });
}

/**
 * The samples' cards: the chosen one is pressed, and choosing another sends its number, which is the value.
 * @param {Component} component
 */
function chooseCards({ element, props, watch, trigger }) {
  const cards = [...element.querySelectorAll('button')];
  const press = () => cards.forEach((card, index) => card.setAttribute('aria-pressed', String(index === props.value)));
  cards.forEach((card, index) => card.addEventListener('click', () => {
    props.value = index;
    press();
    trigger('select', { index, value: index });
  }));
  watch('value', press);
  press();
}

/**
 * What the page asks for when it opens: the link's hash, and the weights as they stand.
 * @param {unknown} _ the hidden field that carries the hash
 * @param {string} weights
 */
function readLink(_, weights) {
  return [location.hash, weights];
}
