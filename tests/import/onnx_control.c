/* SPDX-License-Identifier: MIT */
/*
 * onnx_control.c - If, Loop and Scan of ONNX with fixed shapes: what bodies see of the graphs around them, conditions and trip counts known
 * and not, axes and directions of Scan. Each model runs on both backends, optimised and not.
 */
#include "onnx_build.h"

#include "libqnnflow/runtime/model.h"

#include <qnnflow/qnnflow.h>
#include <string.h>

/* A model, numbers for its inputs in their order, and those of its first output. */
typedef struct {
  const char *name, *model, *inputs, *output;
  const char *operators; /* of the graph as the file has it */
} Case;

#define LOOP_BODY                                                                                            \
  "body b; in i i64 scalar; in go bool scalar; in v f32 2; node Cast i -> f to=1; node Mul f,k -> p; "       \
  "node Add v,p -> w; out go2; out w; out p; node Identity go -> go2; end; "

static const Case cases[] = {
    {"if",
     "opset 13; in c bool scalar; in x f32 2; node Neg x -> m; body a; node Add x,m -> r; out r; end; "
     "body b; node Sub x,m -> s; out s; end; node If c -> y then_branch=@a else_branch=@b; out y",
     "0 1 2", "2 4", "ElementWiseNeg If"},
    {"if-constant",
     "opset 13; in x f32 2; w c bool scalar = 1; body a; node Add x,x -> r; out r; end; "
     "body b; node Nonsense x -> s; out s; end; node If c -> y then_branch=@a else_branch=@b; out y",
     "1 2", "2 4", "ElementWiseAdd Reshape"},
    {"if-outer-value",
     "opset 13; in c bool scalar; in x f32 2; node Neg x -> m; body a; out m; end; body b; w k f32 2 = 7; "
     "out k; end; node If c -> y then_branch=@a else_branch=@b; out y",
     "1 1 2", "-1 -2", "ElementWiseNeg If"},
    {"loop-known",
     "opset 13; in x f32 2; w n i64 scalar = 3; w k f32 2 = 10; " LOOP_BODY
     "node Loop n,-,x -> y,z body=@b; out z",
     "1 2", "0 0 10 10 20 20", "Loop"},
    {"loop-trips",
     "opset 13; in n i64 scalar; in x f32 2; body b; in i i64 scalar; in g bool scalar; in v f32 2; "
     "node Add v,x -> w; out g; out w; end; node Loop n,-,x -> y body=@b; out y",
     "4 1 2", "5 10", "Loop"},
    {"loop-condition",
     "opset 13; in x f32 scalar; w t bool scalar = 1; w end f32 scalar = 50; body b; in i i64 scalar; "
     "in g bool scalar; in v f32 scalar; node Add v,v -> w; node Less w,end -> h; out h; out w; end; "
     "node Loop -,t,x -> y body=@b; out y",
     "3", "96", "Loop"},
    {"loop-once",
     "opset 13; in x f32 2; body b; w no bool scalar = 0; in i i64 scalar; in g bool scalar; in v f32 2; "
     "node Add v,v -> w; out no; out w; out v; end; node Loop -,-,x -> y,z body=@b; out z",
     "3 4", "3 4", "Loop"},
    {"nested",
     "opset 13; in x f32 2; w n i64 scalar = 2; w zero f32 scalar = 0; body o; in i i64 scalar; in g bool "
     "scalar; in v f32 2; "
     "body a; node Add v,x -> r; out r; end; body b; node Mul v,x -> s; out s; end; "
     "body l; in j i64 scalar; in h bool scalar; in u f32 2; node Cast j -> first to=9; "
     "body e; node Mul u,x -> p; out p; end; body t; node Add u,v -> q; out q; end; "
     "node If first -> t then_branch=@t else_branch=@e; out h; out t; end; "
     "node Loop n,-,v -> w body=@l; out g; out w; end; node Loop n,-,x -> y body=@o; out y",
     "2 3", "18 48", "Loop"},
    {"scan",
     "opset 13; in s f32 2; in a f32 3,2; body b; in v f32 2; in r f32 2; node Add v,r -> w; node Neg w -> "
     "m; out w; out m; end; "
     "node Scan s,a -> f,y body=@b num_scan_inputs=1; out y",
     "1 1 1 2 3 4 5 6", "-2 -3 -5 -7 -10 -13", "Scan"},
    {"scan-axes",
     "opset 13; in s f32 2; in a f32 2,3; body b; in v f32 2; in r f32 2; node Add v,r -> w; out w; out w; "
     "end; "
     "node Scan s,a -> f,y body=@b num_scan_inputs=1 scan_input_axes=[1] scan_input_directions=[1] "
     "scan_output_axes=[-1] scan_output_directions=[1]; out y",
     "0 0 1 2 3 4 5 6", "6 5 3 15 11 6", "Transpose StridedSlice Scan StridedSlice Transpose Reshape"},
    {"scan-8",
     "opset 8; in s f32 2,1; in a f32 2,3,1; in k f32 1; body b; in v f32 1; in r f32 1; node Add v,r -> t; "
     "node Add t,k -> w; "
     "out w; out w; end; node Scan -,s,a -> f,y body=@b num_scan_inputs=1; out y",
     "0 10 1 2 3 4 5 6 100", "101 203 306 114 219 325", "Scan"},
};

