// Each card computes again with a reader's inputs, by the formulas above. Without this script the page is whole.
const evaluate = (card, own) => {
  const values = [];
  card.nodes.forEach((node, place) => {
    const [measure, ...inputs] = Array.isArray(node) ? node : [];
    const value = (input) => Array.isArray(input) ? input.map((one) => values[one]) : values[input];
    values.push(place in own ? own[place] : measure ? formulas[measure](...inputs.map(value)) : node);
  });
  return values[card.root];
};
const verdict = (card, value) => {
  const [low, high, withLow, withHigh] = card.allowed;
  const above = low === null || value > low || (withLow && value === low);
  const below = high === null || value < high || (withHigh && value === high);
  return above && below ? "holds" : "off";
};
const written = (card, value) => {
  const places = { minimumFractionDigits: card.decimals, maximumFractionDigits: card.decimals };
  const number = new Intl.NumberFormat(language, places).format(Math.abs(value));
  const sign = value < 0 && /[1-9]/.test(number) ? "\u2212" : card.signed && value > 0 ? "+" : "";
  return sign + card.around[0] + number + card.around[1];
};
if (typeof document !== "undefined") {
  for (const form of document.querySelectorAll("form.what-if")) {
    const card = cards[form.dataset.claim], article = form.closest(".card");
    const shown = article.querySelector(".recomputed"), word = article.querySelector(".verdict");
    const fault = form.querySelector(".fault"), first = [shown.textContent, word.innerHTML, article.className];
    const back = () => {
      [shown.textContent, word.innerHTML, article.className] = first;
      fault.textContent = "";
    };
    const follow = () => {
      const fields = [...form.elements].filter((field) => field.name);
      const wrong = fields.filter((field) => !(Number(field.value) > 0));
      fields.forEach((field) => field.setAttribute("aria-invalid", wrong.includes(field)));
      const same = (field) => field.value === field.dataset.shown;
      if (fields.every(same)) return back();
      if (wrong.length) {
        back();
        fault.textContent = form.dataset.fault;
        return;
      }
      const own = Object.fromEntries(fields.map((field) => [field.name, Number(same(field) ? field.dataset.value : field.value)]));
      const value = evaluate(card, own), found = verdict(card, value);
      shown.textContent = written(card, value);
      word.textContent = `${words[found][0]} ${words[found][1]}, ${form.dataset.yours}`;
      article.className = `card yours ${found}`;
      fault.textContent = "";
    };
    form.addEventListener("input", follow);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(follow));
    form.hidden = false;
  }
}
