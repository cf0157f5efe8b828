/* SPDX-License-Identifier: MIT */
/*
 * recurrent.h - taking Lstm, Gru and Rnn nodes apart for their kernels; the CPU backend does it in the same way.
 */
#ifndef QF_BACKENDS_REF_RECURRENT_H
#define QF_BACKENDS_REF_RECURRENT_H

#include "ref.h"
#include "kernels/recurrent/recurrent.h"

#define QF_RECURRENT_INPUTS 11

/* What the kernels are told about direction @direction, 0 or 1, of @node. */
void qf_ref_recurrent_describe(const QfNode *node, int32_t direction, QfkRecurrent *p);

/* The data of that direction, float32, with the first state put where the last will be: in the outputs, or, when the node has
 * none for it, in @scratch of batch * (state + hidden) floats. */
void qf_ref_recurrent_data(const QfkRecurrent *p, const QfNode *node, int32_t direction,
                           const void *const *in, void *const *out, float *scratch, QfkRecurrentData *d);

/* Lstm on integers; FALSE when the node is none of those. In recurrent_int.c. */
gboolean qf_ref_lower_lstm_int(QfLower *lower, QfNode *node);

#endif
