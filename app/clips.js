// Clips of one's own: chosen, dropped anywhere on the page, or recorded. A .sifa file is opened in the browser alone.

/**
 * Takes files wherever they come from: a trace goes to the viewer, all else to the server, which runs it. The value is the
 * uploaded clip. Others hand files over by the event `page-files`, hear of the clip by `page-clip`, and ask for it by `page-look`.
 * @param {Component} component
 */
function takeFiles({ props, watch, trigger }) {
  /** @type {Map<string, File>} */
  const sent = new Map(); // by their paths
  /** @type {XMLHttpRequest | null} */
  let sending = null;
  const take = async (/** @type {File[]} */ [file, ...others]) => {
    sending?.abort();
    const head = await file.slice(0, 8).text().catch(() => null);
    if (head === null) return say(`${file.name} could not be read; it may be a folder. Choose a file.`);
    const taken = () => {
      document.dispatchEvent(new Event('page-chosen'));
      if (others.length) say(`${others.length + 1} files came; the first one, ${file.name}, was taken.`, 'note');
    };
    if (head === 'SIFATRC\n' || /\.sifa$/i.test(file.name)) {
      taken();
      document.dispatchEvent(new CustomEvent('page-trace', { detail: file }));
      return;
    }
    sending = new XMLHttpRequest();
    const path = await send(file, sending);
    if (!path) return;
    sent.set(path, file);
    props.value = { path, meta: { _type: 'gradio.FileData' } };
    look();
    taken();
    trigger('upload', {});
  };
  const look = () => document.dispatchEvent(new CustomEvent('page-clip', { detail: sent.get(props.value?.path) }));
  watch('value', look); // a result of another clip was brought back
  document.addEventListener('page-look', look);
  document.addEventListener('page-files', event => {
    if (event instanceof CustomEvent && event.detail.length) take([...event.detail]);
  });
  takeDrops(files => take([...files]));
}

/**
 * Files dropped anywhere; while they are held over the page, it says what it takes.
 * @param {(files: FileList) => void} take
 */
function takeDrops(take) {
  const target = document.createElement('div');
  target.className = 'drop-target';
  target.hidden = true;
  target.innerHTML = '<p>Drop a video, a GIF or a .sifa file</p>';
  (document.querySelector('main') ?? document.body).append(target); // a landmark, for screen readers
  const listen = (/** @type {string} */ name, /** @type {(event: DragEvent, files: FileList) => void} */ act) =>
    window.addEventListener(name, event => {
      if (!(event instanceof DragEvent) || !event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'copy';
      act(event, event.dataTransfer.files);
    }, true);
  listen('dragenter', () => { target.hidden = false; });
  listen('dragover', () => { target.hidden = false; });
  listen('dragleave', event => { if (!event.relatedTarget) target.hidden = true; }); // out of the window
  listen('drop', (event, files) => {
    event.stopPropagation();
    target.hidden = true;
    if (files.length) take(files);
  });
}

/**
 * Upload a file, and say how far it is; its path there, or null where it was refused, which is said, or given up.
 * @param {File} file
 * @param {XMLHttpRequest} request
 * @returns {Promise<string | null>}
 */
function send(file, request) {
  const form = new FormData();
  form.append('files', file);
  return new Promise(done => {
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      say(`Sending ${file.name}: ${Math.floor(100 * loaded / total)} %`, 'busy'));
    request.addEventListener('load', async () => {
      if (request.status === 200) return done(JSON.parse(request.responseText)[0]);
      say(await reason(new Response(request.responseText)));
      done(null);
    });
    request.addEventListener('error', () => {
      say(`${file.name} could not be sent: the computer that runs this page does not answer. Try again later.`);
      done(null);
    });
    request.addEventListener('abort', () => done(null));
    request.open('POST', 'gradio_api/upload');
    request.send(form);
  });
}

/**
 * Where a clip is chosen or recorded, and a look at it where the browser can play it.
 * @param {Component} component
 * @param {MediaStreamConstraints} wanted of the camera
 */
function chooseClip({ element }, wanted) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (element.querySelector(selector));
  const input = /** @type {HTMLInputElement} */ (find('input'));
  const video = /** @type {HTMLVideoElement} */ (find('figure video'));
  const image = /** @type {HTMLImageElement} */ (find('img'));
  const figure = find('figure');
  const give = (/** @type {Iterable<File>} */ files) =>
    document.dispatchEvent(new CustomEvent('page-files', { detail: [...files] }));
  input.addEventListener('change', () => {
    give(input.files ?? []);
    input.value = ''; // so that the same file can be chosen again
  });
  document.addEventListener('page-clip', event => {
    if (!(event instanceof CustomEvent)) return;
    const file = /** @type {File | undefined} */ (event.detail);
    figure.hidden = !file;
    if (!file) return;
    const moving = /\.gif$/i.test(file.name);
    for (const each of [video, image]) {
      URL.revokeObjectURL(each.src);
      each.removeAttribute('src');
      each.hidden = (each === image) !== moving;
    }
    (moving ? image : video).src = URL.createObjectURL(file);
    find('figcaption').textContent = file.name;
  });
  document.dispatchEvent(new Event('page-look')); // one may have been dropped before the form was opened
  for (const each of [video, image]) each.addEventListener('error', () => { each.hidden = true; });
  recordClips(find('.camera'), /** @type {HTMLVideoElement} */ (find('.live')), wanted, give);
}

/**
 * The camera: its picture is seen first, then it is recorded.
 * @param {HTMLElement} place of two buttons: what comes next, and the end
 * @param {HTMLVideoElement} live
 * @param {MediaStreamConstraints} wanted
 * @param {(files: File[]) => void} give
 */
function recordClips(place, live, wanted, give) {
  const [next, off] = /** @type {HTMLElement[]} */ ([...place.children]);
  /** @type {MediaStream | null} */
  let stream = null;
  /** @type {MediaRecorder | null} */
  let recorder = null;
  const show = (/** @type {string} */ words) => {
    next.textContent = words;
    off.hidden = live.hidden = !stream;
    live.srcObject = stream;
  };
  const end = () => {
    stream?.getTracks().forEach(track => track.stop());
    stream = recorder = null;
    show('Use the camera');
  };
  const record = (/** @type {MediaStream} */ from) => {
    const made = recorder = new MediaRecorder(from);
    /** @type {Blob[]} */
    const parts = [];
    made.addEventListener('dataavailable', ({ data }) => parts.push(data));
    made.addEventListener('stop', () => {
      if (recorder !== made) return; // turned off
      end();
      give([new File(parts, `recording.${made.mimeType.includes('mp4') ? 'mp4' : 'webm'}`, { type: made.mimeType })]);
    });
    made.start();
    next.textContent = 'Stop and run';
  };
  next.addEventListener('click', async () => {
    if (recorder) recorder.stop();
    else if (stream) record(stream);
    else {
      try {
        stream = await navigator.mediaDevices.getUserMedia(wanted);
        show('Record');
      } catch (error) {
        say(`The camera cannot be used (${error instanceof Error ? error.message : error}). Allow it for this page, which must be `
          + 'on this computer or come by https.');
      }
    }
  });
  off.addEventListener('click', end);
}

/** Enter in a field of the form runs. */
function runByEnter() {
  document.addEventListener('keydown', event => {
    const { target, key } = event;
    if (key !== 'Enter' || !(target instanceof HTMLInputElement) || !target.closest('.clip-fields')) return;
    event.preventDefault();
    target.dispatchEvent(new Event('change', { bubbles: true }));
    setTimeout(() => document.getElementById('run')?.click()); // the field tells its value first
  });
}
