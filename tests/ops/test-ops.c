/* SPDX-License-Identifier: MIT */
/*
 * test-ops.c - runs the tables of cases: shapes and types that are inferred, errors that are given, and values that the
 * reference backend computes. Every operator must have cases of each sort.
 */
#include "cases.h"
#include "libqnnflow/backends/backend.h"

#include <math.h>
#include <string.h>

static void check_shape(const QfTensor *t, const Arg *a)
{
  g_autofree char *dims = qf_dims_to_string(t->dims, t->rank);
  g_assert_cmpstr(dims, ==, *a->dims ? a->dims : "scalar");
  g_assert_cmpstr(qf_dtype_name(t->dtype), ==, qf_dtype_name(a->dtype));
}

static double stored(const QfTensor *t, int64_t i)
{
  double real = qf_tensor_get_real(t, i);
  return t->enc.count ? rint(real / (double)t->enc.entries[0].scale) - t->enc.entries[0].offset : real;
}

static void check_values(const QfTensor *t, const Arg *a, double tolerance)
{
  g_assert_nonnull(t->data);
  for (int64_t i = 0; i < qf_tensor_count(t); i++) {
    double got = stored(t, i), want = a->values[i];
    gboolean equal = got == want || (isnan(got) && isnan(want)) || fabs(got - want) <= tolerance;
    if (!equal)
      g_error("element %d is %.9g, but %.9g is right", (int)i, got, want);
  }
}

static void run_case(gconstpointer data)
{
  const Case *c = data;
  g_autoptr(QfGraph) graph = qf_graph_new("case");
  g_autoptr(GError) error = NULL;
  QfNode *node = case_make_node(graph, c);
  gboolean ok = qf_graph_add_node(node, &error);
  if (c->error) {
    g_assert_false(ok);
    g_assert_error(error, QF_ERROR, error->code);
    if (!strstr(error->message, c->error))
      g_error("'%s' does not say '%s'", error->message, c->error);
    g_assert_nonnull(strstr(error->message, "case"));
    g_assert_nonnull(strstr(error->message, c->op));
    return;
  }
  g_assert_no_error(error);
  g_assert_true(ok);
  if (c->out[0].values && !node->dead) {
    g_assert_true(qf_ref_evaluate(node, &error));
    g_assert_no_error(error);
  }
  for (uint32_t i = 0; i < MAX_ARGS && c->out[i].dtype; i++) {
    check_shape(node->outputs[i], &c->out[i]);
    if (c->out[i].values)
      check_values(node->outputs[i], &c->out[i], c->tolerance);
  }
}

static const Case *const lists[] = {cases_infer, cases_math, cases_window,
                                    cases_move,  cases_more, cases_front};

/* Cases of @op that want a value, or an error. */
static int count_cases(const char *op, gboolean errors)
{
  int n = 0;
  for (size_t l = 0; l < G_N_ELEMENTS(lists); l++)
    for (const Case *c = lists[l]; c->op; c++)
      n += !strcmp(c->op, op) && (errors ? c->error != NULL : !c->error && c->out[0].values);
  return n;
}

static void every_operator_has_cases(void)
{
  uint32_t n;
  const QfOpDef *const *ops = qf_op_list(&n);
  for (uint32_t i = 0; i < n; i++) {
    if (ops[i]->n_bodies)
      continue; /* cases here are single nodes: tests/runtime/test-control.c */
    for (gboolean errors = FALSE; errors <= TRUE; errors++) {
      if (count_cases(ops[i]->name, errors))
        continue;
      g_test_message("%s has no case with %s", ops[i]->name, errors ? "an error" : "values");
      g_test_fail();
    }
  }
}

