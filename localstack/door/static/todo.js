// The to-do page. After each change the list is asked for again, so that what is shown is what is kept.
import { by, call, inWords, made } from "./api.js";

const ROOT = "/tasks/todo-backend/demo";
let todos = [];

async function change(...requests) {
  by("said").textContent = "";
  try {
    for (const [path, method, body] of requests) await call(path, { method, body });
    todos = await call(ROOT);
  } catch (error) {
    by("said").textContent = inWords(error);
    by("said").classList.add("bad");
  }
  draw();
}

const at = (todo) => `${ROOT}/todos/${todo.id}`;

function draw() {
  by("todos").replaceChildren(...todos.map(row));
  by("empty").hidden = todos.length > 0;
  const left = todos.filter((todo) => !todo.completed).length;
  by("left").textContent = todos.length ? `${left} of ${todos.length} left` : "";
  by("clear").disabled = todos.length === 0;
  by("clear-done").disabled = left === todos.length;
}

function row(todo) {
  const item = made("li", { className: todo.completed ? "done" : "" });
  const tick = made("input", { type: "checkbox", checked: todo.completed, ariaLabel: `Done: ${todo.title}` });
  tick.addEventListener("change", () => change([at(todo), "PATCH", { completed: tick.checked }]));
  const title = made("button", { type: "button", className: "title", textContent: todo.title, title: "Rename" });
  title.addEventListener("click", () => rename(item, title, todo));
  const remove = made("button", { type: "button", className: "remove", textContent: "✕", ariaLabel: `Delete: ${todo.title}` });
  remove.addEventListener("click", () => change([at(todo), "DELETE"]));
  item.append(tick, title, remove);
  return item;
}

function rename(item, title, todo) {
  const field = made("input", { value: todo.title, maxLength: 500, ariaLabel: `New title for: ${todo.title}` });
  let isOver = false;
  const end = (keeps) => {
    if (isOver) return;
    isOver = true;
    const wanted = field.value.trim();
    if (keeps && wanted && wanted !== todo.title) change([at(todo), "PATCH", { title: wanted }]);
    else draw();
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") end(true);
    if (event.key === "Escape") end(false);
  });
  field.addEventListener("blur", () => end(true));
  title.replaceWith(field);
  field.focus();
  field.select();
}

by("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = event.target.elements.title;
  const title = field.value.trim();
  if (!title) return;
  field.value = "";
  await change([ROOT, "POST", { title, order: todos.length }]);
});
by("clear").addEventListener("click", () => change([ROOT, "DELETE"]));
by("clear-done").addEventListener("click", () =>
  change(...todos.filter((todo) => todo.completed).map((todo) => [at(todo), "DELETE"])),
);
change();
