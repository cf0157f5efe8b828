/* SPDX-License-Identifier: MIT */
/*
 * control.c - If, Loop, Scan and SequenceMap over values: shapes may differ from turn to turn, and states may be sequences.
 */
#include "ops.h"

#include <string.h>

/* Values that are released together. */
static GPtrArray *new_values(uint32_t n)
{
  GPtrArray *values = g_ptr_array_new_with_free_func((GDestroyNotify)qf_value_unref);
  g_ptr_array_set_size(values, (gint)n);
  return values;
}

static void set_value(GPtrArray *values, uint32_t index, QfValue *value)
{
  QfValue *old = values->pdata[index];
  values->pdata[index] = value;
  qf_value_unref(old);
}

gboolean qf_program_op_if(QfCall *call, GError **error)
{
  int64_t condition;
  if (!qf_call_int(call, 0, &condition, error))
    return FALSE;
  const QfProgramBody *body = qf_call_body(call, condition ? "then_branch" : "else_branch", error);
  if (!body)
    return FALSE;
  if (body->n_outputs < call->n_out)
    return qf_call_fail(call, error, QF_ERROR_FORMAT, "its branch has %u outputs, but %u are wanted",
                        body->n_outputs, call->n_out);
  g_autoptr(GPtrArray) outputs = new_values(body->n_outputs);
  if (!qf_interpreter_run_body(call->interpreter, call->scope, body, NULL, 0, (QfValue **)outputs->pdata,
                               error))
    return FALSE;
  for (uint32_t i = 0; i < call->n_out; i++)
    call->out[i] = qf_value_ref(outputs->pdata[i]);
  return TRUE;
}

/* A value of no turns: as the body declares it, with open dimensions 0. */
static QfValue *empty_scan(const QfProgramPort *port, int32_t axis)
{
  int64_t dims[QF_MAX_RANK] = {0};
  int32_t rank = CLAMP(port->rank, 0, QF_MAX_RANK - 1) + 1;
  QfDType dtype = port->dtype ? port->dtype : QF_DTYPE_FLOAT32;
  for (int i = 0, d = 0; i < rank; i++)
    dims[i] = i == axis ? 0 : MAX(port->dims[d++], 0);
  return qf_tensor_value(dtype, dims, rank, g_malloc(1));
}

/* Joins what each turn gave along a new dimension @axis; @reverse: the last turn comes first. */
static QfValue *join_turns(const QfCall *call, GPtrArray *turns, const QfProgramPort *port, int64_t axis,
                           gboolean reverse, GError **error)
{
  int32_t at = 0;
  for (guint i = 0; i < turns->len; i++)
    if (qf_value_kind(turns->pdata[i]) != QF_VALUE_TENSOR) {
      qf_call_fail(call, error, QF_ERROR_TYPE, "its body gives '%s', which is no tensor, to be joined",
                   port->name);
      return NULL;
    }
  int32_t rank = turns->len ? qf_value_rank(turns->pdata[0]) : CLAMP(port->rank, 0, QF_MAX_RANK - 1);
  if (!qf_call_axis(call, axis, rank + 1, &at, error))
    return NULL;
  if (!turns->len)
    return empty_scan(port, at);
  for (guint i = 0; reverse && i < turns->len / 2; i++) {
    gpointer other = turns->pdata[turns->len - 1 - i];
    turns->pdata[turns->len - 1 - i] = turns->pdata[i];
    turns->pdata[i] = other;
  }
  QfValue *y = qf_value_join((QfValue **)turns->pdata, turns->len, at, TRUE);
  if (!y)
    qf_call_fail(call, error, QF_ERROR_SHAPE,
                 "'%s' has another shape in each turn, so that they cannot be joined", port->name);
  return y;
}

/* A loop in progress: states are carried from turn to turn, the rest of the body's outputs are kept of every turn. */
typedef struct {
  QfCall *call;
  const QfProgramBody *body;
  uint32_t n_states, n_scans;
  GPtrArray *inputs;  /* of the body */
  GPtrArray *outputs; /* of its last turn */
  GPtrArray **turns;  /* [n_scans] */
} Turns;

