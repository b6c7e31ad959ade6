// The air of a room: one word, its number and what else is measured; it takes small differences and keeps its place.
export default {
  template: `
    <div class="st-air" :class="['is-' + v.state, { 'is-old': v.is_old }]" role="group" :aria-label="v.name">
      <span class="st-air-word"><i class="q-icon notranslate material-icons" aria-hidden="true">{{ v.icon }}</i><span>{{ v.word }}</span></span>
      <span v-if="v.value" class="st-air-value">{{ v.value }} {{ v.unit }}</span>
      <span v-for="one in v.more" class="st-air-more" :title="one.label"><i class="q-icon notranslate material-icons" aria-hidden="true">{{ one.icon }}</i><span class="st-sr">{{ one.label }}</span>{{ one.text }}</span>
      <a v-if="v.href" class="st-air-link" :href="v.href" :aria-label="v.link_word"></a>
      <span class="st-air-foot"><time v-if="v.at" class="st-age" :key="v.at" :data-at="v.at" :data-lang="v.lang" :title="v.at_title"></time><span v-if="v.is_old" class="st-air-old">{{ v.old_word }}</span></span>
    </div>`,
  props: { value: Object },
  data() { return { v: { ...this.value } }; },
  mounted() { this.$nextTick(() => window.steading?.tick()); },
  methods: {
    set(changes) {
      this.v = { ...this.v, ...changes };
      this.$nextTick(() => window.steading?.tick());
    },
  },
};