static char *operators(const QfGraph *graph)
{
  GString *s = g_string_new(NULL);
  qf_foreach_node (node, graph)
    g_string_append_printf(s, "%s%s", s->len ? " " : "", node->op->name);
  return g_string_free(s, FALSE);
}

static void fill(QfSession *session, const char *numbers)
{
  g_auto(GStrv) words = g_strsplit(numbers, " ", -1);
  QfModel *model = qf_session_model(session);
  char **at = words;
  for (uint32_t i = 0; i < qf_model_n_inputs(model); i++) {
    const QfTensorDesc *desc = qf_model_input(model, i);
    void *data = qf_session_input_data(session, i);
    for (int64_t k = 0; k < qf_dims_count(desc->dims, desc->rank); k++, at++) {
      g_assert_nonnull(*at);
      if (desc->dtype == QF_DTYPE_FLOAT32)
        ((float *)data)[k] = (float)g_ascii_strtod(*at, NULL);
      else if (desc->dtype == QF_DTYPE_INT64)
        ((int64_t *)data)[k] = g_ascii_strtoll(*at, NULL, 10);
      else
        ((uint8_t *)data)[k] = **at == '1';
    }
  }
  g_assert_null(*at);
}

static void test_case(gconstpointer data)
{
  const Case *c = data;
  g_autoptr(GBytes) bytes = onnx_build(c->model);
  for (int way = 0; way < 4; way++) {
    g_autoptr(GError) error = NULL;
    QfModelOptions options = {.backend = way & 1 ? "ref" : "cpu", .no_optimize = way & 2};
    g_autoptr(QfModel) model = qf_model_load_bytes(bytes, "test.onnx", &options, &error);
    g_assert_no_error(error);
    g_assert_false(qf_model_is_dynamic(model));
    if (options.no_optimize) {
      g_autofree char *ops = operators(model->graph);
      g_assert_cmpstr(ops, ==, c->operators);
    }
    g_autoptr(QfSession) session = qf_session_new(model, NULL, &error);
    g_auto(GStrv) wanted = g_strsplit(c->output, " ", -1);
    const QfTensorDesc *out = qf_model_output(model, 0);
    g_assert_cmpint(qf_dims_count(out->dims, out->rank), ==, g_strv_length(wanted));
    for (int turn = 0; turn < 2; turn++) { /* nothing is left of the first run */
      fill(session, c->inputs);
      g_assert_true(qf_session_run(session, &error));
      const float *y = qf_session_output_data(session, 0);
      for (guint i = 0; wanted[i]; i++)
        g_assert_cmpfloat_with_epsilon(y[i], g_ascii_strtod(wanted[i], NULL), 1e-4);
    }
  }
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *path = g_strdup_printf("/onnx/control/%s", cases[i].name);
    g_test_add_data_func(path, &cases[i], test_case);
  }
  return g_test_run();
}
