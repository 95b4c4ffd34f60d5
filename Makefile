# Sallyport.  One non-recursive file; every gate is a target ("make help").
#   BUILD=release|asan|tsan|fuzz   V=1 shows the commands
.DEFAULT_GOAL := all
SHELL := /bin/bash
.DELETE_ON_ERROR:

BUILD ?= release
OUT := build/$(BUILD)
CC := gcc
PYTHON := /usr/bin/python3
Q := $(if $(V),,@)
CI_WERROR := $(if $(CI),-Werror)

PACKAGES := gcc make pkg-config libc6-dev libmicrohttpd-dev libgnutls28-dev \
	libssl-dev libjansson-dev libcurl4-openssl-dev libyaml-dev \
	libpcre2-dev haproxy openssl curl ca-certificates python3
TEST_PACKAGES := libcmocka-dev python3-pytest python3-pytest-xdist python3-h2 python3-yaml \
	python3-jsonpatch strace nghttp2-client pmccabe clang-format-14 knot knot-dnsutils \
	bind9-dnsutils iproute2 procps testssl.sh python3-cryptography

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion \
	-Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wwrite-strings -Wcast-qual \
	-Wcast-align=strict -Wpointer-arith -Wundef -Wvla -Walloca -Wformat=2 \
	-Wimplicit-fallthrough -Wnull-dereference -Wduplicated-cond \
	-Wduplicated-branches -Wlogical-op -Wredundant-decls -Wswitch-enum \
	-Wjump-misses-init -Wdate-time
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong \
	-fstack-clash-protection -fcf-protection \
	-ftrivial-auto-var-init=zero -fPIE
FLAGS_release := -O2 $(HARDENING)
LINK_release := -pie -Wl,-z,relro,-z,now,-z,noexecstack
# Lines are all that a report of a sanitizer needs, and gold links the units, of
# which there are many, in a fifth of the time.
FLAGS_asan := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined
LINK_asan := -fsanitize=address,undefined -fuse-ld=gold
FLAGS_fuzz := -O1 -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
LINK_fuzz := -fsanitize=fuzzer,address,undefined
FLAGS_tsan := -O1 -fno-omit-frame-pointer -fsanitize=thread
LINK_tsan := -fsanitize=thread
ifeq ($(BUILD),fuzz)
CC := clang-14
WARNINGS := -Wall -Wextra
endif

PKGS := libmicrohttpd gnutls libssl libcrypto jansson libcurl yaml-0.1 libpcre2-8
# Asked once, and only when something is compiled: "make deps" brings it.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)) -lcrypt)$(PKG_LIBS)

# -Wpedantic without ISO C's ban on statement expressions and "## args".
CFLAGS = -std=gnu17 -D_GNU_SOURCE -I. -g $(WARNINGS) -Wno-pedantic \
	$(CI_WERROR) $(FLAGS_$(BUILD)) $(PKG_CFLAGS)
LDFLAGS = $(LINK_$(BUILD))
LDLIBS = $(PKG_LIBS) -lpthread -lm

