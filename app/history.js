// This visit's results: the last ones are kept in the browser, and a click brings one back without running anything.

/**
 * What the viewer tells of a trace that it shows; `told.mjs` of the viewer describes it.
 * @typedef {{
 *   source: {url?: string}, bytes: ArrayBuffer, key: string, left: string, clip: string, weights: string, headline: string, frames: string,
 *   trained_on: string, picture: Blob
 * }} Told
 *
 * A result: the address of its trace in the browser, the address that the server gave it ('' for a file), the view in which
 * it was left, and the page's values, in the order of `Kept` in layout.py; null until they are known.
 * @typedef {{
 *   key: string, url: string, saved: string, view: string, status: string, values: any[] | null,
 *   item: HTMLElement, picture: string, title: string
 * }} Result
 */

/**
 * The strip of results. `input` asks for the page's values, which come back as this component's value; `select` sets them.
 * @param {Component} component
 */
function keepHistory({ element, props, watch, trigger }) {
  const most = 12;
  const list = /** @type {HTMLElement} */ (element.querySelector('ol'));
  /** @type {Result[]} */
  let results = [];
  /** @type {Result | null} */
  let current = null;
  const mark = (/** @type {Result} */ result) => {
    current = result;
    for (const { item } of results) item.firstElementChild?.setAttribute('aria-pressed', `${item === result.item}`);
  };
  const show = (/** @type {Result} */ result) => {
    if (!result.values) return;
    props.value = valuesToShow(result);
    document.dispatchEvent(new Event('page-chosen'));
    trigger('select', {});
  };
  const drop = (/** @type {Result} */ result) => {
    result.item.remove();
    for (const url of [result.url, result.picture]) URL.revokeObjectURL(url);
  };
  const add = (/** @type {Result} */ result) => {
    const gone = results.filter((each, index) => each.key === result.key || index >= most - 1);
    gone.forEach(drop);
    results = [result, ...results.filter(each => !gone.includes(each))];
    list.prepend(result.item);
    result.item.firstElementChild?.addEventListener('click', () => show(result));
    mark(result);
  };
  document.addEventListener('sifa-shown', event => {
    if (!(event instanceof CustomEvent)) return;
    const told = /** @type {Told} */ (event.detail);
    if (current) current.view = told.left || current.view;
    const known = results.find(({ url }) => url === told.source.url);
    if (known) return mark(known);
    add(resultOf(told));
    trigger('input', {});
  });
  document.addEventListener('page-offers', event => {
    if (!(event instanceof CustomEvent)) return;
    const others = results.filter(result => result !== current);
    event.detail.push(...others.map(({ url, title }) => ({ group: 'This visit', title, url })));
  });
  watch('value', () => {
    if (!current || current.values || props.value?.[0] !== 'now') return;
    current.values = props.value.slice(2);
    if (!current.saved) show(current); // a file replaces what speaks of another clip
  });
}

/**
 * The page's values as they stand, marked so that they are not mistaken for values to show, and told each time, even if they
 * are the same again.
 * @param {...any} values
 */
function valuesNow(...values) {
  return [['now', performance.now(), ...values]];
}

/**
 * The page's values that bring a result back.
 * @param {Result} result
 */
function valuesToShow({ url, saved, view, status, values }) {
  const [cards, explorer, traceFile, pageFile, clip, ...form] = values ?? [];
  const shown = { trace: { url }, saved, view, status: saved ? explorer.status : status };
  const [start, step, weights, choice] = form;
  const same = { __type__: 'update' };
  if (!saved) return [-1, shown, shown.status, same, same, null, same, same, same, null];
  const own = cards < 0 ? [clip, start, step] : [same, same, same]; // a sample leaves the form as it is
  return [cards, shown, shown.status, traceFile, pageFile, ...own, weights, cards < 0 ? choice : same];
}

/**
 * @param {Told} told
 * @returns {Result}
 */
function resultOf(told) {
  const { source: { url = '' }, key, clip, headline, weights } = told;
  const saved = url.startsWith('blob:') ? '' : url;
  const picture = URL.createObjectURL(told.picture);
  const item = document.createElement('li');
  item.innerHTML = '<button type="button"><img alt=""><b></b><span></span></button>';
  const [button, image, answer, from] = /** @type {HTMLElement[]} */ ([...item.querySelectorAll('*')]);
  const time = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  image.setAttribute('src', picture);
  answer.textContent = headline;
  from.textContent = time;
  button.title = `${clip}, ${time}`;
  return {
    key: saved ? key : `file ${key}`, url: saved || !url ? URL.createObjectURL(new Blob([told.bytes])) : url,
    saved, view: '', status: statusOfFile(told), values: null, item, picture,
    title: [clip, weights, time].filter(Boolean).join(', '),
  };
}

/**
 * What the page says of a file that was opened here.
 * @param {Told} told
 */
function statusOfFile({ clip, frames, trained_on: training }) {
  const line = (/** @type {string} */ name, /** @type {(string | Node)[]} */ ...words) => {
    const made = document.createElement('p');
    made.className = name;
    made.append(...words);
    return made.outerHTML;
  };
  const name = document.createElement('b');
  name.textContent = clip;
  return line('used', name, ` ${frames}. This is a .sifa file: it was opened in your browser, and nothing was sent or run.`)
    + line('knows', training ? `Trained on ${training}.` : 'Untrained weights: random numbers, so nothing here means anything.');
}
