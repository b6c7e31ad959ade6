// The markers of the live map: one canvas above the tiles; they glide to where they were last seen, and flock when many.
const STATES = ['ok', 'warning', 'critical', 'offline', 'waiting', 'neutral'];
const WORST = { critical: 5, warning: 4, offline: 3, waiting: 2, ok: 1, neutral: 0 };
const HALF = Math.PI / 180;
const world = (lat, lng) => [(lng + 180) / 360, 0.5 - Math.log(Math.tan(Math.PI / 4 + (Math.max(-85, Math.min(85, lat)) * HALF) / 2)) / (2 * Math.PI)];
const unworld = (x, y) => [90 - (2 * Math.atan(Math.exp((y - 0.5) * 2 * Math.PI))) / HALF, x * 360 - 180];

export class Markers {
  constructor(map, { icons, token }) {
    Object.assign(this, { map, icons, token, all: new Map(), hidden: new Set(), shown: [], selected: null, hovered: null });
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'st-map-canvas';
    // Above the areas, under handles, tooltips and popups; the pane moves with the map, the canvas is put back each time.
    map.createPane('pins').style.zIndex = 590;
    map.getPane('pins').style.pointerEvents = 'none';
    map.getPane('pins').appendChild(this.canvas);
    this.again = () => this.request();
    map.on('move zoomend viewreset resize', this.again);
    map.on('zoomstart', () => { this.canvas.style.opacity = 0; });
    map.on('zoomend', () => { this.canvas.style.opacity = 1; });
    document.fonts?.load("18px 'Material Icons'").then(this.again);
  }

  close() { cancelAnimationFrame(this.frame); this.canvas.remove(); this.closed = true; }

  set(markers) {
    const keep = new Set();
    for (const m of markers) {
      keep.add(m.index);
      const old = this.all.get(m.index);
      if (old) { const { x, y } = old; Object.assign(old, { accuracy_m: undefined, heading: undefined, href: undefined, detail: undefined, at: undefined }, m); this.glide(old, x, y); } else {
        const [x, y] = world(m.latitude, m.longitude);
        this.all.set(m.index, { kind: 'tracker', state: 'ok', layer: '', ...m, x, y, tx: x, ty: y });
      }
    }
    for (const index of [...this.all.keys()]) if (!keep.has(index)) this.all.delete(index);
    this.request();
  }

  move(buffer, at, columns = 4) {
    const rows = new Int32Array(buffer), touched = [];
    for (let i = 0; i + columns <= rows.length; i += columns) {
      const m = this.all.get(rows[i]);
      if (!m) continue;
      m.latitude = rows[i + 1] / 1e6; m.longitude = rows[i + 2] / 1e6; m.state = STATES[rows[i + 3]] || 'neutral'; m.at = columns > 4 ? (rows[i + 4] >>> 0) * 1000 : at; delete m.at_title; delete m.accuracy_m;
      this.glide(m, m.x, m.y); touched.push(m.index);
    }
    this.request();
    return touched;
  }

  glide(m, x, y) {
    const now = performance.now();
    [m.tx, m.ty] = world(m.latitude, m.longitude);
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    m.span = still ? 1 : Math.min(2000, Math.max(300, now - (m.heard || now - 1000)));
    m.heard = now; m.fx = x; m.fy = y; m.start = now;
  }

  request() { if (!this.frame && !this.closed) this.frame = requestAnimationFrame((t) => { this.frame = 0; this.draw(t); }); }

