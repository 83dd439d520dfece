// The table is whole without this script; with it, rows that do not match are hidden.
(() => {
  const form = document.querySelector(".filter");
  const rows = [...document.querySelectorAll(".claims tbody tr")];
  const texts = rows.map((row) => row.textContent.toLocaleLowerCase());
  const filter = () => {
    const verdict = form.elements.verdict.value;
    const words = form.elements.words.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, place) => {
      row.hidden = (verdict && row.dataset.verdict !== verdict) || !words.every((word) => texts[place].includes(word));
    });
    const shown = rows.filter((row) => !row.hidden).length;
    form.elements.shown.value = form.dataset.shown.replace("SHOWN", shown).replace("ALL", rows.length);
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  filter();
})();
