/* SPDX-License-Identifier: MIT */
/*
 * frame.c - memory for one compiled graph, and running it. See frame.h.
 */
#include "frame.h"
#include "memory.h"

gboolean qf_frame_init(QfFrame *frame, const QfModel *model, void *arena, const QfFrameShared *shared)
{
  *frame = (QfFrame){.model = model, .arena = arena};
  QfExec *exec = &frame->exec;
  exec->data = g_new0(void *, model->n_tensors + 1);
  exec->pool = shared->pool;
  exec->n_threads = shared->n_threads;
  exec->scratch = shared->scratch;
  exec->scratch_stride = shared->scratch_stride;
  exec->guard = shared->guard;
  for (uint32_t i = 0; i < model->n_tensors; i++) {
    const QfPlace *place = &model->places[i];
    if (place->kind == QF_PLACE_CONSTANT)
      exec->data[i] = (void *)place->constant; /* steps only read inputs */
    else if (place->kind == QF_PLACE_ARENA)
      exec->data[i] = (uint8_t *)frame->arena + place->offset_bytes;
  }
  return qf_control_init(frame, shared);
}

void qf_frame_clear(QfFrame *frame)
{
  if (frame->model)
    qf_control_clear(frame);
  g_free(frame->exec.data);
  *frame = (QfFrame){0};
}

static void bind(QfFrame *frame, uint32_t port, void *data)
{
  const QfModel *model = frame->model;
  for (uint32_t i = model->port_first[port]; i < model->port_first[port + 1]; i++)
    frame->exec.data[model->port_tensors[i]] = data;
}

void qf_frame_bind_input(QfFrame *frame, uint32_t index, const void *data)
{
  bind(frame, index, (void *)data); /* steps only read inputs */
}

void qf_frame_bind_output(QfFrame *frame, uint32_t index, void *data)
{
  bind(frame, frame->model->n_inputs + frame->model->n_states + index, data);
}

void qf_frame_run(QfFrame *frame)
{
  const QfStep *steps = (const QfStep *)(void *)frame->model->steps->data;
  uint32_t n = frame->model->steps->len;
  const QfRunGuard *guard = frame->exec.guard;
  for (uint32_t i = 0; i < n && !guard->error; i++)
    steps[i].run(&steps[i], &frame->exec);
}

void qf_exec_fail(const QfExec *exec, GError *error)
{
  if (exec->guard->error)
    g_error_free(error);
  else
    exec->guard->error = error;
}
