# The commands of a source checkout; each does all set-up that it needs, and none of it twice.
BUILD ?= build
MODEL ?= examples/annealing/annealing.dsl
ARGS ?=
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)

stem := $(basename $(notdir $(MODEL)))
ninja = cmake --build $(1) -j $(JOBS) --target $(2)

.PHONY: run test bench sanitize install setup configure format tidy clean

run: configure
	@$(call ninja,$(BUILD),kacc-all)
	@mkdir -p out
	$(BUILD)/bin/kacc run $(MODEL) -o out/$(stem).npz --report out/$(stem).json --plot out/$(stem).svg $(ARGS)

test: configure
	@$(call ninja,$(BUILD),all)
	@cd $(BUILD) && ctest --output-on-failure -j $(JOBS) $(ARGS)

bench: configure
	@$(call ninja,$(BUILD),kacc-all)
	@python3 -B bench/bench.py $(BUILD)/bin $(ARGS)

# Everything, kacc itself too, under the address and undefined behaviour sanitizers. Vectors that LLVM's libraries, which are not
# compiled so, have filled do not have the marks that a container check looks for; frames are several times as large.
sanitize: setup
	@cmake -S . -B $(BUILD)/sanitize -G Ninja -DKAC_SANITIZE=ON >/dev/null
	@$(call ninja,$(BUILD)/sanitize,all)
	@cd $(BUILD)/sanitize && ulimit -s 65536 && ASAN_OPTIONS=detect_container_overflow=0 ctest --output-on-failure -j $(JOBS) $(ARGS)

install: configure
	@$(call ninja,$(BUILD),kacc-all)
	@cmake --install $(BUILD) --prefix $(PREFIX)

# Lays out our C and C++, as the tests want it; and asks clang-tidy about what is not committed, or the last commit.
sources = $(shell git ls-files -co --exclude-standard 'dsl/*' 'compiler/*' 'runtime/*' 'tests/*' 'bench/*' 'examples/*' | grep -E '\.(cpp|c|h)$$')
changed = $(shell { git diff --name-only HEAD; git diff --name-only HEAD~1 2>/dev/null; } | sort -u | grep -E '\.(cpp|c)$$')

format:
	@clang-format -i $(sources)

tidy: configure
	@$(call ninja,$(BUILD),all)
	@test -z "$(changed)" || clang-tidy --quiet -p $(BUILD) $(wildcard $(changed))

setup:
	@cmake/setup.sh

configure: setup
	@test -f $(BUILD)/build.ninja || cmake -S . -B $(BUILD) -G Ninja

clean:
	rm -rf $(BUILD) out