  draw(now) {
    const size = this.map.getSize(), ratio = Math.min(2, devicePixelRatio || 1), { canvas } = this;
    if (canvas.width !== size.x * ratio || canvas.height !== size.y * ratio) { canvas.width = size.x * ratio; canvas.height = size.y * ratio; canvas.style.width = `${size.x}px`; canvas.style.height = `${size.y}px`; }
    const corner = this.map.containerPointToLayerPoint([0, 0]);
    canvas.style.transform = `translate3d(${corner.x}px, ${corner.y}px, 0)`;
    const ctx = canvas.getContext('2d'), zoom = this.map.getZoom(), scale = 256 * 2 ** zoom, origin = this.map.getPixelBounds().min;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0); ctx.clearRect(0, 0, size.x, size.y);
    let moving = false; const visible = [];
    for (const m of this.all.values()) {
      if (m.start) {
        const share = Math.min(1, (now - m.start) / m.span);
        m.x = m.fx + (m.tx - m.fx) * share; m.y = m.fy + (m.ty - m.fy) * share;
        if (share < 1) moving = true; else m.start = 0;
      }
      if (this.hidden.has(m.layer)) continue;
      const px = m.x * scale - origin.x, py = m.y * scale - origin.y;
      if (px > -40 && py > -40 && px < size.x + 40 && py < size.y + 40) visible.push({ m, px, py });
    }
    this.shown = this.flock(visible, zoom);
    const colours = Object.fromEntries(STATES.map((s) => [s, this.token(s)]));
    const card = this.token('card'), font = this.token('font'), text = this.token('text');
    for (const one of [this.hovered, this.selected]) { const found = one !== null && visible.find((v) => v.m.index === one); if (found) this.accuracy(ctx, found, scale, colours); }
    const few = this.shown.length < 60; this.taken = this.shown.map((s) => [s.px - 15, s.py - 15, s.px + 15, s.py + 15]);
    for (const s of this.shown) s.count ? this.group(ctx, s, colours, card, font) : this.pin(ctx, s, colours, card, few && zoom >= 10 ? { font, text } : null);
    if (moving) this.request();
  }

  flock(visible, zoom) {
    if ((visible.length < 40 && zoom >= 10) || zoom >= 17) return visible;
    const cell = visible.length > 400 ? 64 : 44, cells = new Map();
    const chosen = visible.filter((v) => v.m.index === this.selected);
    for (const v of visible) {
      if (v.m.index === this.selected) continue;
      const key = `${Math.floor(v.m.x * 256 * 2 ** zoom / cell)}:${Math.floor(v.m.y * 256 * 2 ** zoom / cell)}`;
      const c = cells.get(key);
      if (c) c.push(v); else cells.set(key, [v]);
    }
    return chosen.concat([...cells.values()].map((c) => c.length === 1 ? c[0] : {
      count: c.length, members: c.map((v) => v.m), px: c.reduce((a, v) => a + v.px, 0) / c.length, py: c.reduce((a, v) => a + v.py, 0) / c.length,
      parts: STATES.map((s) => [s, c.filter((v) => v.m.state === s).length]).filter(([, n]) => n).sort((a, b) => WORST[b[0]] - WORST[a[0]]) }));
  }

  accuracy(ctx, { m, px, py }, scale, colours) {
    if (!m.accuracy_m) return;
    const radius = (m.accuracy_m / (40075016 * Math.cos(m.latitude * HALF))) * scale;
    ctx.beginPath(); ctx.arc(px, py, radius, 0, 7); ctx.fillStyle = ctx.strokeStyle = colours[m.state]; ctx.globalAlpha = 0.15; ctx.fill(); ctx.globalAlpha = 0.7; ctx.lineWidth = 1; ctx.stroke(); ctx.globalAlpha = 1;
  }

  pin(ctx, { m, px, py }, colours, card, label) {
    const chosen = m.index === this.selected || m.index === this.hovered, r = chosen ? 17 : 14, hollow = m.state === 'offline' || m.state === 'waiting';
    if (m.heading !== undefined && m.heading !== null && !hollow) {
      ctx.save(); ctx.translate(px, py); ctx.rotate(m.heading * HALF); ctx.beginPath(); ctx.moveTo(0, -r - 8); ctx.lineTo(7, -r + 2); ctx.lineTo(-7, -r + 2); ctx.closePath(); ctx.fillStyle = colours[m.state]; ctx.fill(); ctx.restore();
    }
    ctx.beginPath(); ctx.arc(px, py, r, 0, 7); ctx.fillStyle = hollow ? card : colours[m.state]; ctx.fill();
    ctx.lineWidth = 2; ctx.strokeStyle = hollow ? colours[m.state] : card; ctx.setLineDash(m.state === 'waiting' ? [4, 3] : []); ctx.stroke(); ctx.setLineDash([]);
    ctx.font = `${chosen ? 20 : 17}px 'Material Icons'`; ctx.textAlign = 'center'; ctx.textBaseline = 'middle'; ctx.fillStyle = hollow ? colours[m.state] : card;
    ctx.fillText(this.icons[m.kind] || m.kind, px, py + 0.5);
    if (m.state === 'critical' || m.state === 'warning') {
      ctx.beginPath(); ctx.arc(px + r - 3, py - r + 3, 7, 0, 7); ctx.fillStyle = card; ctx.fill(); ctx.strokeStyle = colours[m.state]; ctx.lineWidth = 1.5; ctx.stroke();
      ctx.font = `700 11px ${this.token('font')}`; ctx.fillStyle = colours[m.state]; ctx.fillText('!', px + r - 3, py - r + 3.5);
    }
    if (label && m.label) {
      ctx.font = `550 12px ${label.font}`;
      const w = ctx.measureText(m.label).width / 2 + 3, box = [px - w, py + r + 2, px + w, py + r + 18];
      if (!chosen && this.taken.some((t) => t[0] < box[2] && t[2] > box[0] && t[1] < box[3] && t[3] > box[1])) return;
      this.taken.push(box);
      ctx.textAlign = 'center'; ctx.lineWidth = 3; ctx.strokeStyle = card; ctx.fillStyle = label.text; ctx.strokeText(m.label, px, py + r + 10); ctx.fillText(m.label, px, py + r + 10);
    }
  }

  group(ctx, { px, py, count, parts }, colours, card, font) {
    // A ring shared out among the states of its members, the worst first from the top.
    const r = Math.min(28, 15 + Math.log2(count) * 1.6);
    ctx.beginPath(); ctx.arc(px, py, r + 2, 0, 7); ctx.fillStyle = card; ctx.fill();
    let from = -Math.PI / 2;
    ctx.lineWidth = 5;
    for (const [state, n] of parts) { const until = from + (n / count) * 2 * Math.PI; ctx.beginPath(); ctx.arc(px, py, r - 2, from, until); ctx.strokeStyle = colours[state]; ctx.stroke(); from = until; }
    ctx.font = `650 13px ${font}`; ctx.textAlign = 'center'; ctx.textBaseline = 'middle'; ctx.fillStyle = this.token('text'); ctx.fillText(count > 999 ? `${Math.round(count / 100) / 10}k` : count, px, py + 0.5);
  }

  at(point) {
    let best = null, near = 24 ** 2;
    for (const s of this.shown) { const d = (s.px - point.x) ** 2 + (s.py - point.y) ** 2; if (d < near) { near = d; best = s; } }
    return best;
  }

  bounds(members = [...this.all.values()].filter((m) => !this.hidden.has(m.layer))) { return members.map((m) => unworld(m.tx, m.ty)); }
}
