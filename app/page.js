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
 * Show the trace that the component's value names, in the viewer, which is an ES module as in the notebooks and in exported pages.
 * @param {Component} component
 * @param {string} address where its source is; the server calls all files downloads, so that it is made a module here
 */
function showExplorer({ element, props, watch }, address) {
  const root = /** @type {HTMLElement} */ (element.querySelector('.explorer-root'));
  let asked = { url: '', view: '' };
  let touring = false;
  let compared = { url: '' };
  /** @type {{[key: string]: () => void}} */
  const tells = {};
  const show = (/** @type {string | undefined} */ url, view = '') => {
    if (!url || url === asked.url) return;
    asked = { url, view };
    tells['change:trace']?.();
  };
  const offers = () => {
    /** @type {{group: string, title: string, url?: string}[]} */
    const detail = [];
    document.dispatchEvent(new CustomEvent('page-offers', { detail }));
    return detail;
  };
  const model = {
    get: (/** @type {string} */ key) => ({ linked: true, asks: true, trace: asked, compared, offers })[key],
    set() {},
    save_changes() {},
    on: (/** @type {string} */ event, /** @type {() => void} */ call) => {
      tells[event] = call;
    },
  };
  const follow = () => {
    const { trace, view, saved = trace?.url } = props.value ?? {};
    root.dataset.url = saved ?? ''; // for those who save it
    root.toggleAttribute('data-file', saved === '');
    if (touring && trace?.url !== asked.url) {
      touring = false;
      return show(trace?.url, 'tour=0');
    }
    show(trace?.url, view);
  };
  root.addEventListener('sifa-asks', event => {
    if (!(event instanceof CustomEvent)) return;
    touring = event.detail === 'tour';
    const [what, ...which] = event.detail.split(':');
    document.dispatchEvent(new CustomEvent(`page-${what}`, { detail: which.join(':') }));
  });
  watch('value', follow);
  follow();
  document.addEventListener('page-trace', event => {
    if (!(event instanceof CustomEvent)) return;
    const url = URL.createObjectURL(event.detail);
    if (root.querySelector('.sifa[data-open=compare]')) {
      compared = { url };
      tells['change:compared']?.();
    } else show(url);
  });
  addEventListener('hashchange', () => location.reload()); // a link followed in place may be to another clip
  fetch(address)
    .then(answer => (answer.ok ? answer.text() : Promise.reject(new Error(`the server answers ${answer.status}`))))
    .then(source => import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))))
    .then(module => {
      const shown = module.default.render({ model, el: root }); // the bar is there at once, the trace later
      fillBar(root);
      document.dispatchEvent(new Event('page-bar'));
      return shown;
    })
    .then(() => { if (document.activeElement === document.body) focusViewer(root); })
    .catch(error => { root.textContent = `The explorer could not start: ${error}`; });
}

/**
 * Keys work at once, as in the page of one file.
 * @param {HTMLElement} root
 */
function focusViewer(root) {
  const viewer = root.querySelector('.sifa');
  if (viewer instanceof HTMLElement) viewer.focus({ preventScroll: true });
}

/**
 * The samples' cards: the chosen one is pressed, and choosing another sends its number, which is the value.
 * @param {Component} component
 * @param {number} tour the number of the one that the tour is about
 * @param {string} weights that it is about
 */
function chooseCards({ element, props, watch, trigger }, tour, weights) {
  const cards = [...element.querySelectorAll('button')];
  cards.forEach((card, index) => card.setAttribute('title', `Sample ${index + 1}`)); // its name where names are hidden
  const press = () => cards.forEach((card, index) => card.setAttribute('aria-pressed', String(index === props.value)));
  const choose = (/** @type {number} */ index) => {
    props.value = index;
    press();
    document.dispatchEvent(new Event('page-chosen'));
    trigger('select', { index, value: index });
  };
  cards.forEach((card, index) => card.addEventListener('click', () => choose(index)));
  document.addEventListener('page-tour', () => {
    if (tour < 0) return;
    document.dispatchEvent(new CustomEvent('page-weights', { detail: weights }));
    choose(tour);
  });
  watch('value', press);
  press();
}

/**
 * What the page asks for when it opens: the link's hash, and the weights as they stand.
 * @param {unknown} _ the hidden field that carries the hash
 * @param {string} weights
 */
function openPage(_, weights) {
  askAgainWhenBusy();
  runByEnter();
  const hidden = new URLSearchParams(location.hash.slice(1)).get('hide')?.split(',') ?? [];
  document.body.classList.toggle('unanswered', hidden.includes('head') || hidden.includes('all'));
  return [location.hash, weights];
}

/** Ask again by itself, after growing pauses, where the server is busy; say so, and what else it refuses. */
function askAgainWhenBusy() {
  const send = window.fetch;
  let newest = 0;
  window.fetch = async (input, init) => {
    const url = String(input instanceof Request ? input.url : input);
    const joins = url.includes('/gradio_api/queue/join');
    if (!joins && !url.includes('/gradio_api/upload?')) return send(input, init);
    const mine = ++newest;
    for (let pause = 2; ; pause = Math.min(2 * pause, 30)) {
      const answer = await send(input, init);
      if (answer.ok || mine !== newest) {
        if (mine === newest && !document.querySelector('#notices .note')) say('');
        return answer;
      }
      if (!joins || answer.status !== 503) {
        say(await reason(answer));
        return answer;
      }
      say(`${await reason(answer)} Trying again in ${pause} s.`, 'busy');
      await new Promise(done => setTimeout(done, 1000 * pause));
      if (mine !== newest) {
        return new Response(JSON.stringify({ detail: 'Your newer wish took the place of this one.' }), { status: 429 });
      }
    }
  };
}

/**
 * Why the server refuses: its sentence.
 * @param {Response} answer
 */
async function reason(answer) {
  const text = await answer.clone().text();
  try {
    return String(JSON.parse(text).detail);
  } catch {
    return text.slice(0, 500);
  }
}

/**
 * Say something beside the status, or nothing any more.
 * @param {string} text
 * @param {string} [kind] busy; note, which stays until something else is chosen; or expired, which offers to run again
 */
function say(text, kind = 'refused') {
  const notice = document.querySelector('#notices .notice');
  if (!notice) return;
  notice.replaceChildren();
  if (!text) return;
  const line = document.createElement('p');
  line.className = kind;
  line.textContent = text;
  if (kind === 'expired') {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Run again';
    line.append(' ', button);
    notice.append(line);
    button.focus();
  }
  notice.append(line);
}

/**
 * The place for what `say` says. Files that are saved are asked for first: where they are gone, it is said.
 * @param {Component} component
 */
function showNotices({ element, trigger }) {
  document.addEventListener('page-what-ifs', () => trigger('select', {}));
  document.addEventListener('page-chosen', () => say(''));
  element.addEventListener('click', event => {
    if (!(event.target instanceof Element) || !event.target.matches('button')) return;
    say('');
    trigger('again', {});
  });
  document.addEventListener('click', async event => {
    const button = event.target instanceof Element && event.target.closest('.save');
    if (!(button instanceof HTMLElement) || !event.isTrusted) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const result = document.querySelector('.explorer-root')?.getAttribute('data-url');
    const answer = result ? await fetch(result, { method: 'HEAD' }).catch(() => null) : new Response();
    if (answer?.ok) button.click();
    else if (!answer) say('The computer that runs this page does not answer. Try again later.');
    else say('This result has expired: results are kept for an hour.', 'expired');
  }, true);
}
