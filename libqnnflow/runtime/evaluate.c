/* SPDX-License-Identifier: MIT */
/*
 * evaluate.c - running a session on values. A frozen model reads the caller's values in place and writes into new ones; what
 * was bound before is bound again afterwards.
 */
#include "program/program.h"

#include <string.h>

static gboolean check_counts(const QfModel *model, uint32_t n_inputs, uint32_t n_outputs, GError **error)
{
  if (n_inputs == model->n_inputs && n_outputs == model->n_outputs)
    return TRUE;
  g_set_error(error, QF_ERROR, QF_ERROR_ARGUMENT,
              "%s: %u inputs and %u outputs are given, but the model has %u and %u", model->name, n_inputs,
              n_outputs, model->n_inputs, model->n_outputs);
  return FALSE;
}

/* What the file declares of an input of a program, and what the caller said when loading it. */
static gboolean fits_port(const QfProgramPort *port, const QfTensorDesc *desc, const QfValue *value)
{
  QfValueKind kind = qf_value_kind(value);
  if (kind != port->kind)
    return kind == QF_VALUE_NONE && port->optional;
  if (kind != QF_VALUE_TENSOR)
    return TRUE;
  gboolean fits =
      port->dtype == qf_value_dtype(value) && (desc->rank < 0 || desc->rank == qf_value_rank(value));
  for (int i = 0; fits && i < desc->rank; i++)
    fits = desc->dims[i] < 0 || desc->dims[i] == qf_value_dims(value)[i];
  return fits;
}

static gboolean evaluate_program(QfSession *session, QfValue *const *inputs, QfValue **outputs,
                                 GError **error)
{
  const QfModel *model = qf_session_model(session);
  for (uint32_t i = 0; i < model->n_inputs; i++) {
    if (fits_port(&model->program->main->inputs[i], &model->inputs[i], inputs[i]))
      continue;
    g_autofree char *got = qf_value_describe(inputs[i]);
    g_set_error(error, QF_ERROR, QF_ERROR_TYPE,
                "%s: input '%s' is given %s, which is not what the model declares", model->name,
                model->inputs[i].name, got);
    return FALSE;
  }
  return qf_interpreter_run(qf_session_interpreter(session), inputs, outputs, error);
}

static gboolean check_input(const QfModel *model, uint32_t index, const QfValue *value, GError **error)
{
  const QfTensorDesc *desc = &model->inputs[index];
  gboolean tensor = qf_value_kind(value) == QF_VALUE_TENSOR && qf_value_dtype(value) == desc->dtype;
  gboolean fits = tensor && qf_value_rank(value) == desc->rank &&
                  !memcmp(qf_value_dims(value), desc->dims, (size_t)desc->rank * sizeof(*desc->dims));
  if (fits)
    return TRUE;
  g_autofree char *got = qf_value_describe(value), *dims = qf_dims_to_string(desc->dims, desc->rank);
  g_set_error(error, QF_ERROR, tensor ? QF_ERROR_SHAPE : QF_ERROR_TYPE,
              "%s: input '%s' is given %s, but it takes %s %s; give its dimensions when the model is loaded",
              model->name, desc->name, got, qf_dtype_name(desc->dtype), dims);
  return FALSE;
}

/* What was bound to each border, to put it back. */
static void **remember(QfSession *session, uint32_t n_inputs, uint32_t n_outputs)
{
  void **bound = g_new0(void *, n_inputs + n_outputs + 1);
  for (uint32_t i = 0; i < n_inputs; i++)
    bound[i] = qf_session_input_data(session, i);
  for (uint32_t i = 0; i < n_outputs; i++)
    bound[n_inputs + i] = (void *)qf_session_output_data(session, i);
  return bound;
}

static void restore(QfSession *session, void *const *bound, uint32_t n_inputs, uint32_t n_outputs)
{
  for (uint32_t i = 0; i < n_inputs; i++)
    qf_session_bind_input(session, i, bound[i], SIZE_MAX, NULL);
  for (uint32_t i = 0; i < n_outputs; i++)
    qf_session_bind_output(session, i, bound[n_inputs + i], SIZE_MAX, NULL);
}

