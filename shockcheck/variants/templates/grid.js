// The first rows are there without this script; with it, all rows can be sorted and turned over, a hundred at a time.
(() => {
  const many = 100;
  const ranked = JSON.parse(document.getElementById("rows").textContent).map((row, place) => ({ ...row, rank: place + 1 }));
  const table = document.querySelector("table.grid");
  const [form, body, heads] = [document.querySelector(".pager"), table.tBodies[0], [...table.tHead.rows[0].cells]];
  const numbers = body.rows.length ? [...body.rows[0].cells].map((cell) => cell.className) : [];
  const value = (row, column) => (column === 0 ? row.rank : column === heads.length - 1 ? row.row : row.values[column - 1]);
  let rows = ranked, start = 0, sorted = 0, down = false;

  const compare = (one, other) => {
    if (typeof one === "number" && typeof other === "number") return one - other;
    if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
    return one < other ? -1 : one > other ? 1 : 0;
  };
  const line = (row) => {
    const made = document.createElement("tr");
    [row.rank, ...row.cells].forEach((text, place) => {
      const cell = made.insertCell();
      cell.textContent = text;
      cell.className = numbers[place] || "";
    });
    const last = made.insertCell();
    if (row.page) {
      const link = last.appendChild(document.createElement("a"));
      link.href = row.page;
      link.textContent = `row ${row.row}`;
    } else {
      last.textContent = `row ${row.row}`;
    }
    return made;
  };
  const show = () => {
    const part = rows.slice(start, start + many);
    body.replaceChildren(...part.map(line));
    form.elements.back.disabled = start === 0;
    form.elements.next.disabled = start + many >= rows.length;
    const by = heads[sorted].textContent;
    form.elements.shown.value = `${start + 1} to ${start + part.length} of ${rows.length} rows, sorted by ${by}, ${down ? "descending" : "ascending"}`;
    heads.forEach((head, place) => {
      if (place === sorted) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  };
  const turn = (step) => {
    start += step * many;
    show();
  };
  const sort = (column) => {
    down = column === sorted && !down;
    sorted = column;
    start = 0;
    const sign = down ? -1 : 1;
    rows = [...ranked].sort((one, other) => sign * compare(value(one, column), value(other, column)) || one.rank - other.rank);
    show();
  };
  if (!rows.length) return;
  heads.forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(place));
    head.append(button);
  });
  form.elements.back.addEventListener("click", () => turn(-1));
  form.elements.next.addEventListener("click", () => turn(1));
  form.hidden = false;
  document.getElementById("first")?.remove();
  show();
})();
