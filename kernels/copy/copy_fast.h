/* SPDX-License-Identifier: MIT */
/*
 * copy_fast.h - transpositions in tiles that fit the L1 cache. Plain C: the loads and stores are the limit, not the arithmetic.
 */
#ifndef QFK_COPY_FAST_H
#define QFK_COPY_FAST_H

#include "copy.h"

/* qfk_copy_ref() with the same result. Fast when some dimension of x is dense that is not the last of y. */
void qfk_copy_tiled(const QfkNd *nd, uint32_t element_bytes, const void *x, void *y);

#endif
