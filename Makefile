# headgate: `make run` serves the example; `make test` proves it; `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
DESTDIR ?=
BUILD := .build
BINARY := $(BUILD)/release/headgate
VENV := $(BUILD)/venv
MOCK := 127.0.0.1:8090

# Debian packages: to build and run, and what the tests need besides.
BUILD_PACKAGES := libyaml-dev libssl-dev libsqlite3-dev libcrypt-dev pkg-config
TEST_PACKAGES := $(BUILD_PACKAGES) chromium curl gcc libc6-dev openssl python3 python3-venv sqlite3 strace
DEB_PACKAGES := dpkg-dev
BENCH_PACKAGES := $(TEST_PACKAGES) binutils haproxy nginx-light valgrind

# Installs what is missing, and says what that is; does nothing where it is all there.
define packages
@command -v dpkg-query >/dev/null || { \
	echo "not a Debian system: taking it that the equivalents of these are there: $(1)"; exit 0; }; \
missing=; \
for package in $(1); do \
	[[ "$$(dpkg-query -W -f '$${db:Status-Status}' "$$package" 2>/dev/null)" == installed ]] || missing+=" $$package"; \
done; \
[[ -n "$$missing" ]] || exit 0; \
echo "headgate needs these Debian packages:$$missing"; \
if [[ "$$(id -u)" == 0 ]]; then root=; \
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then root="sudo -n"; \
else \
	echo "they cannot be installed from here (not root, and sudo asks for a password); please run"; \
	echo "  sudo apt-get install$$missing"; \
	exit 1; \
fi; \
$$root apt-get update -q && $$root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing
endef

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

.PHONY: packages
packages:
	$(call packages,$(BUILD_PACKAGES))
	@command -v swift >/dev/null || { echo "headgate is built with Swift 6.3 or later: https://www.swift.org/install/linux/"; exit 1; }

.PHONY: build
build: packages ## the release binary, the Swift runtime linked in where that works
	@swift build -c release --static-swift-stdlib --product headgate || { \
		echo "linking the Swift runtime statically did not work here: building with the shared one"; \
		swift build -c release --product headgate; }

.PHONY: run
run: build ## serve config.example.yaml on http://127.0.0.1:8000 with a mock upstream
	@exec $(BINARY) run -c config.example.yaml --mock $(MOCK)

# Why the stamp: the client libraries are fetched once, and again when the wanted version changes.
$(VENV)/.stamp: Makefile
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check 'openai>=1' 'PyJWT[crypto]' joserfc prometheus_client requests schemathesis
# Why the old one: the documentation of FreeGPT has its calls.
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --upgrade --target $(BUILD)/openai-0.28 'openai<1'
	touch $@

.PHONY: test-packages
test-packages: packages
	$(call packages,$(TEST_PACKAGES))

# Seconds for each fuzz target: in `make test`, and in `make fuzz`.
FUZZ_SHORT := 4
FUZZ_LONG ?= 600
STORM_SMALL := --streams 200 --drained 20 --reloads 40 --requests 200 --connections 50

.PHONY: test
test: test-packages build $(VENV)/.stamp ## everything: unit, end to end, a short fuzz, a small reload storm
	swift build --build-tests
# Why in two: the end-to-end tests start many processes and measure time, and want the machine to themselves.
	Tests/run swift test --skip-build --skip EndToEndTests
# The upgrades under load by themselves: they race processes against each other, beside a load of their own.
	HEADGATE_PYTHON=$(CURDIR)/$(VENV)/bin/python HEADGATE_BINARY=$(CURDIR)/$(BINARY) \
		Tests/run swift test --skip-build --filter EndToEndTests.UpgradeUnderLoad
	HEADGATE_PYTHON=$(CURDIR)/$(VENV)/bin/python HEADGATE_BINARY=$(CURDIR)/$(BINARY) \
		Tests/run swift test --skip-build --filter EndToEndTests --skip UpgradeUnderLoad
	$(MAKE) --no-print-directory test-systemd
	Tests/Fuzz/run $(FUZZ_SHORT)
	bench/reload-storm --binary $(BINARY) $(STORM_SMALL)
	bench/run --binary $(BINARY) --quick --strict --proxies headgate \
		--only allocations,syscalls,key-allocations,limits-allocations,models-allocations,gateway-syscalls

