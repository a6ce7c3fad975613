// The frame of a page: light and dark, the remembered language, links that also work from a folder on disk.
(() => {
  "use strict";
  const root = document.documentElement;
  const store = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } };
  const isDark = () => root.dataset.ktTheme ? root.dataset.ktTheme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

  const toggles = document.querySelectorAll("[data-kt-theme-toggle]");
  const press = () => toggles.forEach((toggle) => toggle.setAttribute("aria-pressed", String(isDark())));
  toggles.forEach((toggle) => toggle.addEventListener("click", () => {
    root.dataset.ktTheme = isDark() ? "light" : "dark";
    store("kt-theme", root.dataset.ktTheme);
    press();
  }));
  press();
  addEventListener("storage", (event) => {
    if (event.key === "kt-theme" && event.newValue) { root.dataset.ktTheme = event.newValue; press(); }
  });

  // On a narrow screen the navigation scrolls: the current entry must not be the one that is out of sight.
  const current = document.querySelector(".kt-nav [aria-current]");
  if (current) current.parentElement.scrollLeft = current.offsetLeft - current.parentElement.offsetLeft - 48;

  for (const link of document.querySelectorAll("[data-kt-language-choice]")) {
    link.addEventListener("click", () => {
      store("kt-language", link.dataset.ktLanguageChoice);
      // A heading with an id of the author's has the same id in every language.
      if (location.hash && !link.classList.contains("kt-absent")) link.hash = location.hash;
    });
  }

  // A folder on disk has no index page of its own.
  if (location.protocol === "file:") {
    for (const link of document.querySelectorAll("a[href]")) {
      const [path, rest] = link.getAttribute("href").split(/(?=[#?])/, 2);
      if (path.endsWith("/") && !/^[a-z]+:/i.test(path)) link.setAttribute("href", `${path}index.html${rest || ""}`);
    }
  }
})();
