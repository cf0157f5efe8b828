/* SPDX-License-Identifier: MIT */
/*
 * net.h - a graph as the Hexagon program gets it: a blob of bytes, made by the host (../blob.h), checked and run here.
 *
 * Little-endian 32-bit words, offsets in place of pointers. The head holds all that decides where something is read or written; it
 * is copied before it is checked, so that nobody changes it afterwards. Behind it lie constants, in which every value is as good as any
 * other. Plain C, no allocation in a run: steps.inc lists what a step can be.
 */
#ifndef QF_HTP_DSP_NET_H
#define QF_HTP_DSP_NET_H

#include "port.h"

#define QF_DSP_NET_MAGIC 0x4e464451u
#define QF_DSP_NET_VERSION 7u
/* Kernels read up to this much beyond a tensor's end, but for tensors at the border. */
#define QF_DSP_SLACK 256u
/* Inputs, and outputs, of a step at most. */
#define QF_DSP_MAX_PORTS 64u

/* Where a tensor lies. */
enum { QF_DSP_BORDER = 0, QF_DSP_ARENA, QF_DSP_CONSTANT, QF_DSP_VTCM };

/* The blob begins with this. Everything that is named by an _at lies within the head. */
typedef struct {
  uint32_t magic, version;
  uint32_t size_bytes; /* of the blob; constants end QF_DSP_SLACK before that */
  uint32_t head_bytes; /* a multiple of QF_DSP_ALIGNMENT */
  uint32_t arena_bytes;
  uint32_t n_borders, borders_at; /* QfDspBorder */
  uint32_t n_tensors, tensors_at; /* QfDspTensor */
  uint32_t n_steps, steps_at;     /* QfDspStepRecord, in the order in which they run */
  uint32_t vtcm_bytes; /* of VTCM for tensors, a multiple of QF_DSP_ALIGNMENT; jobs' memory comes after it */
} QfDspNetHead;

/* Memory of the caller: exactly so many bytes, none beyond are touched. Inputs are not written. */
typedef struct {
  uint32_t size_bytes, is_output;
} QfDspBorder;

typedef struct {
  uint32_t region; /* QF_DSP_BORDER, ... */
  uint32_t
      at; /* number of the border; or offset in the arena or in VTCM (a multiple of 4), or in the blob (of QF_DSP_ALIGNMENT) */
  uint32_t size_bytes;
} QfDspTensor;

typedef struct {
  uint32_t row;                     /* in steps.inc */
  uint32_t n_in, n_out, refs_at;    /* numbers of tensors: inputs, then outputs */
  uint32_t params_at, params_bytes; /* what the row says; params_at is a multiple of 4 */
} QfDspStepRecord;

typedef struct {
  uint32_t n_borders, n_steps;
  uint32_t form_bytes;    /* the head and what is made of it */
  uint32_t arena_bytes;   /* tensors between steps */
  uint32_t scratch_bytes; /* for each thread, besides what is in VTCM */
  uint32_t vtcm_bytes;    /* at least */
} QfDspNetNeeds;

/* What a step took, and how it was laid out. */
typedef struct {
  uint32_t step;
  uint32_t microseconds;
  uint64_t packets;     /* of all threads; 0 where nothing counts them */
  uint32_t jobs, rows;  /* output rows of a job; 0: it has none */
  uint32_t vtcm_bytes;  /* that jobs of all threads and tensors of the step have of VTCM */
  uint32_t moved_bytes; /* copied into VTCM by jobs, while others compute */
} QfDspEvent;

typedef struct QfDspNet QfDspNet;

/* Checks a blob of @size bytes at a multiple of QF_DSP_ALIGNMENT; QF_DSP_OK, BAD_VERSION, BAD_GRAPH or UNSUPPORTED. Whatever the bytes are, a
 * graph that passes reads and writes nothing but its own memory and the borders. */
uint32_t qf_dsp_net_check(const void *blob, uint32_t size, QfDspNetNeeds *needs);

/* Checks, and makes the form that runs, in memory of the port. The blob must stay where it is until qf_dsp_net_close(): its constants are used
 * there. Also NO_MEMORY; NO_VTCM where its tensors in VTCM do not fit. What jobs need goes into VTCM where it fits, else into other memory. */
uint32_t qf_dsp_net_open(const void *blob, uint32_t size, QfDspPort *port, QfDspNet **net);
void qf_dsp_net_close(QfDspNet *net, QfDspPort *port);

/* The borders, [*n]. */
const QfDspBorder *qf_dsp_net_borders(const QfDspNet *net, uint32_t *n);
uint32_t qf_dsp_net_n_steps(const QfDspNet *net);

/* Runs all steps. @borders has an address for each border, of any alignment. @events, NULL or [@n_events], gets the first steps'. One run at a
 * time. */
void qf_dsp_net_run(QfDspNet *net, void *const *borders, QfDspPort *port, QfDspEvent *events,
                    uint32_t n_events);

/* The name of a step's row, for reports; NULL: there is no such row. */
const char *qf_dsp_row_name(uint32_t row);

#endif
