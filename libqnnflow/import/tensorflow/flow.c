/* SPDX-License-Identifier: MIT */
/*
 * flow.c - inputs, constants, and branches whose condition is known while importing (a graph for training that was frozen with its
 * switch set to inference). And what to say about operators that are out of reach.
 */
#include "map.h"

#include <string.h>

/* The shape in the file; open dimensions are -1. A missing shape is taken from the options. */
static gboolean placeholder_shape(const QfTfNode *n, int64_t *dims, int32_t *rank, GError **error)
{
  const Tf__AttrValue *a = qf_tf_attr(n, "shape");
  const Tf__TensorShape *s = a ? a->shape : NULL;
  const QfModelOptions *o = n->tf->options;
  *rank = s && !s->unknown_rank ? (int32_t)MIN(s->n_dim, QF_MAX_RANK + 1) : -1;
  for (int i = 0; i < *rank && i < QF_MAX_RANK; i++)
    dims[i] = s->dim[i]->size < 0 ? -1 : s->dim[i]->size;
  for (uint32_t i = 0; *rank <= 0 && i < o->n_input_dims; i++) {
    const QfInputDims *given = &o->input_dims[i];
    if (given->name ? !strcmp(given->name, n->build.name) : i == n->build.graph->inputs->len)
      *rank = CLAMP(given->rank, 0, QF_MAX_RANK);
    for (int d = 0; d < *rank; d++)
      dims[d] = -1;
  }
  if (*rank < 0 || *rank > QF_MAX_RANK)
    return qf_build_fail(
        &n->build, error, QF_ERROR_SHAPE,
        "it has no shape in the file, or one of more than %d dimensions; give its dimensions "
        "(--dims=%.80s=1x224x224x3 to tools)",
        QF_MAX_RANK, n->build.name);
  return TRUE;
}

static gboolean map_placeholder(QfTfNode *n, GError **error)
{
  QfGraph *graph = n->build.graph;
  const Tf__AttrValue *a = qf_tf_attr(n, "dtype");
  const char *type = "no type";
  QfDType dtype = a ? qf_tf_dtype(a->type, &type) : QF_DTYPE_INVALID;
  int64_t dims[QF_MAX_RANK + 1];
  int32_t rank;
  if (a && a->type == QF_TF_STRING) { /* a sound's file: DecodeWav takes the samples instead */
    n->tf->strings = n->build.name;
    qf_tf_bind(n, 0, QF_TF_DEAD);
    return TRUE;
  }
  if (dtype == QF_DTYPE_INVALID)
    return qf_build_fail(&n->build, error, QF_ERROR_UNSUPPORTED, "its type %s is not supported", type);
  if (!placeholder_shape(n, dims, &rank, error) ||
      !qf_import_resolve_dims(graph, n->tf->options, graph->inputs->len, n->build.name, dims, rank, error))
    return FALSE;
  if (qf_dims_count(dims, rank) < 0)
    return qf_build_fail(&n->build, error, QF_ERROR_LIMIT, "it is too large for any memory");
  QfTensor *t = qf_tf_out(n, 0);
  qf_tensor_set_shape(t, dtype, dims, rank);
  t->layout = qf_build_guess_layout(t);
  if (rank == 4 && dims[3] <= 4)
    t->layout = QF_LAYOUT_NHWC;
  g_ptr_array_add(graph->inputs, t);
  return qf_tf_bind(n, 0, t);
}

static gboolean map_const(QfTfNode *n, GError **error)
{
  const Tf__AttrValue *a = qf_tf_attr(n, "value");
  if (!a || !a->tensor)
    return qf_build_fail(&n->build, error, QF_ERROR_FORMAT, "it has no value; freeze the graph again");
  if (a->tensor->dtype ==
      QF_TF_STRING) /* strings: messages of an Assert, labels; nothing computes with them */
    return qf_tf_bind(n, 0, qf_build_scalar(&n->build, 0, QF_DTYPE_UINT8));
  return qf_tf_bind(n, 0, qf_tf_read_tensor(n->tf->file, n->build.graph, a->tensor, n->build.name, error));
}

static gboolean map_pass(QfTfNode *n, GError **error)
{
  return qf_tf_bind(n, 0, n->in[0]) || error != NULL;
}

static gboolean map_nothing(QfTfNode *n, GError **error)
{
  (void)n;
  (void)error;
  return TRUE;
}

