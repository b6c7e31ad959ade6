// A time-series chart on the bundled Plotly. Times travel as epoch ms and are shown in the place's own zone.
const decode = (text, Kind) => new Kind(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
// Plotly knows only plain colours: ours are six hex digits.
const faint = (hex) => `rgba(${[1, 3, 5].map((i) => parseInt(hex.trim().slice(i, i + 2), 16)).join(',')},0.2)`;
const GLYPHS = { door: 'square', log: 'diamond', action: 'star', note: 'circle' };

function zoneShift(zone) {
  // Plotly knows no zones: shift each instant by the zone's offset at that hour and read the axis as if it were UTC.
  const cache = new Map();
  let format;
  try { format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' }); } catch { return { to: (t) => t, from: (t) => t }; }
  const offset = (ms) => {
    const quarter = Math.floor(ms / 900000);  // some zones change their clocks at half an hour
    if (!cache.has(quarter)) {
      const p = Object.fromEntries(format.formatToParts(quarter * 900000).map((x) => [x.type, Number(x.value)]));
      cache.set(quarter, Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - quarter * 900000);
    }
    return cache.get(quarter);
  };
  return { to: (t) => t + offset(t), from: (t) => t - offset(t - offset(t)) };
}

export default {
  template: `
    <div class="st-chart">
      <div class="st-chart-tools">
        <div class="st-ranges" role="group" :aria-label="words.range">
          <button v-for="r in ranges" :key="r" type="button" :class="{ 'is-chosen': r === current }" :aria-pressed="String(r === current)" @click="choose(r)">{{ words[r] }}</button>
          <details class="st-custom" ref="custom"><summary :class="{ 'is-chosen': !current }">{{ words.custom }}</summary><form @submit.prevent="show">
            <label>{{ words.from }}<input type="datetime-local" v-model="from" required></label><label>{{ words.to }}<input type="datetime-local" v-model="to" required></label>
            <button type="submit" class="st-plain">{{ words.show }}</button></form></details>
        </div><span class="st-grow"></span>
        <button type="button" class="st-tool" @click="png" :title="words.png" :aria-label="words.png"><i class="q-icon material-icons" aria-hidden="true">image</i></button>
        <a v-if="csvHref" class="st-tool" :href="csv" download :title="words.csv" :aria-label="words.csv"><i class="q-icon material-icons" aria-hidden="true">download</i></a>
      </div>
      <div class="st-chart-box" :style="{ height }"><div ref="plot" class="st-chart-plot" role="img" :aria-label="words.title"></div>
        <div v-if="error" class="st-chart-over" role="alert">{{ error }}<button type="button" class="st-plain" @click="choose(current || ranges[0])">{{ words.retry }}</button></div>
        <div v-else-if="!ready" class="st-chart-over" role="status">{{ words.loading }}…</div>
        <div v-else-if="empty" class="st-chart-over">{{ words.none }}</div></div>
      <p v-if="note" class="st-chart-note st-soft">{{ note }}</p>
    </div>`,
  props: { answer: Object, words: Object, zone: String, unit: String, csvHref: String, height: String, ranges: Array, range: String, name: String },
  data() { return { current: this.range, error: '', ready: false, empty: false, note: '', from: '', to: '', window: [0, 0] }; },
  computed: {
    csv() {
      const url = new URL((window.path_prefix || '') + this.csvHref, location.href);
      url.searchParams.set('from', Math.round(this.window[0])); url.searchParams.set('to', Math.round(this.window[1]));
      return url.href;
    },
  },
  async mounted() {
    this.shift = zoneShift(this.zone);
    this.lines = []; this.lanes = [];
    const { Plotly } = await import('nicegui-plotly');
    if (this.gone) return;
    this.Plotly = Plotly;
    this.forget = window.steading?.onTheme(() => this.draw());
    this.observer = new ResizeObserver(() => { if (this.drawn) this.Plotly.Plots.resize(this.$refs.plot); });
    this.observer.observe(this.$refs.plot);
    if (this.pending || this.answer) this.set(this.pending || this.answer);
  },
  unmounted() { this.gone = true; this.observer?.disconnect(); this.forget?.(); clearTimeout(this.timer); if (this.drawn) this.Plotly.purge(this.$refs.plot); },
  methods: {
    set(answer) {
      if (!this.Plotly) { this.pending = answer; return; }
      this.error = answer.error || '';
      if (answer.error) return;
      this.got = answer; this.note = answer.note || ''; this.current = answer.range; this.window = [answer.start, answer.end];
      const floats = (text) => text && Array.from(decode(text, Float32Array));
      this.lines = answer.series.map((s) => ({ ...s, x: Array.from(decode(s.x, Float64Array)), y: floats(s.y), low: floats(s.low), high: floats(s.high) }));
      this.lanes = (answer.lanes || []).map((l) => ({ ...l, starts: Array.from(decode(l.starts, Float64Array)), ends: Array.from(decode(l.ends, Float64Array)), shares: floats(l.shares) }));
      if (!this.from || !this.$refs.custom.open) [this.from, this.to] = this.window.map((t) => new Date(this.shift.to(t)).toISOString().slice(0, 16));
      this.draw();
    },
    append({ key, x, y }) {
      const line = this.lines?.find((l) => l.key === key);
      if (!line || line.low) return;
      const times = decode(x, Float64Array), values = decode(y, Float32Array);
      for (let i = 0; i < times.length; i++) {
        const last = line.y.length && Number.isNaN(line.y[line.y.length - 1]) ? line.x[line.x.length - 2] : line.x[line.x.length - 1];
        if (times[i] <= last) continue;
        if (Number.isNaN(line.y[line.y.length - 1]) && !(line.gap && times[i] - last > line.gap)) { line.x.pop(); line.y.pop(); }
        else if (line.gap && times[i] - last > line.gap) { line.x.push(last + 1); line.y.push(NaN); }
        line.x.push(times[i]); line.y.push(values[i]);
      }
      if (this.current && times.length) {
        const step = Math.max(0, times[times.length - 1] - this.window[1]);
        this.window = [this.window[0] + step, this.window[1] + step];
        for (const l of this.lines) { let cut = 0; while (l.x[cut] < this.window[0]) cut++; if (cut > 200) { l.x.splice(0, cut); l.y.splice(0, cut); } }
      }
      if (!this.frame) this.frame = requestAnimationFrame(() => { this.frame = 0; this.draw(); });
    },
    draw() {
      if (!this.got || this.gone) return;
      const css = window.steading.token, to = this.shift.to, [start, end] = this.window.map(to), phone = innerWidth < 768;
      const font = { family: css('font'), size: phone ? 13 : 12, color: css('text-soft') };
      const iso = (t) => new Date(to(t)).toISOString().slice(0, 23), above = this.lines.filter((l) => !l.below), below = this.lines.filter((l) => l.below);
      const traces = this.lines.flatMap((l) => {
        const at = l.x.map(iso), yaxis = l.below ? 'y3' : 'y', unit = l.below ? this.words.below : this.unit, color = css(`series-${(l.below ? below.indexOf(l) + 1 : above.indexOf(l)) % 5}`);
        const line = {
          type: 'scatter', mode: l.x.length < 40 ? 'lines+markers' : 'lines', name: l.name, x: at, y: l.y, yaxis, connectgaps: false, showlegend: !l.below, legendgroup: l.key,
          line: { color, width: l.y.length > 600 ? 1.25 : 2 }, marker: { size: 5 }, hovertemplate: `%{y:.1f} ${unit}`,
        };
        if (l.low) {
          line.customdata = l.low.map((v, i) => [v, l.high[i]]);
          line.hovertemplate = `%{y:.1f} ${unit} (%{customdata[0]:.1f} – %{customdata[1]:.1f})`;
        }
        return [...(l.low ? [this.band(l, at, { yaxis, color })] : []), line, ...this.alone(l, at, { yaxis, color })];
      });
      const { limits, excursions, marks } = this.got, shapes = [], annotations = [];
      const rows = this.lanes.length, isAlone = rows && !this.lines.length, laid = rows ? Math.min(0.5, 0.04 + 0.1 * rows) : 0;
      traces.push(...this.lanes.flatMap((l, i) => this.lane(l, rows - 1 - i, iso, css(`series-${(i + 2) % 5}`))));
      annotations.push(...this.lanes.map((l, i) => ({ xref: 'paper', x: 0, xanchor: 'left', yref: 'y4', y: rows - 1 - i + 0.6, yanchor: 'bottom', text: l.name, showarrow: false, font: { ...font, size: 11 } })));
      for (const one of limits) {
        const [from, until] = [one.start_ms, one.end_ms].map((t, i) => t === null ? this.window[i] : Math.min(Math.max(t, this.window[0]), this.window[1]));
        const span = one.start_ms === null && one.end_ms === null ? { xref: 'paper', x0: 0, x1: 1 } : { x0: iso(from), x1: iso(until) };
        shapes.push({ type: 'rect', layer: 'below', ...span, yref: 'y', y0: one.low ?? -1e6, y1: one.high ?? 1e6, fillcolor: css('ok-soft'), opacity: 0.55, line: { width: 0 } });
        for (const y of [one.low, one.high]) if (y !== null) {
          shapes.push({ type: 'line', ...span, y0: y, y1: y, line: { color: css('ok'), width: 1, dash: 'dash' } });
        }
        const y = one.high ?? one.low;
        if (one.label && y !== null) annotations.push({ xref: 'paper', x: 0, xanchor: 'left', y, yanchor: 'bottom', text: one.label, showarrow: false, font: { ...font, color: css('ok'), size: 11 } });
      }
      for (const one of excursions) {
        const least = (this.window[1] - this.window[0]) / 400;  // a short one is seen too when years are shown
        const from = Math.max(one.start_ms, this.window[0]), until = Math.max(Math.min(one.end_ms ?? this.window[1], this.window[1]), from + least);
        if ((one.end_ms ?? Infinity) < this.window[0] || from > this.window[1]) continue;
        shapes.push({ type: 'rect', layer: 'below', yref: 'paper', y0: 0, y1: 1, x0: new Date(to(from)).toISOString(), x1: new Date(to(until)).toISOString(), fillcolor: css(one.state), opacity: 0.14, line: { width: 0 } });
        if (one.label && !phone) annotations.push({ x: new Date(to(from)).toISOString(), xanchor: 'left', yref: 'paper', y: 1, yanchor: 'top', text: one.label, showarrow: false, font: { ...font, color: css(one.state), size: 11 } });
      }
      const shown = marks.filter((m) => m.at_ms >= this.window[0] && m.at_ms <= this.window[1]);
      if (shown.length) traces.push({
        type: 'scatter', mode: 'markers', showlegend: false, yaxis: 'y2', name: '', x: shown.map((m) => new Date(to(m.at_ms)).toISOString().slice(0, 23)), y: shown.map(() => 0.03), text: shown.map((m) => m.label),
        hovertemplate: '%{text}<extra></extra>', marker: { symbol: shown.map((m) => GLYPHS[m.kind] || 'circle'), size: 11, color: css('waiting'), line: { color: css('card'), width: 1.5 } },
      });
      const known = above.flatMap((l) => [...l.y, ...(l.low || []), ...(l.high || [])].filter((v) => !Number.isNaN(v)));
      this.empty = !known.length && !rows;
      const near = limits.filter((l) => (l.end_ms ?? Infinity) > this.window[0] && (l.start_ms ?? -Infinity) < this.window[1]).flatMap((l) => [l.low, l.high]).filter((v) => v !== null);
      let low = Infinity, high = -Infinity;
      for (const v of [...known, ...near]) { if (v < low) low = v; if (v > high) high = v; }
      const pad = (high - low || 2) * 0.08, grid = { gridcolor: css('line'), zeroline: false, linecolor: css('line'), tickfont: font, fixedrange: false };
      const layout = {
        autosize: true, font, paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', shapes, annotations, hovermode: 'x unified', showlegend: above.length > 1,
        margin: { l: phone ? 40 : 52, r: phone ? 8 : 16, t: 12, b: 36 }, legend: { orientation: 'h', y: 1.02, yanchor: 'bottom', x: 0 },
        hoverlabel: { bgcolor: css('raised'), bordercolor: css('line'), font: { ...font, color: css('text') } },
        dragmode: matchMedia('(pointer: coarse)').matches ? false : 'zoom', uirevision: `${this.got.start}`,
        xaxis: { ...grid, type: 'date', ...(rows ? { anchor: 'y4' } : below.length ? { anchor: 'y3' } : {}), range: [new Date(start).toISOString().slice(0, 23), new Date(end).toISOString().slice(0, 23)], nticks: phone ? 4 : 9, tickformatstops: [{ dtickrange: [null, 59999], value: '%H:%M:%S\n%-d %b %Y' }, { dtickrange: [60000, 86399999], value: '%H:%M\n%-d %b %Y' }, { dtickrange: [86400000, 'M1'], value: '%-d %b\n%Y' }, { dtickrange: ['M1', null], value: '%b\n%Y' }] },
        yaxis: { ...grid, domain: rows ? [laid + 0.04, 1] : below.length ? [0.34, 1] : [0, 1], visible: !isAlone, range: known.length ? [low - pad, high + pad] : [0, 1], fixedrange: true, ticksuffix: phone ? '' : ` ${this.unit}` },
        yaxis2: { overlaying: 'y', range: [0, 1], visible: false, fixedrange: true },
        ...(rows ? { yaxis4: { domain: isAlone ? [0, 1] : [0, laid], range: [0, rows], visible: false, fixedrange: true } } : {}),
        ...(below.length ? { yaxis3: { ...grid, domain: [0, 0.26], rangemode: 'normal', nticks: 4, fixedrange: true, ticksuffix: phone ? '' : ` ${this.words.below}` } } : {}),
      };
      const lang = this.words.lang === 'km' ? 'km' : 'en';
      this.Plotly.react(this.$refs.plot, traces, layout, { displayModeBar: false, responsive: false, displaylogo: false, doubleClick: false, locale: lang, locales: { km: this.khmer() } });
      if (!this.drawn) {
        this.drawn = true;
        this.$refs.plot.on('plotly_relayout', (e) => this.relayout(e));
        this.$refs.plot.on('plotly_doubleclick', () => this.choose(this.lastRange || this.ranges[0]));
      }
      this.ready = true;
    },
    // What was between the least and the most, a closed shape for each stretch without a gap.
    band(l, at, { yaxis, color }) {
      const x = [], y = [];
      for (let start = 0, i = 0; i <= l.y.length; i++) {
        if (i < l.y.length && !Number.isNaN(l.y[i])) continue;
        for (let k = start; k < i; k++) { x.push(at[k]); y.push(l.high[k]); }
        for (let k = i - 1; k >= start; k--) { x.push(at[k]); y.push(l.low[k]); }
        if (i > start) { x.push(at[i - 1]); y.push(null); }
        start = i + 1;
      }
      return { type: 'scatter', mode: 'lines', x, y, yaxis, fill: 'toself', fillcolor: faint(color), line: { width: 0 }, hoverinfo: 'skip', showlegend: false, legendgroup: l.key };
    },
    // When something was on: a thin line where it is known, and a block as high as the part of the time that it was on.
    lane(l, row, iso, color) {
      const x = [], y = [], along = [], told = [], known = { x: [], y: [] };
      l.starts.forEach((start, i) => {
        const [from, until, share] = [iso(start), iso(l.ends[i]), l.shares[i]];
        if (i && start > l.ends[i - 1] + 1) { known.x.push(from); known.y.push(null); }
        known.x.push(from, until); known.y.push(row, row);
        const word = share > 0.999 ? this.words.on : share < 0.001 ? this.words.off : `${Math.round(share * 100)} %`;
        along.push(iso((start + l.ends[i]) / 2)); told.push(`${l.name}: ${word}`);
        if (share > 0) { const top = row + 0.56 * share; x.push(from, from, until, until, from, null); y.push(row, top, top, row, row, null); }
      });
      const same = { type: 'scatter', mode: 'lines', yaxis: 'y4', showlegend: false, name: '' };
      return [
        { ...same, ...known, line: { color, width: 1 }, opacity: 0.6, connectgaps: false, hoverinfo: 'skip' },
        { ...same, x, y, fill: 'toself', fillcolor: color, line: { width: 0 }, hoverinfo: 'skip' },
        { ...same, x: along, y: along.map(() => row + 0.3), line: { width: 0 }, text: told, hovertemplate: '%{text}<extra></extra>' },
      ];
    },
    // A point with a gap on either side has no line to be seen by.
    alone(l, at, { yaxis, color }) {
      const empty = (i) => i < 0 || i >= l.y.length || Number.isNaN(l.y[i]);
      const only = l.x.length < 40 ? [] : l.y.map((_, i) => i).filter((i) => !empty(i) && empty(i - 1) && empty(i + 1));
      return only.length ? [{ type: 'scatter', mode: 'markers', x: only.map((i) => at[i]), y: only.map((i) => l.y[i]), yaxis, marker: { size: 4, color }, hoverinfo: 'skip', showlegend: false, legendgroup: l.key }] : [];
    },
    khmer() {
      const { months, days } = window.steading.khmer;
      return { dictionary: {}, format: { months, shortMonths: months, days, shortDays: days, date: '%d/%m/%Y' } };
    },
    relayout(event) {
      if (event['xaxis.range[0]'] === undefined) return;
      const [start, end] = [event['xaxis.range[0]'], event['xaxis.range[1]']].map((t) => this.shift.from(typeof t === 'number' ? t : Date.parse(String(t).replace(' ', 'T') + 'Z')));
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.zoom(start, end), 150);
    },
    zoom(start, end) {
      if (this.current) this.lastRange = this.current;
      this.current = ''; this.address({ from: Math.round(start), to: Math.round(end) });
      this.$emit('zoom', { start, end });
    },
    show() {
      const [start, end] = [this.from, this.to].map((t) => this.shift.from(Date.parse(t + ':00Z')));
      this.$refs.custom.open = false;
      if (end > start) this.zoom(start, end);
    },
    choose(range) { this.current = range; this.error = ''; this.address({ range }); this.$emit('range', range); },
    address(state) {
      const url = new URL(location.href), prefix = this.name ? this.name + '.' : '';
      for (const key of ['range', 'from', 'to']) state[key] ? url.searchParams.set(prefix + key, state[key]) : url.searchParams.delete(prefix + key);
      history.replaceState(history.state, '', url);
    },
    png() {
      this.Plotly?.toImage({ data: this.$refs.plot.data, layout: { ...this.$refs.plot.layout, paper_bgcolor: window.steading.token('card'), title: { text: this.words.title }, margin: { l: 60, r: 20, t: 60, b: 40 } } }, { format: 'png', width: 1280, height: 640, scale: 2 })
        .then((href) => Object.assign(document.createElement('a'), { href, download: `${this.words.title || 'chart'}.png` }).click());
    },
  },
};
