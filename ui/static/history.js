// Inside the history frame: the ground under the map, dates in the place's zone, and the theme of the page around it.
(() => {
  let zone = 'UTC', language = 'en', ground = null;
  const months = ['មករា', 'កុម្ភៈ', 'មីនា', 'មេសា', 'ឧសភា', 'មិថុនា', 'កក្កដា', 'សីហា', 'កញ្ញា', 'តុលា', 'វិច្ឆិកា', 'ធ្នូ'];
  const format = (at) => {
    const make = (options) => new Intl.DateTimeFormat('en-GB', { timeZone: zone, ...options });
    if (language !== 'km') return make({ dateStyle: 'medium', timeStyle: 'short' }).format(at);
    const p = Object.fromEntries(make({ year: 'numeric', month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit' }).formatToParts(at).map((x) => [x.type, x.value]));
    return `${p.day} ${months[p.month - 1]} ${p.year} ${p.hour}:${p.minute}`;
  };
  window.moment = function moment(at) { this.format = () => format(at); };
  console.log = () => {}; // the slider writes every step there
  window.steadingDark = (dark) => { document.documentElement.classList.toggle('dark-page', dark); document.body.classList.toggle('body--dark', dark); ground?.redraw(); };
  window.steadingGround = (map, options) => {
    ({ zone, language } = options);
    map.attributionControl?.setPrefix(false);
    ground = options.tiles ? L.tileLayer(options.tiles, { attribution: options.attribution }) : window.SteadingBasemap.layer(L, { base: options.base, files: options.files, colours: window.SteadingBasemap.themed, language });
    ground.addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    for (const path of options.paths) L.polyline(path, { color: getComputedStyle(document.body).getPropertyValue('--line-strong').trim(), weight: 2, opacity: 0.6, dashArray: '3 5', interactive: false }).addTo(map);
    if (options.bounds) map.fitBounds(L.latLngBounds(options.bounds).pad(0.1), { maxZoom: 15 });
    if (options.empty) { const note = document.createElement('div'); note.className = 'empty-note'; note.textContent = options.empty; document.body.append(note); }
    setTimeout(() => {
      for (const [name, words] of [['play', options.words.play], ['backward', options.words.back], ['forward', options.words.forward]]) document.querySelectorAll(`.timecontrol-${name}`).forEach((el) => { el.title = words; el.setAttribute('aria-label', words); });
      document.querySelectorAll('.timecontrol-date').forEach((el) => { el.setAttribute('role', 'status'); });
    }, 0);
  };
})();