/* Output 0 when the condition is false, output 1 when it is true. */
static gboolean map_switch(QfTfNode *n, GError **error)
{
  const QfTensor *condition = n->in[1];
  if (!condition->data || qf_tensor_count(condition) != 1)
    return qf_build_fail(
        &n->build, error, QF_ERROR_UNSUPPORTED,
        "its condition '%s' is not known before the model runs; freeze the graph with the switch between "
        "training and inference set, or convert the model to TFLite",
        condition->name);
  gboolean taken = qf_tensor_get_real(condition, 0) != 0;
  qf_tf_bind(n, 0, taken ? QF_TF_DEAD : n->in[0]);
  qf_tf_bind(n, 1, taken ? n->in[0] : QF_TF_DEAD);
  return TRUE;
}

/* The input that is alive, and its number. */
static gboolean map_merge(QfTfNode *n, GError **error)
{
  for (uint32_t i = 0; i < n->n_in; i++) {
    int64_t number = i;
    if (n->in[i] != QF_TF_DEAD)
      return qf_tf_bind(n, 0, n->in[i]) &&
             qf_tf_bind(n, 1, qf_tf_make_ints(n, QF_DTYPE_INT32, &number, 1, TRUE));
  }
  (void)error;
  g_ptr_array_set_size(n->out, 1); /* all of it lies on a branch that is not taken */
  return TRUE;
}

const QfTfRow qf_tf_flow_rows[] = {
    {"Placeholder", map_placeholder, 0, 0, NULL, 0},
    {"PlaceholderV2", map_placeholder, 0, 0, NULL, 0},
    {"PlaceholderWithDefault", map_pass, 1, 1, NULL, 0},
    {"Const", map_const, 0, 0, NULL, 0},
    {"NoOp", map_nothing, 0, -1, NULL, 0},
    {"Assert", map_nothing, 0, -1, NULL, 0},
    {"Switch", map_switch, 2, 2, NULL, 0},
    {"Merge", map_merge, 1, -1, NULL, 0},
    {NULL},
};

static const struct {
  const char *op, *advice;
} advices[] = {
    {"VariableV2", "the graph is not frozen: its variables must be made constants (freeze_graph, or "
                   "convert_variables_to_constants)"},
    {"Variable", "the graph is not frozen: make its variables constants (freeze_graph)"},
    {"VarHandleOp", "the graph is not frozen: its variables must be made constants "
                    "(convert_variables_to_constants_v2)"},
    {"ReadVariableOp",
     "the graph is not frozen: make its variables constants (convert_variables_to_constants_v2)"},
    {"PartitionedCall", "inline its functions when it is frozen (convert_variables_to_constants_v2 does)"},
    {"StatefulPartitionedCall",
     "inline its functions when it is frozen (convert_variables_to_constants_v2 does)"},
    {"Enter", "loops are not supported: unroll them, or convert the model to TFLite, where LSTM and GRU "
              "layers are operators"},
    {"Exit", "loops are not supported: unroll them, or convert the model to TFLite"},
    {"NextIteration", "loops are not supported: unroll them, or convert the model to TFLite"},
    {"LoopCond", "loops are not supported: unroll them, or convert the model to TFLite"},
    {"While", "loops are not supported: unroll them, or convert the model to TFLite"},
    {"StatelessWhile", "loops are not supported: unroll them, or convert the model to TFLite"},
    {"If", "branches are supported as Switch and Merge with a constant condition: freeze the graph with the "
           "condition set"},
    {"StatelessIf", "branches are supported as Switch and Merge with a constant condition: freeze the graph "
                    "with the condition set"},
    {"TensorArrayV3", "loops are not supported: unroll them, or convert the model to TFLite"},
    {"DecodeJpeg", "cut the graph behind it: pictures are decoded outside of the model"},
    {"NonMaxSuppression",
     "use NonMaxSuppressionV4 with pad_to_max_output_size, or cut the detector off before it"},
    {"NonMaxSuppressionV2",
     "use NonMaxSuppressionV4 with pad_to_max_output_size, or cut the detector off before it"},
    {"NonMaxSuppressionV3",
     "use NonMaxSuppressionV4 with pad_to_max_output_size, or cut the detector off before it"},
};

const char *qf_tf_advice(const char *op)
{
  for (guint i = 0; i < G_N_ELEMENTS(advices); i++)
    if (!strcmp(advices[i].op, op))
      return advices[i].advice;
  return NULL;
}
