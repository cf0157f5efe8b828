/* SPDX-License-Identifier: MIT */
/*
 * random.h - numbers drawn from a stream that @seed begins: the same on every machine for the same seed.
 */
#ifndef QFK_RANDOM_H
#define QFK_RANDOM_H

#include "../common.h"

/* y[i] in [a, b). */
void qfk_random_uniform_ref(uint64_t seed, double a, double b, double *y, size_t n);
/* Normal numbers of mean @a and deviation @b. */
void qfk_random_normal_ref(uint64_t seed, double a, double b, double *y, size_t n);
/* x [rows, classes]: logarithms of probabilities, not normalised -> y [rows, samples] indices of classes. */
void qfk_random_multinomial_ref(uint64_t seed, const float *x, size_t rows, size_t classes, int64_t *y,
                                size_t samples);

#endif
