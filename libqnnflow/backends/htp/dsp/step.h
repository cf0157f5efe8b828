/* SPDX-License-Identifier: MIT */
/*
 * step.h - what a row of steps.inc is: a function that checks a step's parameters against the sizes of its tensors and makes the form that
 * runs, and one that does a job of it. Jobs of a step may run at the same time, each with its own scratch memory.
 *
 * Parameters (params.h) are what the host says; nothing of them is believed before plan() has checked it. Within a graph images of 8 bits
 * are uint8 in planes of four channels (kernels/hvx/d4.h), or flat, row after row; int8 is turned over at the border.
 */
#ifndef QF_HTP_DSP_STEP_H
#define QF_HTP_DSP_STEP_H

#include "net.h"
#include "params.h"
#include "kernels/hvx/out.h"
#include "kernels/hvx/wide_out.h"

#include <stdbool.h>
#include <stddef.h>

/* A tensor as plan() sees it. */
typedef struct {
  uint32_t region, size_bytes;
  const void *data; /* of a constant, 128-byte aligned; else NULL. Its values may change at any time */
} QfDspSpan;

/* One step while it is checked (form NULL) or made. */
typedef struct {
  const void *params; /* as large as the row says, or larger: params_bytes */
  uint32_t params_bytes;
  const QfDspSpan *in, *out;
  uint32_t n_in, n_out;
  uint8_t *form;       /* form_bytes, which the first call gave; 128-byte aligned; NULL: only check */
  uint64_t vtcm_share; /* bytes of VTCM that each thread has; 0: none */
  /* Results. Of one thread: memory for jobs to use, see QfDspScratch. */
  uint64_t form_bytes, scratch_bytes, stage_bytes, scalar_bytes;
  uint32_t jobs;
  /* For reports: output rows of a job, 0: it has none; what all jobs copy into their stages. */
  uint32_t rows;
  uint64_t moved_bytes;
} QfDspPlan;

/* Memory of a job's thread. VTCM is for vectors: it has no cache before it, so what is read by scalars stays out of it. */
typedef struct {
  QfDspPort *port;
  uint8_t *vectors; /* scratch_bytes; in VTCM where they fit there */
  uint8_t *stage; /* stage_bytes of VTCM, which plan() asked for where its share has them; NULL: not there */
  uint8_t *scalars; /* scalar_bytes, never in VTCM */
  uint8_t *queue;   /* for copies */
} QfDspScratch;

/* One step while it runs. */
typedef struct {
  const void *form;
  const uint8_t *in[QF_DSP_MAX_PORTS];
  uint8_t *out[QF_DSP_MAX_PORTS];
} QfDspCall;

typedef struct {
  const char *name;
  uint32_t min_in, max_in, n_out, params_bytes;
  bool borders; /* reads and writes not a byte beyond its tensors, so these may be borders */
  /* False: malformed. */
  bool (*plan)(QfDspPlan *p);
  void (*job)(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch);
} QfDspRow;

#define QF_DSP_STEP(name, ...)                                                                               \
  bool qf_dsp_##name##_plan(QfDspPlan *p);                                                                   \
  void qf_dsp_##name##_job(const QfDspCall *call, uint32_t job, const QfDspScratch *scratch);
#include "steps.inc"
#undef QF_DSP_STEP

#define QF_DSP_STEP(name, ...) QF_DSP_ROW_##name,
typedef enum {
#include "steps.inc"
  QF_DSP_N_ROWS
} QfDspRowId;
#undef QF_DSP_STEP

static inline bool qf_dsp_within(int64_t v, int64_t lo, int64_t hi)
{
  return v >= lo && v <= hi;
}

/* @at rounded up to whole vectors. */
static inline uint64_t qf_dsp_round(uint64_t bytes)
{
  return (bytes + QF_DSP_ALIGNMENT - 1) / QF_DSP_ALIGNMENT * QF_DSP_ALIGNMENT;
}

/* The product of @n positive factors, 0 when it is beyond @most or a factor is not positive. */
static inline uint64_t qf_dsp_product(const int32_t *factors, uint32_t n, uint64_t most)
{
  uint64_t product = 1;
  for (uint32_t i = 0; i < n; i++) {
    if (factors[i] <= 0 || product > most / (uint64_t)factors[i])
      return 0;
    product *= (uint64_t)factors[i];
  }
  return product;
}

#define QF_DSP_MOST_BYTES (UINT64_C(1) << 30)
#define QF_DSP_PRODUCT(...)                                                                                  \
  qf_dsp_product((const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / 4,                 \
                 QF_DSP_MOST_BYTES)

/* The tensor is @n images in planes of four channels, of elements of @size bytes. */
static inline bool qf_dsp_is_d4_of(const QfDspSpan *s, int32_t size, int32_t n, int32_t channels, int32_t h,
                                   int32_t w)
{
  const uint64_t bytes =
      channels > INT32_MAX - 3 || channels < 1 ? 0 : QF_DSP_PRODUCT(4, size, n, (channels + 3) / 4, h, w);
  return bytes && s->size_bytes == bytes;
}

static inline bool qf_dsp_is_d4(const QfDspSpan *s, int32_t n, int32_t channels, int32_t h, int32_t w)
{
  return qf_dsp_is_d4_of(s, 1, n, channels, h, w);
}

static inline bool qf_dsp_is_constant(const QfDspSpan *s, uint64_t size_bytes)
{
  return s->region == QF_DSP_CONSTANT && s->size_bytes == size_bytes;
}

/* A zero point of 16 bits as it is stored. */
static inline bool qf_dsp_is_wide_zero(int32_t zero, int32_t is_signed)
{
  return is_signed ? qf_dsp_within(zero, INT16_MIN, INT16_MAX) : qf_dsp_within(zero, 0, UINT16_MAX);
}

/* The out of a kernel of 16 bits, or false. */
static inline bool qf_dsp_wide_out(const QfDspOut *from, QfkHvxWideOut *to)
{
  *to = (QfkHvxWideOut){from->zero, from->lo, from->hi};
  return qf_dsp_within(from->lo, INT16_MIN, UINT16_MAX) && qf_dsp_within(from->hi, from->lo, UINT16_MAX) &&
         qf_dsp_within(from->zero, INT16_MIN, UINT16_MAX);
}

/* Shifts of a kernel, in parameters; of 16 bits they are to the right. */
static inline bool qf_dsp_are_shifts(const int32_t *shift, uint64_t n, bool wide)
{
  for (uint64_t i = 0; i < n; i++)
    if (wide ? !qf_dsp_within(shift[i], QFK_HVX_WIDE_LEAST_SHIFT, 62) : !qf_dsp_within(shift[i], 0, 30))
      return false;
  return true;
}

/* The out of a kernel, or false. */
static inline bool qf_dsp_out(const QfDspOut *from, QfkHvxOut *to)
{
  *to = (QfkHvxOut){(uint8_t)from->lo, (uint8_t)from->hi, 0, (int16_t)from->zero};
  return qf_dsp_within(from->lo, 0, 255) && qf_dsp_within(from->hi, from->lo, 255) &&
         qf_dsp_within(from->zero, -1024, 1024);
}

#endif
