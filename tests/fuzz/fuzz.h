/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzz targets share: what is done with a graph, however it came about. Built with -Dfuzz=true a target is a libFuzzer
 * program, else replay.c gives it a main that takes files and folders.
 */
#ifndef QF_TESTS_FUZZ_FUZZ_H
#define QF_TESTS_FUZZ_FUZZ_H

#include "libqnnflow/graph/graph.h"

/* The target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Verifies, runs all passes, and, when that is cheap, compiles for the reference backend and runs it twice on numbers made from @seed, among
 * which are indices out of range. @graph is taken over; @done says whether making it succeeded, @error why not. Aborts
 * where success comes with an error or failure without. */
void qf_fuzz_graph(QfGraph *graph, gboolean done, GError **error, uint32_t seed);

#endif
