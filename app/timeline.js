// The row below the viewer: the whole clip as a filmstrip, and on it what the model sees, in time and in space. timeline.py
// describes the values.

/**
 * @typedef {{ clip: string, start: number, step: number, square: number[] | null }} Choice
 * @typedef {{
 *   clip: string, share: number, start: number, end: number, frame: number, frames: number, step: number, size: number[],
 *   count: number, thumbnails: [number, string][], cuts: [number, string][], ended: string, failed?: string,
 *   best: { start: number, end: number, square: number[] | null, reason: string } | null
 * }} Survey
 * @typedef {{ survey: Survey, choice: Choice }} Seen
 */

/**
 * A component that nobody sees hands what the server says to whoever listens.
 * @param {Component} component
 * @param {string} name of the event
 */
function passOn({ props, watch }, name) {
  watch('value', () => {
    if (props.value) document.dispatchEvent(new CustomEvent(name, { detail: props.value }));
  });
}

/**
 * The row. The value is the choice; `input` runs it, `submit` reads the whole video, `stop` ends that.
 * @param {Component} component
 */
function showTimeline({ element, props, watch, trigger }) {
  const row = /** @type {HTMLElement} */ (element.querySelector('.tl-row'));
  keepInPlace(element, row);
  const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(`.tl-${name}`));
  /** @type {Map<string, Survey>} */
  const surveys = new Map();
  /** @type {Choice | null} */
  let choice = null;
  let held = false; // while the window or the square is dragged
  const survey = () => (choice && surveys.get(choice.clip)) || null;
  const seen = () => {
    const known = survey();
    return known && choice ? { survey: known, choice } : null;
  };
  const draw = () => {
    row.dataset.share = `${survey()?.share ?? 0}`;
    const both = seen();
    if (both) drawMarks(row, both);
    find('said').textContent = both ? words(both) : 'Looking through the video.';
    find('best').hidden = !both?.survey.best || isBest(both);
  };
  const choose = (/** @type {Partial<Choice>} */ part) => {
    if (choice) choice = { ...choice, ...part };
    draw();
  };
  const changed = () => JSON.stringify(choice) !== JSON.stringify(props.value);
  const run = () => {
    if (!choice || !changed()) return;
    props.value = choice;
    trigger('input', {});
  };
  const follow = () => {
    choice = props.value ?? null;
    row.hidden = !choice;
    draw();
    if (choice) document.dispatchEvent(new CustomEvent('timeline-clip', { detail: choice.clip }));
  };
  watch('value', follow);
  document.addEventListener('timeline-survey', event => {
    if (!(event instanceof CustomEvent) || event.detail.failed) return;
    surveys.set(event.detail.clip, event.detail);
    if (surveys.size > 12) surveys.delete([...surveys.keys()][0]);
    if (event.detail.clip === choice?.clip) draw();
  });
  document.addEventListener('sifa-shown', event => {
    if (!(event instanceof CustomEvent) || !choice) return;
    const { name, times } = clipOf(event.detail.bytes);
    row.hidden = name !== choice.clip.split(/[\\/]/).pop();
    if (row.hidden || held || times.length < 2 || changed()) return;
    choose({ start: roundUp(times[0]) }); // the form may have run another one
    props.value = choice;
  });
  find('best').addEventListener('click', () => {
    const best = survey()?.best;
    if (!best) return;
    choose({ start: roundUp(best.start), step: survey()?.step, square: best.square });
    run();
    find('window').focus();
  });
  new ResizeObserver(draw).observe(find('film'));
  const hold = (/** @type {boolean} */ on) => { held = on; };
  dragWindow(find('film'), find('window'), { seen, choose, run, hold });
  dragSquare(find('picture'), find('square'), { seen, choose, run, hold });
  showAnswers(row, {
    seen, ask: trigger, open: start => {
      choose({ start: roundUp(start), step: survey()?.step });
      run();
    },
  });
  follow();
}

/**
 * The row stands in the viewer's place for it where the page is wide, else below the viewer.
 * @param {HTMLElement} home of the row
 * @param {HTMLElement} row
 */
function keepInPlace(home, row) {
  const wide = matchMedia('(min-width: 1001px)');
  const place = () => (wide.matches && document.querySelector('.explorer-root .sifa-body > .timeline') || home).append(row);
  wide.addEventListener('change', place);
  document.addEventListener('page-bar', place);
  place();
}

/**
 * Of a packed trace, the clip's name and the times of its frames in seconds.
 * @param {ArrayBuffer} bytes
 * @returns {{ name: string, times: number[] }}
 */
function clipOf(bytes) {
  const length = new DataView(bytes).getUint32(8, true);
  return JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 16, length))).clip;
}

/** A time to the next millisecond, at which the frame that begins then is shown. @param {number} time */
function roundUp(time) {
  return Math.ceil(1000 * time - 1e-3) / 1000;
}

/** When the window ends: in the video, though it may want to be longer. @param {Seen} seen */
function endOf({ survey, choice }) {
  return Math.min(survey.end, choice.start + choice.step * (survey.frames - 1));
}

/** The square in pixels of the source: top, left and side. @param {Seen} seen */
function squareOf({ survey: { size: [height, width] }, choice: { square } }) {
  const side = Math.min(height, width);
  return square ?? [(height - side) >> 1, (width - side) >> 1, side];
}

/** Whether the window and the square with most motion are chosen. @param {Seen} seen */
function isBest({ survey: { best, step }, choice }) {
  const square = JSON.stringify(choice.square) === JSON.stringify(best?.square);
  return Boolean(best) && square && Math.abs(choice.start - (best?.start ?? 0)) < 0.002 && Math.abs(choice.step - step) < 0.002;
}

/** What the row says of the choice. @param {Seen} seen */
function words(seen) {
  const { survey, choice } = seen;
  if (survey.share < 1) return `Looking through the video: ${Math.floor(100 * survey.share)} %.`;
  const end = endOf(seen);
  const cut = survey.cuts.find(([time]) => time > choice.start && time < end);
  const square = choice.square ? ` in a square of ${choice.square[2]} pixels` : '';
  return [
    isBest(seen) ? survey.best?.reason : `The model sees ${choice.start.toFixed(1)} to ${end.toFixed(1)} s${square}.`,
    cut && !(isBest(seen) && /holds a cut/.test(survey.best?.reason ?? '')) ? `A cut lies in it, at ${cut[0].toFixed(1)} s.` : '',
    survey.ended,
  ].filter(Boolean).join(' ');
}
