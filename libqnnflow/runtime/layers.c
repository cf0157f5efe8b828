/* SPDX-License-Identifier: MIT */
/*
 * layers.c - see layers.h.
 */
#include "layers.h"

static void describe(QfLayerProfile *layer, const QfStep *step, const QfNode *node)
{
  const QfTensor *out = node->outputs[0];
  g_autofree char *dims = qf_dims_to_string(out->dims, out->rank);
  *layer =
      (QfLayerProfile){.node = node->name, .op = node->op->name, .unit = step->unit, .kernel = step->kernel};
  layer->macs = node->op->macs ? node->op->macs(node) : 0;
  g_snprintf(layer->output, sizeof(layer->output), "%s %s", dims, qf_dtype_name(out->dtype));
}

QfLayerProfile *qf_layers_new(const QfModel *model)
{
  const GArray *steps = model->steps;
  QfLayerProfile *layers = g_new0(QfLayerProfile, steps->len + 1);
  for (uint32_t i = 0; i < steps->len; i++) {
    const QfStep *step = &g_array_index(steps, QfStep, i);
    describe(&layers[i], step, step->node);
  }
  return layers;
}

/* The unit's times are of all sessions: their mean, as often as this one ran. What they leave of the step's time is the call itself. */
static void add_inside(GArray *rows, const QfStep *step, const QfLayerProfile *layer, const GArray *measured)
{
  uint64_t rest = layer->total_ns;
  for (guint i = 0; i < measured->len; i++) {
    const QfMeasured *m = &g_array_index(measured, QfMeasured, i);
    QfLayerProfile row = *layer;
    if (m->node)
      describe(&row, step, m->node);
    else
      row.op = "Graph";
    row.runs = layer->runs;
    row.total_ns = (uint64_t)((double)m->total_ns / (double)MAX(m->runs, 1) * (double)layer->runs);
    row.min_ns = m->min_ns;
    row.packets = m->packets / MAX(m->runs, 1);
    row.kernel = m->kernel ? m->kernel : step->kernel;
    rest -= MIN(rest, row.total_ns);
    g_array_append_val(rows, row);
  }
  QfLayerProfile call = *layer;
  call.op = "Call";
  call.macs = 0;
  call.total_ns = rest;
  call.min_ns = 0;
  g_array_append_val(rows, call);
}

GArray *qf_layers_inside(const QfModel *model, const QfLayerProfile *layers)
{
  g_autoptr(GArray) rows = g_array_new(FALSE, TRUE, sizeof(QfLayerProfile));
  g_autoptr(GArray) measured = g_array_new(FALSE, TRUE, sizeof(QfMeasured));
  gboolean any = FALSE;
  for (uint32_t i = 0; i < model->steps->len; i++) {
    const QfStep *step = &g_array_index(model->steps, QfStep, i);
    g_array_set_size(measured, 0);
    if (step->measured)
      step->measured(step, measured);
    any |= measured->len != 0;
    if (measured->len)
      add_inside(rows, step, &layers[i], measured);
    else
      g_array_append_val(rows, layers[i]);
  }
  return any ? g_steal_pointer(&rows) : NULL;
}