/* Entries that do not fit the tensor, or cannot be divided by, are refused before anything reads them. */
static void encodings_are_checked(void)
{
  static const struct {
    uint32_t count;
    int32_t axis;
    float scale;
    gboolean good;
    int32_t offset;
  } table[] = {{2, 0, 0.5f, TRUE},
               {3, 1, 0.5f, TRUE},
               {3, 0, 0.5f, FALSE},
               {2, -1, 0.5f, FALSE},
               {2, 2, 0.5f, FALSE},
               {1, 0, 0, FALSE},
               {1, 0, -1, FALSE},
               {1, 0, INFINITY, FALSE},
               {1, 0, NAN, FALSE},
               {1, 77, 1.0f, TRUE},
               {1, 0, 1.0f, TRUE, 1 << 30},
               {1, 0, 1.0f, FALSE, INT32_MIN},
               {1, 0, 1.0f, FALSE, INT32_MAX}};
  for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
    g_autoptr(QfGraph) graph = qf_graph_new("case");
    g_autoptr(GError) error = NULL;
    const QfScaleOffset e = {table[i].scale, table[i].offset}, entries[] = {e, e, e};
    const Case c = {.op = "Dequantize", .in = {U8("2x3", 1, 2, 3, 4, 5, 6)}, .out = {SHAPE(FLOAT32, "2x3")}};
    QfNode *node = case_make_node(graph, &c);
    qf_tensor_set_encoding(graph, node->inputs[0], table[i].count, table[i].axis, entries);
    gboolean ok = qf_graph_add_node(node, &error);
    g_assert_cmpint(ok, ==, table[i].good);
    g_assert_true(ok || g_error_matches(error, QF_ERROR, QF_ERROR_TYPE));
  }
}

/* A few bytes that unfold to 64 GB are an error, not an allocation. */
static void folding_is_bounded(void)
{
  g_autoptr(QfGraph) graph = qf_graph_new("case");
  g_autoptr(GError) error = NULL;
  const Case c = {.op = "BroadcastTo",
                  .attrs = "shape=131072,131072",
                  .in = {F32("1", 1)},
                  .out = {SHAPE(FLOAT32, "")}};
  graph->evaluate = qf_ref_evaluate;
  g_assert_false(qf_graph_add_node(case_make_node(graph, &c), &error));
  g_assert_error(error, QF_ERROR, QF_ERROR_LIMIT);
}

static void tables_are_sound(void)
{
  uint32_t n;
  const QfOpDef *const *ops = qf_op_list(&n);
  for (uint32_t i = 0; i < n; i++) {
    g_assert_true(qf_op_find(ops[i]->name) == ops[i]);
    g_assert_nonnull(ops[i]->infer);
    g_assert_nonnull(ops[i]->summary);
    g_assert_cmpint(ops[i]->min_inputs, >=, 1);
    g_assert_true(ops[i]->max_inputs < 0 || ops[i]->max_inputs >= ops[i]->min_inputs);
    for (const QfAttrDef *a = ops[i]->attrs; a && a->name; a++) {
      gboolean list = a->kind >= QF_ATTR_INTS && a->kind != QF_ATTR_AXIS;
      size_t size = list ? sizeof(QfInts) : 4 * (size_t)MAX(a->count, 1);
      g_assert_cmpuint(a->offset + size, <=, ops[i]->attrs_size);
      g_assert_true((a->kind == QF_ATTR_ENUM) == (a->enum_names != NULL));
    }
  }
  g_assert_null(qf_op_find("NoSuchOperator"));
  g_assert_null(qf_op_find(NULL));
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/ops/tables", tables_are_sound);
  g_test_add_func("/ops/encodings", encodings_are_checked);
  g_test_add_func("/ops/folding", folding_is_bounded);
  g_test_add_func("/ops/coverage", every_operator_has_cases);
  for (size_t l = 0; l < G_N_ELEMENTS(lists); l++)
    for (int i = 0; lists[l][i].op; i++) {
      g_autofree char *path = g_strdup_printf("/ops/%s/%d-%d", lists[l][i].op, (int)l, i);
      g_test_add_data_func(path, &lists[l][i], run_case);
    }
  return g_test_run();
}
