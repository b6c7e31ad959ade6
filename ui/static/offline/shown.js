// How values are written on the pages that work without a server: words come in the reader's language with the page.
self.steadingShown = (() => {
  const words = () => JSON.parse(document.getElementById('said').textContent);
  const fill = (text, values = {}) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));

  function make(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, '');
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== ''));
    return made;
  }

  const toUnit = (celsius, unit) => (unit === 'f' ? (celsius * 9) / 5 + 32 : celsius);
  const toCelsius = (value, unit) => (unit === 'f' ? ((value - 32) * 5) / 9 : value);
  const degrees = (value, unit) => `${value.toFixed(1).replace('-', '−')} ${unit === 'f' ? '°F' : '°C'}`;
  const temperature = (celsius, unit) => (celsius === null ? '–' : degrees(toUnit(celsius, unit), unit));

  function limits(said, low, high, unit) {
    if (low === null && high === null) return '';
    if (low === null) return fill(said.at_most, { high: temperature(high, unit) });
    if (high === null) return fill(said.at_least, { low: temperature(low, unit) });
    return fill(said.between, { low: temperature(low, unit), high: temperature(high, unit) });
  }

  function ago(said, at, now = Date.now()) {
    const minutes = Math.max(0, Math.floor((now - at) / 60_000));
    if (minutes < 1) return said.just_now;
    if (minutes < 60) return fill(said.minutes_ago, { n: minutes });
    if (minutes < 48 * 60) return fill(said.hours_ago, { n: Math.floor(minutes / 60) });
    return fill(said.days_ago, { n: Math.floor(minutes / 1440) });
  }

  const two = (number) => String(number).padStart(2, '0');
  function clock(at) {
    const then = new Date(at);
    const time = `${two(then.getHours())}:${two(then.getMinutes())}`;
    return new Date().toDateString() === then.toDateString() ? time : `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())} ${time}`;
  }

  return { words, fill, make, toUnit, toCelsius, degrees, temperature, limits, ago, clock };
})();