static void begin_turns(Turns *t, QfCall *call, const QfProgramBody *body, uint32_t n_states, uint32_t skip)
{
  *t =
      (Turns){.call = call, .body = body, .n_states = n_states, .n_scans = body->n_outputs - n_states - skip};
  t->inputs = new_values(body->n_inputs);
  t->outputs = new_values(body->n_outputs);
  t->turns = g_new(GPtrArray *, t->n_scans + 1);
  for (uint32_t i = 0; i < t->n_scans; i++)
    t->turns[i] = new_values(0);
}

static void end_turns(Turns *t)
{
  for (uint32_t i = 0; i < t->n_scans; i++)
    g_ptr_array_unref(t->turns[i]);
  g_free(t->turns);
  g_ptr_array_unref(t->inputs);
  g_ptr_array_unref(t->outputs);
}

/* One turn; afterwards the states are the body's inputs from @first_state on. @skip outputs come before the states. */
static gboolean turn(Turns *t, uint32_t first_state, uint32_t skip, GError **error)
{
  QfValue **out = (QfValue **)t->outputs->pdata;
  for (uint32_t i = 0; i < t->outputs->len; i++)
    set_value(t->outputs, i, NULL);
  if (!qf_interpreter_run_body(t->call->interpreter, t->call->scope, t->body, (QfValue **)t->inputs->pdata,
                               t->inputs->len, out, error))
    return FALSE;
  for (uint32_t i = 0; i < t->n_states; i++)
    set_value(t->inputs, first_state + i, qf_value_ref(out[skip + i]));
  for (uint32_t i = 0; i < t->n_scans; i++)
    g_ptr_array_add(t->turns[i], qf_value_ref(out[skip + t->n_states + i]));
  return TRUE;
}

static gboolean read_condition(const QfCall *call, const QfValue *v, gboolean *go_on, GError **error)
{
  if (qf_value_kind(v) != QF_VALUE_TENSOR || qf_dims_count(qf_value_dims(v), qf_value_rank(v)) != 1)
    return qf_call_fail(call, error, QF_ERROR_SHAPE, "the condition of its body must be a single bool");
  *go_on = qf_number_int(qf_value_dtype(v), qf_value_data(v), 0) != 0;
  return TRUE;
}

static gboolean run_loop(Turns *t, int64_t most, gboolean go_on, GError **error)
{
  QfCall *call = t->call;
  for (int64_t i = 0; i < most && go_on; i++) {
    if (i == QF_PROGRAM_MAX_TURNS)
      return qf_call_fail(call, error, QF_ERROR_LIMIT, "it has not ended after %d turns, which is the limit",
                          QF_PROGRAM_MAX_TURNS);
    set_value(t->inputs, 0, qf_int64_value(i));
    set_value(t->inputs, 1, qf_bool_value(TRUE));
    if (!turn(t, 2, 1, error) || !read_condition(call, t->outputs->pdata[0], &go_on, error))
      return FALSE;
  }
  for (uint32_t i = 0; i < call->n_out; i++) {
    uint32_t scan = i - t->n_states;
    call->out[i] = i < t->n_states
                       ? qf_value_ref(t->inputs->pdata[2 + i])
                       : join_turns(call, t->turns[scan], &t->body->outputs[1 + i], 0, FALSE, error);
    if (!call->out[i])
      return FALSE;
  }
  return TRUE;
}

gboolean qf_program_op_loop(QfCall *call, GError **error)
{
  const QfProgramBody *body = qf_call_body(call, "body", error);
  uint32_t n_states = call->n_in > 2 ? call->n_in - 2 : 0;
  int64_t most = G_MAXINT64, condition = 1;
  if (!body || (call->in[0] && !qf_call_int(call, 0, &most, error)) ||
      (call->n_in > 1 && call->in[1] && !qf_call_int(call, 1, &condition, error)))
    return FALSE;
  if (body->n_inputs != n_states + 2 || body->n_outputs < n_states + 1 || call->n_out > body->n_outputs - 1)
    return qf_call_fail(
        call, error, QF_ERROR_FORMAT,
        "its body has %u inputs and %u outputs, which do not fit %u states; export the model again",
        body->n_inputs, body->n_outputs, n_states);
  Turns t;
  begin_turns(&t, call, body, n_states, 1);
  for (uint32_t i = 0; i < n_states; i++)
    set_value(t.inputs, 2 + i, call->in[2 + i] ? qf_value_ref(call->in[2 + i]) : qf_value_new_none());
  gboolean ok = run_loop(&t, most, condition != 0, error);
  end_turns(&t);
  return ok;
}

