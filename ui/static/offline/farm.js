// The farms as they were when there last was a signal: to be read, with their hour; nothing here can be switched.
(async () => {
  const { words, fill, make, ago, clock } = self.steadingShown;
  const said = words();
  if (!said.farm_from) return;
  let known;
  try {
    if (!navigator.onLine && !(await caches.match(said.farm_from))) return;
    const answer = await fetch(said.farm_from, { credentials: 'same-origin' });
    if (!answer.ok) return;
    known = await answer.json();
  } catch { return; }
  const badge = (state, text) => (text ? make('span', { class: `st-badge is-${state}` }, text) : '');
  const device = (one) => make('li', { class: 'hand-known-device' },
    make('span', { class: 'hand-known-name' }, one.name), make('strong', { class: `hand-known-word is-${one.state}` }, [one.word, one.value].filter(Boolean).join(' ')),
    make('span', { class: 'st-soft' }, [one.at === null ? '' : `${clock(one.at)} · ${ago(said, one.at)}`, one.note].filter(Boolean).join(' · ')));
  const room = (one) => make('section', { class: 'hand-line' },
    make('div', { class: 'hand-head' }, make('h3', {}, one.name || said.elsewhere), badge(one.state, one.word)),
    one.air ? make('span', { class: 'hand-known' }, one.air) : '',
    one.at === null ? '' : make('span', { class: 'st-soft' }, `${clock(one.at)} · ${ago(said, one.at)}`),
    one.devices.length ? make('ul', { class: 'hand-known-devices' }, ...one.devices.map(device)) : '');
  const farm = (one) => make('section', { class: 'hand-units' }, make('div', { class: 'hand-head' }, make('h2', {}, one.name), badge(one.state, one.words)), ...one.rooms.map(room));
  const box = document.getElementById('farms');
  const show = () => box.replaceChildren(
    make('p', { class: 'hand-banner is-warning', role: 'status' }, fill(said.farm_as_of, { time: clock(known.at), age: ago(said, known.at) })), ...known.farms.map(farm));
  if (known.farms.length) { show(); setInterval(show, 30_000); }
})();
