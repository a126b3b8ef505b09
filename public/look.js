// How the checkout looks and sounds by the wishes of the shop: its colours and measures, a tone, a spoken amount.
// The frame's script calls it; without it the page works all the same.
window.saomaLook = (() => {
  'use strict';

  const html = document.documentElement;

  // The properties that a shop may set: colours, and others with the property of CSS that takes the same values.
  const COLOURS = [
    'accent', 'accent-text', 'background', 'surface', 'text', 'muted', 'border', 'success', 'warning', 'danger',
  ];
  const OTHERS = {
    radius: 'padding-left', // one length
    'button-radius': 'padding-left',
    'font-size': 'padding-left',
    spacing: 'padding-left',
    'code-size': 'padding-left',
    'max-width': 'padding-left',
    font: 'font-family',
    shadow: 'box-shadow',
  };
  const ELSEWHERE = /(var|env|attr|url|image-set|element)\(|^(inherit|initial|unset|revert|revert-layer)$/i;
  const [BLACK, WHITE] = [[0, 0, 0], [255, 255, 255]];

  // look puts the shop's values in place of the theme's, and then makes readable what would not be: WCAG 2.2 asks
  // for a contrast of 4.5. The code is black on white whatever happens.
  function look(wish) {
    html.style.cssText = '';
    const set = (name, value) => html.style.setProperty(name, value);
    const wished = (name) => {
      const value = String(wish['--saoma-' + name] ?? '').trim();
      return value.length < 300 && !ELSEWHERE.test(value) ? value : '';
    };
    for (const [name, property] of Object.entries(OTHERS)) {
      const value = wished(name);
      if (value && CSS.supports(property, value)) set('--saoma-' + name, value);
    }
    html.classList.toggle('type-large', (wished('type') || html.dataset.type) === 'large');
    if (!COLOURS.some(wished)) return;

    const theme = getComputedStyle(html);
    const own = (name) => rgb(theme.getPropertyValue('--saoma-' + name).trim(), WHITE);
    const base = own('surface');
    const [accent, on, ground, surface, text, muted, border, success, warning, danger] = COLOURS.map(
      (name) => (wished(name) && rgb(wished(name), base)) || own(name),
    );
    const soft = mix(surface, text, 0.05);
    const warm = mix(surface, warning, 0.1);
    const papers = [surface, soft];
    const all = {
      '--saoma-accent': accent,
      '--saoma-accent-text': readable(on, [accent]),
      '--saoma-background': ground,
      '--saoma-surface': surface,
      '--saoma-text': readable(text, papers),
      '--saoma-muted': readable(muted, papers),
      '--saoma-border': border,
      '--saoma-success': success,
      '--saoma-warning': readable(warning, [warm]),
      '--saoma-danger': readable(danger, papers),
      '--ink': readable(wished('accent') ? accent : rgb(theme.getPropertyValue('--ink').trim(), base), papers),
      '--soft': soft,
      '--warm': warm,
      '--on-success': readable(WHITE, [success], 3),
    };
    for (const [name, colour] of Object.entries(all)) set(name, `rgb(${colour.join(' ')})`);
  }

  // rgb reads a colour of CSS, laid on paper if it can be seen through.
  function rgb(value, paper) {
    const probe = document.head.style;
    probe.color = '';
    probe.color = value; // where there is no color-mix, this is what is read
    probe.color = `color-mix(in srgb, ${value}, ${value})`;
    if (!probe.color) return undefined;
    const read = getComputedStyle(document.head).color;
    const [r, g, b, alpha = 1] = read.match(/-?[\d.]+(e-?\d+)?/g).map(Number);
    const scale = read.startsWith('color(') ? 255 : 1;
    return mix(paper, [r * scale, g * scale, b * scale], alpha);
  }

  const mix = (from, to, part) => from.map((c, i) => Math.round(Math.min(Math.max(c + (to[i] - c) * part, 0), 255)));

  // luminance and contrast are WCAG's.
  function luminance(colour) {
    const [r, g, b] = colour.map((c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(a, b) {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  }

  // readable moves a colour towards black or white until it can be read on all papers.
  function readable(colour, papers, least = 4.5) {
    const worst = (c) => Math.min(...papers.map((paper) => contrast(c, paper)));
    const end = worst(BLACK) > worst(WHITE) ? BLACK : WHITE;
    for (let part = 0; part < 1; part += 0.05) {
      const c = mix(colour, end, part);
      if (worst(c) >= least) return c;
    }
    return end;
  }

  // sound tells of a payment by two rising tones and the browser's voice, of another end by two falling tones.
  // Where the browser wants to be touched first it stays silent.
  async function sound(paid, text) {
    try {
      const audio = new AudioContext();
      await Promise.race([audio.resume(), wait(300)]);
      if (audio.state === 'running') {
        (paid ? [659, 988] : [330, 247]).forEach((pitch, i) => tone(audio, pitch, audio.currentTime + i * 0.16));
        await wait(600);
        if (text) speechSynthesis.speak(Object.assign(new SpeechSynthesisUtterance(text), { lang: html.lang }));
      }
      await audio.close();
    } catch {
      // a browser without sound or without a voice
    }
  }

  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  function tone(audio, pitch, at) {
    const [voice, loudness] = [audio.createOscillator(), audio.createGain()];
    voice.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.2, at);
    loudness.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
    voice.connect(loudness).connect(audio.destination);
    voice.start(at);
    voice.stop(at + 0.3);
  }

  // What the server could not read of the wish, it lets us see to before anything is painted.
  if (!document.currentScript.defer) look(Object.fromEntries(new URLSearchParams(location.search)));

  return { look, sound };
})();
