// browser.js AXE FILE...: opens each file in headless Chromium, wide and narrow, light and dark, and
// prints what is wrong with it. It speaks the DevTools protocol over descriptors 3 and 4, so no library
// and no port is needed.
'use strict';
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const [axe, ...files] = process.argv.slice(2);
// Whatever hangs, ends.
setTimeout(() => {
  process.stderr.write('the browser does not answer\n');
  browser.kill('SIGKILL');
  process.exit(1);
}, 240_000).unref();
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'browser-'));
const browser = spawn('chromium-headless-shell', [
  '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--remote-debugging-pipe',
  `--user-data-dir=${profile}`,
], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });

let last = 0;
const waiting = new Map();
let heard = () => {};
let rest = '';
browser.stdio[4].on('data', (bytes) => {
  const messages = (rest + bytes).split('\0');
  rest = messages.pop();
  for (const message of messages.map((text) => JSON.parse(text))) {
    if (message.id) waiting.get(message.id)(message);
    else heard(message);
  }
});

function ask(method, params = {}, sessionId = undefined) {
  last += 1;
  const id = last;
  browser.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
  return new Promise((resolve, reject) => waiting.set(id, ({ result, error }) => {
    if (error) reject(new Error(`${method}: ${error.message}`));
    else resolve(result);
  }));
}

// Runs in the page.
async function judge() {
  const words = [];
  const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
  for (const { id, nodes } of violations) words.push(`${id}: ${nodes[0].html.slice(0, 200)}`);
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) words.push(`scrolls sideways: ${scrollWidth} > ${clientWidth}`);
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const size = parseFloat(getComputedStyle(element).fontSize);
    const visible = element.getClientRects().length > 0;
    if (own && visible && size < 12) words.push(`${size} pixels: ${element.outerHTML.slice(0, 100)}`);
  }
  for (const box of document.querySelectorAll('svg.tiles .tile')) {
    const tile = box.querySelector('rect').getBoundingClientRect();
    for (const text of box.querySelectorAll('text')) {
      const { left, right, width } = text.getBoundingClientRect();
      const out = width > 0 && (left < tile.left || right > tile.right + 1);
      if (out && text.textContent.length < 22) words.push(`out of its tile: ${text.textContent}`);
    }
  }
  return words;
}

async function look(file, width, scheme, sessionId) {
  const requests = [];
  const done = new Promise((resolve) => {
    heard = ({ method, params }) => {
      if (method === 'Network.requestWillBeSent') requests.push(params.request.url);
      if (method === 'Page.loadEventFired') resolve();
    };
  });
  await ask('Emulation.setDeviceMetricsOverride',
    { width, height: 900, deviceScaleFactor: 1, mobile: width < 500 }, sessionId);
  await ask('Emulation.setEmulatedMedia',
    { features: [{ name: 'prefers-color-scheme', value: scheme }] }, sessionId);
  const url = `file://${file}`;
  await ask('Page.navigate', { url }, sessionId);
  await done;
  await ask('Runtime.evaluate', { expression: fs.readFileSync(axe, 'utf8') }, sessionId);
  const { result, exceptionDetails } = await ask('Runtime.evaluate',
    { expression: `(${judge})()`, awaitPromise: true, returnByValue: true }, sessionId);
  if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
  const others = requests.filter((request) => request !== url).map((request) => `asks for ${request}`);
  for (const word of [...result.value, ...others]) {
    process.stdout.write(`${path.basename(file)} ${width} ${scheme}: ${word}\n`);
  }
}

async function main() {
  const { targetId } = await ask('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true });
  await ask('Page.enable', {}, sessionId);
  await ask('Network.enable', {}, sessionId);
  for (const file of files) {
    for (const [width, scheme] of [[1280, 'light'], [360, 'dark'], [360, 'light'], [1280, 'dark']]) {
      await look(file, width, scheme, sessionId);
    }
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
}).finally(() => {
  browser.on('exit', () => {
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    process.exit();
  });
  browser.kill('SIGKILL');
});
