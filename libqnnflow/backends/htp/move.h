/* SPDX-License-Identifier: MIT */
/*
 * move.h - what operators that move values share: tensors as nests of elements, or of the words of their planes, and the step that moves.
 */
#ifndef QF_BACKENDS_HTP_MOVE_H
#define QF_BACKENDS_HTP_MOVE_H

#include "build.h"

/* Dense strides of a tensor's elements, or of the words of its planes: dimensions N, planes (of 16 bits two for each), H, W. */
typedef struct {
  int32_t rank;
  uint32_t bytes;
  gboolean planes;
  int64_t dims[QF_MAX_RANK], stride[QF_MAX_RANK];
} QfHtpLattice;

QfHtpLattice qf_htp_lattice(const QfTensor *t, QfHtpForm form);
/* Where dimension @i of an NHWC tensor is in the lattice. */
int32_t qf_htp_place(const QfHtpLattice *l, int32_t i);

/* All tensors of the node hold 8 or 16 bits in the output's encoding, or indices. */
gboolean qf_htp_of_one_form(const QfNode *node, GString *why);
/* A move step; the nest's operand 0 is y. FALSE: it has too many dimensions. */
gboolean qf_htp_move(QfHtpBuild *b, const QfkNd *nest, uint32_t bytes, uint32_t x, int64_t x_start,
                     uint32_t y, int64_t y_start, GString *why);

static inline uint32_t qf_htp_element(const QfTensor *t)
{
  return (uint32_t)qf_dtype_size(t->dtype);
}

/* Images stay in planes when they are there and channels stay as they are. */
static inline QfHtpForm qf_htp_form_for(QfHtpBuild *b, const QfTensor *x, gboolean channels_stay)
{
  return x->rank == 4 && channels_stay ? qf_htp_form(b, x) : QF_HTP_FLAT;
}

#endif
