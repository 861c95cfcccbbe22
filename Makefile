# KvStore. Everything starts here; "make help" lists it.
#
# Maven runs on the JDK 25 that build/require-jdk25.sh finds. Offline: make MVN_FLAGS=-o build
# More for Maven itself:  make test MVN_FLAGS="-pl store -Dtest=CrashTest"

MVN_FLAGS ?=
TORTURE_MINUTES ?= 10
FUZZ_MINUTES ?= 10
FUZZ_TARGETS ?=
STRESS_MODE ?= quick
BENCH_ARGS ?=
BENCH_JSON ?= bench/results/full.jsonl
VERSION = $(shell sed -n 's:^  <version>\(.*\)</version>:\1:p' pom.xml)

mvn25 = JAVA_HOME="$$(build/require-jdk25.sh)" && export JAVA_HOME && \
	MAVEN_OPTS="--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED $$MAVEN_OPTS" \
	mvn -B -ntp $(MVN_FLAGS)
# What makes ./kvstore start faster; it works without.
startup = build/recompile-picocli.sh cli/target && build/startup-cache.sh kvstore cli/target
spotless = com.diffplug.spotless:spotless-maven-plugin

.DEFAULT_GOAL := help
.PHONY: help build run test check fmt bench bench-full bench-report bench-jar torture fuzz stress package clean

help: ## this list
	@sed -n 's/^\([a-z-]*\): .*## /\1\t/p' Makefile | awk -F '\t' '{ printf "  make %-12s %s\n", $$1, $$2 }'

build: ## compile and make the jars, without tests; then ./kvstore runs
	@$(mvn25) -q -DskipTests package
	@$(startup)

run: build ## build, then show the store at work: ./kvstore demo
	@./kvstore demo

test: ## all tests but those tagged torture
	@rm -rf store/target/surefire-reports torture/target/surefire-reports cli/target/surefire-reports \
		fuzz/target/surefire-reports lincheck/target/surefire-reports
	@$(mvn25) -Pproofs verify
	@if ls cli/target/kvstore-cli-*.jar >/dev/null 2>&1; then $(startup); fi
	@build/test-counts.sh

check: ## format, Error Prone and NullAway over everything; the quick tests of bench
	@rm -rf store/target/check torture/target/check cli/target/check bench/target/check \
		fuzz/target/check lincheck/target/check jcstress/target/check
	@$(mvn25) -Pcheck,bench,proofs $(spotless):check test \
		-Dtest='dev.kvstore.bench.**,!PeersTest'

fmt: ## format all Java sources in place
	@$(mvn25) -q -Pbench,proofs $(spotless):apply

bench: bench-jar ## the main rows against the main peers, a quarter of an hour: make bench BENCH_ARGS="..."
	@bench/run.sh $(BENCH_ARGS)

bench-full: bench-jar ## everything against everybody, many hours; goes on where it was stopped
	@bench/full.sh $(BENCH_JSON) $(BENCH_ARGS)

bench-report: bench-jar ## report and plots of what bench-full has so far, into docs/
	@bench/run.sh --report yes --json $(BENCH_JSON) --write docs/benchmarks.md --plots docs/plots

bench-jar:
	@$(mvn25) -q -Pbench -DskipTests -pl bench -am package

torture: ## long random runs: make torture TORTURE_MINUTES=60
	@$(mvn25) -Ptorture,proofs -Dkvstore.torture.minutes=$(TORTURE_MINUTES) -pl store,torture,lincheck test

fuzz: ## files full of nonsense, so long for each target: make fuzz FUZZ_MINUTES=10 FUZZ_TARGETS="..."
	@$(mvn25) -q -Pproofs -DskipTests -pl fuzz -am test-compile
	@MVN_FLAGS="$(MVN_FLAGS)" fuzz/run.sh $(FUZZ_MINUTES) $(FUZZ_TARGETS)

stress: ## jcstress on every memory edge written by hand: make stress STRESS_MODE=sanity|quick|default|tough
	@$(mvn25) -q -Pproofs -DskipTests -pl jcstress -am package
	@jcstress/run.sh -m $(STRESS_MODE)

package: clean ## target/kvstore-VERSION*.tar.gz: launcher, jars, licence; one with its own Java
	@$(MAKE) --no-print-directory build
	@build/package.sh $(VERSION)

clean: ## remove everything that was built
	@rm -rf target store/target torture/target cli/target bench/target fuzz/target lincheck/target jcstress/target
