/* SPDX-License-Identifier: MIT */
/*
 * copy_net.h - the smallest graph for the Hexagon program: one border is copied into another, with every byte's first bit turned over.
 */
#ifndef QF_TEST_COPY_NET_H
#define QF_TEST_COPY_NET_H

#include "libqnnflow/backends/htp/dsp/net.h"
#include "libqnnflow/backends/htp/dsp/params.h"

#include <stddef.h>

typedef struct {
  QfDspNetHead head;
  QfDspBorder borders[2];
  QfDspTensor tensors[2];
  QfDspStepRecord step;
  uint32_t refs[2];
  QfDspCopy copy;
  uint8_t pad[QF_DSP_ALIGNMENT];
} CopyNetHead;

#define COPY_NET_HEAD_BYTES ((uint32_t)(sizeof(CopyNetHead) / QF_DSP_ALIGNMENT * QF_DSP_ALIGNMENT))
#define COPY_NET_BYTES (COPY_NET_HEAD_BYTES + QF_DSP_SLACK)

typedef union {
  CopyNetHead head;
  uint8_t bytes[sizeof(CopyNetHead) + QF_DSP_SLACK];
} CopyNet;

/* A graph that copies @n bytes. COPY_NET_BYTES of it count. */
static inline void copy_net(CopyNet *net, uint32_t n)
{
  *net = (CopyNet){0};
  net->head = (CopyNetHead){
      .head = {.magic = QF_DSP_NET_MAGIC,
               .version = QF_DSP_NET_VERSION,
               .size_bytes = COPY_NET_BYTES,
               .head_bytes = COPY_NET_HEAD_BYTES,
               .n_borders = 2,
               .borders_at = offsetof(CopyNetHead, borders),
               .n_tensors = 2,
               .tensors_at = offsetof(CopyNetHead, tensors),
               .n_steps = 1,
               .steps_at = offsetof(CopyNetHead, step)},
      .borders = {{n, 0}, {n, 1}},
      .tensors = {{QF_DSP_BORDER, 0, n}, {QF_DSP_BORDER, 1, n}},
      .step = {.row = 0,
               .n_in = 1,
               .n_out = 1,
               .refs_at = offsetof(CopyNetHead, refs),
               .params_at = offsetof(CopyNetHead, copy),
               .params_bytes = sizeof(QfDspCopy)},
      .refs = {0, 1},
      .copy = {.flip = 0x80},
  };
}

#endif
