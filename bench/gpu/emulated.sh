#!/usr/bin/env bash
# The cuda back end on the emulated driver, at length: all ops' contracts and all 52 goldens of the shipped model, teacher-forced.
# Needs g++ on x86-64 Linux, no GPU. About ten minutes; ends with the share of equal best tokens.
set -euo pipefail
cd "$(dirname "$0")/../.."
mvn -q -pl engine -am verify -Dmillrace.full=true -Dtest='Cuda*Test' -Dit.test='Cuda*IT' \
    -Dmillrace.test-timeout=60m -Dmillrace.fork-timeout-seconds=7200 \
    -Dsurefire.failIfNoSpecifiedTests=false -Dfailsafe.failIfNoSpecifiedTests=false
