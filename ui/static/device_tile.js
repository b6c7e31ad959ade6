// A device tile: takes small differences, answers a tap in the same frame, lets no second tap through, and says truthfully how far
// a wish has come: not yet at the server, asked, waiting for a device that is away, slow, confirmed, refused, without an answer.
const SLOW_MS = 2_000, LOST_MS = 8_000, TOLD_MS = 5_000;

export default {
  template: `
    <div class="st-tile" :class="['is-' + (v.state || 'neutral'), { 'is-on': v.is_on === true, 'is-asked': asked, 'is-row': v.is_row, 'is-slow': isSlow }]">
      <div class="st-tile-top">
        <span class="st-tile-icon"><i class="q-icon notranslate material-icons" aria-hidden="true">{{ v.icon }}</i></span>
        <component :is="v.href ? 'a' : 'span'" :href="v.href || null" class="st-tile-name">{{ v.name }}</component>
      </div>
      <div class="st-tile-said">
        <div class="st-tile-word" aria-live="polite">{{ word }}</div>
        <div v-if="v.value" class="st-tile-value">{{ v.value }}<span v-if="v.unit" class="st-tile-unit"> {{ v.unit }}</span></div>
      </div>
      <button v-if="v.switchable && v.is_sure !== false" type="button" class="st-switch" role="switch" :aria-checked="asked ? 'mixed' : String(v.is_on === true)"
        :aria-label="v.name + ': ' + (wish ? words.switch_on : words.switch_off)" :aria-disabled="asked && !isSlow" @click.stop="ask(wish)">
        <span class="st-switch-track"><span class="st-switch-thumb"></span></span>
      </button>
      <div v-else-if="v.switchable" class="st-choice" role="group" :aria-label="v.name">
        <button v-for="on in [true, false]" type="button" class="st-choice-one" :class="{ 'is-wished': asked && v.asked === on }"
          :aria-pressed="String(asked && v.asked === on)" :aria-label="v.name + ': ' + (on ? words.switch_on : words.switch_off)" @click.stop="ask(on)">{{ on ? words.switch_on : words.switch_off }}</button>
      </div>
      <div v-if="!v.is_row || note.text" class="st-tile-note" :class="'is-' + note.kind">
        <span v-if="note.text" class="st-tile-told"><i v-if="note.icon" class="q-icon notranslate material-icons" aria-hidden="true">{{ note.icon }}</i><span :role="note.kind === 'critical' ? 'alert' : 'status'">{{ note.text }}</span></span>
        <button v-if="asked && v.can_call_off" type="button" class="st-tile-back" @click.stop="callOff">{{ words.call_off }}</button>
        <time v-else-if="v.at" class="st-age" :key="v.at" :data-at="v.at" :data-lang="words.lang" :title="v.at_title"></time>
      </div>
    </div>`,
  props: { value: Object, words: Object },
  data() {
    return { v: { ...this.value }, now: Date.now(), since: 0, isHeard: true, isLost: false, isAway: false, doneAt: 0 };
  },
  computed: {
    asked() { return this.v.asked !== null && this.v.asked !== undefined; },
    waited() { return this.asked ? Math.max(0, this.now - this.since) : 0; },
    isSlow() { return this.asked && this.waited >= SLOW_MS && (!this.v.waits || !this.isHeard); },
    wish() { return this.asked ? !this.v.asked : this.v.is_on !== true; },
    word() {
      if (this.asked) return this.v.asking || (this.v.asked ? this.words.asked_on : this.words.asked_off);
      return this.v.word || (this.v.is_on === true ? this.words.on : this.v.is_on === false ? this.words.off : this.words.unknown);
    },
    note() {
      const seconds = String(Math.floor(this.waited / 1000));
      if (this.isAway) return { kind: 'critical', icon: 'wifi_off', text: this.words.away };
      if (this.isLost) return { kind: 'critical', icon: 'wifi_off', text: this.words.lost };
      if (this.isSlow && !this.isHeard) return { kind: 'warning', icon: 'hourglass_top', text: this.words.unheard.replace('{seconds}', seconds) };
      if (this.asked && this.v.waits) return { kind: 'waiting', icon: 'schedule', text: this.v.waits };
      if (this.isSlow) return { kind: 'warning', icon: 'hourglass_top', text: this.words.slow.replace('{seconds}', seconds) };
      if (this.asked) return { kind: 'waiting', icon: '', text: '' };
      if (this.v.reason) return { kind: 'critical', icon: 'error', text: this.v.reason };
      if (this.doneAt && this.now - this.doneAt < TOLD_MS) return { kind: 'ok', icon: 'check_circle', text: this.words.confirmed };
      return { kind: this.v.note_state || 'neutral', icon: this.v.note ? this.v.note_icon : '', text: this.v.note || '' };
    },
  },
  mounted() {
    this.begin(this.v.asked_s);
    this.$nextTick(() => window.steading?.tick());
  },
  unmounted() { clearInterval(this.timer); },
  methods: {
    set(changes) {
      const before = this.v;
      const wasAsked = this.asked;
      this.v = { ...this.v, ...changes };
      if ('asked' in changes) {
        this.isHeard = true;
        this.isLost = false;
        if (wasAsked && !this.asked && !changes.reason && this.v.end === 'completed') this.doneAt = Date.now();
        if (this.asked && (!wasAsked || changes.asked !== before.asked)) this.begin(changes.asked_s);
        this.watch();
      }
      this.$nextTick(() => window.steading?.tick());
    },
    heard(tap) { if (tap === this.tap) this.isHeard = true; },
    ask(on) {
      if (this.asked && (this.v.asked === on || !(this.isSlow || this.v.waits))) return;
      if (!navigator.onLine || !window.socket?.connected) return this.say('isAway');
      this.tap = (this.tap || 0) + 1;
      this.v = { ...this.v, asked: on, asking: '', reason: '', waits: '', can_call_off: false };
      this.isHeard = this.isLost = this.isAway = false;
      this.doneAt = 0;
      this.begin(0);
      this.$emit('switch', { on, tap: this.tap });
    },
    callOff() {
      if (!navigator.onLine || !window.socket?.connected) return this.say('isAway');
      this.v = { ...this.v, can_call_off: false };
      this.$emit('call_off', {});
    },
    say(what) {
      this[what] = true;
      setTimeout(() => { this[what] = false; }, TOLD_MS);
    },
    begin(seconds) {
      this.now = Date.now();
      this.since = this.now - 1000 * (seconds || 0);
      this.watch();
    },
    // While something is under way the clock runs; otherwise nothing does.
    watch() {
      clearInterval(this.timer);
      if (!this.asked && !this.doneAt) return;
      this.now = Date.now();
      this.timer = setInterval(() => {
        this.now = Date.now();
        if (this.asked && !this.isHeard && this.waited > LOST_MS) {
          this.v = { ...this.v, asked: null };
          this.isLost = true;
        }
        if (!this.asked && this.now - this.doneAt > TOLD_MS) { this.doneAt = 0; clearInterval(this.timer); }
      }, 500);
    },
  },
};
