# Tandem. "make help" lists the targets; docs/architecture.md tells what the rooms are.
#
# Variants build into folders of their own: make SAN=address,undefined | SAN=thread, CC=clang.
CC ?= cc
SAN ?=
RELEASE ?=
BUILD ?= build$(if $(SAN),/san-$(firstword $(subst $(comma), ,$(SAN))))
PREFIX ?= /usr/local
DESTDIR ?=
comma := ,

PKGS := libevent libevent_openssl libevent_pthreads libssl libcrypto libcurl ldns yaml-0.1 jansson sqlite3 \
	liburcu-memb libseccomp libfstrm libxxhash libsodium gmp zlib
ROOMS := lib core wire config controlplane healthd dnsd cli
# A room may use itself and what stands left of it here; scripts/check-layers holds it to that.
SHARED := lib core wire config
DAEMONS := controlplane healthd dnsd cli
BIN_controlplane := tandem-controld
BIN_healthd := tandem-healthd
BIN_dnsd := tandem-dnsd
BIN_cli := tandem
# What only one room needs beyond that.
LIBS_controlplane := -lunbound

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Wformat=2 -Werror
HARDENING := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
CFLAGS ?= -O2 -g
CPPFLAGS += -I. -D_GNU_SOURCE
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARNINGS) $(HARDENING) -pthread $(if $(SAN),-fsanitize=$(SAN) \
	-fno-sanitize-recover=all -fno-omit-frame-pointer) $(PKG_CFLAGS)
ALL_LDFLAGS = $(LDFLAGS) -pie -pthread -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN))
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS = $(shell pkg-config --libs $(PKGS)) -lm

sources = $(wildcard $(1)/*.c $(1)/*/*.c)
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(call sources,$(1)))
archive = $(BUILD)/obj/$(1).a
BINS := $(foreach room,$(DAEMONS),$(if $(wildcard $(room)/main.c),$(BUILD)/bin/$(BIN_$(room))))
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*/test_*.c))
DEPENDENCIES := $(foreach room,$(ROOMS),$(patsubst %.o,%.d,$(call objects,$(room)))) $(UNIT:=.d) \
	$(patsubst %.o,%.d,$(call objects,tests/sim))

all: deps $(BINS)

deps:
	@scripts/install-deps build

define room_rules
$(call archive,$(1)): $(filter-out %/main.o,$(call objects,$(1)))
	@mkdir -p $$(@D); rm -f $$@
	$$(AR) rcs $$@ $$^
endef
define daemon_rules
$(BUILD)/bin/$(BIN_$(1)): $(BUILD)/obj/$(1)/main.o $(call archive,$(1)) $(foreach r,config wire core lib,$(call archive,$(r)))
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS_$(1)) $$(PKG_LIBS)
endef
$(foreach room,$(ROOMS),$(eval $(call room_rules,$(room))))
$(foreach room,$(DAEMONS),$(eval $(call daemon_rules,$(room))))

$(BUILD)/obj/%.o: %.c Makefile | deps
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# tests/unit/ROOM/test_THING.c becomes one program, linked with its room and the shared ones.
.SECONDEXPANSION:
$(BUILD)/tests/%: tests/unit/%.c $$(call archive,$$(firstword $$(subst /, ,$$*))) \
		$(foreach r,config wire core lib,$(call archive,$(r)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d $(ALL_LDFLAGS) -o $@ $< $(filter %.a,$^) \
		$(foreach r,config wire core lib,$(call archive,$(r))) -lcmocka \
		$(LIBS_$(firstword $(subst /, ,$*))) $(PKG_LIBS)

include scripts/fuzz.mk
check: all $(UNIT) $(REPLAY) $(BUILD)/sim/sim
	@scripts/check-layers
	@scripts/run-unit $(UNIT)
	@$(BUILD)/sim/sim --runs 30 --short --quiet --twice
	@$(BUILD)/sim/sim --runs 200 --short --quiet
	@$(BUILD)/sim/sim --seed 31000000002 --short --tell >/dev/null
	@scripts/run-fuzz --replay $(BUILD)/replay

clean:
	rm -rf build

-include $(DEPENDENCIES)
include scripts/targets.mk
.PHONY: all deps check clean
