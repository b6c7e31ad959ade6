// The back camera reads the square code on a label. Where a browser cannot do that, nothing is drawn.
export default {
  props: { words: Object },
  template: `
    <div v-if="can" class="st-scan">
      <button type="button" class="st-plain" @click="toggle">
        <i class="q-icon material-icons" aria-hidden="true">qr_code_scanner</i>{{ looking ? words.stop : words.scan }}</button>
      <video v-show="looking" ref="video" playsinline muted :aria-label="words.looking"></video>
      <p v-if="failed" role="alert" class="st-field-error">{{ words.failed }}</p>
    </div>`,
  data() { return { can: 'BarcodeDetector' in window && !!navigator.mediaDevices?.getUserMedia, looking: false, failed: false }; },
  unmounted() { this.stop(); },
  methods: {
    async toggle() {
      if (this.looking) { this.stop(); return; }
      this.failed = false;
      try {
        this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
        this.detector = new window.BarcodeDetector({ formats: ['qr_code', 'data_matrix'] });
      } catch { this.failed = true; this.stop(); return; }
      this.looking = true;
      this.$refs.video.srcObject = this.stream;
      this.$refs.video.play().catch(() => {});
      this.look();
    },
    async look() {
      if (!this.looking) return;
      try {
        const [found] = await this.detector.detect(this.$refs.video);
        if (found && this.looking) { this.stop(); this.$emit('scanned', found.rawValue); return; }
      } catch { /* a frame that is not there yet */ }
      setTimeout(() => this.look(), 200);
    },
    stop() {
      this.looking = false;
      this.stream?.getTracks().forEach((track) => track.stop());
      this.stream = null;
    },
  },
};
