/* SPDX-License-Identifier: MIT */
/*
 * cell.h - the part of a recurrent step behind its products, as loops the compiler vectorises, and their list. What enters the gates
 * comes in @pre, [rows, gates x hidden], with biases added; it is overwritten.
 */
#ifndef QFK_CELL_H
#define QFK_CELL_H

#include "recurrent.h"
#include "../list.h"

typedef enum {
  QFK_CELL_LSTM,      /* @extra the peephole or NULL, @c the cell, @h gets o h(c), [rows, hidden] */
  QFK_CELL_GRU_GATES, /* z and r are activated; @c gets r h, unless the reset is applied behind the product */
  QFK_CELL_GRU_STATE, /* @extra the product of h for the candidate, when the reset is applied behind it; @h is moved on */
  QFK_CELL_RNN, /* @h is moved on */
} QfkCellKind;

typedef void (*QfkCellFunc)(const QfkRecurrent *p, size_t rows, float *pre, const float *extra, float *c,
                            float *h);

#define QFK_KERNEL(function, isa, kind)                                                                      \
  void function(const QfkRecurrent *p, size_t rows, float *pre, const float *extra, float *c, float *h);
#include "cell.inc"
#undef QFK_KERNEL

/* Ends with a NULL name. There is a line of every kind for every machine. */
extern const QfkKernel qfk_cell_kernels[];

#endif