/* Entry @index of a list attribute, 0 when the list is shorter. */
static int64_t list_entry(const QfCall *call, const char *name, uint32_t index)
{
  const QfProgramAttr *a = qf_program_attr(call->node, name);
  return a && index < a->n_ints ? a->ints[index] : 0;
}

/* How long what a Scan runs over is; all of it must agree. */
static gboolean scan_length(const QfCall *call, QfValue *const *in, uint32_t n, int32_t *axes,
                            int64_t *length, GError **error)
{
  *length = -1;
  for (uint32_t i = 0; i < n; i++) {
    if (!in[i] || qf_value_kind(in[i]) != QF_VALUE_TENSOR)
      return qf_call_fail(call, error, QF_ERROR_TYPE, "what it scans must be tensors");
    if (!qf_call_axis(call, list_entry(call, "scan_input_axes", i), qf_value_rank(in[i]), &axes[i], error))
      return FALSE;
    int64_t here = qf_value_dims(in[i])[axes[i]];
    if (*length >= 0 && here != *length)
      return qf_call_fail(call, error, QF_ERROR_SHAPE, "what it scans is of different lengths");
    *length = here;
  }
  return TRUE;
}

/* One scan over @in: states, then what is scanned. */
static gboolean run_scan(Turns *t, QfValue *const *in, int64_t limit, const char *directions, QfValue **out,
                         GError **error)
{
  QfCall *call = t->call;
  uint32_t n_scanned = t->body->n_inputs - t->n_states;
  g_autofree int32_t *axes = g_new0(int32_t, n_scanned + 1);
  int64_t length;
  if (!scan_length(call, in + t->n_states, n_scanned, axes, &length, error))
    return FALSE;
  length = limit >= 0 ? MIN(length, limit) : length;
  for (uint32_t i = 0; i < t->n_states; i++)
    set_value(t->inputs, i, qf_value_ref(in[i]));
  for (int64_t k = 0; k < length; k++) {
    for (uint32_t i = 0; i < n_scanned; i++) {
      int64_t at = list_entry(call, directions, i) ? length - 1 - k : k;
      set_value(t->inputs, t->n_states + i, qf_value_slice(in[t->n_states + i], axes[i], at, at + 1, TRUE));
    }
    if (!turn(t, 0, 0, error))
      return FALSE;
  }
  for (uint32_t i = 0; i < t->n_states + t->n_scans; i++) {
    uint32_t scan = i - t->n_states;
    out[i] = i < t->n_states ? qf_value_ref(t->inputs->pdata[i])
                             : join_turns(call, t->turns[scan], &t->body->outputs[i],
                                          list_entry(call, "scan_output_axes", scan),
                                          list_entry(call, "scan_output_directions", scan) != 0, error);
    if (!out[i])
      return FALSE;
  }
  return TRUE;
}

