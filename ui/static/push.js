// Asks the person, then the browser's own push service, and tells the server where this browser is woken.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const same = (a, b) => !!a && a.byteLength === b.byteLength && new Uint8Array(a).every((value, i) => value === b[i]);

export default {
  template: `
    <div class="st-row">
      <button v-if="state === 'ask'" type="button" class="st-plain" :disabled="busy" @click="allow">
        <i class="q-icon material-icons" aria-hidden="true">notifications_active</i>{{ words.allow }}</button>
      <span v-else-if="state === 'on'" class="st-badge is-ok"><i class="q-icon material-icons" aria-hidden="true">check_circle</i><span>{{ words.on }}</span></span>
      <span v-else-if="state" class="st-soft">{{ words[state] }}</span>
      <span v-if="problem" class="st-field-error" role="alert">{{ problem }}</span>
    </div>`,
  props: { applicationServerKey: String, words: Object },
  data() { return { state: '', busy: false, problem: '' }; },
  async mounted() {
    if (!window.isSecureContext) { this.state = 'insecure'; return; }
    if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) { this.state = 'unsupported'; return; }
    if (Notification.permission === 'denied') { this.state = 'denied'; return; }
    this.state = 'ask';
    if (Notification.permission === 'granted') {
      const registration = await navigator.serviceWorker.getRegistration('/');
      if (await registration?.pushManager.getSubscription()) await this.subscribe();
    }
  },
  methods: {
    async allow() {
      const answer = await Notification.requestPermission();
      if (answer === 'granted') await this.subscribe();
      else if (answer === 'denied') this.state = 'denied';
    },
    async subscribe() {
      this.busy = true;
      this.problem = '';
      try {
        const registration = await navigator.serviceWorker.ready;
        const key = bytes(this.applicationServerKey);
        let held = await registration.pushManager.getSubscription();
        if (held && !same(held.options.applicationServerKey, key)) { await held.unsubscribe(); held = null; }
        held ||= await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
        const { endpoint, keys } = held.toJSON();
        this.state = 'on';
        this.$emit('allowed', { endpoint, keys });
      } catch (reason) { this.fail(this.words.failed.replace('{reason}', reason.message)); }
      this.busy = false;
    },
    fail(words) { this.problem = words; this.state = 'ask'; },
  },
};
