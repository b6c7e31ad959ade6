// A grid of photographs and the dialog that shows one large.
export default {
  template: `<div><div class="st-photos" role="list" :aria-label="label"><div v-for="(p, i) in photos" :key="p.src" role="listitem">
      <button type="button" class="st-photo" :aria-label="p.caption || words.photo" @click="show(i)"><img :src="p.small_src || p.src" :alt="p.caption" loading="lazy"></button><div v-if="p.caption" class="st-photo-caption" aria-hidden="true">{{ p.caption }}</div></div></div>
    <dialog ref="box" class="st-lightbox" @keydown.right="step(1)" @keydown.left="step(-1)" @close="at = -1"><template v-if="photos[at]">
      <div class="st-lightbox-bar"><span>{{ photos[at].caption }}</span><span class="st-grow"></span><span class="st-soft">{{ at + 1 }} / {{ photos.length }}</span>
        <button type="button" class="st-step" :aria-label="words.previous" @click="step(-1)"><i class="q-icon material-icons" aria-hidden="true">chevron_left</i></button>
        <button type="button" class="st-step" :aria-label="words.next" @click="step(1)"><i class="q-icon material-icons" aria-hidden="true">chevron_right</i></button>
        <button type="button" class="st-step" :aria-label="words.close" autofocus @click="$refs.box.close()"><i class="q-icon material-icons" aria-hidden="true">close</i></button></div>
      <img :src="photos[at].src" :alt="photos[at].caption"></template></dialog></div>`,
  props: { photos: Array, words: Object, label: String },
  data() { return { at: -1 }; },
  methods: {
    show(i) { this.at = i; this.$nextTick(() => this.$refs.box.showModal()); },
    step(by) { this.at = (this.at + by + this.photos.length) % this.photos.length; },
  },
};
