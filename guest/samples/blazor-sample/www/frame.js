/**
 * The frame of every page of the gallery, as custom elements.
 *
 * | element | what it makes |
 * | --- | --- |
 * | `<gallery-header>` | the header with the switch of hosts and the guest's status, and the page's messages |
 * | `<gallery-console>` | a panel that repeats the browser's console; `guest` says that the guest prints on it |
 * | `<gallery-alive>` | the count of live references; `dispose="component"` adds a button |
 * | `<gallery-sources rust="quote.rs">` | the sample's code: its JavaScript, its markup if it has a component, and its files of Rust |
 * | `<gallery-nav>` | links to the samples before and after this one |
 * | `<gallery-footer articles="dotnet js">` | which articles of Blazor's documentation the page follows |
 *
 * This is a classic script in the head, so that the parser makes the elements complete as it meets them: nothing is shown without its
 * frame, or moves when the frame arrives. What the elements show is filled in by `gallery.js`.
 *
 * Elements with `data-only="page"` or `data-only="circuit"` are there only when the guest runs in the page, or in a circuit.
 */

{
  /** The samples, in the order in which they lead to each other: a file, and its title. */
  const SAMPLES = [
    ['call-dotnet-example-1', 'Call .NET Example 1'],
    ['call-dotnet-example-1-argument', 'Call .NET Example 1: an argument'],
    ['call-dotnet-example-1-name', 'Call .NET Example 1: a different method name'],
    ['call-dotnet-example-1-module', 'Call .NET Example 1: a module of its own'],
    ['call-dotnet-example-2', 'Call .NET Example 2'],
    ['call-dotnet-example-3', 'Call .NET Example 3'],
    ['call-dotnet-example-4', 'Call .NET Example 4'],
    ['call-dotnet-example-5', 'Call .NET Example 5'],
    ['generics-example', 'Generics Example'],
    ['call-dotnet-example-6', 'Call .NET Example 6'],
    ['call-dotnet-example-7', 'Call .NET Example 7'],
    ['call-dotnet-example-one-helper', 'Call .NET Example: one helper'],
    ['receive-window-object', 'ReceiveWindowObject'],
    ['mutation-observer', 'Clean up with a MutationObserver'],
    ['circular-reference', 'Circular references'],
    ['call-dotnet-example-8', 'Call .NET Example 8'],
    ['call-js-example-9', 'Call JS Example 9'],
    ['stream-to-dotnet', 'streamToDotNet'],
    ['file-upload', 'File upload'],
    ['stream-to-javascript', 'streamToJavaScript'],
    ['download-file-from-stream', 'downloadFileFromStream'],
    ['set-image', 'setImage'],
    ['call-js-example-1', 'Call JS Example 1'],
    ['call-js-example-2', 'Call JS Example 2'],
    ['call-js-example-3', 'Call JS Example 3'],
    ['call-js-example-4', 'Call JS Example 4'],
    ['call-js-example-5', 'Call JS Example 5'],
    ['call-js-example-6', 'Call JS Example 6'],
    ['call-js-example-8', 'Call JS Example 8'],
    ['long-running-function', 'A long-running function'],
    ['call-js-example-11', 'Call JS Example 11'],
  ];

  const ARTICLES = {
    dotnet: 'Call .NET methods from JavaScript functions in ASP.NET Core Blazor',
    js: 'Call JavaScript functions from .NET methods in ASP.NET Core Blazor',
  };

  // What is kept in the URL can be linked. `host.js` starts the guest there.
  const inCircuit = new URLSearchParams(location.search).get('host') === 'circuit';
  document.documentElement.dataset.host = inCircuit ? 'circuit' : 'page';

  const FRAME = {
    'gallery-header': () => `
      <header>
        <a class="brand" href="index.html"><img src="icon.svg" alt="" width="28" height="28"> dotwit <span>gallery</span></a>
        <nav class="hosts" aria-labelledby="hosts-label">
          <span id="hosts-label">The guest runs in</span>
          <a href="?" data-switch="page">this page</a>
          <a href="?host=circuit" data-switch="circuit">a circuit</a>
        </nav>
        <p id="status" role="status">Starting the guest …</p>
      </header>
      <div class="messages">
        <p id="alert" role="alert" hidden></p>
        <p id="no-circuit" class="note" role="status" hidden>
          There is no circuit here: it takes a server that runs the guest, such as <code>dotwit serve</code>, and none has answered. The
          guest runs in this page instead.
        </p>
        <p class="alert unserved">
          The page’s scripts cannot be loaded. They need a web server, such as the one that <code>cargo xtask demo</code> starts.
        </p>
      </div>`,

    'gallery-console': ({ guest }) => `
      <section class="panel" aria-labelledby="console-heading">
        <h2 id="console-heading">Console</h2>
        <div id="console" role="log" aria-labelledby="console-heading" tabindex="0"></div>
        ${
          guest === undefined
            ? ''
            : '<p class="aside" data-only="circuit">What the guest prints, lines with <code>.NET:</code>, is in the server’s log.</p>'
        }
      </section>`,

    'gallery-alive': ({ dispose }) => `
      <p class="alive">
        Alive: <output id="live">–</output>
        ${dispose ? `<button type="button" id="dispose" class="quiet">Dispose of the ${dispose}</button>` : ''}
      </p>
      <p class="hint" data-only="circuit">
        The page counts what it can name. What the guest has dropped is gone on the server, and counts here for as long as the page refers
        to it, until its garbage collector comes by.
      </p>`,

    'gallery-sources': ({ rust }) => {
      const { sample } = document.body.dataset;
      const markup = `
        <details open>
          <summary>Markup <span>${sample}.html</span></summary>
          <pre tabindex="0"><code id="markup"></code></pre>
          <p class="hint">
            Blazor’s renderer ties a component’s markup to its methods. Here <code>component.js</code> does so, where the markup says
            <code>data-</code>.
          </p>
        </details>`;
      return `
        <div class="sources">
          <details open>
            <summary>JavaScript <span>${sample}.js</span></summary>
            <pre tabindex="0"><code id="javascript"></code></pre>
          </details>
          ${document.querySelector('[data-component]') ? markup : ''}
          <details id="rust" open>
            <summary>Rust <span>${rust.replaceAll(/\S+/g, 'src/$&')}</span></summary>
          </details>
        </div>`;
    },

    'gallery-nav': () => {
      const place = SAMPLES.findIndex(([name]) => name === document.body.dataset.sample);
      const link = (rel, sample) => (sample ? `<a rel="${rel}" href="${sample[0]}.html">${sample[1]}</a>` : '');
      return `<nav aria-label="Samples">${link('prev', SAMPLES[place - 1])} ${link('next', SAMPLES[place + 1])}</nav>`;
    },

    'gallery-footer': ({ articles }) => {
      const cited = articles.split(' ').map((article) => `<cite>${ARTICLES[article]}</cite>`);
      return `<footer>Samples after ${cited.join(' and ')}, answered by Rust in WebAssembly.</footer>`;
    },
  };

  for (const [name, html] of Object.entries(FRAME)) {
    const element = class extends HTMLElement {
      connectedCallback() {
        this.innerHTML = html(Object.fromEntries([...this.attributes].map(({ name, value }) => [name, value])));
      }
    };
    customElements.define(name, element);
  }

  document.head.insertAdjacentHTML(
    'beforeend',
    `<meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <link rel="icon" href="icon.svg" type="image/svg+xml">`,
  );

  // Browsers load no modules from files, and a plain file server has no adapter.
  const tellUnserved = ({ target }) => {
    if (target instanceof HTMLScriptElement) document.documentElement.dataset.state = 'unserved';
  };
  addEventListener('error', tellUnserved, { capture: true });
}
