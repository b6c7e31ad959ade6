// The base map that needs no internet: Natural Earth drawn tile by tile in the colours of the theme.
// A classic script, so that both the live map and the history frame can load it: window.SteadingBasemap.layer(L, options).
(() => {
  const loads = {};
  const HALF = Math.PI / 180;
  const mercator = (lon, lat) => [(lon + 180) / 360, 0.5 - Math.log(Math.tan(Math.PI / 4 + Math.max(-85, Math.min(85, lat)) * HALF / 2)) / (2 * Math.PI)];

  function decode(topology) {
    const { scale: [sx, sy], translate: [dx, dy] } = topology.transform;
    const arcs = topology.arcs.map((arc) => { let x = 0, y = 0; return arc.map(([a, b]) => mercator((x += a) * sx + dx, (y += b) * sy + dy)); });
    const ring = (indices) => {
      const points = [];
      for (const i of indices) { const arc = i < 0 ? arcs[~i].slice().reverse() : arcs[i]; for (let k = points.length ? 1 : 0; k < arc.length; k++) points.push(arc[k]); }
      let [x0, y0, x1, y1] = [9, 9, -9, -9];
      for (const [x, y] of points) { x0 = Math.min(x0, x); y0 = Math.min(y0, y); x1 = Math.max(x1, x); y1 = Math.max(y1, y); }
      return { points, box: [x0, y0, x1, y1] };
    };
    const shapes = (geometry) => geometry.type === 'GeometryCollection' ? geometry.geometries.flatMap(shapes)
      : [{ id: geometry.id, properties: geometry.properties || {}, parts: { LineString: () => [[ring(geometry.arcs)]], MultiLineString: () => geometry.arcs.map((a) => [ring(a)]), Polygon: () => [geometry.arcs.map(ring)], MultiPolygon: () => geometry.arcs.map((p) => p.map(ring)) }[geometry.type]?.() || [] }];
    return Object.fromEntries(Object.entries(topology.objects).map(([name, object]) => [name, shapes(object)]));
  }

  function load(base, files) {
    return loads[base] ||= Promise.all(['world', 'water', 'mainland', 'cities'].map((name) => fetch(files?.[name] || `${base}/basemap/${name}.json`).then((r) => r.json())))
      .then(([world, water, mainland, cities]) => {
        const detail = decode(mainland).countries;
        return { countries: decode(world).countries, ...decode(water), detail, fine: new Set(detail.map((d) => d.id)),
          cities: cities.map(([n, lon, lat, rank, k]) => ({ n, k, rank, at: mercator(lon, lat) })) };
      });
  }

  function layer(L, { base, files, colours, language }) {
    const labels = new Map();
    const Base = L.GridLayer.extend({
      createTile(coords, done) {
        const tile = document.createElement('canvas'), ratio = Math.min(2, window.devicePixelRatio || 1);
        tile.width = tile.height = 256 * ratio;
        load(base, files).then((data) => { const ctx = tile.getContext('2d'); ctx.scale(ratio, ratio); draw(ctx, data, coords); done(null, tile); }, (error) => done(error, tile));
        return tile;
      },
    });

    function draw(ctx, data, { x, y, z }) {
      const colour = colours(), count = 2 ** z, scale = 256 * count, ox = (((x % count) + count) % count) * 256, oy = y * 256;
      const box = [ox / scale, oy / scale, (ox + 256) / scale, (oy + 256) / scale];
      const sees = (b) => b[0] <= box[2] && b[2] >= box[0] && b[1] <= box[3] && b[3] >= box[1];
      const trace = ({ points }, closed) => {
        let lx = 1e9, ly = 1e9;
        points.forEach(([px, py], i) => {
          const cx = px * scale - ox, cy = py * scale - oy;
          if (i && i < points.length - 1 && Math.abs(cx - lx) < 0.7 && Math.abs(cy - ly) < 0.7) return;
          i ? ctx.lineTo(cx, cy) : ctx.moveTo(cx, cy); lx = cx; ly = cy;
        });
        if (closed) ctx.closePath();
      };
      ctx.fillStyle = colour.sea; ctx.fillRect(0, 0, 256, 256);
      const fine = z >= 6, polygons = (shapes, skip) => {
        ctx.beginPath();
        for (const s of shapes) if (!(skip && skip.has(s.id))) for (const part of s.parts) if (sees(part[0].box)) part.forEach((r) => trace(r, true));
      };
      ctx.lineJoin = 'round'; ctx.lineWidth = 1; ctx.strokeStyle = colour.border; ctx.fillStyle = colour.land;
      polygons(data.countries, fine ? data.fine : null); ctx.fill('evenodd'); ctx.stroke();
      if (fine) { polygons(data.detail); ctx.fill(); ctx.stroke(); }
      ctx.fillStyle = colour.sea; ctx.strokeStyle = colour.water; polygons(data.lakes); ctx.fill(); ctx.stroke();
      if (z >= 3) { ctx.lineWidth = z >= 7 ? 2 : 1; ctx.beginPath(); for (const s of data.rivers) for (const part of s.parts) if (sees(part[0].box)) trace(part[0], false); ctx.stroke(); }
      graticule(ctx, colour, z, scale, ox, oy);
      for (const one of placed(ctx, data, z, scale)) {
        const cx = one.x - ox, cy = one.y - oy;
        if (cx < -one.w || cx > 256 + one.w || cy < -20 || cy > 276) continue;
        ctx.font = one.font; ctx.textAlign = one.dot ? 'left' : 'center'; ctx.textBaseline = 'middle'; ctx.lineWidth = 3; ctx.strokeStyle = colour.land; ctx.fillStyle = colour.text;
        if (one.dot) { ctx.beginPath(); ctx.arc(cx, cy, 2.5, 0, 7); ctx.fill(); }
        ctx.strokeText(one.text, cx + (one.dot ? 6 : 0), cy); ctx.fillText(one.text, cx + (one.dot ? 6 : 0), cy);
      }
    }

    function placed(ctx, data, z, scale) {
      if (labels.has(z)) return labels.get(z);
      const made = [], taken = [], khmer = language === 'km', family = colours().font;
      const offer = (text, [mx, my], font, dot) => {
        ctx.font = font; const w = ctx.measureText(text).width, x = mx * scale, y = my * scale, b = dot ? [x - 4, y - 9, x + w + 10, y + 9] : [x - w / 2 - 4, y - 10, x + w / 2 + 4, y + 10];
        if (taken.some((t) => t[0] < b[2] && t[2] > b[0] && t[1] < b[3] && t[3] > b[1])) return;
        taken.push(b); made.push({ text, x, y, w: w + 12, font, dot });
      };
      if (z >= 3 && z <= 6) for (const country of data.countries) {
        const largest = country.parts.map((p) => p[0].box).sort((a, b) => (b[2] - b[0]) * (b[3] - b[1]) - (a[2] - a[0]) * (a[3] - a[1]))[0];
        const text = (khmer && country.properties.k) || country.properties.n;
        if (largest && text && (largest[2] - largest[0]) * scale > text.length * 7) offer(text, [(largest[0] + largest[2]) / 2, (largest[1] + largest[3]) / 2], `600 12px ${family}`, false);
      }
      const limit = z <= 3 ? -1 : z <= 4 ? 0 : z <= 5 ? 1 : z <= 6 ? 2 : z <= 8 ? 3 : z <= 9 ? 4 : 5;
      for (const city of data.cities) if (city.rank <= limit) offer((khmer && city.k) || city.n, city.at, `${city.rank < 2 ? 600 : 450} 12px ${family}`, true);
      labels.set(z, made);
      return made;
    }

    function graticule(ctx, colour, z, scale, ox, oy) {
      const step = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005].filter((s) => (s / 360) * scale > 110).pop() || 30;
      const lon = (px) => (px / scale) * 360 - 180, lat = (py) => 90 - 2 * Math.atan(Math.exp((py / scale - 0.5) * 2 * Math.PI)) / HALF;
      const places = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
      ctx.strokeStyle = colour.border; ctx.globalAlpha = 0.35; ctx.lineWidth = 0.5; ctx.beginPath();
      const xs = [], ys = [];
      for (let v = Math.floor(lon(ox - 60) / step) * step; v <= lon(ox + 256); v += step) { const px = mercator(v, 0)[0] * scale - ox; xs.push([px, v]); ctx.moveTo(px, 0); ctx.lineTo(px, 256); }
      for (let v = Math.floor(lat(oy + 276) / step) * step; v <= lat(oy - 20) + step; v += step) { const py = mercator(0, v)[1] * scale - oy; ys.push([py, v]); ctx.moveTo(0, py); ctx.lineTo(256, py); }
      ctx.stroke(); ctx.globalAlpha = 0.5;
      if (z >= 9) { ctx.font = `9px ${colour.font}`; ctx.fillStyle = colour.text; ctx.textAlign = 'left'; ctx.textBaseline = 'bottom'; for (const [px, a] of xs) for (const [py, b] of ys) ctx.fillText(`${b.toFixed(places)}, ${a.toFixed(places)}`, px + 3, py - 2); }
      ctx.globalAlpha = 1;
    }

    const made = new Base({ attribution: 'Natural Earth · GeoNames', maxZoom: 19, updateWhenZooming: false });
    document.fonts?.ready.then(() => { labels.clear(); if (made._map) made.redraw(); });
    return made;
  }

  const token = (name) => getComputedStyle(document.body).getPropertyValue(`--${name}`).trim();
  const themed = () => ({ sea: token('sea'), land: token('land'), border: token('land-line'), water: token('water-line'), text: token('map-text'), font: token('font') });
  window.SteadingBasemap = { layer, themed };
})();
