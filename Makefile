# A short front to meson. `make` builds build/skald; `make help` lists the rest.

MESON ?= meson
RUN_FLAGS ?=
FUZZ_SECONDS ?= 60
SEEDS ?= 1000
ROUNDS ?= 100
NINJA := $(shell command -v ninja || command -v ninja-build || echo ninja)

all: build/build.ninja ## build/skald
	@$(NINJA) -C build skald

run: all ## a development server on 127.0.0.1:7233, its pages on 8233, its data in build/dev.db
	build/skald server start-dev --db-filename build/dev.db $(RUN_FLAGS)

test: test-deps build/build.ninja build-asan/build.ninja ## all tests; one summary line at the end
	@python3 tools/test.py

check: test-deps all ## the unit tests of the normal build alone
	$(MESON) test -C build --print-errorlogs

bench: everything ## measure; figures of this machine
	@bench/run.sh

ui-bench: all ## a run with 50,000 events in Chromium: how soon it is painted, how it scrolls
	@python3 tests/browser/run.py --program ui-bench.ts docs/performance.md

screenshots: all ## every screen of the web UI, to docs/images
	@python3 tests/browser/run.py --program screenshots.ts docs/images

bench-push: everything ## measure what ten readers of a live list cost
	@bench/push.py --write docs/performance.md

bench-check: everything ## measure, and compare with the last kept figures
	@bench/run.sh --check

asan: test-deps build-asan/build.ninja ## unit tests with address and undefined-behaviour sanitizers
	$(MESON) test -C build-asan --print-errorlogs

tsan: test-deps build-tsan/build.ninja ## unit tests with the thread sanitizer
	$(MESON) test -C build-tsan --print-errorlogs

fuzz: build-fuzz/build.ninja ## each fuzz target for FUZZ_SECONDS
	@$(NINJA) -C build-fuzz
	@tools/fuzz.sh build-fuzz $(FUZZ_SECONDS)

coverage: build-coverage/build.ninja all ## what the tests reach: build-coverage/coverage.html, ui-coverage.txt
	$(MESON) test -C build-coverage --print-errorlogs
	@gcovr --root . --filter src/ --exclude-throw-branches --fail-under-line 85 --txt build-coverage/coverage.txt \
	    --html-details build-coverage/coverage.html build-coverage
	@tail -n 3 build-coverage/coverage.txt
	@tools/ui_coverage.sh build-coverage

sim: test-deps build-asan/build.ninja ## the whole server on a virtual clock, SEEDS seeds
	@$(NINJA) -C build-asan
	build-asan/tests/sim/sim 1 $(SEEDS)

compat: all ## the tests with Temporal's published SDKs
	@tests/compat/run.sh

browser: all ## the web UI's tests in Chromium
	@tests/browser/run.sh

saga: all ## the order saga while server and worker are killed, ROUNDS rounds
	@tests/compat/run.sh saga --rounds $(ROUNDS)

format: ## clang-format over our C sources
	clang-format -i $$(git ls-files '*.c' '*.h')

lint: layers build/build.ninja ## lengths, banned calls, clang-tidy where it is installed
	@python3 tools/tidy.py
	@tools/lint.sh build

layers: ## includes point down the layers only
	@python3 tools/check_layers.py

install: all ## to DESTDIR
	$(MESON) install -C build --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

deps: ## the Debian packages for building, testing and looking closer
	@tools/deps.sh dev

clean: ## remove what was built
	rm -rf build build-asan build-tsan build-fuzz build-coverage

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

everything: test-deps build/build.ninja
	@$(NINJA) -C build

build/build.ninja: | build-deps
	$(MESON) setup build

build-asan/build.ninja: | build-deps
	$(MESON) setup build-asan -Db_sanitize=address,undefined -Db_lundef=false -Dchecks=true \
	    -Doptimization=1

build-tsan/build.ninja: | build-deps
	$(MESON) setup build-tsan -Db_sanitize=thread -Db_lundef=false -Dchecks=true -Doptimization=1

build-fuzz/build.ninja: | dev-deps
	CC=clang $(MESON) setup build-fuzz -Db_sanitize=address,undefined -Db_lundef=false \
	    -Dchecks=true -Dfuzz=true -Doptimization=1

build-coverage/build.ninja: | dev-deps
	$(MESON) setup build-coverage -Db_coverage=true -Dchecks=true -Doptimization=0

build-deps:
	@tools/deps.sh build

test-deps:
	@tools/deps.sh test

dev-deps:
	@tools/deps.sh dev

.PHONY: all everything run test check bench bench-push ui-bench screenshots bench-check asan tsan fuzz coverage sim compat browser saga format \
	lint layers install deps clean help build-deps test-deps dev-deps
