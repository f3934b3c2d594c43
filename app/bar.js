// What the page adds to the viewer's bar: the button that opens samples, files and results, and the list of weights.

/** The viewer's place for it, once the viewer is there. */
const barSlot = () => /** @type {HTMLElement | null} */ (document.querySelector('.explorer-root .sifa-slot'));

/**
 * The button with the clip's picture and name, and the popover that it opens.
 * @param {HTMLElement} root of the viewer
 */
function fillBar(root) {
  const popover = document.getElementById('open');
  const name = root.querySelector('.sifa-clip');
  const slot = barSlot();
  if (!popover || !name || !slot) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'open-clip';
  button.setAttribute('aria-controls', 'open');
  button.innerHTML = '<img alt="" hidden><b>Open</b>';
  button.append(name);
  slot.prepend(button);
  popover.setAttribute('role', 'group');
  popover.setAttribute('aria-label', 'Open a clip');
  const open = (/** @type {boolean} */ on) => {
    document.body.classList.toggle('opening', on);
    button.setAttribute('aria-expanded', `${on}`);
  };
  open(false);
  const close = () => {
    if (popover.contains(document.activeElement)) button.focus();
    open(false);
  };
  button.addEventListener('click', () => {
    open(!document.body.classList.contains('opening'));
    if (document.body.classList.contains('opening')) popover.querySelector('button')?.focus({ preventScroll: true });
  });
  document.addEventListener('pointerdown', ({ target }) => {
    if (target instanceof Node && !popover.contains(target) && !button.contains(target)) open(false);
  });
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || !document.body.classList.contains('opening')) return;
    event.stopPropagation();
    close();
  }, true);
  document.addEventListener('page-chosen', close);
  showPicture(/** @type {HTMLImageElement} */ (button.querySelector('img')));
}

/**
 * The picture of the clip that is shown.
 * @param {HTMLImageElement} image
 */
function showPicture(image) {
  document.addEventListener('sifa-shown', event => {
    if (!(event instanceof CustomEvent)) return;
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(event.detail.picture);
    image.hidden = false;
  });
}

/**
 * The list of weights; the value is the title of those that are chosen.
 * @param {Component} component
 * @param {string[]} titles
 */
function chooseWeights({ props, watch, trigger }, titles) {
  const label = document.createElement('label');
  label.className = 'weights';
  label.innerHTML = '<span>Model</span> <select aria-label="Model"></select>';
  label.title = 'The same model trained with parts left out shows what each part does.';
  label.hidden = titles.length < 2;
  const list = /** @type {HTMLSelectElement} */ (label.querySelector('select'));
  list.append(...titles.map(title => new Option(title, title)));
  const follow = () => { list.value = props.value; };
  list.addEventListener('change', () => {
    props.value = list.value;
    trigger('input', {});
  });
  document.addEventListener('page-weights', event => {
    if (!(event instanceof CustomEvent)) return;
    props.value = event.detail;
    follow();
  });
  document.addEventListener('page-offers', event => {
    const file = document.querySelector('.explorer-root[data-file]'); // its clip is not on the server
    if (!(event instanceof CustomEvent) || file || titles.length < 2) return;
    event.detail.push(...titles.filter(title => title !== props.value).map(title => ({ group: 'Other weights, run now', title })));
  });
  document.addEventListener('page-run', event => {
    if (!(event instanceof CustomEvent) || !titles.includes(event.detail)) return;
    props.value = event.detail;
    follow();
    trigger('input', {});
  });
  document.addEventListener('page-bar', () => barSlot()?.append(label));
  barSlot()?.append(label);
  watch('value', follow);
  follow();
}
