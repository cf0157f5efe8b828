/* SPDX-License-Identifier: MIT */
/*
 * fixed.h - the `fixed` scheme in the reference backend (kernels/fixed.h): what HVX computes. In other schemes these do nothing.
 */
#ifndef QF_BACKENDS_REF_FIXED_H
#define QF_BACKENDS_REF_FIXED_H

#include "encoded.h"

/* One multiplier an output channel of a weighted node; @wide: of 16-bit data. */
void qf_ref_fixed_requant(QfLower *lower, const QfNode *node, int64_t channels, gboolean wide,
                          QfkRequant *requant);

/* One multiplier, NULL in other schemes. */
const QfkFixed *qf_ref_fixed_multiplier(QfLower *lower, double real, gboolean wide);
/* The same for a whole tensor. */
void qf_ref_fixed_one(QfLower *lower, double real, gboolean wide, QfkRequant *requant);

#endif
