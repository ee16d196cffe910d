#!/usr/bin/env bash
# The cuda back end on the emulated driver, at length: all ops' contracts and all 52 goldens of the shipped model, teacher-forced, on one
# rank and on 2, 4 and 8 under eleven parallel plans. Needs g++ on x86-64 Linux, no GPU. An hour or two; each plan ends with its share of
# equal best tokens.
set -euo pipefail
cd "$(dirname "$0")/../.."
mvn -q -pl engine -am verify -Dmillrace.full=true -Dtest='Cuda*Test' -Dit.test='Cuda*IT' \
    -Dmillrace.test-timeout=60m -Dmillrace.fork-timeout-seconds=14400 \
    -Dsurefire.failIfNoSpecifiedTests=false -Dfailsafe.failIfNoSpecifiedTests=false
