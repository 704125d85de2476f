"""FastAPI, without what no function needs of it.

While it is imported it builds the checks of its models of an OpenAPI document: 7 to 10 % of a function's import, for a
document that only the build writes. Here they are left to whoever needs them, which pydantic then does by itself.
"""

from pydantic import BaseModel

BaseModel.model_config["defer_build"] = True
try:
    import fastapi as fastapi
finally:
    # What is declared afterwards says for itself when it is built.
    del BaseModel.model_config["defer_build"]