/* Opset 8: a first input has the length of each entry of the batch, which is the first dimension of everything else. */
static gboolean scan_batch(QfCall *call, const QfProgramBody *body, uint32_t n_states, GError **error)
{
  uint32_t n_in = body->n_inputs, n_out = body->n_outputs;
  QfValue *const *in = call->in + 1;
  int64_t batch = in[0] && qf_value_rank(in[0]) ? qf_value_dims(in[0])[0] : -1;
  for (uint32_t i = 0; i < n_in; i++)
    if (!in[i] || qf_value_kind(in[i]) != QF_VALUE_TENSOR || qf_value_rank(in[i]) < 1 ||
        qf_value_dims(in[i])[0] != batch)
      return qf_call_fail(call, error, QF_ERROR_SHAPE, "its inputs must be tensors with one batch dimension");
  g_autofree GPtrArray **rows = g_new(GPtrArray *, n_out + 1);
  for (uint32_t i = 0; i < n_out; i++)
    rows[i] = new_values(0);
  gboolean ok = TRUE;
  for (int64_t b = 0; ok && b < batch; b++) {
    Turns t;
    g_autoptr(GPtrArray) part = new_values(n_in), result = new_values(n_out);
    int64_t limit = -1;
    if (call->in[0] && qf_dims_count(qf_value_dims(call->in[0]), qf_value_rank(call->in[0])) > b)
      limit = qf_number_int(qf_value_dtype(call->in[0]), qf_value_data(call->in[0]), b);
    for (uint32_t i = 0; i < n_in; i++)
      part->pdata[i] = qf_value_slice(in[i], 0, b, b + 1, TRUE);
    begin_turns(&t, call, body, n_states, 0);
    ok = run_scan(&t, (QfValue **)part->pdata, limit, "directions", (QfValue **)result->pdata, error);
    end_turns(&t);
    for (uint32_t i = 0; ok && i < n_out; i++)
      g_ptr_array_add(rows[i], qf_value_ref(result->pdata[i]));
  }
  for (uint32_t i = 0; i < n_out; i++) {
    if (ok && i < call->n_out)
      ok = (call->out[i] = join_turns(call, rows[i], &body->outputs[i], 0, FALSE, error)) != NULL;
    g_ptr_array_unref(rows[i]);
  }
  return ok;
}

gboolean qf_program_op_scan(QfCall *call, GError **error)
{
  const QfProgramBody *body = qf_call_body(call, "body", error);
  gboolean batched = call->node->opset < 9;
  int64_t n_scanned = qf_program_int(call->node, "num_scan_inputs", 0);
  if (!body)
    return FALSE;
  if (body->n_inputs != call->n_in - batched || n_scanned < 1 || n_scanned > body->n_inputs ||
      body->n_outputs < body->n_inputs - n_scanned || call->n_out > body->n_outputs)
    return qf_call_fail(call, error, QF_ERROR_FORMAT,
                        "its body does not fit its inputs; export the model again");
  uint32_t n_states = body->n_inputs - (uint32_t)n_scanned;
  for (uint32_t i = batched; i < call->n_in; i++)
    if (!call->in[i])
      return qf_call_fail(call, error, QF_ERROR_FORMAT, "input %u is missing", i);
  if (batched)
    return scan_batch(call, body, n_states, error);
  Turns t;
  g_autoptr(GPtrArray) result = new_values(body->n_outputs);
  begin_turns(&t, call, body, n_states, 0);
  gboolean ok = run_scan(&t, call->in, -1, "scan_input_directions", (QfValue **)result->pdata, error);
  end_turns(&t);
  for (uint32_t i = 0; ok && i < call->n_out; i++)
    call->out[i] = qf_value_ref(result->pdata[i]);
  return ok;
}

gboolean qf_program_op_sequence_map(QfCall *call, GError **error)
{
  const QfProgramBody *body = qf_call_body(call, "body", error);
  if (!body || !qf_call_sequence(call, 0, error))
    return FALSE;
  if (body->n_inputs != call->n_in || body->n_outputs < call->n_out)
    return qf_call_fail(call, error, QF_ERROR_FORMAT,
                        "its body does not fit its inputs; export the model again");
  Turns t;
  begin_turns(&t, call, body, 0, 0);
  gboolean ok = TRUE;
  for (uint32_t k = 0; ok && k < qf_value_n_items(call->in[0]); k++) {
    for (uint32_t i = 0; ok && i < call->n_in; i++) {
      QfValue *v = call->in[i];
      gboolean sequence = v && qf_value_kind(v) == QF_VALUE_SEQUENCE;
      QfValue *item = sequence ? qf_value_item(v, k) : v;
      ok = item || qf_call_fail(call, error, QF_ERROR_SHAPE,
                                "input %u is missing or shorter than the first sequence", i);
      set_value(t.inputs, i, item ? qf_value_ref(item) : NULL);
    }
    ok = ok && turn(&t, 0, 0, error);
  }
  for (uint32_t i = 0; ok && i < call->n_out; i++)
    call->out[i] = qf_value_new_sequence((QfValue **)t.turns[i]->pdata, t.turns[i]->len);
  end_turns(&t);
  return ok;
}