# Debian packages for the tests under systemd. Of the first, the one that goes with the systemd that is there: another
# would bring a newer systemd along.
SYSTEMD_PACKAGES := systemd-container systemd dpkg-dev util-linux

.PHONY: test-systemd
test-systemd: build ## boot the units, the package and `headgate service` in containers; needs root
	@if [[ "$$(id -u)" != 0 ]]; then \
		echo "*** NOT TESTED under systemd: that needs root (sudo make test-systemd) ***"; exit 0; fi; \
	if ! command -v dpkg-query >/dev/null; then \
		echo "*** NOT TESTED under systemd: that needs Debian's packages $(SYSTEMD_PACKAGES) ***"; exit 0; fi; \
	command -v systemd-nspawn >/dev/null || { apt-get update -q; \
		version=$$(dpkg-query -W -f '$${Version}' systemd 2>/dev/null) && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qy --no-install-recommends "systemd-container=$$version" || true; }
	@[[ "$$(id -u)" != 0 ]] || ! command -v dpkg-query >/dev/null || $(MAKE) --no-print-directory systemd-containers

.PHONY: systemd-containers
systemd-containers:
	$(call packages,$(SYSTEMD_PACKAGES))
	Tests/Systemd/run --binary $(BINARY)

.PHONY: fuzz
fuzz: packages ## every fuzz target for FUZZ_LONG seconds (default 600)
	Tests/Fuzz/run $(FUZZ_LONG)

.PHONY: sanitize
sanitize: export HEADGATE_SANITIZED := 1
sanitize: test-packages $(VENV)/.stamp ## the test suite under the address and the thread sanitizer
	HEADGATE_PYTHON=$(CURDIR)/$(VENV)/bin/python \
		LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/leak-sanitizer.supp:print_suppressions=0 \
		swift test --sanitize=address --scratch-path $(BUILD)/asan
	HEADGATE_PYTHON=$(CURDIR)/$(VENV)/bin/python SWIFT_BACKTRACE=enable=no \
		TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/thread-sanitizer.supp \
		swift test --sanitize=thread --scratch-path $(BUILD)/tsan

.PHONY: bench
bench: build ## headgate beside nginx and HAProxy, then 200 reloads under 1,000 streams
	$(call packages,$(BENCH_PACKAGES))
	bench/run --binary $(BINARY)
	bench/reload-storm --binary $(BINARY)

.PHONY: format
format: ## bring the sources into their form
	swift format --in-place --recursive --parallel Package.swift Sources Tests

.PHONY: lint
lint: ## say where the sources are not in their form
	swift format lint --recursive --parallel Package.swift Sources Tests

.PHONY: install
install: build install-files ## into PREFIX (default /usr/local), below DESTDIR; `headgate service install` then runs it

# Units name the binary by its path, and the pages that they lead to.
UNIT_PATHS := -e 's|/usr/bin/headgate|$(PREFIX)/bin/headgate|' -e 's|/usr/share/doc|$(PREFIX)/share/doc|'

.PHONY: install-files
install-files:
	install -D -m 0755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/headgate
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,lib/systemd/system lib/sysusers.d lib/tmpfiles.d share/headgate)
	sed $(UNIT_PATHS) systemd/headgate.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/headgate.service
	sed $(UNIT_PATHS) systemd/headgate.socket > $(DESTDIR)$(PREFIX)/lib/systemd/system/headgate.socket
	install -m 0644 systemd/headgate.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/headgate.conf
	install -m 0644 systemd/headgate.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/headgate.conf
	install -m 0644 systemd/headgate.yaml $(DESTDIR)$(PREFIX)/share/headgate/headgate.yaml
	install -d $(DESTDIR)$(PREFIX)/share/doc/headgate/examples
	install -m 0644 README.md CHANGELOG.md LICENSE config.example.yaml $(DESTDIR)$(PREFIX)/share/doc/headgate
	install -m 0644 systemd/README.md $(DESTDIR)$(PREFIX)/share/doc/headgate/systemd.md
	install -m 0644 examples/*.yaml $(DESTDIR)$(PREFIX)/share/doc/headgate/examples

.PHONY: deb
deb: build ## a Debian package, in .build/
	$(call packages,$(DEB_PACKAGES))
	systemd/deb/make-deb --binary $(BINARY) --out $(BUILD)

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD)
