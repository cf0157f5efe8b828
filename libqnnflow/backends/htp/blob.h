/* SPDX-License-Identifier: MIT */
/*
 * blob.h - what build.c keeps of memory, for blob.c, which places it.
 */
#ifndef QF_BACKENDS_HTP_BLOB_H
#define QF_BACKENDS_HTP_BLOB_H

#include "build.h"
#include "../../runtime/memory.h"

/* A piece of memory. */
typedef struct {
  uint32_t region, border; /* QF_DSP_BORDER: its number */
  size_t size;             /* bytes */
  uint32_t first, last;    /* steps that touch it; first UINT32_MAX: none */
  void *data;              /* of a constant; NULL when dry */
  size_t at;               /* offset in the arena or the blob, when placed */
  uint32_t whole;          /* the root that it is a part of, @whole_at from its start; QF_HTP_NONE: of none */
  size_t whole_at;
} QfHtpRoot;

/* A part of one: what a step's tensor is. */
typedef struct {
  uint32_t root;
  size_t offset, size;
} QfHtpView;

#endif
