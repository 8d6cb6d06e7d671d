# Targets that only call a script; the Makefile holds what is built.

run: all
	@scripts/install-deps run
	@tests/e2e/world run $(WORLD)

demo: all
	@scripts/install-deps run
	@tests/e2e/world demo $(WORLD)

test: check
	@scripts/install-deps test
	-@$(MAKE) former
	@$(BUILD)/sim/sim --runs 2000 --short --quiet
	@tests/e2e/run-tests $(ARGS)

# An earlier state of the tree, for test_operations.py to upgrade from; needs the history.
FORMER ?= e5043ee699a7ff06588be943e33d50c0bfc1dcdf
former:
	@git cat-file -e $(FORMER)^{commit} || { echo "make former: this checkout does not reach back to $(FORMER)" >&2; exit 1; }
	@mkdir -p $(BUILD)/former
	@git archive $(FORMER) | tar -x -C $(BUILD)/former
	$(MAKE) -C $(BUILD)/former BUILD=build SAN= all

# The whole suite again, on daemons built with the address and undefined-behaviour sanitizers.
asan:
	@scripts/install-deps test
	$(MAKE) SAN=address,undefined check
	BUILD=build/san-address tests/e2e/run-tests $(ARGS)

# The threads are dnsd's: its tests, then whatever makes them meet. docs/fuzzing.md, "Threads".
TSAN_E2E := test_dnsd_alone.py test_dnsd_reloads.py test_handover.py test_dnstap.py test_transfers.py \
	test_transfer_content.py test_transfers_epochs.py test_dnssec.py test_dnssec_rollover.py \
	test_differential_signed.py test_restart.py
tsan:
	@scripts/install-deps test
	$(MAKE) SAN=thread check
	BUILD=build/san-thread tests/e2e/run-tests $(TSAN_E2E) $(ARGS)

# Whole deployments in simulated time; docs/simulation.md. The daemons' own code is linked, with the
# simulator's loop, clock, chance and log in the place of the system's.
SIM_WRAPS := clock_mono_ms clock_wall_ms getrandom malloc_trim log_error log_warn log_info log_debug \
	__assert_fail http_client_new http_client_free member_move stage_move maintenance_move \
	trial_move sender_move
$(BUILD)/sim/sim: $(call objects,tests/sim) $(foreach r,controlplane dnsd config wire core lib,$(call archive,$(r)))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(SIM_WRAPS:%=-Wl,--wrap=%) -o $@ $^ $(PKG_LIBS)

sim: deps $(BUILD)/sim/sim
	@$(BUILD)/sim/sim $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) \
		$(if $(HOURS),--hours $(HOURS)) $(ARGS)

# Runs until every row of the core's transition tables was reached; fails after so many runs.
sim-coverage: deps $(BUILD)/sim/sim
	@$(BUILD)/sim/sim $(if $(SEED),--seed $(SEED)) --runs $(or $(RUNS),3000) --quiet --require-coverage

# Each patch in tests/sim/mutants breaks a rule, and the simulator has to find it; takes minutes.
sim-mutants: deps
	@CC="$(CC)" MAKE="$(MAKE)" tests/sim/run-mutants $(ARGS)

# A real cluster in network namespaces under faults; docs/chaos.md. As root. ARGS=latency measures.
chaos: all
	@scripts/install-deps test
	@tests/chaos/run-chaos $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

# tandem-dnsd against gdnsd and the ceiling of the sockets, as ratios; docs/performance.md.
bench-dns: all $(addprefix $(BUILD)/bench/,pool_references signature_cost)
	@scripts/install-deps bench
	@tests/bench/run-dns --build $(BUILD) $(ARGS)

$(BUILD)/bench/%: tests/bench/%.c $(foreach r,dnsd config wire core lib,$(call archive,$(r)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# The README's steps in a Debian 12 without anything; takes minutes, needs root and a mirror.
fresh-install:
	@tests/e2e/fresh-install

lint:
	@scripts/install-deps lint
	@scripts/lint

# What scripts/lint hands to clang and clang-tidy.
print-compile-flags:
	@echo $(CPPFLAGS) -std=gnu11 $(WARNINGS) $(PKG_CFLAGS)

format:
	@scripts/install-deps lint
	clang-format -i $$(git ls-files '*.c' '*.h')

install: all
	scripts/install-files "$(BUILD)" "$(DESTDIR)" "$(PREFIX)"

help:
	@sed -n 's/^#> //p' scripts/targets.mk

#> make            build into build/ (build/bin)
#> make run        a whole two-site world on loopback, in the foreground
#> make demo       the same, scripted: outage, fail-over, return, maintenance, with figures
#> make test       all tests, real etcd, Postfix and nginx included
#> make check      unit tests and the simulator: no root, no network
#> make asan tsan  tests again under sanitizers
#> make fuzz SECS= every decoder under libFuzzer, so many seconds each (docs/fuzzing.md)
#> make sim        SEED= RUNS= HOURS= whole deployments in simulated time, with faults
#> make sim-coverage  runs it until every row of every transition table was reached
#> make sim-mutants  proves that it finds each rule broken on purpose
#> make chaos      MINUTES= SEED= a real cluster under faults, as root (docs/chaos.md)
#> make bench-dns speed and memory of tandem-dnsd against its peers, as ratios
#> make differential SEEDS=1-20   answers of generated zones against Knot, NSD and BIND
#> make lint       compiler, clang-tidy, cppcheck, shellcheck, layers, man pages
#> make format     clang-format
#> make fresh-install  these steps in a fresh Debian 12 (debootstrap)
#> make install    PREFIX=/usr/local DESTDIR=

.PHONY: sim sim-coverage sim-mutants chaos bench-dns run demo test asan tsan fresh-install lint print-compile-flags format install help former
