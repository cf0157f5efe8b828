/* SPDX-License-Identifier: MIT */
/*
 * tolerance.h - how far an output may be from the reference, and how far it is. The rule is explained in README.md.
 */
#ifndef QF_TESTS_MODELS_TOLERANCE_H
#define QF_TESTS_MODELS_TOLERANCE_H

#include "case.h"

/* One output compared. */
typedef struct {
  double max, mean, share; /* measured: largest and mean absolute difference, share of elements that differ */
  double limit_max, limit_mean, limit_share; /* INFINITY: not limited */
  const char *rule;                          /* where limit_max comes from; static */
  gboolean bad_number; /* not a number, or infinite, where the reference is finite (or the other way round) */
} QfCaseResult;

/*
 * Compares @count elements. @dtype is that of both arrays; @quantized: integers that stand for real numbers; @exact:
 * the engine computes integers as the peer does, so that nothing may differ.
 */
void qf_case_compare(const void *ours, const void *reference, int64_t count, QfDType dtype,
                     gboolean quantized, gboolean exact, const QfPeer *peer, QfCaseResult *result);

gboolean qf_comparison_passes(const QfCaseResult *result);

/* How much of its limits a comparison uses; > 1: it fails. */
double qf_comparison_used(const QfCaseResult *result);

/* Element @i of an array as a double. */
double qf_number(const void *data, int64_t i, QfDType dtype);

/* Index of the largest element, the first of equal ones. */
int64_t qf_argmax(const void *data, int64_t count, QfDType dtype);

#endif
