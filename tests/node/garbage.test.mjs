/**
 * What nobody holds any more is let go of: by the collector of garbage, and by everything that ends. The programs run with
 * `--expose-gc`.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram, transpiled } from './support.mjs';

const PRELUDE = `
  import { DotNet, start } from 'dotwit';
  const guest = await start({ component: new URL(${JSON.stringify(transpiled('test_guest').href)}) });
  const call = (method, ...args) => DotNet.invokeMethodAsync('TestGuest', method, ...args);
  const sync = (method, ...args) => DotNet.invokeMethod('TestGuest', method, ...args);
  const turn = () => new Promise((resolve) => setTimeout(resolve, 1));
  // Collects until something is so, or gives up and says what was.
  const collect = async (holds) => {
    for (let round = 0; round < 200 && !holds(); round++) {
      gc();
      await turn();
    }
    return holds();
  };
  // Runs rounds of so many steps until the heap no longer grows: until the smallest of the last five rounds is no larger than that of the
  // five before, but for two bytes a step, which is less than any leak. What the engine keeps for itself comes and goes. Returns the sizes
  // of the heap where it grows on and on.
  const heapsAfter = async (round, steps) => {
    const heaps = [];
    for (let rounds = 0; rounds < 40; rounds++) {
      await round(steps);
      sync('Nothing');
      for (let i = 0; i < 3; i++) { gc(); await turn(); }
      heaps.push(process.memoryUsage().heapUsed);
      if (rounds >= 9 && Math.min(...heaps.slice(-5)) <= Math.min(...heaps.slice(-10, -5)) + 10 * steps) return undefined;
    }
    return heaps;
  };
  const counts = () => [guest.liveObjects, guest.livePageObjects, guest.liveStreams, DotNet.liveReferences().pageObjects, sync('LivePageObjects'), sync('LiveStreams')];
  const say = (value) => console.log(JSON.stringify(value));
  const done = () => guest.stop();
`;

const run = (t, source) => runProgram(t, `${PRELUDE}\n${source}\ndone();`, '--expose-gc');

test('a proxy that the page has lost is forgotten, and the object with it', async (t) => {
  const said = await run(
    t,
    `
    const before = guest.liveObjects;
    let kept = sync('CreateCounter', 1);
    (() => { for (let i = 0; i < 100; i++) sync('CreateCounter', i); })();
    const made = guest.liveObjects;
    const lost = await collect(() => guest.liveObjects === before + 1);
    const works = kept.invokeMethod('Increment', 1);
    kept = undefined;
    const all = await collect(() => guest.liveObjects === before);
    say({ made: made - before, lost, works, all });
    `,
  );
  assert.deepEqual(said, { made: 101, lost: true, works: 2, all: true });
});

test('an object of several proxies lives until the last is lost', async (t) => {
  const said = await run(
    t,
    `
    let first = sync('CreateCounter', 1);
    let second = sync('SameCounter', first);
    (() => { for (let i = 0; i < 10; i++) sync('SameCounter', first); })();
    first = undefined;
    for (let i = 0; i < 5; i++) { gc(); await turn(); }
    const still = second.invokeMethod('Increment', 1);
    const live = guest.liveObjects;
    second = undefined;
    say({ still, live, all: await collect(() => guest.liveObjects === 0) });
    `,
  );
  assert.deepEqual(said, { still: 2, live: 1, all: true });
});

test('a proxy with a pending call is never collected', async (t) => {
  const said = await run(
    t,
    `
    const pending = (() => sync('CreateCounter', 7).invokeMethodAsync('ReadAfter', 100))();
    const cancellable = (() => sync('CreateCounter', 7).with({ timeout: 10_000 }).invokeMethodAsync('ReadAfter', 100))();
    let least = 2;
    let ended = false;
    pending.then(() => { ended = true; });
    while (!ended) {
      least = Math.min(least, guest.liveObjects);
      gc();
      await turn();
    }
    const results = [await pending, await cancellable];
    say({ least, results, all: await collect(() => guest.liveObjects === 0) });
    `,
  );
  assert.deepEqual(said, { least: 2, results: [7, 7], all: true });
});

test('a disposed proxy, or one of a guest that is gone, is collected in peace', async (t) => {
  const said = await run(
    t,
    `
    (() => { sync('CreateCounter', 1).dispose(); const a = sync('CreateCounter', 2); sync('SameCounter', a); a.dispose(); })();
    for (let i = 0; i < 5; i++) { gc(); await turn(); }
    const live = guest.liveObjects;
    (() => { sync('CreateCounter', 1); sync('StreamEndless'); })();
    guest.stop();
    for (let i = 0; i < 5; i++) { gc(); await turn(); }
    say({ live });
    `,
  );
  assert.deepEqual(said, { live: 0 });
});

test('a stream that nobody reads, or nobody reads on, is closed', async (t) => {
  const said = await run(
    t,
    `
    await (async () => {
      sync('StreamEndless');
      await sync('StreamEndless').stream();
      const reader = (await sync('StreamEndless').stream()).getReader();
      await reader.read();
    })();
    const open = guest.liveStreams;
    let kept = await sync('StreamEndless').stream();
    const closed = await collect(() => guest.liveStreams === 1);
    const { value } = await kept.getReader().read();
    say({ open, closed, reads: value.length > 0, dropped: sync('StreamsDropped') });
    `,
  );
  assert.deepEqual(said, { open: 3, closed: true, reads: true, dropped: 3 });
});

test('100 000 references made and dropped, both ways, leave nothing', async (t) => {
  const said = await run(
    t,
    `
    const object = { f: () => 1 };
    globalThis.give = () => object;
    globalThis.echo = (x) => x;
    const round = async (count) => {
      for (let i = 0; i < count; i++) {
        sync('CreateCounter', i).dispose();
        sync('Ignore', DotNet.createJSObjectReference(object));
        if (i % 10 === 0) {
          await call('CallPageForObject', 'give', []);
          sync('CallPageForObjectSync', 'give', []);
          await call('CallPageWithObject', 'echo', DotNet.createJSObjectReference(object)).catch(() => {});
        }
      }
    };
    const heaps = await heapsAfter(round, 10_000);
    say({ counts: counts(), heaps });
    `,
  );
  assert.deepEqual(said.counts, [0, 0, 0, 0, 0, 0]);
  assert.equal(said.heaps, undefined, 'the heap grows with each round');
});

test('100 000 objects that the collector finds leave nothing', async (t) => {
  const said = await run(
    t,
    `
    for (let i = 0; i < 100; i++) {
      (() => { for (let j = 0; j < 1000; j++) sync('CreateCounter', j); })();
      await collect(() => guest.liveObjects === 0);
    }
    say(counts());
    `,
  );
  assert.deepEqual(said, [0, 0, 0, 0, 0, 0]);
});

test('10 000 streams each way, read and dropped, leave nothing', async (t) => {
  const said = await run(
    t,
    `
    const blob = new Blob(['tea']);
    const round = async (count) => {
      for (let i = 0; i < count; i++) {
        const stream = sync('StreamBytes', 100);
        if (i % 3 === 0) await stream.arrayBuffer();
        else await (await stream.stream()).cancel();
        const bytes = DotNet.createJSStreamReference(i % 2 ? blob : new Uint8Array(100));
        if (i % 3 === 1) await call('ReadPiecesAndDrop', bytes, 1);
        else await call('DrainStream', bytes);
      }
    };
    const heaps = await heapsAfter(round, 1000);
    say({ counts: counts(), heaps });
    `,
  );
  assert.deepEqual(said.counts, [0, 0, 0, 0, 0, 0]);
  assert.equal(said.heaps, undefined, 'the heap grows with each round');
});

test('every way in which a call fails gives back what it held', async (t) => {
  const said = await run(
    t,
    `
    const object = {};
    const reference = () => DotNet.createJSObjectReference(object);
    const failed = async (promise) => promise.then(() => 'succeeded', (error) => error.kind);
    globalThis.throws = () => { throw new Error('mine'); };
    globalThis.never = () => new Promise(() => {});
    const unwritable = { toJSON() { throw new Error('mine'); } };
    globalThis.half = () => [reference(), unwritable];
    globalThis.echo = (x) => x;
    const kinds = [
      await failed(call('Add', reference(), sync('CreateCounter', 1))),
      await failed(call('Nothere', reference())),
      await failed(call('ObjectAndNumber', reference(), 'x')),
      await failed(call('Ignore', reference(), unwritable)),
      await failed(call('CallPage', 'throws', [1])),
      await failed(call('CallPageWithObject', 'throws', reference())),
      await failed(call('CallPageForSomeObject', 'echo', ['text'])),
      await failed(call('CallPage', 'half', [])),
      await failed(call('CallPageWithGreeter', 'throws', 'x')),
      await failed(call('CallPageWithTimeout', 'never', [], 5)),
      await failed(DotNet.with({ timeout: 5 }).invokeMethodAsync('TestGuest', 'CallPageWithObject', 'never', reference())),
      await failed(call('CallPageUnserialisable', 'echo')),
      await failed(call('CallPageForStream', 'throws', [], null)),
      await failed(call('DigestStream', DotNet.createJSStreamReference(new Uint8Array(600_000)), null)),
    ];
    const all = await collect(() => counts().slice(0, 3).concat(counts().slice(4)).every((count) => count === 0));
    say({ kinds, all, counts: counts() });
    `,
  );
  assert.deepEqual(said.kinds, [
    'bad-arguments', 'no-such-method', 'bad-arguments', 'bad-arguments', 'js-failed', 'js-failed', 'js-failed', 'js-failed', 'js-failed',
    'timed-out', 'timed-out', 'bad-arguments', 'js-failed', 'too-large',
  ]);
  assert.ok(said.all, said.counts.join());
});

test('a gibibyte flows each way within 8 MiB above idle', { timeout: 600_000 }, async (t) => {
  const said = await run(
    t,
    `
    const GIBIBYTE = 2 ** 30;
    // What is held: the heap, its arrays, and the guest's memory, which is one of them. Pieces that nobody holds are collected first.
    const held = async (enough) => {
      let least = Infinity;
      // The memory of arrays is freed by a thread of the collector's own, which may have to wait for a processor.
      for (let round = 0; round < 3 || (least > enough && round < 1000); round++) {
        gc();
        await turn();
        const { heapUsed, external } = process.memoryUsage();
        least = Math.min(least, heapUsed + external);
      }
      return least;
    };
    const source = new Uint8Array(GIBIBYTE);
    await call('DrainStream', DotNet.createJSStreamReference(source.subarray(0, 2 ** 20)));
    const idle = await held(Infinity);
    let most = 0;
    const watch = async () => { most = Math.max(most, (await held(idle + 8 * 2 ** 20)) - idle); };
    const toGuest = await call('DrainStream', DotNet.createJSStreamReference(source));
    await watch();

    const reader = (await (await call('StreamReader', GIBIBYTE)).stream()).getReader();
    let toPage = 0;
    for (let next = 0; ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      toPage += value.length;
      if (toPage >= next) { await watch(); next = toPage + 2 ** 26; }
    }
    await watch();
    say({ toGuest, toPage, most });
    `,
  );
  assert.equal(said.toGuest, 2 ** 30);
  assert.equal(said.toPage, 2 ** 30);
  assert.ok(said.most <= 8 * 2 ** 20, `${said.most} bytes above idle`);
});
