// Draws every chart of the page over its still picture, and lets a reader switch models off and sort tables.
// No code is made from text: Vega's expressions are interpreted (`ast`), as the page's security policy asks.

document.documentElement.classList.add("live");

const settings = {
  mode: "vega-lite",
  renderer: "svg",
  ast: true,
  actions: false,
  defaultStyle: false,
  tooltip: { disableDefaultStyle: true },
};
const views = [];
const boxes = [...document.querySelectorAll(".models input")];

const shownModels = () => boxes.filter((box) => box.checked).map((box) => box.value);

async function draw(figure) {
  const spec = JSON.parse(figure.querySelector("script").textContent);
  const place = figure.querySelector(".drawing");
  const { view } = await vegaEmbed(place, spec, settings);
  if ((spec.params ?? []).some((param) => param.name === "shown")) views.push(view);
  await show([view].filter((each) => views.includes(each)));
}

async function show(which) {
  const shown = shownModels();
  await Promise.all(which.map((view) => view.signal("shown", shown).runAsync()));
}

function hideFigures() {
  const shown = shownModels();
  for (const figure of document.querySelectorAll("figure[data-model]")) {
    figure.hidden = !shown.includes(figure.dataset.model);
  }
}

function sortBy(button) {
  const head = button.closest("th");
  const column = [...head.parentElement.children].indexOf(head);
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = head.closest("table").tBodies[0];
  const value = (row) => row.children[column].dataset.number ?? row.children[column].textContent;
  const compare = (a, b) =>
    Number.isNaN(Number(a) - Number(b)) ? String(a).localeCompare(String(b)) : Number(a) - Number(b);
  const rows = [...body.rows].sort((a, b) => (ascending ? 1 : -1) * compare(value(a), value(b)));
  body.append(...rows);
}

for (const box of boxes) {
  box.addEventListener("change", () => {
    hideFigures();
    show(views);
  });
}
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sortBy(button));
}
for (const figure of document.querySelectorAll("figure.chart")) await draw(figure);
document.documentElement.classList.add("drawn");
