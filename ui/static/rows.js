// A list as one component: the server sends one page of plain values, this draws them as a table or, narrow, as cards.
const Spark = {
  props: { values: Array },
  template: `<svg class="st-spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true"><path v-for="d in paths" :d="d" vector-effect="non-scaling-stroke"/></svg>`,
  computed: {
    paths() {
      const known = this.values.filter((v) => v !== null);
      if (!known.length) return [];
      const low = Math.min(...known), span = Math.max(...known) - low || 1, step = 100 / Math.max(1, this.values.length - 1);
      const paths = []; let path = '';
      this.values.forEach((v, i) => {
        if (v === null) { if (path) paths.push(path); path = ''; return; }
        path += `${path ? 'L' : 'M'}${(i * step).toFixed(1)} ${(22 - ((v - low) / span) * 20).toFixed(1)}`;
      });
      if (path) paths.push(path);
      return paths;
    },
  },
};
const ICONS = { ok: 'check_circle', warning: 'warning', critical: 'error', offline: 'cloud_off', waiting: 'schedule', neutral: 'circle' };

export default {
  components: { Spark },
  template: `
    <div class="st-rows">
      <div class="st-rows-tools">
        <label v-if="filtering" class="st-rows-filter"><i class="q-icon material-icons" aria-hidden="true">search</i>
          <input type="search" :placeholder="words.filter" :aria-label="words.filter" v-model="a.filter" @input="typed"></label>
        <span class="st-grow"></span>
        <label class="st-rows-sort"><span class="st-sr">{{ words.sort }}</span>
          <select :value="a.sort + ':' + a.descending" @change="chosen($event.target.value)" :aria-label="words.sort">
            <option value=":false">{{ words.sort }}…</option>
            <template v-for="c in columns.filter((c) => c.sortable)" :key="c.key"><option :value="c.key + ':false'">{{ c.label }}, {{ words.ascending }}</option>
            <option :value="c.key + ':true'">{{ c.label }}, {{ words.descending }}</option></template>
          </select></label>
        <details class="st-rows-columns" ref="choice"><summary><i class="q-icon material-icons" aria-hidden="true">view_column</i><span>{{ words.columns }}</span></summary>
          <div class="st-rows-choice"><label v-for="c in columns" :key="c.key"><input type="checkbox" :checked="isShown(c)" @change="toggle(c)"> {{ c.label }}</label></div></details>
        <a v-if="csvHref" class="st-rows-csv" :href="csv" download><i class="q-icon material-icons" aria-hidden="true">download</i><span>{{ words.csv }}</span></a>
      </div>
      <div v-if="error" class="st-state is-error" role="alert"><div class="st-state-title">{{ error }}</div><button type="button" class="st-plain" @click="ask">{{ words.retry }}</button></div>
      <div v-else-if="rows === null" class="st-loading" role="status" :aria-label="words.loading"><div class="st-loading-bar" v-for="i in 5" :key="i"></div></div>
      <div v-else-if="!rows.length" class="st-state is-empty"><i class="q-icon material-icons st-state-icon" aria-hidden="true">{{ a.filter ? 'search_off' : 'inbox' }}</i>
        <div class="st-state-title">{{ a.filter ? words.none : words.empty }}</div>
        <button v-if="a.filter" type="button" class="st-plain" @click="a.filter = ''; change({ page: 1 })">{{ words.clear }}</button></div>
      <div v-else class="st-rows-scroll" :class="{ 'is-asking': asking }" tabindex="0" role="region" :aria-label="words.label || words.filter || words.columns"><table>
        <thead><tr><th v-for="c in shown" :key="c.key" scope="col" :class="'is-' + c.kind" :aria-sort="a.sort === c.key ? (a.descending ? 'descending' : 'ascending') : null">
          <button v-if="c.sortable" type="button" @click="sortBy(c)">{{ c.label }}<i class="q-icon material-icons" aria-hidden="true" :class="{ 'is-hidden': a.sort !== c.key }">{{ a.descending ? 'arrow_downward' : 'arrow_upward' }}</i></button>
          <template v-else>{{ c.label }}</template></th></tr></thead>
        <tbody><tr v-for="row in rows" :key="row.id" :class="{ 'is-link': row.href }" @click="open($event, row)" @auxclick="open($event, row)">
          <td v-for="(c, i) in shown" :key="c.key" :data-label="c.label" :class="['is-' + c.kind, { 'is-first': i === 0, 'is-empty': row[c.key] == null || row[c.key] === '' }]">
            <span v-if="c.kind === 'badge' && row[c.key]" class="st-badge" :class="'is-' + row[c.key].state"><i class="q-icon material-icons" aria-hidden="true">{{ icon(row[c.key].state) }}</i>{{ row[c.key].text }}</span>
            <spark v-else-if="c.kind === 'spark' && row[c.key]" :values="row[c.key].spark"></spark>
            <time v-else-if="c.kind === 'age' && row[c.key].at" class="st-age" :key="row[c.key].at" :data-at="row[c.key].at" :data-lang="words.lang" :title="row[c.key].title">{{ row[c.key].text }}</time>
            <span v-else-if="c.kind === 'moment' && row[c.key]" :title="row[c.key].title">{{ row[c.key].text }}</span>
            <a v-else-if="c.kind === 'link' && row[c.key]" :href="row[c.key].href">{{ row[c.key].text }}</a>
            <a v-else-if="i === 0 && row.href" :href="row.href" class="st-rows-open">{{ plain(row[c.key]) }}</a>
            <template v-else>{{ plain(row[c.key]) }}</template>
          </td></tr></tbody></table></div>
      <div v-if="rows && rows.length" class="st-rows-foot">
        <span class="st-soft">{{ from }}–{{ to }} {{ words.of }} {{ format(total) }}</span><span class="st-grow"></span>
        <label class="st-rows-size"><span>{{ words.sizes }}</span><select :value="a.size" :aria-label="words.sizes" @change="change({ size: Number($event.target.value), page: 1 })"><option v-for="s in words.list" :key="s">{{ s }}</option></select></label>
        <button type="button" class="st-step" :disabled="a.page <= 1" :aria-label="words.previous" @click="change({ page: a.page - 1 })"><i class="q-icon material-icons" aria-hidden="true">chevron_left</i></button>
        <button type="button" class="st-step" :disabled="to >= total" :aria-label="words.next" @click="change({ page: a.page + 1 })"><i class="q-icon material-icons" aria-hidden="true">chevron_right</i></button>
      </div>
    </div>`,
  props: { columns: Array, asked: Object, answer: Object, words: Object, name: String, csvHref: String, filtering: Boolean },
  data() {
    const first = this.answer || {};
    return { a: { ...this.asked }, rows: first.rows || null, total: first.total || 0, error: first.error || '', asking: false };
  },
  computed: {
    chosenKeys() { return this.a.columns ? this.a.columns.split(',') : this.columns.filter((c) => !c.hidden).map((c) => c.key); },
    shown() { return this.columns.filter((c) => this.chosenKeys.includes(c.key)); },
    from() { return (this.a.page - 1) * this.a.size + 1; },
    to() { return Math.min(this.total, this.from + this.rows.length - 1); },
    csv() {
      const url = new URL((window.path_prefix || '') + this.csvHref, location.href);
      for (const [key, value] of [['q', this.a.filter], ['sort', this.a.sort], ['dir', this.a.sort ? (this.a.descending ? 'desc' : 'asc') : '']]) if (value) url.searchParams.set(key, value);
      return url.href;
    },
  },
  mounted() {
    this.outside = (event) => { if (this.$refs.choice && !this.$refs.choice.contains(event.target)) this.$refs.choice.open = false; };
    document.addEventListener('click', this.outside);
  },
  unmounted() { document.removeEventListener('click', this.outside); clearTimeout(this.timer); },
  methods: {
    set(answer) {
      this.asking = false; clearTimeout(this.slow);
      this.error = answer.error || '';
      if (answer.rows) { this.rows = answer.rows; this.total = answer.total; this.a.page = answer.page; }
      this.$nextTick(() => window.steading?.tick());
    },
    ask() {
      this.error = ''; this.slow = setTimeout(() => { this.asking = true; }, 250);
      this.$emit('ask', { ...this.a });
      this.address();
    },
    change(changes) { Object.assign(this.a, changes); this.ask(); },
    typed() { clearTimeout(this.timer); this.timer = setTimeout(() => this.change({ page: 1 }), 300); },
    sortBy(c) { this.change({ page: 1, sort: c.key, descending: this.a.sort === c.key ? !this.a.descending : false }); },
    chosen(value) { const [sort, way] = value.split(':'); this.change({ page: 1, sort, descending: way === 'true' }); },
    isShown(c) { return this.chosenKeys.includes(c.key); },
    toggle(c) {
      const keys = this.isShown(c) ? this.chosenKeys.filter((k) => k !== c.key) : [...this.chosenKeys, c.key];
      if (keys.length) this.a.columns = keys.join(',');
      this.address();
    },
    address() {
      const url = new URL(location.href), prefix = this.name ? this.name + '.' : '';
      const state = { page: this.a.page > 1 ? this.a.page : '', size: this.a.size !== 25 ? this.a.size : '', sort: this.a.sort,
        dir: this.a.sort ? (this.a.descending ? 'desc' : 'asc') : '', q: this.a.filter, cols: this.a.columns };
      for (const [key, value] of Object.entries(state)) value ? url.searchParams.set(prefix + key, value) : url.searchParams.delete(prefix + key);
      history.replaceState(history.state, '', url);
    },
    open(event, row) {
      if (!row.href || event.target.closest('a, button, input, label') || String(getSelection())) return;
      if (event.ctrlKey || event.metaKey || event.button === 1) window.open(row.href, '_blank'); else location.href = row.href;
    },
    plain(cell) { return cell && typeof cell === 'object' ? cell.text : cell; },
    icon(state) { return ICONS[state] || 'circle'; },
    format(n) { return n.toLocaleString('en'); },
  },
};
