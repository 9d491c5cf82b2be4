# `make up` sets everything up and stands the local workspace up; `make test` sets everything up and passes the tests.

# The two environments are installed side by side, and the code is checked while it is tested.
MAKEFLAGS += --jobs=2
# Python keeps the modules that it has compiled, whatever the machine's image says of it: else each process compiles
# azmlflow anew, which is two fifths of the embedded Azure's start.
export PYTHONDONTWRITEBYTECODE =
PYTHON ?= python3
BIN := .venv/bin
# One more than there are cores: the end-to-end tests wait half of their time, for a cloud's clock or for what was killed.
WORKERS := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder
TOOLKIT := .venv/.installed
EXAMPLES := .venv-examples/.installed
DOCS := .venv-docs/.installed

.PHONY: up wheel test pytest unit check bench faults attack mutants examples engine docs lock live clean

up: engine Pulumi.local.yaml
	@$(BIN)/azmlflow up --stack local

wheel: $(TOOLKIT)  ## dist/azmlflow-*.whl, with all that azmlflow is
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

test: check pytest

pytest: engine examples
	$(PYTEST)

unit: $(TOOLKIT)  ## the quick tests only
	$(PYTEST) -m "not e2e"

check: $(TOOLKIT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python scripts/floors.py
	$(BIN)/python scripts/typecheck.py

bench: engine examples
	$(BIN)/python -m benchmarks

faults: engine  ## every request of up, down, grant, revoke, sweep and config failed and mangled in every way, and killed around each: hours
	AZMLFLOW_FAULTS=all $(PYTEST) --dist load tests/cli/teardown/test_teardown.py tests/e2e/test_faults.py

# Where attacks are tests: one embedded Azure in process or started for them, each attack of its own user.
ATTACKS := $(addprefix tests/localazure/,keeper builder/test_build.py builder/test_home.py runner/test_rights.py runner/test_failures.py arm/test_spellings.py \
	arm/test_linked.py arm/test_rights.py azureml/test_runs_v1.py azureml/test_handlers.py azureml/test_members.py \
	blobs/test_access.py blobs/test_rights.py blobs/test_said.py cloud/test_skipped.py core/test_spelling.py \
	core/test_yaml_reading.py front/test_proxy.py services/test_identity.py ui/test_ui.py process/test_daemon.py \
	process/test_bounds.py process/test_shedding.py principals/test_tokens.py services/test_vault.py \
	services/test_vault_rights.py tracking/test_server.py) tests/cli/teardown/test_adversarial.py \
	tests/cli/teardown/test_buried_workspaces.py tests/cli/sweep tests/e2e/test_canaries.py

attack: engine examples  ## the attacks among the tests: spellings, rights at ids, jobs, tokens, floods, other people's resources, secrets
	$(PYTEST) $(ATTACKS)

mutants: $(TOOLKIT)  ## change the code in small ways and see that a test fails: a sample; ALL=1 all, minutes to an hour a target; TARGET="rbac infra"
	$(BIN)/python -m scripts.mutants $(TARGET) $(if $(ALL),--all) $(if $(SEED),--seed $(SEED))

examples: $(EXAMPLES)

engine: $(TOOLKIT)
	@$(BIN)/python -m azmlflow.cli.pulumi.engine

live: engine examples  ## a data scientist's day on a real subscription: shows its price, asks, and removes everything at its end
	@$(BIN)/python -m scripts.live

docs: $(DOCS)  ## the pages of docs/ as a site, in site/
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet

lock: $(TOOLKIT)  ## renew the locks from pyproject.toml and examples/requirements.txt; UPGRADE=--upgrade takes what is new
	$(BIN)/python scripts/lock.py $(UPGRADE)

clean:
	-[ ! -x $(BIN)/azmlflow ] || $(BIN)/azmlflow local stop
	rm -rf .venv .venv-examples .venv-docs site

Pulumi.local.yaml: | $(TOOLKIT)
	@$(BIN)/azmlflow init local --yes

# Into the environment $(1), what the lock $(2) names. uv takes seconds for files that it has fetched before. It does not
# read pip's configuration: where only that knows the way to a registry, pip installs. All is compiled at once but tests and
# the thousands of modules of azure-native and of Azure's REST clients: what of those is used is compiled then.
install = $(BIN)/uv pip install --quiet --python $(1)/bin/python --require-hashes --requirement $(2) \
	|| { echo "uv could not: trying pip" && $(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(2); } \
	&& { $(1)/bin/python -m compileall -q -j 0 -x 'pulumi_azure_native|/azure/mgmt/|/_restclient/|/tests/' $(1)/lib >/dev/null 2>&1 || true; }

$(TOOLKIT): requirements/installer.lock requirements/toolkit.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "azmlflow needs Python 3.11 or newer; name one: make PYTHON=python3.11 ...")'
	@echo "installing the toolkit into .venv (a minute or two the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@$(call install,.venv,requirements/toolkit.lock)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps -e .
	@touch $@

$(DOCS): requirements/docs.lock | $(TOOLKIT)
	@echo "installing what builds the documents into .venv-docs"
	@$(PYTHON) -m venv .venv-docs
	@$(call install,.venv-docs,$<)
	@touch $@

$(EXAMPLES): examples/requirements.lock | $(TOOLKIT)
	@echo "installing the data scientist's environment into .venv-examples"
	@$(PYTHON) -m venv .venv-examples
	@$(call install,.venv-examples,$<)
	@touch $@
