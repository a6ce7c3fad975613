// Search: every word of the query has to occur in a record. Exact for Japanese, because nothing is segmented.
(() => {
  "use strict";
  const dialog = document.getElementById("kt-search");
  if (!dialog || !dialog.showModal) return;
  const input = document.getElementById("kt-query");
  const list = document.getElementById("kt-results");
  const status = dialog.querySelector(".kt-search-status");
  const { ktRoot: root, ktLanguage: language, ktSearch: address } = document.body.dataset;
  const strings = JSON.parse(document.getElementById("kt-strings").textContent);
  const LIMIT = 30;
  // Two lines of a phone hold some thirty Japanese letters: what was found has to stand among the first of them.
  const BEFORE = 16;
  const AFTER = 120;

  // Full-width letters, half-width katakana and case must not matter.
  const fold = (text) => text.normalize("NFKC").toLowerCase();
  let records;
  // A script, because a page opened from a folder may not fetch (indexing/search.py).
  const load = () => records ??= new Promise((resolve, reject) => {
    globalThis.ktSearch = resolve;
    const script = document.createElement("script");
    script.src = address;
    // After `ktSearch` was called these change nothing.
    for (const end of ["load", "error"]) script.addEventListener(end, () => { script.remove(); reject(new Error(address)); });
    document.head.append(script);
  }).then((index) => index.records.map((record) => ({
    ...record, title: fold(record.t), section: fold(record.s), text: fold(record.x), original: record.x.normalize("NFKC"),
  })));

  const score = (record, words) => {
    let total = 0;
    for (const word of words) {
      if (record.section.includes(word)) total += 8;
      else if (record.title.includes(word)) total += record.s ? 5 : 9;
      else if (record.text.includes(word)) total += 1;
      else return 0;
    }
    const phrase = words.join(" ");
    if (words.length > 1 && record.text.includes(phrase)) total += 3;
    return total;
  };

  // Lower case can change the length of a text (İ); then the places are not to be trusted and nothing is marked.
  const marked = (element, text, words) => {
    const folded = text.toLowerCase();
    const found = folded.length === text.length ? words.flatMap((word) => {
      const places = [];
      for (let at = folded.indexOf(word); at >= 0; at = folded.indexOf(word, at + word.length)) places.push([at, at + word.length]);
      return places;
    }).sort((a, b) => a[0] - b[0]) : [];
    let position = 0;
    for (const [start, end] of found) {
      if (start < position) continue;
      const mark = document.createElement("mark");
      mark.textContent = text.slice(start, end);
      element.append(text.slice(position, start), mark);
      position = end;
    }
    element.append(text.slice(position));
    return element;
  };

  const excerpt = (record, words) => {
    const places = words.map((word) => record.text.indexOf(word)).filter((place) => place >= 0);
    const middle = places.length ? Math.min(...places) : 0;
    const start = Math.max(0, middle - BEFORE);
    const text = record.original.slice(start, middle + AFTER);
    return `${start ? "…" : ""}${text}${start + text.length < record.original.length ? "…" : ""}`;
  };

  const item = (record, words) => {
    const line = document.createElement("li");
    const link = document.createElement("a");
    const [path, fragment] = record.p.split("#", 2);
    const index = location.protocol === "file:" && path.endsWith("/") ? "index.html" : "";
    link.href = root + path + index + (fragment ? `#${fragment}` : "");
    const kind = document.createElement("span");
    kind.className = "kt-result-kind";
    kind.textContent = strings[`search.kind_${record.k}`] || record.k;
    const title = marked(document.createElement("strong"), record.s || record.t, words);
    link.append(kind, title);
    if (record.s) link.append(marked(Object.assign(document.createElement("span"), { className: "kt-result-of" }), record.t, words));
    link.append(marked(Object.assign(document.createElement("span"), { className: "kt-result-text" }), excerpt(record, words), words));
    line.append(link);
    return line;
  };

  let asked = 0;
  const search = async () => {
    const query = input.value.trim();
    const words = fold(query).split(/\s+/).filter(Boolean);
    const turn = ++asked;
    if (fold(query).length < 2) {
      list.replaceChildren();
      status.textContent = strings["search.hint"];
      return;
    }
    let index;
    try {
      index = await load();
    } catch {
      records = undefined;
      status.textContent = strings["search.failed"];
      return;
    }
    if (turn !== asked) return;
    const found = index.map((record, order) => ({ record, order, points: score(record, words) }))
      .filter(({ points }) => points)
      .sort((a, b) => b.points - a.points || a.order - b.order);
    const form = new Intl.PluralRules(language).select(found.length);
    const count = strings[`search.count.${form}`] || strings["search.count.other"];
    status.textContent = found.length
      ? count.replace("{n}", String(found.length))
      : strings["search.none"].replace("{query}", query);
    list.replaceChildren(...found.slice(0, LIMIT).map(({ record }) => item(record, words)));
  };

  const open = () => {
    if (!dialog.open) dialog.showModal();
    input.focus();
    input.select();
    load().catch(() => { records = undefined; });
  };
  document.querySelectorAll("[data-kt-open-search]").forEach((button) => button.addEventListener("click", open));
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      open();
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("a")) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !links.length) return;
    event.preventDefault();
    const next = links.indexOf(document.activeElement) + step;
    (next < 0 ? input : links[Math.min(next, links.length - 1)]).focus();
  });
  dialog.querySelector("form").addEventListener("submit", (event) => {
    if (event.submitter?.classList.contains("kt-close") && event.submitter === document.activeElement) return;
    const first = list.querySelector("a");
    if (first) { event.preventDefault(); first.click(); }
  });
  input.addEventListener("input", search);
})();
