# Verbena. `make demo` shows it working, `make test` runs every test; both install what the machine lacks first.
SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: build bootstrap demo test check conformance programs bench bench-registration document ecosystem first-contact fuzz sanitize \
	soak kills format clean

## Build a release and stage it in dist/.
build:
	@scripts/stage

## Install the system packages that are missing. Silent when none is.
bootstrap:
	@scripts/bootstrap

## Run Debian's own ibv_rc_pingpong, server and client, on Verbena.
demo:
	@scripts/bootstrap
	@scripts/stage
	@scripts/demo

## Run every test. `make test FILTER=WireTests` runs one room.
test:
	@scripts/bootstrap
	@scripts/stage
	@scripts/run-tests $(FILTER)

## A thousand processes killed while they work on each other's memory; `make test` kills some.
kills:
	@scripts/bootstrap
	@scripts/stage
	@VERBENA_TEST_KILLS=1000 scripts/run-tests HostTests

## What the compiler does not check: formatting, exported symbols, links and tables in the documentation.
check:
	@scripts/stage
	@scripts/check

## The table of what there is of the verbs, from the tests. `make check` compares.
conformance:
	@scripts/make-conformance >docs/conformance.md.new && mv docs/conformance.md.new docs/conformance.md

## Debian's programs with all their options; docs/programs.md. `make programs FILTER=xsrq` makes some runs anew.
programs:
	@scripts/bootstrap
	@scripts/stage
	@scripts/programs $(FILTER)

## What takes long: 10,000 seeds of the simulator, and a process that survives 500 killed peers.
soak:
	@scripts/bootstrap
	@scripts/stage
	@swift run -c release simulate --seeds 10000
	@SURVIVOR_KILLS=500 scripts/run-tests SurvivorTests

## Benchmarks, each beside its reference, in ratios.
bench:
	@scripts/bootstrap
	@scripts/stage
	@scripts/bench

## Registration and fork alone, beside rdma-core's.
bench-registration:
	@scripts/bootstrap
	@scripts/stage
	@scripts/bench registration

## The documentation of the Swift API, without a warning, in .build/documentation.
document:
	@scripts/document

## The tests of the products over swift-log, swift-metrics, swift-nio and swift-service-lifecycle.
ecosystem:
	@scripts/bootstrap
	@scripts/user-package ecosystem

## What the README promises a new user: a package of his own that depends on this one, and hello.
first-contact:
	@scripts/bootstrap
	@scripts/user-package first-contact

## Look for inputs that break something, with libFuzzer: ten minutes, or `make fuzz SECONDS=60`.
fuzz:
	@scripts/bootstrap
	@scripts/fuzz $(SECONDS)

## Tests, and awaited operations that are cancelled, under the Address and the Thread Sanitizer. `make sanitize PART=thread` runs one.
sanitize:
	@scripts/bootstrap
	@scripts/sanitize $(PART)

## Lay the sources out as .swift-format says.
format:
	@swift format --in-place --recursive Package.swift Sources Tests Benchmarks Examples

clean:
	@rm -rf .build dist
