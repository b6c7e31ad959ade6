// "No signal": what was known of each unit when there last was one, and where to write temperatures down all the same.
(async () => {
  const { words, fill, make, temperature, limits, ago } = self.steadingShown;
  const said = words();
  const list = document.getElementById('known');
  document.getElementById('again').addEventListener('click', () => location.reload());
  // A phone says that it is online before anything can be reached.
  addEventListener('online', async () => {
    try { if ((await fetch('/health', { cache: 'no-store' })).ok) location.reload(); } catch { /* not yet */ }
  });
  if (!said.round_from) return;
  let known;
  try {
    const answer = await fetch(said.round_from, { credentials: 'same-origin' });
    if (!answer.ok) return;
    known = await answer.json();
  } catch { return; }
  const line = (one) => make('li', { class: 'hand-line' },
    make('div', { class: 'hand-head' }, make('strong', {}, one.name), make('span', { class: `st-badge is-${one.state}` }, one.words)),
    make('span', { class: 'hand-known' }, temperature(one.last, said.unit)),
    make('span', { class: 'st-soft' }, [one.last_at === null ? said.never : ago(said, one.last_at), one.site, one.area, limits(said, one.low, one.high, said.unit)].filter(Boolean).join(' · ')));
  const show = () => {
    document.getElementById('as-of').textContent = fill(said.as_of, { age: ago(said, known.at) });
    list.replaceChildren(...known.units.map(line));
  };
  if (known.units.length) { show(); setInterval(show, 30_000); }
})();
