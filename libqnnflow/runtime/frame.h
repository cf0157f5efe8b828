/* SPDX-License-Identifier: MIT */
/*
 * frame.h - the memory of one stream of runs over one compiled graph: a session's own, or a body's of control flow. A frame
 * runs where it is told that its inputs and outputs lie; it makes no allocation after it was made.
 */
#ifndef QF_RUNTIME_FRAME_H
#define QF_RUNTIME_FRAME_H

#include "model.h"

typedef struct QfControlFrame QfControlFrame;

typedef struct {
  const QfModel *model;
  QfExec exec;
  void *arena; /* of arena_bytes: the graph's own tensors, and among them those of the body that runs */
  QfControlFrame *controls; /* [model->n_controls] */
} QfFrame;

/* Keeps a run from going on for ever, or after a unit has failed. */
typedef struct QfRunGuard {
  int64_t iterations;  /* of all loops of this run so far */
  const QfNode *fault; /* the loop that would have gone beyond the bound; NULL: all is well */
  GError *error;       /* what a unit said; NULL: all is well */
} QfRunGuard;

/* What all frames of a session have in common. */
typedef struct {
  QfPool *pool;
  uint32_t n_threads;
  uint8_t *scratch; /* the largest of all frames, times threads */
  size_t scratch_stride;
  QfRunGuard *guard;
} QfFrameShared;

/* FALSE when memory cannot be had; the frame is to be cleared in any case. */
gboolean qf_frame_init(QfFrame *frame, const QfModel *model, void *arena, const QfFrameShared *shared);
void qf_frame_clear(QfFrame *frame);

/* Points input or output @index, states included, at @data. */
void qf_frame_bind_input(QfFrame *frame, uint32_t index, const void *data);
void qf_frame_bind_output(QfFrame *frame, uint32_t index, void *data);

void qf_frame_run(QfFrame *frame);

/* Control flow. Of a node with bodies: compiles these, and appends the step that runs them. */
gboolean qf_control_lower(QfModel *model, QfLower *lower, QfNode *node, QfRequant requant, GError **error);
/* The arena of the step's bodies, which never run at the same time, and where it lies in that of the graph around them. */
size_t qf_control_arena_bytes(const QfStep *step);
void qf_control_place(QfStep *step, size_t offset_bytes);
/* What a session needs for the control steps of a model, in their order. */
gboolean qf_control_init(QfFrame *frame, const QfFrameShared *shared);
void qf_control_clear(QfFrame *frame);

#endif
