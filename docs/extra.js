// What the theme leaves to be told to a keyboard and a screen reader.
const tell = () => {
  // It makes a landmark without a name of each block's copy button; a page has many, and they are no places to go to.
  for (const nav of document.querySelectorAll("nav.md-code__nav:not([role])")) {
    nav.setAttribute("role", "none");
    for (const button of nav.querySelectorAll("button[title]")) button.setAttribute("aria-label", button.title);
  }
  // A table that is wider than the screen scrolls sideways; the arrow keys reach its end, too.
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (wrap.scrollWidth > wrap.clientWidth) {
      wrap.setAttribute("tabindex", "0");
      wrap.setAttribute("role", "group");
      wrap.setAttribute("aria-label", "Table");
    } else for (const name of ["tabindex", "role", "aria-label"]) wrap.removeAttribute(name);
  }
  // The theme takes the keyboard's stop from code that fits, and gives it back late if it fits no more.
  for (const code of document.querySelectorAll("pre > code")) {
    sizes.observe(code);
    if (code.scrollWidth > code.clientWidth) code.setAttribute("tabindex", "0");
  }
};
const sizes = new ResizeObserver(() => tell());
new MutationObserver(tell).observe(document.body, { childList: true, subtree: true });
addEventListener("resize", tell);
tell();
