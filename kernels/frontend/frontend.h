/* SPDX-License-Identifier: MIT */
/*
 * frontend.h - audio front ends in fixed point: windows, spectra, filter banks, noise subtraction and gain control, as the Signal
 * operators of TFLite Micro define them. References only. Spectra and logarithms are rounded once, from double precision,
 * where the original rounds at each stage: they differ by a few units in the last place.
 */
#ifndef QFK_FRONTEND_H
#define QFK_FRONTEND_H

#include "../common.h"

/* Storage of spectra and frames. */
typedef enum { QFK_FRONTEND_S16 = 0, QFK_FRONTEND_S32, QFK_FRONTEND_F32 } QfkFrontendType;

typedef struct {
  size_t outer, n;               /* rows, and elements of one */
  QfkFrontendType type;          /* of spectra and frames */
  int32_t shift;                 /* Window, Pcan */
  int32_t length;                /* of the Fourier transform */
  int32_t first, last;           /* Energy: bins first..last - 1 */
  int32_t step;                  /* OverlapAdd: elements; Stacker: frames */
  size_t frames;                 /* OverlapAdd */
  int32_t left, right;           /* Stacker: frames of context */
  int32_t scale, bits;           /* Log: output scale, bits of correction. Subtraction: bits of smoothing */
  int32_t smoothing[2], keep[2]; /* Subtraction: of even and odd channels */
  int32_t remaining, fraction_bits, clamping;
  size_t inputs, weights; /* FilterBank: elements of the spectrum and of the weights */
  const double *cosine;   /* [length]: cos(2 pi i / length) */
} QfkFrontend;

/* y = sat16(x * w >> shift), row by row. */
void qfk_frontend_window_ref(const QfkFrontend *p, const int16_t *x, const int16_t *w, int16_t *y);
/* Shifts left as far as 16 bits allow; *bits says how far. */
void qfk_frontend_auto_scale_ref(const QfkFrontend *p, const int16_t *x, int16_t *y, int32_t *bits);
/* Complex pairs 0..length/2 of each row, padded with zeros; integers are divided by length. */
void qfk_frontend_rfft_ref(const QfkFrontend *p, const void *x, void *y);
/* The inverse: rows of @length from complex pairs, divided by length. */
void qfk_frontend_irfft_ref(const QfkFrontend *p, const void *x, void *y);
/* re^2 + im^2 of the bins first..last - 1, 0 of others. */
void qfk_frontend_energy_ref(const QfkFrontend *p, const int16_t *x, uint32_t *y);
/* Overlapping triangles: weights go to one channel, unweights to the next. @starts and @widths by channel, one more than
 * outputs, whose first is left out. */
void qfk_frontend_filter_bank_ref(const QfkFrontend *p, const uint32_t *x, const int16_t *weights,
                                  const int16_t *unweights, const int16_t *starts,
                                  const int16_t *weight_starts, const int16_t *widths, uint64_t *y);
/* round(sqrt(x)) >> bits */
void qfk_frontend_square_root_ref(const QfkFrontend *p, const uint64_t *x, const int32_t *bits, uint32_t *y);
/* Takes a smoothed estimate of the noise off, and updates it. */
void qfk_frontend_subtract_ref(const QfkFrontend *p, const uint32_t *x, const uint32_t *noise, uint32_t *y,
                               uint32_t *noise_after);
/* Per-channel gain from the noise by a table, then x^2/4 below 2 and x - 1 above. @lut has 125 values or more. */
void qfk_frontend_pcan_ref(const QfkFrontend *p, const uint32_t *x, const uint32_t *noise, const int16_t *lut,
                           uint32_t *y);
/* scale * ln(x << bits), saturated. */
void qfk_frontend_log_ref(const QfkFrontend *p, const uint32_t *x, int16_t *y);
/* Frames of n added where they overlap, @step apart; @state holds what is not complete, [outer][n]. */
void qfk_frontend_overlap_add_ref(const QfkFrontend *p, const void *x, const void *state, void *y,
                                  void *after);
/*
 * Joins left + 1 + right frames of n. @state holds them, @fill says how many there are; the first frame also stands for those
 * before it. *valid 0: there are not enough yet, and y is zero.
 */
void qfk_frontend_stack_ref(const QfkFrontend *p, const int16_t *x, const int16_t *state, const int32_t *fill,
                            int16_t *y, uint8_t *valid, int16_t *after, int32_t *fill_after);

#endif
