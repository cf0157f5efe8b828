/* SPDX-License-Identifier: MIT */
/*
 * recurrent.h - layers with a state that goes from step to step: LSTM, GRU and the plain recurrent layer, float32.
 *
 * A call runs one direction over whole sequences. Gates lie one after the other in the rows of weights and biases: LSTM i, o, f, c;
 * GRU z, r, h. Fast kernels keep within the operator's tolerance of the reference, whose products are summed in double.
 */
#ifndef QFK_RECURRENT_H
#define QFK_RECURRENT_H

#include "../common.h"

typedef enum { QFK_LSTM = 0, QFK_GRU, QFK_RNN } QfkRecurrentKind;

/* f(x) with parameters a and b. */
typedef enum {
  QFK_CELL_SIGMOID = 0,
  QFK_CELL_TANH,
  QFK_CELL_RELU,
  QFK_CELL_AFFINE,           /* a x + b */
  QFK_CELL_LEAKY_RELU,       /* x < 0 ? a x : x */
  QFK_CELL_THRESHOLDED_RELU, /* x > a ? x : 0 */
  QFK_CELL_SCALED_TANH,      /* a tanh(b x) */
  QFK_CELL_HARD_SIGMOID,     /* min(max(a x + b, 0), 1) */
  QFK_CELL_ELU,              /* x < 0 ? a (exp(x) - 1) : x */
  QFK_CELL_SOFTSIGN,         /* x / (1 + |x|) */
  QFK_CELL_SOFTPLUS,         /* log(1 + exp(x)) */
  QFK_CELL_CLIP,             /* min(max(x, a), b) */
  QFK_N_CELL_ACTS
} QfkCellActType;

typedef struct {
  int32_t type; /* QfkCellActType */
  float a, b;
} QfkCellAct;

float qfk_cell_act(const QfkCellAct *act, float x);

/* How input and forget gate are coupled. */
enum { QFK_GATES_APART = 0, QFK_FORGET_IS_REST, QFK_INPUT_IS_REST };

typedef struct {
  QfkRecurrentKind kind;
  size_t steps, batch;         /* of x */
  size_t input, hidden, state; /* values of x, of a gate, and of h: the last two differ with a projection */
  size_t x_step, x_batch;      /* elements from one step, or row of the batch, to the next */
  size_t y_step, y_batch;
  bool reverse;                /* each sequence from its end; y stays in the order of x */
  bool linear_before_reset;    /* GRU: the reset gate is applied behind the product */
  int32_t coupled;             /* LSTM: QFK_GATES_APART, ... */
  float clip;                  /* of what enters a gate, 0: none */
  float cell_clip, state_clip; /* LSTM: of the cell, and of what is projected; 0: none */
  int32_t
      hybrid; /* 1: what is multiplied is rounded to 8 bits first, 2: with a zero point; references only */
  QfkCellAct act[3]; /* LSTM f, g, h; GRU f, g; RNN f */
} QfkRecurrent;

/* Data of one direction. Absent ones are NULL. */
typedef struct {
  const float *x, *w, *r;    /* w [gates x hidden, input], r [gates x hidden, state] */
  const float *bias;         /* [2 x gates x hidden]: of w, then of r */
  const int32_t *lengths;    /* [batch]: steps of each sequence; behind them y is 0 */
  const float *peephole;     /* LSTM [3 x hidden]: i, o, f */
  const float *project;      /* LSTM [state, hidden] */
  const float *project_bias; /* [state] */
  const float *norm;         /* LSTM [4 x hidden]: gates are normalised and scaled by it before their bias */
  float norm_epsilon;
  float *h, *c; /* [batch, state], [batch, hidden]: the state before, and then after */
  float *y;     /* may be NULL */
} QfkRecurrentData;

static inline size_t qfk_recurrent_gates(QfkRecurrentKind kind)
{
  return kind == QFK_LSTM ? 4 : kind == QFK_GRU ? 3 : 1;
}

/* @x rounded to 255 levels around 0, or with @asymmetric to 256 from its smallest to its largest value, into @y: what LiteRT does
 * before it multiplies floats with 8-bit weights. */
void qfk_round_to_int8(size_t n, const float *x, bool asymmetric, float *y);

/* Floats of scratch that the reference needs. */
size_t qfk_recurrent_scratch(const QfkRecurrent *p);
void qfk_recurrent_f32_ref(const QfkRecurrent *p, const QfkRecurrentData *d, float *scratch);

#endif
