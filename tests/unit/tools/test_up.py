"""What `make run` prints can be pasted."""

import json
import shlex
import subprocess

from tools import up

USERS = [
    {"email": "admin@example.com", "password": "p1", "role": "admin"},
    {"email": "user@example.com", "password": "demo-_-x", "role": "user"},
]


def test_the_first_line_signs_in_as_the_plain_user() -> None:
    line = up.first_requests("http://127.0.0.1:8000", USERS)[0]

    words = shlex.split(line.removeprefix("TOKEN=$(").removesuffix(")"))
    assert words[:3] == ["curl", "-s", "http://127.0.0.1:8000/accounts/login"]
    assert json.loads(words[words.index("-d") + 1]) == {"email": "user@example.com", "password": "demo-_-x"}


def test_the_token_is_cut_out_of_the_answer_and_sent_with_the_next_lines() -> None:
    first, *others = up.first_requests("http://127.0.0.1:8000", USERS)

    answer = '{"token_type":"Bearer","access_token":"a.b-c_d","refresh_token":"r"}'
    script = f"curl() {{ printf '%s' '{answer}'; }}\n{first}\nprintf '%s' \"$TOKEN\""
    assert subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout == "a.b-c_d"
    assert all('"authorization: Bearer $TOKEN"' in line for line in others)


def test_the_last_line_lists_the_tasks_with_the_api_key() -> None:
    line = up.first_requests("http://127.0.0.1:8000", [{**USERS[1], "api_key": "tsk_live_x_y"}])[-1]

    words = shlex.split(line.removesuffix("; echo"))
    assert words == ["curl", "-s", "http://127.0.0.1:8000/tasks", "-H", "authorization: Bearer tsk_live_x_y"]


def test_without_demo_users_the_line_that_needs_none_is_printed() -> None:
    assert up.first_requests("http://127.0.0.1:8000", []) == ["curl -i http://127.0.0.1:8000/health"]
