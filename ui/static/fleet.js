// The live map. Markers are a canvas (map_markers.js), areas and paths are Leaflet's (map_draw.js), the ground is ours (basemap.js).
import { leaflet as L } from "nicegui-leaflet";
import { loadResource } from "../../static/utils/resources.js";

export default {
  template: `<div class="st-map" :style="{ height }"><div ref="map" class="st-map-inner" role="region" :aria-label="words.label"></div>
    <details class="st-map-layers" v-if="Object.keys(layers).length" :open="wide"><summary><i class="q-icon material-icons" aria-hidden="true">layers</i>{{ words.layers }}</summary><label v-for="(name, key) in layers" :key="key"><input type="checkbox" checked @change="toggle(key, $event.target.checked)"><span>{{ name }}</span></label></details>
    <button type="button" class="st-map-fit" @click="fit()" :title="words.fit" :aria-label="words.fit"><i class="q-icon material-icons" aria-hidden="true">zoom_out_map</i></button></div>`,
  props: { words: Object, parts: Object, tiles: Object, layers: Object, icons: Object, center: Array, zoom: Number, height: String, markers: Array, fences: Array, lines: Array, overlay: Array, rooms: Array, large: String, resourcePath: String },
  data() { return { wide: innerWidth >= 768 }; },
  async mounted() {
    this.queue = []; this.heard = new Set(this.rooms || []);
    this.onFleet = (message) => { if (this.heard.has(message.r)) this.pins ? this.took(message.b, message.at, message.c) : 0; };
    this.whenSocket(() => window.socket.on('fleet', this.onFleet));
    await this.$nextTick();
    const prefix = window.path_prefix || '', part = (name) => prefix + this.parts[name];
    await Promise.all([loadResource(`${prefix}${this.resourcePath}/leaflet/leaflet.css`), window.SteadingBasemap || this.script(part('basemap'))]);
    const [{ Markers }, { Areas }] = await Promise.all([import(part('markers')), import(part('draw'))]);
    if (this.gone) return;
    const token = window.steading.token;
    const map = (this.map = L.map(this.$refs.map, { center: this.center || [12.6, 105], zoom: this.zoom, zoomControl: false, minZoom: 2, maxZoom: this.tiles.max_zoom, worldCopyJump: true, attributionControl: true }));
    map.attributionControl.setPrefix(false);
    L.control.zoom({ position: 'bottomright', zoomInTitle: this.words.zoom_in, zoomOutTitle: this.words.zoom_out }).addTo(map);
    L.control.scale({ imperial: false, position: 'bottomleft' }).addTo(map);
    this.ground = this.tiles.url ? L.tileLayer(this.tiles.url, { attribution: this.tiles.attribution, maxZoom: this.tiles.max_zoom })
      : window.SteadingBasemap.layer(L, { base: prefix + this.parts.base, files: Object.fromEntries(Object.entries(this.parts.files).map(([k, v]) => [k, prefix + v])), colours: window.SteadingBasemap.themed, language: this.words.lang });
    this.ground.addTo(map);
    if (this.tiles.url) this.ground.once('tileerror', () => this.fallback(prefix));
    this.areas = new Areas(L, map, { token, words: this.words, emit: (name, value) => this.$emit(name, value) });
    this.pins = new Markers(map, { icons: this.icons, token });
    this.forget = window.steading.onTheme(() => { this.ground.redraw(); this.areas.redraw(); this.pins.request(); });
    map.on('click', (e) => this.clicked(e)); map.on('mousemove', (e) => this.hover(e)); map.on('popupclose', () => { this.pins.selected = null; this.pins.request(); });
    this.observer = new ResizeObserver(() => map.invalidateSize()); this.observer.observe(this.$refs.map);
    for (const key of ['overlay', 'fences', 'lines', 'markers']) if (this[key]) this.put(key, this[key]);
    for (const call of this.queue.splice(0)) call();
  },
  unmounted() { this.gone = true; window.socket?.off('fleet', this.onFleet); this.forget?.(); this.observer?.disconnect(); this.pins?.close(); this.map?.remove(); },
  methods: {
    whenSocket(then) { if (this.gone) return; if (window.socket) then(); else setTimeout(() => this.whenSocket(then), 30); },
    script(src) { return new Promise((resolve, reject) => { const s = Object.assign(document.createElement('script'), { src, onload: resolve, onerror: reject }); document.head.append(s); }); },
    fallback(prefix) {
      if (this.below || this.gone) return;
      const ground = () => { this.below = window.SteadingBasemap.layer(L, { base: prefix + this.parts.base, files: this.parts.files, colours: window.SteadingBasemap.themed, language: this.words.lang }).addTo(this.map); this.below.bringToBack(); };
      ground();
    },
    later(call) { if (this.pins) call(); else this.queue.push(call); },
    put(key, value) {
      this.later(() => {
        if (key === 'markers') { this.pins.set(value); if (!this.center && !this.fitted && value.length) this.fit(false); this.popupAgain(); return; }
        if (key === 'overlay') value = value[0];
        this.areas[key] = value ? JSON.parse(JSON.stringify(value)) : value; this.areas.redraw();
        if (!this.center && !this.fitted && key === 'fences' && value.length && !this.pins.all.size) this.fit(false, true);
      });
    },
    hear(rooms) { this.heard = new Set(rooms); },
    move(text, at, columns) { this.later(() => this.took(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer, at, columns)); },
    took(buffer, at, columns) { const touched = this.pins.move(buffer.buffer ? buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength) : buffer, at, columns); if (touched.includes(this.pins.selected)) this.popupAgain(); },
    fly(lat, lng, zoom) { this.later(() => this.map.flyTo([lat, lng], zoom)); },
    drawing(kind, id) { this.later(() => this.areas.draw(kind, id)); },
    toggle(layer, shown) { for (const part of [this.pins, this.areas]) shown ? part.hidden.delete(layer) : part.hidden.add(layer); this.areas.redraw(); this.pins.request(); },
    fit(animate = true) {
      const points = [...this.pins.bounds(), ...this.areas.fences.flatMap((f) => f.points), ...this.areas.lines.flatMap((l) => l.points)];
      if (!points.length) return;
      this.fitted = true; this.map.fitBounds(L.latLngBounds(points).pad(0.1), { maxZoom: 15, animate });
    },
    hover(e) {
      if (this.areas.stop) return;
      const found = this.pins.at(e.containerPoint), index = found && !found.count ? found.m.index : null;
      this.$refs.map.style.cursor = found ? 'pointer' : '';
      if (index !== this.pins.hovered) { this.pins.hovered = index; this.pins.request(); this.tip?.remove(); if (index !== null && index !== this.pins.selected) this.tip = L.tooltip({ direction: 'top', offset: [0, -16] }).setLatLng([found.m.latitude, found.m.longitude]).setContent(this.card(found.m, false)).addTo(this.map); window.steading.tick(); }
    },
    clicked(e) {
      if (this.areas.stop) return;
      const found = this.pins.at(e.containerPoint);
      if (!found) return;
      if (found.count) { this.map.fitBounds(L.latLngBounds(this.pins.bounds(found.members)).pad(0.2), { maxZoom: 17 }); return; }
      this.open(found.m); this.$emit('select', found.m.index);
    },
    select(index) { this.later(() => { const m = this.pins.all.get(index); if (m) { this.map.setView([m.latitude, m.longitude], Math.max(13, this.map.getZoom())); this.open(m); } }); },
    open(m) {
      this.tip?.remove();
      this.popup = L.popup({ offset: [0, -12], closeButton: true, autoPanPadding: [24, 60] }).setLatLng([m.latitude, m.longitude]).setContent(this.card(m, true)).openOn(this.map);
      this.pins.selected = m.index; this.pins.request(); window.steading.tick();
    },
    popupAgain() {
      const m = this.pins.selected !== null && this.pins.all.get(this.pins.selected);
      if (m && this.popup?.isOpen()) { this.popup.setLatLng([m.latitude, m.longitude]).setContent(this.card(m, true)); window.steading.tick(); }
    },
    card(m, full) {
      const make = (tag, className, text) => { const el = document.createElement(tag); el.className = className; if (text) el.textContent = text; return el; };
      const box = make('div', 'st-map-card'), row = make('div', 'st-row');
      box.append(make('div', 'st-map-name', m.label));
      const badge = make('span', `st-badge is-${m.state}`), icon = make('i', 'q-icon material-icons', { ok: 'check_circle', warning: 'warning', critical: 'error', offline: 'cloud_off', waiting: 'schedule', neutral: 'circle' }[m.state]);
      icon.ariaHidden = 'true'; badge.append(icon, this.words.states[m.state]); row.append(badge);
      if (m.at) { const age = make('time', 'st-age'); age.dataset.at = m.at; age.dataset.lang = this.words.lang; if (m.at_title) age.title = m.at_title; row.append(age); }
      box.append(row);
      if (m.detail) box.append(make('div', 'st-soft', m.detail));
      if (m.accuracy_m) box.append(make('div', 'st-soft', this.words.accuracy.replace('{m}', Math.round(m.accuracy_m))));
      if (full && m.href) { const link = make('a', 'st-map-open', this.words.open); link.href = m.href; box.append(link); }
      return box;
    },
  },
};
