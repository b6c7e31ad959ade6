// What was written without a signal waits on the phone, each person's by itself, and is sent once there is one. The page and
// the service worker share this file; the server keeps an id once, so both may try.
self.steadingQueue = (() => {
  const LINES = 'lines', MARKS = 'marks';
  const ROWS_AT_ONCE = 20, BYTES_AT_ONCE = 4_000_000, PATIENCE_MS = 60_000;
  let opened = null;

  function database() {
    opened ||= new Promise((resolve, reject) => {
      const asked = indexedDB.open('steading', 1);
      asked.onupgradeneeded = () => {
        asked.result.createObjectStore(LINES, { keyPath: 'id' }).createIndex('person', 'person');
        asked.result.createObjectStore(MARKS);
      };
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => { opened = null; reject(asked.error); };
    });
    return opened;
  }

  async function run(store, mode, work) {
    const db = await database();
    return new Promise((resolve, reject) => {
      const transaction = db.transaction(store, mode);
      const asked = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(asked?.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }

  // Ids that sort by age: 48 bits of milliseconds, then chance.
  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    let ms = Date.now();
    for (let i = 5; i >= 0; i--) { bytes[i] = ms % 256; ms = Math.floor(ms / 256); }
    bytes[6] = (bytes[6] & 0x0f) | 0x70;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  const all = async (person) => (await run(LINES, 'readonly', (store) => store.index('person').getAll(person)))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const put = (line) => run(LINES, 'readwrite', (store) => store.put(line));
  const drop = (id) => run(LINES, 'readwrite', (store) => store.delete(id));
  const mark = (key, value) => run(MARKS, 'readwrite', (store) => store.put(value, key));
  const marked = (key) => run(MARKS, 'readonly', (store) => store.get(key));
  async function othersWaiting(person) {
    const people = await run(LINES, 'readonly', (store) => store.getAll());
    return people.filter((line) => line.person !== person).length;
  }

  function base64(blob) {
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(blob);
    });
  }

  async function rowOf(line) {
    const { id, unit_id, temperature, unit, recorded_at, humidity, notes, action } = line;
    return { id, unit_id, temperature, unit, recorded_at, humidity, notes, action, photo: line.photo ? await base64(line.photo) : null };
  }

  // As many lines as fit one request, all meant for the same address.
  async function nextRows(lines) {
    const rows = [];
    let bytes = 0;
    for (const line of lines.filter((one) => one.to === lines[0].to).slice(0, ROWS_AT_ONCE)) {
      const row = await rowOf(line);
      bytes += 500 + (row.photo ? row.photo.length : 0);
      if (rows.length && bytes > BYTES_AT_ONCE) break;
      rows.push(row);
    }
    return rows;
  }

  async function post(to, person, rows) {
    const gaveUp = new AbortController();
    const timer = setTimeout(() => gaveUp.abort(), PATIENCE_MS);
    try {
      return await fetch(to, {
        method: 'POST', credentials: 'same-origin', redirect: 'error', signal: gaveUp.signal,
        headers: { 'content-type': 'application/json', 'x-steading-person': person }, body: JSON.stringify(rows),
      });
    } finally { clearTimeout(timer); }
  }

  // 'sent', 'away' (no signal, or the server does not answer), 'sign-in', or 'other' (somebody else is signed in).
  async function sendAll(person) {
    for (;;) {
      const waiting = (await all(person)).filter((line) => line.state === 'waiting');
      if (!waiting.length) return 'sent';
      const rows = await nextRows(waiting);
      let answer;
      try { answer = await post(waiting[0].to, person, rows); } catch { return 'away'; }
      if (answer.status === 401) return 'sign-in';
      if (answer.status === 409) return 'other';
      if (!answer.ok) return 'away';
      const told = new Map((await answer.json()).map((one) => [one.id, one]));
      for (const row of rows) {
        const one = told.get(row.id);
        if (one?.kept) await drop(row.id);
        else if (one) await put({ ...waiting.find((line) => line.id === row.id), state: 'refused', field: one.field, message: one.message });
      }
      if (!rows.some((row) => told.has(row.id))) return 'away';
      tell();
    }
  }

  function send(person) {
    const once = () => sendAll(person);
    return self.navigator.locks ? self.navigator.locks.request('steading-send', once) : once();
  }

  const channel = self.BroadcastChannel ? new BroadcastChannel('steading-queue') : null;
  const tell = () => channel?.postMessage('changed');
  const onChange = (hear) => channel?.addEventListener('message', hear);

  return { newId, all, put, drop, mark, marked, othersWaiting, send, tell, onChange };
})();
