// The answers over time: read when asked for, drawn as they come, each a way to its window.

/**
 * @typedef {{ group: string, label: string, probability: number, sure: boolean }} Said
 * @typedef {{ shot: number, start: number, end: number, answers: Said[], withheld: string }} Cell
 * @typedef {{
 *   clip: string, weights?: string, share?: number, cells?: Cell[], done?: boolean, ended?: string, csv?: string,
 *   waits?: string, failed?: string
 * }} Answers
 */

/**
 * The strip and its buttons. `ask` tells the server, and `open` brings the window that begins at a time, in seconds.
 * @param {HTMLElement} row
 * @param {{ seen: () => Seen | null, ask: (event: string, data: object) => void, open: (start: number) => void }} given
 */
function showAnswers(row, { seen, ask, open }) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(`.tl-${name}`));
  const list = /** @type {HTMLElement} */ (find('answers').firstElementChild);
  const bar = /** @type {HTMLElement} */ (find('answers').children[1]);
  const save = /** @type {HTMLAnchorElement} */ (find('csv'));
  /** @type {Map<string, Answers>} */
  const known = new Map();
  let clip = '';
  const draw = () => {
    const answers = known.get(clip);
    const reading = Boolean(answers && !answers.done && !answers.failed);
    find('read').hidden = Boolean(answers?.cells) || reading;
    find('stop').hidden = !reading;
    find('again').hidden = reading || !answers?.cells;
    bar.hidden = !reading;
    bar.style.width = `${100 * (answers?.share ?? 0)}%`;
    list.replaceChildren(...spansOf(answers?.cells ?? []).map(span => item(span)));
    URL.revokeObjectURL(save.href);
    save.hidden = !answers?.csv;
    if (answers?.csv) {
      save.href = URL.createObjectURL(new Blob([answers.csv], { type: 'text/csv' }));
      save.download = `${clip.split(/[\\/]/).pop()?.replace(/\.\w+$/, '')}.csv`;
    }
    find('progress').textContent = answers ? stateOf(answers) : '';
  };
  const item = (/** @type {Cell[]} */ span) => {
    const { survey } = seen() ?? {};
    const made = document.createElement('li');
    const [first, last] = [span[0], span[span.length - 1]];
    const all = survey ? survey.end - survey.start : last.end;
    made.style.left = `${100 * (first.start - (survey?.start ?? 0)) / all}%`;
    made.style.width = `${100 * (last.end - first.start) / all}%`;
    const best = span.reduce((a, b) => (b.answers[0]?.probability ?? 0) > (a.answers[0]?.probability ?? 0) ? b : a);
    const [said] = best.answers;
    const button = document.createElement('button');
    button.type = 'button';
    button.dataset.family = said ? familyOf(said.label) : 'none';
    button.dataset.sure = !said?.sure ? 'unsure' : said.probability >= 0.8 ? 'sure' : 'likely';
    const text = said ? best.answers.map(wordsOf).join('; ') : `No answer. ${best.withheld}`;
    button.title = `${clock(first.start)} to ${clock(last.end)}: ${text}`;
    button.setAttribute('aria-label', button.title);
    button.textContent = said ? `${arrowOf(said.label)} ${text}` : '–';
    const length = survey ? survey.step * (survey.frames - 1) : best.end - best.start;
    button.addEventListener('click', event => {
      const { left, width } = made.getBoundingClientRect();
      const pressed = event.detail ? first.start + (event.clientX - left) / width * (last.end - first.start) : (best.start + best.end) / 2;
      const latest = Math.max(first.start, last.end - length - (survey?.frame ?? 0));
      open(Math.max(first.start, Math.min(latest, pressed - length / 2)));
    });
    made.append(button);
    return made;
  };
  const read = () => {
    if (!seen()) return;
    known.set(clip, { clip, share: 0 });
    draw();
    find('stop').focus();
    ask('submit', {});
  };
  for (const name of ['read', 'again']) find(name).addEventListener('click', read);
  find('stop').addEventListener('click', () => ask('stop', {}));
  document.addEventListener('timeline-clip', event => {
    if (!(event instanceof CustomEvent)) return;
    clip = event.detail;
    draw();
  });
  document.addEventListener('timeline-answers', event => {
    if (!(event instanceof CustomEvent)) return;
    const focused = document.activeElement === find('stop');
    known.set(event.detail.clip, event.detail.failed ? { ...known.get(event.detail.clip), ...event.detail } : event.detail);
    draw();
    if (focused && find('stop').hidden) find(find('again').hidden ? 'read' : 'again').focus();
  });
}

/** How far the reading is, in words. @param {Answers} answers */
function stateOf({ waits, failed, done, ended, share = 0, weights, cells }) {
  if (failed) return failed;
  if (done) return `Read by the weights “${weights}”.${ended ? ` ${ended}` : ''}`;
  return waits ?? (cells ? `Reading: ${Math.floor(100 * share)} %.` : 'Reading begins.');
}

/** Neighbouring cells of a shot that say the same. @param {Cell[]} cells @returns {Cell[][]} */
function spansOf(cells) {
  /** @type {Cell[][]} */
  const spans = [];
  const key = (/** @type {Cell} */ { shot, answers, withheld }) =>
    JSON.stringify([shot, withheld, ...answers.map(({ label, sure }) => [label, sure])]);
  for (const cell of cells) {
    const last = spans[spans.length - 1];
    if (last && key(last[0]) === key(cell)) last.push(cell);
    else spans.push([cell]);
  }
  return spans;
}

/** An answer in words. @param {Said} said */
function wordsOf({ group, label, probability, sure }) {
  return `${group ? `${group}: ` : ''}${sure ? label : `${label}?`} ${Math.round(100 * probability)} %`;
}

/** The family of a motion, which has a colour. @param {string} label */
function familyOf(label) {
  if (/\b(pans|tilts)\b/.test(label)) return 'pan';
  if (/\b(zooms|rolls)\b/.test(label)) return 'zoom';
  if (/^(two objects|one object)\b/.test(label)) return 'two';
  if (/^object\b/.test(label)) return 'object';
  return /^nothing moves|^still/.test(label) ? 'still' : 'other';
}

/** A sign of a motion. @param {string} label */
function arrowOf(label) {
  const signs = {
    left: '←', right: '→', up: '↑', down: '↓', 'counter-clockwise': '↺', clockwise: '↻', in: '⊕', out: '⊖', closer: '⊕', away: '⊖',
    together: '⇥', apart: '⇤', shakes: '↭', bounces: '↕', squashed: '↧', stretched: '↥', another: '⇄', moves: '·',
  };
  const word = label.split(' ').reverse().find(each => Object.hasOwn(signs, each));
  return word ? signs[/** @type {keyof typeof signs} */ (word)] : '';
}

/** 65.25 -> "1:05.2". @param {number} seconds */
function clock(seconds) {
  const tenths = Math.floor(10 * seconds + 1e-6);
  return `${Math.floor(tenths / 600)}:${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`;
}
