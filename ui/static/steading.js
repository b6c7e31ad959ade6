// What ticks in the browser without asking the server: ages, the live dot, and the keys.
(() => {
  const units = [['year', 31536000], ['month', 2592000], ['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  const formats = {};
  // Many browsers carry no Khmer of their own, so the few words are here.
  const khmer = {
    units: { year: 'ឆ្នាំ', month: 'ខែ', day: 'ថ្ងៃ', hour: 'ម៉ោង', minute: 'នាទី', second: 'វិនាទី' }, short: { second: 'វិ.', minute: 'នាទី', hour: 'ម៉ោង' },
    months: ['មករា', 'កុម្ភៈ', 'មីនា', 'មេសា', 'ឧសភា', 'មិថុនា', 'កក្កដា', 'សីហា', 'កញ្ញា', 'តុលា', 'វិច្ឆិកា', 'ធ្នូ'],
    days: ['អាទិត្យ', 'ច័ន្ទ', 'អង្គារ', 'ពុធ', 'ព្រហស្បតិ៍', 'សុក្រ', 'សៅរ៍'],
    format: (n, unit) => (n > 0 ? `ក្នុងរយៈពេល ${n} ${khmer.units[unit]}` : `${-n} ${khmer.units[unit]}មុន`),
  };
  const format = (lang) => (lang === 'km' ? khmer : (formats.en ||= new Intl.RelativeTimeFormat('en', { numeric: 'always' })));
  let lastHeard = Date.now();

  function ago(at, lang, now = Date.now()) {
    const seconds = Math.round((at - now) / 1000);
    const size = Math.abs(seconds);
    const [unit, length] = units.find(([, length]) => size >= length) || units[5];
    return format(lang).format(Math.round(seconds / length) || 0, unit).replace('in 0 seconds', '0 seconds ago');
  }

  function short(seconds, lang) {
    const [n, unit] = seconds < 60 ? [seconds, 'second'] : seconds < 3600 ? [Math.floor(seconds / 60), 'minute'] : [Math.floor(seconds / 3600), 'hour'];
    if (lang === 'km') return `${n} ${khmer.short[unit]}`;
    return new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'narrow' }).format(n);
  }

  function tick() {
    const now = Date.now();
    for (const el of document.querySelectorAll('time[data-at]')) {
      const at = Number(el.dataset.at);
      const text = (el.dataset.prefix || '') + ago(at, el.dataset.lang || document.documentElement.lang, now);
      if (el.textContent !== text) el.textContent = text;
      if (el.dataset.staleS) el.classList.toggle('is-stale', now - at > 1000 * Number(el.dataset.staleS));
    }
    for (const el of document.querySelectorAll('.st-livedot')) {
      const away = !navigator.onLine || !window.socket?.connected;
      const text = el.querySelector('.st-livedot-text');
      const words = away ? el.dataset.away : `${el.dataset.word} · ${short(Math.max(0, Math.floor((now - lastHeard) / 1000)), el.dataset.lang)}`;
      el.classList.toggle('is-away', away);
      if (text && text.textContent !== words) text.textContent = words;
    }
  }

  function banner(hidden) {
    const popup = document.getElementById('popup');
    if (popup) { popup.ariaHidden = hidden; if (popup.getAttribute('role') !== 'status') popup.setAttribute('role', 'status'); }
  }

  function listen() {
    if (!window.socket) return setTimeout(listen, 50);
    const heard = () => { lastHeard = Date.now(); };
    window.socket.onAny(heard);
    window.socket.io.on('ping', heard);
    window.socket.on('connect', heard);
    addEventListener('offline', () => { banner(false); tick(); });
    addEventListener('online', () => { if (window.socket.connected) banner(true); else window.socket.connect(); tick(); });
  }

  addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      const opener = document.querySelector('[data-palette]');
      if (opener) { event.preventDefault(); opener.click(); }
    }
    const inside = document.activeElement?.closest?.('.st-palette');
    if (inside && ['ArrowDown', 'ArrowUp', 'Enter'].includes(event.key)) {
      const found = [...inside.querySelectorAll('.st-found')];
      const at = found.indexOf(document.activeElement);
      if (event.key === 'Enter') { if (at < 0 && found[0]) { event.preventDefault(); found[0].click(); } return; }
      event.preventDefault();
      const next = at + (event.key === 'ArrowDown' ? 1 : -1);
      (next < 0 ? inside.querySelector('input') : found[Math.min(next, found.length - 1)])?.focus();
    }
  });

  // Components of ours ask for the theme's colours and hear when they change.
  const token = (name) => getComputedStyle(document.body).getPropertyValue(`--${name}`).trim();
  const listeners = new Set();
  function onTheme(callback) { listeners.add(callback); return () => listeners.delete(callback); }
  function watchTheme() {
    let dark = document.body.classList.contains('body--dark');
    new MutationObserver(() => {
      const now = document.body.classList.contains('body--dark');
      if (now !== dark) { dark = now; listeners.forEach((callback) => callback()); }
    }).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  }

  window.steading = { ago, token, onTheme, tick, khmer };
  watchTheme();
  listen();
  setInterval(tick, 1000);
})();
