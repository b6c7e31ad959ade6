// A round with a thermometer: a field for each unit, kept on the phone at once and sent when there is a signal.
(() => {
  const { words, fill, make, toUnit, toCelsius, degrees, temperature, limits, ago, clock } = self.steadingShown;
  const queue = self.steadingQueue;
  const said = words();
  const { person, unit, send_to: sendTo, round_from: roundFrom } = said;
  const list = document.getElementById('units'), waitingBox = document.getElementById('waiting'), banner = document.getElementById('banner');
  const siteChoice = document.getElementById('site'), sum = document.getElementById('sum');
  const LARGEST_EDGE = 1600, QUALITY = 0.8, RETRY_MS = 30_000;
  const cards = new Map();
  let round = { units: [], at: 0 }, lines = [], outcome = 'sent';

  // ---- values

  function parsed(text) {
    const plain = text.trim().replace(/[០-៩]/g, (digit) => digit.charCodeAt(0) - 0x17e0).replace(',', '.').replace('−', '-');
    return /^-?\d{1,3}(\.\d{1,2})?$/.test(plain) ? Number(plain) : NaN;
  }
  function isOut(value, one) {
    const celsius = Math.round(toCelsius(value, unit) * 100) / 100;
    return (one.low !== null && celsius < one.low) || (one.high !== null && celsius > one.high);
  }

  async function shrunk(file) {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const scale = Math.min(1, LARGEST_EDGE / Math.max(picture.width, picture.height));
    const canvas = make('canvas', { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return new Promise((resolve) => { canvas.toBlob(resolve, 'image/jpeg', QUALITY); });
  }

  // ---- fields that a card and a line to be mended share

  function field(label, input, error) {
    return make('label', { class: 'hand-field' }, make('span', { class: 'hand-label' }, label), input, error ?? '');
  }

  function valueField(one, value) {
    const isCold = one.high !== null && toUnit(one.high, unit) <= 0;
    const sign = make('button', { type: 'button', class: 'hand-sign', 'aria-label': said.sign });
    const input = make('input', { class: 'hand-value', inputmode: 'decimal', autocomplete: 'off', enterkeyhint: 'done', maxlength: 8,
      'aria-label': fill(said.temperature_of, { unit: one.name }) });
    const show = (isNegative) => { sign.textContent = isNegative ? '−' : '+'; sign.setAttribute('aria-pressed', String(isNegative)); };
    show(value === undefined ? isCold : value < 0);
    if (value !== undefined) input.value = String(Math.abs(value));
    sign.addEventListener('click', () => { show(sign.textContent === '+'); input.dispatchEvent(new Event('input')); input.focus(); });
    input.addEventListener('input', () => {
      if (/^\s*[-−+]/.test(input.value)) { show(!/^\s*\+/.test(input.value)); input.value = input.value.replace(/^\s*[-−+]/, ''); }
    });
    const read = () => { const size = parsed(input.value); return sign.textContent === '−' ? -Math.abs(size) : size; };
    const box = make('div', { class: 'hand-entry' }, sign, input, make('span', { class: 'hand-unit', 'aria-hidden': 'true' }, unit === 'f' ? '°F' : '°C'));
    return { box, input, read, clear: () => { input.value = ''; show(isCold); } };
  }

  function actionField(value = '') {
    const input = make('textarea', { class: 'hand-text', rows: 2, maxlength: 1000 });
    input.value = value;
    const chips = said.actions.map((text) => make('button', { type: 'button', class: 'hand-chip',
      onclick: () => { input.value = input.value.trim() ? `${input.value.trim()} ${text}` : text; input.dispatchEvent(new Event('input')); } }, text));
    return { input, box: make('div', { class: 'hand-more' }, field(said.action, input), make('div', { class: 'hand-chips' }, ...chips)) };
  }

  function photoField() {
    const held = { blob: null, busy: null };
    const input = make('input', { type: 'file', accept: 'image/*', capture: 'environment', class: 'st-sr' });
    const text = make('span', {}, said.photo);
    const seen = make('img', { class: 'hand-photo', alt: said.photo, hidden: true });
    input.addEventListener('change', () => {
      const [file] = input.files;
      if (!file) return;
      held.busy = shrunk(file).then((blob) => {
        held.blob = blob; seen.src = URL.createObjectURL(blob); seen.hidden = false; text.textContent = said.photo_again;
      }).catch(() => { text.textContent = said.photo_broken; });
    });
    held.clear = () => { held.blob = null; input.value = ''; seen.hidden = true; text.textContent = said.photo; };
    held.box = make('div', { class: 'hand-row' }, make('label', { class: 'hand-button' }, input, text), seen);
    return held;
  }

  const local = (at) => { const then = new Date(at - new Date(at).getTimezoneOffset() * 60_000); return then.toISOString().slice(0, 16); };

  // ---- one unit

  function card(one) {
    const value = valueField(one), action = actionField(), photo = photoField();
    const error = make('p', { class: 'hand-error', role: 'alert', hidden: true });
    const humidity = make('input', { class: 'hand-input', inputmode: 'decimal', maxlength: 6, autocomplete: 'off' });
    const notes = make('textarea', { class: 'hand-text', rows: 2, maxlength: 1000 });
    const time = make('input', { class: 'hand-input', type: 'datetime-local' });
    const more = make('details', { class: 'hand-details' }, make('summary', {}, said.more),
      field(said.humidity, humidity), field(said.notes, notes), field(said.read_at, time));
    const evidence = make('div', { class: 'hand-out', hidden: true }, make('p', { class: 'hand-warning' }, said.is_out), action.box, photo.box);
    const saved = make('p', { class: 'hand-saved', role: 'status' });
    const badge = make('span', { class: 'st-badge is-warning' }), last = make('p', { class: 'st-soft' }), bounds = make('p', { class: 'st-soft' });
    const element = make('article', { class: 'hand-card', 'data-unit': one.id },
      make('div', { class: 'hand-head' }, make('h2', {}, one.name), badge), bounds, last,
      make('form', { novalidate: true, onsubmit: (event) => { event.preventDefault(); save(); } },
        make('div', { class: 'hand-row' }, value.box, make('button', { type: 'submit', class: 'hand-save' }, said.save)), error, evidence, more), saved);
    let current = one, kept = null;

    function complain(text, where) { error.textContent = text; error.hidden = !text; where?.focus(); }
    function check() {
      const typed = value.read();
      evidence.hidden = Number.isNaN(typed) || !isOut(typed, current);
      complain('');
    }
    value.input.addEventListener('input', check);

    async function save() {
      const typed = value.read(), damp = humidity.value.trim() ? parsed(humidity.value) : null;
      if (Number.isNaN(typed)) return complain(said.not_a_number, value.input);
      if (damp !== null && Number.isNaN(damp)) { more.open = true; return complain(said.not_a_number, humidity); }
      if (isOut(typed, current) && !action.input.value.trim()) { evidence.hidden = false; return complain(said.needs_action, action.input); }
      await photo.busy;
      const line = { id: queue.newId(), person, to: sendTo, state: 'waiting', unit_id: current.id, unit_name: current.name, temperature: typed, unit,
        recorded_at: (time.value ? new Date(time.value) : new Date()).toISOString(), humidity: damp, notes: notes.value.trim() || null,
        action: evidence.hidden ? null : action.input.value.trim(), photo: photo.blob };
      try { await queue.put(line); } catch { return complain(said.not_kept, value.input); }
      kept = line;
      value.clear(); action.input.value = humidity.value = notes.value = time.value = '';
      photo.clear(); evidence.hidden = true; more.open = false;
      await redraw();
      nextField(element)?.focus();
      navigator.storage?.persist?.();
      flush();
      return undefined;
    }

    function update(fresh) {
      current = fresh;
      badge.hidden = !fresh.is_due;
      badge.textContent = fresh.status === 'manual_required' ? said.by_hand_now : said.due;
      bounds.textContent = [fresh.area, limits(said, fresh.low, fresh.high, unit)].filter(Boolean).join(' · ');
      tick();
    }
    function tick() {
      last.textContent = current.last_at === null ? said.never
        : fill(current.is_by_hand ? said.last_by_hand : said.last, { value: temperature(current.last, unit), age: ago(said, current.last_at) });
      if (!kept) return;
      const waits = lines.find((line) => line.id === kept.id);
      const state = !waits ? said.sent : waits.state === 'refused' ? said.refused : said.waits;
      saved.textContent = `${degrees(kept.temperature, unit)} · ${clock(kept.recorded_at)} · ${state}`;
      saved.classList.toggle('is-sent', !waits);
      element.classList.toggle('is-done', true);
    }
    update(one);
    return { element, update, tick };
  }

  function nextField(element) {
    for (let next = element.nextElementSibling; next; next = next.nextElementSibling) {
      const input = !next.classList.contains('is-done') && next.querySelector('.hand-value');
      if (input) return input;
    }
    return null;
  }

  // ---- the queue

  function waitingLine(line) {
    const title = make('div', { class: 'hand-head' }, make('strong', {}, `${line.unit_name} · ${degrees(line.temperature, line.unit)}`),
      make('span', { class: 'st-soft' }, clock(line.recorded_at)));
    if (line.state === 'waiting') return make('li', { class: 'hand-line' }, title, make('span', { class: 'st-badge is-waiting' }, said.waits));
    const one = round.units.find((candidate) => candidate.id === line.unit_id) ?? { name: line.unit_name, low: null, high: null };
    const value = valueField(one, line.temperature), action = actionField(line.action ?? '');
    const time = make('input', { class: 'hand-input', type: 'datetime-local', value: local(Date.parse(line.recorded_at)) });
    const read = time.value;
    const form = make('form', { novalidate: true, onsubmit: async (event) => {
      event.preventDefault();
      const typed = value.read();
      if (Number.isNaN(typed)) { value.input.focus(); return; }
      const at = time.value && time.value !== read ? new Date(time.value).toISOString() : line.recorded_at;
      await queue.put({ ...line, temperature: typed, action: action.input.value.trim() || null, recorded_at: at, state: 'waiting', field: null, message: null,
        photo: line.field === 'photo' ? null : line.photo });
      await redraw();
      flush();
    } }, value.box, field(said.read_at, time), action.box,
    make('div', { class: 'hand-row' }, make('button', { type: 'submit', class: 'hand-save' }, said.send_again),
      make('button', { type: 'button', class: 'hand-button', onclick: async () => {
        if (confirm(fill(said.throw_away_sure, { unit: line.unit_name, value: degrees(line.temperature, line.unit) }))) { await queue.drop(line.id); redraw(); }
      } }, said.throw_away)));
    return make('li', { class: 'hand-line is-refused' }, title, make('p', { class: 'hand-error', role: 'alert' }, line.message || said.refused), form);
  }

  let drawn = '';
  async function redraw() {
    lines = await queue.all(person);
    const waiting = lines.filter((line) => line.state === 'waiting').length;
    const others = await queue.othersWaiting(person);
    const state = waiting ? outcome : 'sent';
    const text = { sent: '', away: said.waiting_for_signal, 'sign-in': said.waiting_for_sign_in, other: said.waiting_for_sign_in, sending: said.sending }[state];
    banner.replaceChildren(...[
      waiting ? make('strong', {}, fill(said.n_waiting, { n: waiting })) : lines.length ? null : make('strong', {}, said.all_sent), text && waiting ? make('span', {}, text) : null,
      waiting && ['sign-in', 'other'].includes(state) ? make('a', { href: '/sign-in?next=/cold-chain/log' }, said.sign_in) : null,
      others ? make('span', {}, fill(said.others_waiting, { n: others })) : null,
    ].filter(Boolean));
    banner.className = `hand-banner ${waiting || lines.length ? (state === 'away' || state === 'sending' ? 'is-waiting' : 'is-warning') : 'is-ok'}`;
    const now = JSON.stringify(lines.map(({ photo, ...rest }) => rest));
    if (now !== drawn) { drawn = now; waitingBox.replaceChildren(...lines.map(waitingLine)); }
    for (const one of cards.values()) one.tick();
  }

  let sending = null;
  function flush() {
    sending ||= (async () => {
      if (!(await queue.all(person)).some((line) => line.state === 'waiting')) { outcome = 'sent'; return; }
      outcome = 'sending';
      outcome = await queue.send(person);
      if (outcome === 'away') (await navigator.serviceWorker?.ready)?.sync?.register('steading-queue').catch(() => {});
    })().finally(async () => { sending = null; await redraw(); if (outcome === 'sent') load(); });
    return sending;
  }

  // ---- the round

  function draw() {
    const sites = new Map(round.units.map((one) => [one.site_id, one.site]));
    if (sites.size !== siteChoice.options.length) {
      const asked = new URLSearchParams(location.search).get('site') || localStorage.getItem('steading-site') || '';
      siteChoice.replaceChildren(...[...sites].map(([id, name]) => make('option', { value: id }, name)));
      if (sites.has(asked)) siteChoice.value = asked;
    }
    siteChoice.closest('label').hidden = sites.size < 2;
    const shown = round.units.filter((one) => one.site_id === siteChoice.value);
    sum.textContent = fill(said.sum, { due: shown.filter((one) => one.is_due).length, all: shown.length });
    const isBusy = list.contains(document.activeElement) && document.activeElement.value;
    for (const one of shown) { if (cards.has(one.id)) cards.get(one.id).update(one); else cards.set(one.id, card(one)); }
    if (!isBusy && [...list.children].map((el) => el.dataset.unit).sort().join() !== shown.map((one) => one.id).sort().join()) list.replaceChildren(...shown.map((one) => cards.get(one.id).element));
    document.getElementById('empty').hidden = shown.length > 0;
    document.getElementById('as-of').textContent = fill(said.as_of, { age: ago(said, round.at) });
  }

  async function load() {
    try {
      const answer = await fetch(roundFrom, { credentials: 'same-origin', headers: { accept: 'application/json' } });
      if (answer.ok) round = await answer.json();
    } catch { /* no signal and nothing kept: what is on the screen stays */ }
    draw();
    redraw();
  }

  siteChoice.addEventListener('change', () => { localStorage.setItem('steading-site', siteChoice.value); draw(); });
  queue.onChange(redraw);
  addEventListener('online', flush);
  addEventListener('offline', () => { outcome = 'away'; redraw(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) { flush(); load(); } });
  setInterval(() => { draw(); if (outcome !== 'sent') flush(); }, RETRY_MS);
  queue.mark('person', person).then(load).then(flush);
})();
