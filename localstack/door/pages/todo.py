"""`/todo`: a small list that a person can click, on the Todo-Backend facade of `tasks`."""

from aiohttp import web

from localstack.door.pages import shell

BODY = """<h1>To-do</h1>
<p class="lead">A page on <code>/tasks/todo-backend/demo</code>, which needs no sign-in.</p>
<section class="card todo" aria-label="To-do list">
<form id="add"><label class="unseen" for="title">What is to be done?</label>
<input id="title" name="title" maxlength="500" placeholder="What is to be done?" autocomplete="off" required>
<button class="primary">Add</button></form>
<p id="said" role="alert"></p>
<ul id="todos" aria-label="Things to do"></ul>
<p id="empty" class="empty" hidden>Nothing to do.</p>
<footer><span id="left" role="status"></span>
<button id="clear-done" type="button">Clear done</button>
<button id="clear" type="button">Clear all</button></footer>
</section>
<noscript><p>This page is a program: it needs JavaScript.</p></noscript>"""


async def page(request: web.Request) -> web.StreamResponse:
    return shell.page("To-do", BODY, at="/todo", scripts=("todo.js",))
