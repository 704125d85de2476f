# Everything a person does with Tessera. Longer than two lines: `python -m tools.x`.
PYTHON ?= python3
ENV    := .tessera/env
PY     := $(ENV)/dev/bin/python
READY  := $(PYTHON) tools/bootstrap.py
export PORT PERSIST WARM LIVE C D STAGE
# Images of Python often set it. Each of our many processes would compile whatever it imports again.
unexport PYTHONDONTWRITEBYTECODE
# These are meant for another Python: with them ours would import what is not its own, or no module of the tools.
unexport PYTHONPATH PYTHONSAFEPATH PYTHONOPTIMIZE
# The local cloud listens on this machine alone, where no proxy leads.
ifneq ($(http_proxy)$(HTTP_PROXY)$(https_proxy)$(HTTPS_PROXY)$(all_proxy)$(ALL_PROXY),)
COMMA := ,
OTHERS := $(or $(no_proxy),$(NO_PROXY))
export no_proxy := $(if $(OTHERS),$(OTHERS)$(COMMA))127.0.0.1,localhost
export NO_PROXY := $(no_proxy)
endif
# Some homes take no packages: that of a container's user without a name, or one that is read only.
ifndef UV_CACHE_DIR
CACHE := $${XDG_CACHE_HOME:-$${HOME:+$$HOME/.cache}}
ifneq ($(shell uv="$(CACHE)/uv"; [ -z "$(CACHE)" ] || { mkdir -p "$$uv" && [ -w "$$uv" ]; } 2>/dev/null || echo no),)
export UV_CACHE_DIR := $(CURDIR)/.tessera/cache
endif
endif

.DEFAULT_GOAL := help
.PHONY: help run test unit contract e2e peers realworld bench chaos mutants lint format new openapi dev deploy-local logs doctor build deploy sam-local localstack lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start everything locally and print where it is; PORT=8000, PERSIST=1 keeps the data, PERSIST=0 forgets it, Ctrl-C stops it
	@$(READY) dev emulator sam && exec $(PY) -m tools.up

test: ## every test: contract, unit, then a deployed stack with e2e and peers; C=tasks narrows
	@$(READY) dev emulator sam && exec $(PY) -m tools.test

unit: ## unit tests alone; C=tasks narrows
	@$(READY) dev && exec $(PY) -m tools.test unit

contract: ## the tests that read the tree itself
	@$(READY) dev && exec $(PY) -m tools.test contract

e2e: ## black-box tests, against BASE_URL or a stack of their own; C=tasks narrows
	@$(READY) dev emulator sam && exec $(PY) -m tools.test e2e

peers: ## suites that others wrote, against BASE_URL or a stack of their own
	@$(READY) dev emulator sam && exec $(PY) -m tools.test peers

realworld: ## the RealWorld suite against the blog's facade
	@$(READY) dev emulator sam && C=realworld exec $(PY) -m tools.test peers

bench: ## what operations cost and how long they take; RECORD=1 keeps the costs, LARGE=1 adds 10^5 items, BUCKETS=1000000 for the limiter
	@$(READY) dev emulator sam && exec $(PY) -m tools.bench

chaos: ## kill the local cloud's workers during 500 writes and look for what was lost
	@$(READY) dev emulator sam && exec $(PY) -m tools.test chaos

mutants: ## leave out one condition at a time; a unit test must notice; C=tasks names a capability
	@$(READY) dev && exec $(PY) -m tools.mutants

lint: ## style, types and templates
	@$(READY) dev sam checkov && exec $(PY) -m tools.lint

format: ## let ruff arrange the code
	@$(READY) dev && $(ENV)/dev/bin/ruff check --fix -q . ; $(ENV)/dev/bin/ruff format -q .

new: ## the smallest capability that keeps every rule; D=commerce C=gift_cards
	@$(READY) dev && exec $(PY) -m tools.new

openapi: ## write the merged document and the event catalogue
	@$(READY) dev && exec $(PY) -m tools.openapi

dev: ## every app in one process with hot reload, against the running `make run`; HTTPS=1 for cookies in Safari
	@$(READY) dev && exec $(PY) -m tools.dev

deploy-local: ## update the running stack; C=tasks updates one capability in seconds
	@$(READY) dev emulator sam && exec $(PY) -m tools.deploy_local

logs: ## follow the logs of the running stack; C=tasks narrows
	@$(READY) dev && exec $(PY) -m tools.logs

doctor: ## say what is wrong with this machine, and the remedy
	@$(PYTHON) tools/bootstrap.py --doctor && $(READY) dev && exec $(PY) -m tools.doctor

build: ## build for AWS, into .aws-sam/build
	@$(READY) dev sam && exec $(PY) -m tools.deploy build

deploy: ## deploy to your AWS account; STAGE=dev, staging or prod
	@$(READY) dev sam && exec $(PY) -m tools.deploy deploy

sam-local: ## `sam local start-api` in Docker, against the tables of the running stack
	@$(READY) dev sam && exec $(PY) -m tools.sam_local

localstack: ## the same stack on LocalStack (Docker and your LOCALSTACK_AUTH_TOKEN)
	@$(READY) dev sam && exec $(PY) -m tools.on_localstack

lock: ## resolve every requirements file anew
	@$(READY) dev && exec $(PY) -m tools.lock

clean: ## remove everything that was built, and all local state
	@$(PYTHON) tools/bootstrap.py --clean
