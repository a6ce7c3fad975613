// Copy buttons, and scroll regions that take the focus only when there is something to scroll.
(() => {
  "use strict";
  const read = () => {
    try { return JSON.parse(document.getElementById("kt-strings").textContent); } catch { return {}; }
  };
  const strings = read();
  const t = (key) => strings[key] || key;

  const status = document.createElement("p");
  status.className = "kt-sr";
  status.setAttribute("role", "status");

  // navigator.clipboard is missing on http:// and file://.
  const copyByHand = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return copyByHand(text);
    }
  };

  const button = (label, title, text) => {
    const element = document.createElement("button");
    element.type = "button";
    element.className = "kt-copy";
    element.textContent = label;
    element.title = title;
    element.setAttribute("aria-label", title);
    element.addEventListener("click", async (event) => {
      event.stopPropagation();
      const done = await copy(text());
      const told = t(done ? "block.copied" : "block.copy_failed");
      element.textContent = told;
      status.textContent = told;
      setTimeout(() => { element.textContent = label; status.textContent = ""; }, 1600);
    });
    return element;
  };

  const sources = (block) => [...block.querySelectorAll("[data-kt-source]")].map((pre) => pre.dataset.ktSource);
  for (const block of document.querySelectorAll(".kt-block")) {
    const commands = block.querySelectorAll("[data-kt-source]");
    for (const pre of commands) {
      pre.after(button(t("block.copy"), t("block.copy_command"), () => pre.dataset.ktSource + "\n"));
    }
    if (commands.length > 1) {
      const all = button(t("block.copy_all"), t("block.copy_all"), () => sources(block).join("\n") + "\n");
      all.classList.add("kt-copy-all");
      let note = block.querySelector(".kt-note");
      if (!note) {
        note = document.createElement("figcaption");
        note.className = "kt-note";
        block.append(note);
      }
      note.append(all);
    }
    const file = block.querySelector("[data-kt-file], [data-kt-script]");
    if (file) {
      const title = t(file.hasAttribute("data-kt-script") ? "provenance.copy_script" : "block.copy_file");
      block.querySelector(".kt-term").append(button(t("block.copy"), title, () => file.textContent));
    }
  }
  if (document.querySelector(".kt-copy")) document.body.append(status);

  const focusable = (region) => {
    const scrolls = region.scrollWidth > region.clientWidth + 1 || region.scrollHeight > region.clientHeight + 1;
    if (scrolls) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  };
  const regions = document.querySelectorAll(".kt-out, .kt-picture, .kt-main table, .highlight > pre");
  if ("ResizeObserver" in window) {
    const observer = new ResizeObserver((changes) => changes.forEach((change) => focusable(change.target)));
    // A font that comes late makes the text wider and not the region; until then every region takes the focus.
    (document.fonts?.ready ?? Promise.resolve()).then(() => regions.forEach((region) => observer.observe(region)));
    document.fonts?.addEventListener("loadingdone", () => regions.forEach(focusable));
  }
})();
