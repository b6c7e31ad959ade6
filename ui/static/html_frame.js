// A complete page inside ours. An inner page inherits our content security policy, so its scripts carry our nonce.
export default {
  template: `<iframe ref="frame" class="st-frame-html" :style="{ height }" :title="label" @load="theme"></iframe>`,
  props: { page: String, height: String, label: String },
  mounted() { this.show(); this.forget = window.steading?.onTheme(() => this.theme()); },
  unmounted() { this.forget?.(); },
  watch: { page() { this.show(); } },
  methods: {
    show() {
      const nonce = document.querySelector('script[nonce]')?.nonce;
      this.$refs.frame.srcdoc = nonce ? this.page.replace(/<script(?![^>]*\bnonce=)/g, `<script nonce="${nonce}"`) : this.page;
    },
    theme() { this.$refs.frame?.contentWindow?.steadingDark?.(document.body.classList.contains('body--dark')); },
  },
};
