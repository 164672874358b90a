// The page says everything without this: it adds a filter, copy buttons, and opens what a link or the printer needs.
const filter = document.getElementById("filter");
if (filter) {
  const rows = [...document.querySelectorAll("tr.feature")];
  const apply = () => {
    const words = filter.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(
        words.every((word) => text.includes(word)) &&
        (!filter.api.value || row.parentElement.dataset.api === filter.api.value) &&
        (!filter.verdict.value || row.dataset.verdicts.split(" ").includes(filter.verdict.value)) &&
        (!filter.differs.checked || "differs" in row.dataset)
      );
    }
    for (const body of document.querySelectorAll("tbody[data-api]"))
      body.hidden = !body.querySelector("tr.feature:not([hidden])");
    filter.shown.value = `${rows.filter((row) => !row.hidden).length} of ${rows.length} features`;
  };
  filter.hidden = false;
  filter.addEventListener("input", apply);
  filter.addEventListener("submit", (event) => event.preventDefault());
  apply();
}
for (const button of document.querySelectorAll(".copy")) {
  const code = button.previousElementSibling;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
}
const reveal = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && (target.closest("details") ?? target.querySelector(".folded"));
  if (folded) folded.open = true;
  if (target) target.scrollIntoView();
};
addEventListener("hashchange", reveal);
if (location.hash) reveal();
let opened = [];
addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("details:not([open])")];
  for (const folded of opened) folded.open = true;
});
addEventListener("afterprint", () => {
  for (const folded of opened) folded.open = false;
});
