// The deck: reveal.js with our keys, the same slide in the other language, and type that shrinks a little before it overflows.
(() => {
  "use strict";
  const root = document.documentElement;
  const store = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } };
  const parameters = new URLSearchParams(location.search);
  const isReceiver = parameters.has("receiver");
  const isPrint = parameters.get("view") === "print" || parameters.has("print-pdf");
  if (isReceiver) root.classList.add("kt-receiver");
  if (isPrint) root.classList.add("kt-print");

  const isDark = () => root.dataset.ktTheme ? root.dataset.ktTheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const toggleTheme = () => {
    root.dataset.ktTheme = isDark() ? "light" : "dark";
    store("kt-theme", root.dataset.ktTheme);
  };
  addEventListener("storage", (event) => {
    if (event.key === "kt-theme" && event.newValue) root.dataset.ktTheme = event.newValue;
  });

  const help = document.getElementById("kt-help");
  const showHelp = () => { if (help.open) help.close(); else help.showModal(); };
  // Escape closes the help; to reveal.js it would mean the overview. The browser's own closing comes a moment later than
  // the key, and a key pressed in that moment would be lost: so it is closed here.
  help.addEventListener("keydown", (event) => {
    if (!help.open) return; // closed, but the focus leaves it only with the next frame
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "?") { event.preventDefault(); help.close(); }
  });
  const onDisk = (address) => location.protocol === "file:" && address.endsWith("/") ? `${address}index.html` : address;
  const languageLinks = [...document.querySelectorAll("[data-kt-same-slide]")];
  const reading = document.querySelector("[data-kt-reading]");
  const slideId = () => Reveal.getCurrentSlide()?.id || "";

  // The links name the current slide at every moment, so that opening them in a new tab works too.
  const follow = () => {
    const id = encodeURIComponent(slideId());
    for (const link of languageLinks) {
      link.dataset.ktHome ??= link.getAttribute("href");
      link.setAttribute("href", `${onDisk(link.dataset.ktHome)}${location.search}#/${id}`);
    }
    reading.setAttribute("href", `${onDisk(reading.dataset.ktReading)}#${id}`);
  };
  languageLinks.forEach((link) => link.addEventListener("click", () => store("kt-language", link.dataset.ktLanguageChoice)));

  // Letters stop shrinking earlier, at the sizes that still carry (deck.css); below that only the space between gives.
  const SMALLEST = 0.7;
  const fit = (slide) => {
    if (!slide || slide.dataset.ktFitted) return;
    slide.dataset.ktFitted = "1";
    slide.style.removeProperty("--kt-fit");
    const overflows = () => slide.scrollHeight > slide.clientHeight + 2
      || [...slide.querySelectorAll(".kt-slide-body > .kt-block > .kt-term")]
        .some((term) => term.scrollHeight > term.clientHeight + 2);
    for (let scale = 1; scale >= SMALLEST && overflows(); scale -= 0.05) slide.style.setProperty("--kt-fit", scale.toFixed(2));
  };
  const fitAgain = () => {
    const slide = Reveal.getCurrentSlide();
    if (slide) delete slide.dataset.ktFitted;
    fit(slide);
  };
  // Printing has put every slide into a page of its own by now.
  const fitAll = () => document.querySelectorAll(".slides section.kt-slide").forEach((slide) => { delete slide.dataset.ktFitted; fit(slide); });

  Reveal.initialize({
    width: 1920,
    height: 1080,
    margin: 0,
    minScale: 0.1,
    maxScale: 4,
    display: "flex",
    center: false,
    hash: true,
    hashOneBasedIndex: true,
    respondToHashChanges: true,
    slideNumber: isReceiver ? false : "c/t",
    controls: false,
    progress: true,
    transition: "none",
    backgroundTransition: "none",
    overview: true,
    // Scroll view starts by itself on narrow screens and loses slides there (reveal.js#3858). The reading view is the
    // page for phones; the deck says so.
    scrollActivationWidth: 0,
    pdfSeparateFragments: false,
    pdfMaxPagesPerSlide: 1,
    help: false,
    keyboard: {
      68: toggleTheme,
      76: () => languageLinks[0]?.click(),
      191: showHelp,
    },
    plugins: [window.RevealNotes, window.RevealSearch, window.RevealZoom].filter(Boolean),
  }).then(() => {
    const deck = Reveal.getRevealElement();
    // "application" takes the keys away from screen readers, and a deck is a document (reveal.js#3772).
    deck.removeAttribute("role");
    follow();
    if (isPrint) return;
    fit(Reveal.getCurrentSlide());
    // A font is fetched when the first slide that uses it is shown.
    document.fonts?.ready.then(fitAgain);
    document.fonts?.addEventListener("loadingdone", fitAgain);
    root.classList.add("kt-ready");
  });
  // Whoever prints waits for kt-ready: only then is every slide laid out, its fonts are there and it is fitted.
  Reveal.on("pdf-ready", () => document.fonts.ready.then(() => { fitAll(); root.classList.add("kt-ready"); }));
  Reveal.on("slidechanged", (event) => { fit(event.currentSlide); follow(); root.classList.remove("kt-awake"); });
  // The tools are for whoever points at the deck, not for the audience.
  root.classList.add("kt-awake");
  addEventListener("pointermove", () => root.classList.add("kt-awake"));

  const actions = {
    overview: () => Reveal.toggleOverview(),
    notes: () => Reveal.getPlugin("notes")?.open(),
    help: showHelp,
  };
  document.querySelectorAll("[data-kt-do]").forEach((button) => button.addEventListener("click", () => actions[button.dataset.ktDo]()));
  document.querySelectorAll("[data-kt-theme-toggle]").forEach((button) => button.addEventListener("click", toggleTheme));
  // Arrow keys that scroll a wide table must not change the slide as well.
  document.querySelectorAll(".kt-out").forEach((region) => region.addEventListener("keydown", (event) => {
    const wide = region.scrollWidth > region.clientWidth + 1;
    const tall = region.scrollHeight > region.clientHeight + 1;
    if ((wide && /^Arrow(Left|Right)$/.test(event.key)) || (tall && /^Arrow(Up|Down)$/.test(event.key))) event.stopPropagation();
  }));
})();
