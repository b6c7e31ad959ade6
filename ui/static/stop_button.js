// Everything off: one tap, one answer, both in the browser so that a weak line costs nothing; and then the truth about whether it left.
const LOST_MS = 8_000;

export default {
  template: `
    <div class="st-stop" role="region" :aria-label="words.stop">
      <div v-if="said.text" class="st-stop-words" :class="'is-' + said.kind" :role="said.kind === 'critical' ? 'alert' : 'status'">{{ said.text }}</div>
      <template v-if="step === 'asks'">
        <div class="st-stop-words">{{ words.sure }}</div>
        <button type="button" class="st-stop-sure" ref="sure" @click="send"><i class="q-icon notranslate material-icons" aria-hidden="true">dangerous</i>{{ words.do_it }}</button>
        <button type="button" class="st-stop-no" @click="step = 'ready'">{{ words.no }}</button>
      </template>
      <button v-else-if="step === 'ready'" type="button" class="st-stop-button" @click="open"><i class="q-icon notranslate material-icons" aria-hidden="true">dangerous</i>{{ words.stop }}</button>
    </div>`,
  props: { words: Object },
  data() { return { step: 'ready', failed: '' }; },
  computed: {
    said() {
      if (this.failed) return { kind: 'critical', text: this.failed };
      return this.step === 'sent' ? { kind: 'waiting', text: this.words.sent } : { kind: '', text: '' };
    },
  },
  unmounted() { clearTimeout(this.timer); },
  methods: {
    open() {
      this.failed = '';
      this.step = 'asks';
      this.$nextTick(() => this.$refs.sure?.focus());
    },
    send() {
      if (!navigator.onLine || !window.socket?.connected) { this.fail(this.words.away); return; }
      this.failed = '';
      this.step = 'sent';
      this.$emit('stop', {});
      this.timer = setTimeout(() => this.fail(this.words.lost), LOST_MS);
    },
    fail(text) {
      clearTimeout(this.timer);
      this.failed = text;
      this.step = 'asks';
    },
    done() {
      clearTimeout(this.timer);
      this.failed = '';
      this.step = 'ready';
    },
  },
};