static gboolean run_bound(QfSession *session, QfValue *const *inputs, void **buffers, GError **error)
{
  const QfModel *model = qf_session_model(session);
  for (uint32_t i = 0; i < model->n_inputs; i++)
    if (!qf_session_bind_input(session, i, qf_value_data(inputs[i]), SIZE_MAX, error))
      return FALSE;
  for (uint32_t i = 0; i < model->n_outputs; i++) {
    buffers[i] = g_try_malloc(model->outputs[i].size_bytes + 1);
    if (!buffers[i]) {
      g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                  "%s: %" G_GSIZE_FORMAT " bytes for output '%s' cannot be had; give smaller dimensions",
                  model->name, model->outputs[i].size_bytes, model->outputs[i].name);
      return FALSE;
    }
    if (!qf_session_bind_output(session, i, buffers[i], SIZE_MAX, error))
      return FALSE;
  }
  return qf_session_run(session, error);
}

/* The session for the dimensions of @inputs: itself, or one on the model for those where the file leaves them open. States belong to
 * one session, so a model that has them keeps its dimensions. */
static QfSession *fitting_session(QfSession *session, QfValue *const *inputs, GError **error)
{
  QfModel *model = qf_session_model(session);
  g_autofree QfInputDims *dims = g_new0(QfInputDims, model->n_inputs + 1);
  g_autoptr(GError) misfit = NULL;
  for (uint32_t i = 0; i < model->n_inputs; i++) {
    if (!misfit)
      check_input(model, i, inputs[i], &misfit);
    dims[i].rank = qf_value_rank(inputs[i]);
    if (qf_value_kind(inputs[i]) == QF_VALUE_TENSOR)
      memcpy(dims[i].dims, qf_value_dims(inputs[i]), (size_t)dims[i].rank * sizeof(*dims[i].dims));
  }
  if (!misfit)
    return session;
  gboolean may = g_error_matches(misfit, QF_ERROR, QF_ERROR_SHAPE) && !model->n_states;
  g_autoptr(QfModel) other = may ? qf_model_reshape(model, dims, model->n_inputs, NULL) : NULL;
  for (uint32_t i = 0; other && i < model->n_inputs; i++)
    if (!check_input(other, i, inputs[i], NULL))
      g_clear_pointer(&other, qf_model_unref);
  if (other)
    return qf_session_reshaped(session, other, error);
  g_propagate_error(error, g_steal_pointer(&misfit));
  return NULL;
}

static gboolean evaluate_frozen(QfSession *session, QfValue *const *inputs, QfValue **outputs, GError **error)
{
  session = fitting_session(session, inputs, error);
  if (!session)
    return FALSE;
  const QfModel *model = qf_session_model(session);
  g_autofree void **bound = remember(session, model->n_inputs, model->n_outputs);
  g_autofree void **buffers = g_new0(void *, model->n_outputs + 1);
  gboolean ok = run_bound(session, inputs, buffers, error);
  restore(session, bound, model->n_inputs, model->n_outputs);
  for (uint32_t i = 0; i < model->n_outputs; i++) {
    const QfTensorDesc *desc = &model->outputs[i];
    g_autoptr(GBytes) bytes = g_bytes_new_take(buffers[i], buffers[i] ? desc->size_bytes : 0);
    outputs[i] = ok ? qf_value_new_tensor(desc->dtype, desc->dims, desc->rank, bytes, error) : NULL;
  }
  return ok;
}

gboolean qf_session_evaluate(QfSession *session, QfValue *const *inputs, uint32_t n_inputs, QfValue **outputs,
                             uint32_t n_outputs, GError **error)
{
  for (uint32_t i = 0; i < n_outputs; i++)
    outputs[i] = NULL;
  if (!check_counts(qf_session_model(session), n_inputs, n_outputs, error))
    return FALSE;
  if (qf_session_interpreter(session))
    return evaluate_program(session, inputs, outputs, error);
  return evaluate_frozen(session, inputs, outputs, error);
}
