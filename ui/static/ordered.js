// A list whose rows are taken by their grip and moved, by mouse, pen or finger. The page is told from where to where one went.
const NEAR_EDGE = 48, FASTEST = 12, FALLS_BACK_MS = 3000;

export default {
  template: `<ol ref="list" @pointerdown="take"><slot></slot></ol>`,
  unmounted() { this.let_go(); clearTimeout(this.waits); },
  methods: {
    take(event) {
      const grip = event.target.closest('.st-grip'), rows = [...this.$refs.list.children];
      const from = rows.findIndex((row) => row.contains(grip));
      if (!grip || event.button || this.held || rows.length < 2 || from < 0) return;
      event.preventDefault();
      this.settle();
      const boxes = rows.map((row) => { const { top, bottom, height } = row.getBoundingClientRect(); return { top, bottom, height }; });
      const scroller = scrolling(this.$refs.list);
      this.held = { grip, rows, boxes, from, to: from, scroller, pointer: event.pointerId, y: event.clientY, at: event.clientY, scrolled: scroller.scrollTop };
      grip.setPointerCapture(event.pointerId);
      for (const [name, handler] of this.hears()) grip.addEventListener(name, handler);
      document.addEventListener('keydown', this.called_off, true);
      rows[from].classList.add('is-held');
      this.$refs.list.classList.add('is-sorting');
      this.held.frame = requestAnimationFrame(this.turn);
    },
    hears() { return [['pointermove', this.move], ['pointerup', this.put], ['pointercancel', this.let_go], ['lostpointercapture', this.let_go]]; },
    move(event) {
      if (event.pointerId !== this.held?.pointer) return;
      this.held.at = event.clientY;
      this.draw();
    },
    draw() {
      const { rows, boxes, from, y, at, scroller, scrolled } = this.held, own = boxes[from], last = boxes[boxes.length - 1];
      const wanted = at - y + scroller.scrollTop - scrolled, by = Math.max(boxes[0].top - own.top, Math.min(last.bottom - own.bottom, wanted));
      const middle = (one) => one.top + one.height / 2;
      const above = boxes.slice(0, from).filter((one) => own.top + by < middle(one)).length;
      const below = boxes.slice(from + 1).filter((one) => own.bottom + by > middle(one)).length;
      const to = from - above + below, room = own.height + boxes[1].top - boxes[0].bottom;
      rows.forEach((row, index) => {
        const shift = index === from ? by : index > from && index <= to ? -room : index < from && index >= to ? room : 0;
        row.style.transform = shift ? `translateY(${shift}px)` : '';
      });
      this.held.to = to;
    },
    turn() { // near the edge of what scrolls it goes on by itself
      if (!this.held) return;
      const { scroller, at } = this.held, page = document.scrollingElement;
      const { top, bottom } = scroller === page ? { top: 0, bottom: innerHeight } : scroller.getBoundingClientRect();
      const into = at < top + NEAR_EDGE ? at - top - NEAR_EDGE : at > bottom - NEAR_EDGE ? at - bottom + NEAR_EDGE : 0;
      if (into) {
        const before = scroller.scrollTop;
        scroller.scrollTop += Math.max(-FASTEST, Math.min(FASTEST, into / 4));
        if (scroller.scrollTop !== before) this.draw();
      }
      this.held.frame = requestAnimationFrame(this.turn);
    },
    put(event) {
      if (event.pointerId !== this.held?.pointer) return;
      const { from, to } = this.held;
      if (to === from) { this.let_go(); return; }
      this.release();
      this.waits = setTimeout(this.settle, FALLS_BACK_MS); // the page draws the rows anew; where it cannot, they are where they were
      this.$emit('moved', { from, to });
    },
    called_off(event) {
      if (event.key !== 'Escape') return;
      event.preventDefault(); event.stopPropagation(); // and the panel around it stays
      this.let_go();
    },
    let_go() { if (this.held) { this.release(); this.settle(); } },
    release() {
      const { grip, pointer, frame } = this.held;
      this.held = null;
      cancelAnimationFrame(frame);
      for (const [name, handler] of this.hears()) grip.removeEventListener(name, handler);
      document.removeEventListener('keydown', this.called_off, true);
      if (grip.hasPointerCapture?.(pointer)) grip.releasePointerCapture(pointer);
      this.$refs.list?.classList.remove('is-sorting');
    },
    settle() {
      clearTimeout(this.waits);
      for (const row of this.$refs.list?.children || []) { row.style.transform = ''; row.classList.remove('is-held'); }
    },
  },
};

function scrolling(element) {
  for (let one = element.parentElement; one; one = one.parentElement)
    if (one.scrollHeight > one.clientHeight && /auto|scroll/.test(getComputedStyle(one).overflowY)) return one;
  return document.scrollingElement;
}
