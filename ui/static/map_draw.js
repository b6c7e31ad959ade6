// Areas and paths under the markers, and the drawing and dragging of areas by hand.
const clear = (el) => { while (el.firstChild) el.firstChild.remove(); };

export class Areas {
  constructor(L, map, { token, words, emit }) {
    Object.assign(this, { L, map, token, words, emit, fences: [], lines: [], overlay: null, hidden: new Set(), group: L.layerGroup().addTo(map), handles: L.layerGroup().addTo(map) });
    map.on('zoomend', () => this.overlay && this.redraw());
  }

  redraw() {
    const { L, group, token } = this;
    group.clearLayers(); this.handles.clearLayers();
    if (this.overlay && this.map.getZoom() >= 10) L.geoJSON(this.overlay, { interactive: false, style: (feature) => this.ground(feature.properties?.kind) }).addTo(group);
    for (const fence of this.fences) if (!this.hidden.has(fence.layer)) this.fence(fence);
    for (const line of this.lines) if (!this.hidden.has(line.layer)) {
      const drawn = L.polyline(line.points, { color: token(line.state), weight: 4, opacity: 0.85, dashArray: line.is_dashed ? '6 8' : null, interactive: Boolean(line.label) });
      if (line.label) drawn.bindTooltip(this.text(line.label), { sticky: true });
      drawn.addTo(group);
    }
  }

  // From far away the lines of a town would be one blot; close by a river is broader than a street.
  ground(kind) {
    const near = Math.max(1, this.map.getZoom() - 10);
    return kind === 'river' ? { color: this.token('water-line'), weight: 3 + 2 * near, opacity: 0.9 } : { color: this.token('line-strong'), weight: Math.min(1 + near * 0.6, 5), opacity: 0.7 };
  }

  text(words) { const el = document.createElement('span'); el.textContent = words; return el; }

  fence(fence) {
    const { L, token } = this, style = { color: token(fence.state), weight: 2, fillColor: token(fence.state), fillOpacity: 0.1 };
    const shape = fence.radius_m ? L.circle(fence.points[0], { ...style, radius: fence.radius_m }) : L.polygon(fence.points, style);
    shape.bindTooltip(this.text(fence.label), { sticky: true }); shape.addTo(this.group);
    if (!fence.is_editable) return;
    const tell = () => this.emit('fence', { id: fence.id, points: fence.points, radius_m: fence.radius_m });
    const handle = (at, drag) => L.marker(at, { draggable: true, autoPan: true, keyboard: true, title: fence.label, icon: L.divIcon({ className: 'st-map-handle', iconSize: [22, 22] }) })
      .on('drag', (e) => { drag(e.latlng); fence.radius_m ? shape.setLatLng(fence.points[0]).setRadius(fence.radius_m) : shape.setLatLngs(fence.points); }).on('dragend', () => { tell(); this.redraw(); }).addTo(this.handles);
    if (fence.radius_m) {
      handle(fence.points[0], (at) => { fence.points = [[at.lat, at.lng]]; });
      const east = L.latLng(fence.points[0]).toBounds(fence.radius_m * 2).getEast();
      handle([fence.points[0][0], east], (at) => { fence.radius_m = Math.max(10, Math.round(this.map.distance(fence.points[0], at))); });
    } else fence.points.forEach((point, i) => handle(point, (at) => { fence.points[i] = [at.lat, at.lng]; }));
  }

  draw(kind, id) {
    this.stop?.();
    const { L, map, token } = this, points = [], style = { color: token('accent'), weight: 2, fillOpacity: 0.12, interactive: false };
    const bar = document.createElement('div'); bar.className = 'st-map-drawing'; bar.setAttribute('role', 'status');
    const hint = this.text(kind === 'circle' ? this.words.draw_circle : this.words.draw_polygon);
    const press = (words, action) => { const b = document.createElement('button'); b.type = 'button'; b.className = 'st-plain'; b.textContent = words; L.DomEvent.on(b, 'click', (e) => { L.DomEvent.stop(e); action(); }); return b; };
    let shape = null;
    const sketch = (edge) => {
      shape?.remove();
      if (kind === 'circle' && points.length) shape = L.circle(points[0], { ...style, radius: edge ? map.distance(points[0], edge) : 1 }).addTo(map);
      else if (points.length) shape = L.polygon(edge ? [...points, edge] : points, style).addTo(map);
    };
    const finish = () => {
      if (kind === 'polygon' && points.length < 3) return;
      const made = { id, points: (kind === 'circle' ? points.slice(0, 1) : points).map((p) => [p.lat, p.lng]), radius_m: kind === 'circle' ? Math.round(map.distance(points[0], points[1])) : null };
      this.stop(); this.emit('fence', made);
    };
    const click = (e) => { points.push(e.latlng); if (kind === 'circle' && points.length === 2) finish(); else sketch(); };
    const move = (e) => sketch(e.latlng);
    this.stop = () => { map.off('click', click); map.off('mousemove', move); shape?.remove(); bar.remove(); map.getContainer().classList.remove('is-drawing'); map.doubleClickZoom.enable(); this.stop = null; };
    bar.append(hint); if (kind === 'polygon') bar.append(press(this.words.finish, finish)); bar.append(press(this.words.cancel, () => this.stop()));
    map.getContainer().append(bar); map.getContainer().classList.add('is-drawing'); map.doubleClickZoom.disable(); map.on('click', click); map.on('mousemove', move);
  }
}
export { clear };
