# Fuzzing: docs/fuzzing.md. Each tests/fuzz/fuzz_NAME.c is two programs: with libFuzzer (clang,
# address and undefined-behaviour sanitizer) in build/fuzz/, and one that only feeds it files, with
# the compiler and flags of everything else, in $(BUILD)/replay/, for `make check`.
FUZZ_CC ?= clang
SECS ?= 60
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY := $(FUZZ:%=$(BUILD)/replay/%)
DEPENDENCIES += $(REPLAY:=.d) $(FUZZ:%=$(BUILD)/%.d)
# The daemon whose room a target tests: the first that it includes from.
fuzz_room = $(shell sed -nE 's:^\#include "(dnsd|controlplane|healthd|cli)/.*:\1:p' $(1) | head -n 1)
fuzz_archives = $(foreach r,$(call fuzz_room,$(1)) config wire core lib,$(call archive,$(r)))

fuzz:
	@scripts/install-deps lint
	@$(MAKE) BUILD=build/fuzz SAN=address,undefined CC="$(FUZZ_CC)" WARNINGS= \
		CFLAGS="-O1 -g -fsanitize=fuzzer-no-link" fuzz-programs
	@scripts/run-fuzz --secs $(SECS) $(ARGS)

fuzz-programs: $(FUZZ:%=$(BUILD)/%)
replay-programs: $(REPLAY)

$(REPLAY): $(BUILD)/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $$(call fuzz_archives,tests/fuzz/$$*.c)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(ALL_LDFLAGS) -o $@ $(filter %.c %.a,$^) $(PKG_LIBS)

$(FUZZ:%=$(BUILD)/%): $(BUILD)/%: tests/fuzz/%.c $$(call fuzz_archives,tests/fuzz/$$*.c)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ \
		$(filter %.c %.a,$^) $(PKG_LIBS)

# Answers of generated zones, against Knot, NSD and BIND; docs/interop.md.
differential: all
	@scripts/install-deps test
	SEEDS=$(or $(SEEDS),1-20) QUESTIONS=$(or $(QUESTIONS),400) \
		tests/e2e/run-tests test_differential.py -s $(ARGS)

# Changes of so many hours, in some minutes, watching the memory; docs/fuzzing.md.
HOURS_REPLAYED = $(or $(HOURS),24)
replay: $(BUILD)/bench/replay_day
	@rm -rf $(BUILD)/replay-day && mkdir -p $(BUILD)/replay-day
	$(BUILD)/bench/replay_day $(BUILD)/replay-day $(HOURS_REPLAYED)

.PHONY: replay differential fuzz fuzz-programs replay-programs