# Rooms.  A file main.c or *_main.c holds a main() and is in no archive.
ROOMS := lib/base lib/kube lib/ingress haproxy reconciler auth webhook cli
sources = $(filter-out %main.c,$(wildcard $(1)/*.c))
archive = $(OUT)/$(subst /,-,$(1)).a
objects = $(patsubst %.c,$(OUT)/obj/%.o,$(1))

BASE := $(call archive,lib/base)
KUBE := $(call archive,lib/kube)
INGRESS := $(call archive,lib/ingress)
HAPROXY := $(call archive,haproxy)
LIBS_base := $(BASE)
LIBS_kube := $(KUBE) $(BASE)
LIBS_ingress := $(INGRESS) $(KUBE) $(BASE)
LIBS_haproxy := $(HAPROXY) $(BASE)
LIBS_reconciler := $(call archive,reconciler) $(INGRESS) $(HAPROXY) $(KUBE) \
	$(BASE)
LIBS_webhook := $(call archive,webhook) $(INGRESS) $(KUBE) $(BASE)
LIBS_cli := $(call archive,cli) $(INGRESS) $(KUBE) $(BASE)
LIBS_auth := $(call archive,auth) $(BASE)

# Binaries: release leaves them in build/, other variants in build/VARIANT/.
BIN := $(if $(filter release,$(BUILD)),build,$(OUT))
BINARIES := $(BIN)/sallyport-reconciler $(BIN)/sallyport-webhook \
	$(BIN)/sallyport $(BIN)/sallyport-proxy $(BIN)/sallyport-auth

all: $(BINARIES)

$(BIN)/sallyport-reconciler: $(OUT)/obj/reconciler/main.o $(LIBS_reconciler)
$(BIN)/sallyport-webhook: $(OUT)/obj/webhook/main.o $(LIBS_webhook)
$(BIN)/sallyport: $(OUT)/obj/cli/main.o $(LIBS_cli)
$(BIN)/sallyport-auth: $(OUT)/obj/auth/main.o $(LIBS_auth)
$(BIN)/sallyport-proxy: $(OUT)/obj/haproxy/proxy_main.o $(LIBS_haproxy)

$(BINARIES):
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

define room_rule
$(call archive,$(1)): $(call objects,$(call sources,$(1)))
	@mkdir -p $$(@D)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# The HAProxy program is a text file that becomes an object as it is.
$(OUT)/obj/haproxy/render.o: haproxy/program.cfg
$(OUT)/obj/haproxy/scripts.o: $(wildcard haproxy/lua/*.lua)

# The driver under the hand of tests/haproxy/test_driver*.py.
$(OUT)/tools/driver_tool: $(OUT)/obj/tests/haproxy/driver_tool.o \
		$(LIBS_haproxy)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What the data plane writes, printed for the Python tests of haproxy/.
$(OUT)/tools/render_tool: $(OUT)/obj/tests/haproxy/render_tool.o \
		$(LIBS_haproxy)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The plan and the findings of a folder of manifests, printed.
$(OUT)/tools/plan: $(OUT)/obj/tests/golden/plan.o $(LIBS_reconciler)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The reconciler under scripts: fakes stand for HTTP, HAProxy, health and time.
# They come first, so that the archives' members of the same names stay out.
$(OUT)/tools/replay: $(call objects,$(wildcard tests/replay/*.c)) \
		$(LIBS_reconciler)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# lib/kube under the hand of tests/kube.
$(OUT)/tools/kube_tool: $(call objects,tests/kube/kube_tool.c) $(KUBE) $(BASE)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The model of the data path, asked by tests/model.
$(OUT)/tools/verdicts: $(OUT)/obj/tests/model/verdicts.o $(LIBS_cli)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What a review costs the webhook's handler alone.
$(OUT)/tools/admission-handler: $(OUT)/obj/tests/bench/admission/handler.o \
		$(LIBS_webhook)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The load of the admission benchmark, and the server without a judge.
$(OUT)/tools/admission-%: $(OUT)/obj/tests/bench/admission/%.o $(BASE)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lssl

# Certificates for the worlds of the benchmarks.
$(OUT)/tools/bench-certs: $(OUT)/obj/tests/bench/scale/certs.o $(BASE)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Writes to an API server and looks at the proxy.
$(OUT)/tools/bench-prober: $(call objects,\
		$(wildcard tests/bench/cluster/*.c)) $(BASE)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lssl

# New TLS connections at an even pace.
$(OUT)/tools/bench-handshakes: $(OUT)/obj/tests/bench/tls/handshakes.o $(BASE)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lssl

# Client and server of the data plane's benchmark.
$(OUT)/tools/bench-%: $(OUT)/obj/tests/bench/dataplane/%.o $(BASE)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lssl

# What an Ingress costs: "make measure".
$(OUT)/tools/measure_claims: $(OUT)/obj/tests/measure/claims.o $(LIBS_ingress)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/tools/measure_scale: $(call objects,tests/measure/scale.c \
		tests/measure/installed.c) $(LIBS_reconciler)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

measure: $(OUT)/tools/measure_claims $(OUT)/tools/measure_scale
	$(Q)$<
	$(Q)$(OUT)/tools/measure_scale

# docs/annotations.md is written from the annotation table; the unit test
# ingress/test_annot_doc says when it is out of date.  The tables of
# docs/operations.md are of the metrics in the code and the chart's values.
$(OUT)/tools/annot_doc: $(OUT)/obj/lib/ingress/annot_doc_main.o $(LIBS_ingress)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

docs: $(OUT)/tools/annot_doc
	$(Q)$< >docs/annotations.md
	$(Q)sed -i "s/^Of ingress-nginx's .*/$$($< --coverage)/" README.md
	$(Q)docs/tables

# Unit tests: tests/unit/ROOM/test_X.c -> build/VARIANT/unit/ROOM/test_X
UNIT_SOURCES := $(wildcard tests/unit/*/test_*.c)
UNITS := $(patsubst tests/%.c,$(OUT)/%,$(UNIT_SOURCES))
define unit_rule
$(OUT)/unit/$(1)/%: $(OUT)/obj/tests/unit/$(1)/%.o $$(LIBS_$(1))
	@mkdir -p $$(@D)
	@echo "  LD    $$@"
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) -lcmocka
endef
$(foreach r,base kube ingress haproxy reconciler auth webhook cli,\
	$(eval $(call unit_rule,$(r))))
.SECONDARY:

ifdef T
UNITS := $(OUT)/unit/$(T)
endif

unit: $(UNITS)
	$(Q)$(TIMED) tests/run-units $(UNITS)

# Fuzz targets: tests/fuzz/fuzz_X.c over tests/fuzz/corpus/X, which people wrote,
# and tests/fuzz/found/X, the least of what the fuzzer found that goes as many
# ways.  Without a fuzzer replay_main.c runs both, and small damage of the first;
# with clang "make fuzz T=X" searches on, and "make fuzz-keep T=X" keeps that.
FUZZ_LIBS := $(call archive,reconciler) $(call archive,webhook) \
	$(call archive,auth) $(INGRESS) $(HAPROXY) $(KUBE) $(BASE)
FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,$(OUT)/fuzz/%,\
	$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_MAIN := $(if $(filter fuzz,$(BUILD)),,\
	$(OUT)/obj/tests/fuzz/replay_main.o)
FUZZ_DAMAGE ?= 100
FUZZ_SECONDS ?= 60

$(OUT)/fuzz/%: $(OUT)/obj/tests/fuzz/fuzz_%.o $(FUZZ_MAIN) $(FUZZ_LIBS)
	@mkdir -p $(@D)
	@echo "  LD    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

fuzz-regress: $(FUZZERS)
	$(Q)for f in $(FUZZERS); do \
		echo "  FUZZ  $$f"; \
		$$f -m $(FUZZ_DAMAGE) tests/fuzz/corpus/$${f##*/} && \
		{ [ ! -d tests/fuzz/found/$${f##*/} ] || \
			$$f tests/fuzz/found/$${f##*/}; } || exit 1; \
	done

# What libFuzzer finds is kept in build/fuzz/found, a crash beside it.
fuzz:
	@$(MAKE) --no-print-directory BUILD=fuzz build/fuzz/fuzz/$(T)
	@$(MAKE) --no-print-directory build/release/tools/annot_doc
	@mkdir -p build/fuzz/found/$(T) tests/fuzz/found/$(T)
	@build/release/tools/annot_doc --dictionary >build/fuzz/dictionary
	build/fuzz/fuzz/$(T) -max_total_time=$(FUZZ_SECONDS) -timeout=20 \
		-dict=build/fuzz/dictionary -print_final_stats=1 \
		-artifact_prefix=build/fuzz/found/$(T)- build/fuzz/found/$(T) \
		tests/fuzz/corpus/$(T) tests/fuzz/found/$(T)

fuzz-keep:
	mv tests/fuzz/found/$(T) build/fuzz/kept
	mkdir tests/fuzz/found/$(T)
	build/fuzz/fuzz/$(T) -set_cover_merge=1 tests/fuzz/found/$(T) \
		tests/fuzz/corpus/$(T) build/fuzz/kept build/fuzz/found/$(T)
	rm -r build/fuzz/kept

# Installs what is missing; nothing to do where all is there, so that a machine
# without network builds and checks as well.
# Another apt, unattended-upgrades for one, is waited for.
APT := apt-get -o DPkg::Lock::Timeout=600 -o APT::Update::Lock::Timeout=600
define install
@missing=$$(for p in $(1); do \
	dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || \
		echo $$p; done); \
if [ -n "$$missing" ]; then \
	echo "  APT   $$missing" && $(APT) update -qq && \
	DEBIAN_FRONTEND=noninteractive $(APT) install -y -qq \
		--no-install-recommends $$missing >/dev/null; \
fi
endef

deps:
	$(call install,$(PACKAGES))

test-deps:
	$(call install,$(PACKAGES) $(TEST_PACKAGES))

# The example, served: "make run", or "make run CHECK=1" for CI.
run: deps
	@$(MAKE) --no-print-directory -j2 all
	@examples/demo $(if $(CHECK),--check)

# tests/timed says what each suite costs.
TIMED = tests/timed $@
PYTEST = $(TIMED) $(PYTHON) -m pytest -q -p no:cacheprovider

lint:
	$(Q)tests/lint/lint
	$(Q)$(PYTEST) tests/lint

golden: $(OUT)/tools/plan $(BINARIES)
	$(Q)$(PYTEST) tests/golden

replay: $(OUT)/tools/replay
	$(Q)BUILD=$(BUILD) $(PYTEST) tests/replay

# A simulated day: "make BUILD=asan hours HOURS=24" counts memory to the byte.
HOURS ?= 24
hours: $(OUT)/tools/replay
	$(Q)sed 's/^hours .*/hours $(HOURS)/' \
		tests/replay/hours-of-churn-leave-nothing.rpl >$(OUT)/hours.rpl
	$(Q)$< $(OUT)/hours.rpl

haproxy: $(addprefix $(OUT)/tools/,render_tool driver_tool bench-handshakes) \
		$(BINARIES)
	$(Q)$(PYTEST) -n 4 --dist loadfile tests/haproxy

webhook: $(BINARIES)
	$(Q)$(PYTEST) -n 2 --dist loadfile tests/webhook tests/cli

# The model of the data path against the real one: "make model REQUESTS=100000
# SEED=n"; the short version is part of check.
REQUESTS ?= 100000
model: $(OUT)/tools/verdicts $(BINARIES)
	$(Q)$(PYTHON) tests/model/model.py $(REQUESTS) $(SEED)

model-short: $(OUT)/tools/verdicts $(BINARIES)
	$(Q)$(PYTEST) tests/model

# Random changes and faults under load: "make chaos SEEDS=200 FIRST=1"; a few
# seeds are part of check.
SEEDS ?= 20
chaos: $(BINARIES)
	$(Q)$(PYTHON) tests/chaos/chaos.py --seeds $(SEEDS) \
		$(if $(FIRST),--first $(FIRST)) $(ARGS)

chaos-short: $(BINARIES)
	$(Q)$(PYTEST) tests/chaos

# Hundreds of reviews through webhook, lint and reconciler.
admission: $(OUT)/tools/plan $(BINARIES)
	$(Q)$(PYTEST) tests/admission

# lib/kube against a scripted server; and against a real API server of its own:
# what is quick, and what waits for tokens, Leases and connections to die.
kube: $(OUT)/tools/kube_tool
	$(Q)KUBE_TOOL=$< $(PYTEST) tests/kube/test_wire.py

kube-quick: $(OUT)/tools/kube_tool
	$(Q)KUBE_TOOL=$< $(PYTEST) tests/kube/test_apiserver.py -m "not slow"

kube-slow: $(OUT)/tools/kube_tool
	$(Q)KUBE_TOOL=$< $(PYTEST) tests/kube/test_apiserver.py -m slow

# The webhook beside a constant answer and beside controller-runtime: "make
# bench-admission ARGS=--keep" puts the table into docs/benchmarks.md.
bench-admission: $(BIN)/sallyport-webhook $(OUT)/tools/admission-load \
		$(OUT)/tools/admission-handler $(OUT)/tools/admission-constant
	$(Q)$(PYTHON) tests/bench/admission/bench.py $(ARGS)

# Certificates, renewal, passthrough and resumption: "make bench-tls ARGS=--keep"
# puts the tables into docs/benchmarks.md.
bench-tls: test-deps $(addprefix $(OUT)/tools/,render_tool driver_tool \
		bench-handshakes bench-origin) $(BINARIES)
	$(Q)$(PYTHON) tests/bench/tls/bench.py $(ARGS)

# testssl.sh on the default profile; what it said is left in build/testssl.
testssl: test-deps $(OUT)/tools/driver_tool $(BINARIES)
	$(Q)$(PYTHON) tests/tls/testssl.py

# The data plane beside a configuration written by hand; the control plane by
# the size of the cluster.  Each part puts its table into docs/benchmarks.md as
# soon as it has it, and can be asked for alone: "make bench-cluster
# ARGS='--sizes 100'".  Nothing else may run meanwhile, but for
# bench-instructions and bench-events, which count instructions.
BENCH_PACKAGES := valgrind gnuplot-nox
BENCH_TOOLS := $(addprefix $(OUT)/tools/,bench-certs bench-origin bench-load \
	bench-prober render_tool driver_tool)

BENCH_CONTROL := bench-memory bench-cpu bench-changes bench-cluster bench-events
BENCH_DATAPLANE := bench-requests bench-instructions

# One after the other, and the rest where one fails.
bench: bench-deps
	@$(MAKE) --no-print-directory -k -j1 $(BENCH_DATAPLANE) $(BENCH_CONTROL)

bench-dataplane: bench-deps
	@$(MAKE) --no-print-directory -k -j1 $(BENCH_DATAPLANE)

bench-control: bench-deps
	@$(MAKE) --no-print-directory -k -j1 $(BENCH_CONTROL)

bench-deps:
	$(call install,$(PACKAGES) $(TEST_PACKAGES) $(BENCH_PACKAGES))

bench-requests: $(BENCH_TOOLS)
	$(Q)$(PYTHON) tests/bench/dataplane/bench.py --keep $(ARGS)

bench-instructions: $(BENCH_TOOLS)
	$(Q)$(PYTHON) tests/bench/dataplane/bench.py --keep --callgrind $(ARGS)

# 10,000 mixed changes without a reload; "make changes N=1000000" takes longer.
N ?= 10000
changes: $(OUT)/tools/driver_tool $(BINARIES)
	$(Q)$(PYTHON) tests/bench/scale/changes.py $(N) $(ARGS)

bench-memory: $(BENCH_TOOLS) $(BINARIES)
	$(Q)$(PYTHON) tests/bench/scale/scale.py memory --keep $(ARGS)

bench-cpu: $(BENCH_TOOLS) $(BINARIES)
	$(Q)$(PYTHON) tests/bench/scale/scale.py cpu --keep --sizes 100,50000 \
		$(ARGS)

bench-events: $(BENCH_TOOLS) $(BINARIES)
	$(Q)$(PYTHON) tests/bench/scale/scale.py events --keep \
		--sizes 100,50000 $(ARGS)

bench-changes: $(BENCH_TOOLS) $(BINARIES)
	$(Q)$(PYTHON) tests/bench/scale/changes.py 1000000 --keep $(ARGS)

bench-cluster: $(BENCH_TOOLS) $(BINARIES)
	$(Q)$(PYTHON) tests/bench/cluster/bench.py --keep $(ARGS)

# Everything that needs no Go, under 5 minutes.  Units, fuzz and replay cases run
# under ASan and UBSan; the daemons in Python tests are release builds.  Half of
# the time of a test is waiting, so the suites share the machine; what each says
# is printed when it is done.
# The longest begin.
CHECK_ASAN := replay unit kube fuzz-regress
CHECK_RELEASE := haproxy webhook admission golden model-short chaos-short

check: test-deps
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory -j2 all
	@$(MAKE) --no-print-directory --output-sync -j3 check-asan check-release

check-asan:
	@$(MAKE) --no-print-directory --output-sync BUILD=asan $(CHECK_ASAN)

check-release:
	@$(MAKE) --no-print-directory --output-sync $(CHECK_RELEASE)

# check and the real cluster.
test: test-deps
	@$(MAKE) --no-print-directory lint
	@tests/cluster/cluster build
	@$(MAKE) --no-print-directory -j2 all
	@$(MAKE) --no-print-directory --output-sync -j4 CHECK_ASAN="$(CHECK_ASAN) kube-quick" \
		check-asan check-release e2e

# Each worker has a cluster of its own, and takes whole files.
e2e: $(BINARIES)
	$(Q)$(PYTEST) -n 3 --dist loadfile tests/cluster tests/e2e

# 200 pairs of conflicting creates of each kind, three webhooks, two API servers.
claims: $(BINARIES)
	@tests/cluster/cluster build
	@CLAIMS_PAIRS=200 $(PYTEST) -s tests/e2e/test_claims.py

# Into DESTDIR and PREFIX; kubectl finds its plug-in by name.
PREFIX ?= /usr/local
install: $(BINARIES)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BINARIES) $(DESTDIR)$(PREFIX)/bin
	ln -sf sallyport $(DESTDIR)$(PREFIX)/bin/kubectl-sallyport

image:
	docker build -t sallyport .

# The image as a pod runs it, with its own HAProxy; needs Docker.
image-test:
	tests/image/run

# manifests/ with the image on a real kubelet; needs Docker, and its first run
# builds the parts of a node.  "make node-test ARGS='-k NAME'" runs some of it.
NODE_PACKAGES := docker.io containerd debootstrap containernetworking-plugins \
	iptables conntrack
node-test: test-deps $(BINARIES)
	$(call install,$(NODE_PACKAGES))
	@tests/cluster/cluster build kube podhelper helm node
	@tests/image/build
	@tests/node/run $(ARGS)

clean:
	rm -rf build

.PHONY: all unit measure hours changes fuzz fuzz-keep fuzz-regress docs deps test-deps run lint golden replay \
	install \
	haproxy webhook admission kube kube-quick kube-slow model model-short chaos \
	chaos-short check \
	check-asan check-release e2e \
	bench bench-deps bench-dataplane bench-control \
	$(BENCH_DATAPLANE) $(BENCH_CONTROL) \
	bench-admission bench-tls testssl test claims image image-test node-test clean

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
