// A device tile: takes small differences, answers a tap at once, and never lets a second tap through while asked.
export default {
  template: `
    <div class="st-tile" :class="['is-' + (v.state || 'neutral'), { 'is-on': v.is_on === true, 'is-asked': asked }]">
      <div class="st-tile-top">
        <span class="st-tile-icon"><i class="q-icon notranslate material-icons" aria-hidden="true">{{ v.icon }}</i></span>
        <component :is="v.href ? 'a' : 'span'" :href="v.href || null" class="st-tile-name">{{ v.name }}</component>
      </div>
      <div class="st-tile-word" aria-live="polite">{{ word }}</div>
      <div v-if="v.value" class="st-tile-value">{{ v.value }}<span v-if="v.unit" class="st-tile-unit"> {{ v.unit }}</span></div>
      <div v-if="v.reason" class="st-tile-reason" role="alert">{{ v.reason }}</div>
      <div class="st-tile-foot">
        <time v-if="v.at" class="st-age" :key="v.at" :data-at="v.at" :data-lang="words.lang" :title="v.at_title"></time>
        <button v-if="v.switchable" type="button" class="st-switch" role="switch" :aria-checked="asked ? 'mixed' : String(v.is_on === true)"
          :aria-label="v.name + ': ' + (v.is_on ? words.switch_off : words.switch_on)" :aria-disabled="asked" @click.stop="tap">
          <span class="st-switch-track"><span class="st-switch-thumb"></span></span>
        </button>
      </div>
    </div>`,
  props: { value: Object, words: Object },
  data() {
    return { v: { ...this.value } };
  },
  computed: {
    asked() { return this.v.asked !== null && this.v.asked !== undefined; },
    word() {
      if (this.asked) return this.v.asked ? this.words.asked_on : this.words.asked_off;
      return this.v.word || (this.v.is_on === true ? this.words.on : this.v.is_on === false ? this.words.off : this.words.unknown);
    },
  },
  mounted() { this.$nextTick(() => window.steading?.tick()); },
  methods: {
    set(changes) {
      this.v = { ...this.v, ...changes };
      this.$nextTick(() => window.steading?.tick());
    },
    tap() {
      if (this.asked) return;
      const desired = this.v.is_on !== true;
      this.v = { ...this.v, asked: desired, reason: '' };
      this.$emit('switch', { on: desired });
    },
  },
};
