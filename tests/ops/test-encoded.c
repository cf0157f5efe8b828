/* SPDX-License-Identifier: MIT */
/*
 * test-encoded.c - every operator that takes encoded integers gives, to within one step, what its float form gives on the real
 * numbers they stand for. Both forms are the reference backend's, but share no arithmetic.
 */
#include "cases.h"
#include "libqnnflow/backends/backend.h"

#include <math.h>
#include <string.h>

typedef struct {
  const char *op, *attrs;
  const char *dims[3];  /* of the inputs */
  const char *constant; /* marks the inputs, "12", that are weights: symmetric int8 */
  float low, high;      /* real range of the output's encoding */
} Encoded;

static const Encoded table[] = {
    {"ElementWiseAdd", NULL, {"3x5", "5"}, "", -4, 4},
    {"ElementWiseAdd", "activation=1 act_lo=0 act_hi=1.5", {"3x5", "3x1"}, "", -4, 4},
    {"ElementWiseAdd", "activation=3", {"3x5", "5"}, "", 0, 1},
    {"ElementWiseSubtract", NULL, {"3x5", "1"}, "", -4, 4},
    {"ElementWiseMultiply", NULL, {"3x5", "5"}, "", -4, 4},
    {"ElementWiseDivide", NULL, {"7x9", "9"}, "", -4, 4},
    {"ElementWiseMaximum", NULL, {"3x5", "5"}, "", -2, 2},
    {"ElementWiseMinimum", NULL, {"3x5", "5"}, "", -3, 1},
    {"ElementWiseSquaredDifference", NULL, {"3x5", "5"}, "", 0, 9},
    {"Prelu", NULL, {"3x5", "5"}, "", -4, 2},
    {"ElementWiseAbs", NULL, {"40"}, "", 0, 2},
    {"ElementWiseNeg", NULL, {"40"}, "", -2, 2},
    {"ElementWiseExp", NULL, {"40"}, "", 0, 8},
    {"Relu", NULL, {"40"}, "", 0, 2},
    {"Relu6", NULL, {"40"}, "", 0, 6},
    {"LeakyRelu", "alpha=0.1", {"40"}, "", -1, 2},
    {"Elu", NULL, {"40"}, "", -1, 2},
    {"Sigmoid", NULL, {"40"}, "", 0, 1},
    {"HardSigmoid", NULL, {"40"}, "", 0, 1},
    {"HardSwish", NULL, {"40"}, "", -1, 2},
    {"Silu", NULL, {"40"}, "", -1, 2},
    {"Tanh", NULL, {"40"}, "", -1, 1},
    {"Gelu", NULL, {"40"}, "", -1, 2},
    {"Softplus", NULL, {"40"}, "", 0, 3},
    {"Softmax", "axis=1", {"4x9"}, "", 0, 1},
    {"Softmax", "axis=0 beta=2", {"9x2"}, "", 0, 1},
    {"LogSoftmax", "axis=1", {"4x9"}, "", -8, 0},
    {"ReduceMean", "axes=0,2", {"3x4x5"}, "", -2, 2},
    {"ReduceSum", "axes=1", {"3x4x5"}, "", -8, 8},
    {"ReduceMax", "axes=1", {"3x4x5"}, "", -2, 2},
    {"ReduceMin", "axes=1", {"3x4x5"}, "", -2, 2},
    {"ReduceProd", "axes=1", {"3x4x5"}, "", -4, 4},
    {"ReduceL2", "axes=1", {"3x4x5"}, "", 0, 5},
    {"CumulativeSum", "axis=1", {"3x4"}, "", -8, 8},
    {"PoolAvg2d", "filter_size=3,3 stride=2,2 pad_amount=1,1,1,1", {"1x6x5x3"}, "", -2, 2},
    {"PoolAvg2d", "filter_size=3,3 pad_amount=1,1,1,1 count_pad_for_edges=1", {"1x6x5x3"}, "", -2, 2},
    {"PoolAvg2d", "filter_size=2,2 activation=1 act_lo=0 act_hi=6", {"1x6x5x3"}, "", -1, 3},
    {"PoolMax2d", "filter_size=3,3 stride=2,2", {"1x6x5x3"}, "", -2, 2},
    {"Resize", "size=1,9,7,2 interpolation_mode=1", {"1x4x5x2"}, "", -2, 2},
    {"Resize", "size=1,9,7,2 interpolation_mode=2", {"1x4x5x2"}, "", -3, 3},
    {"Resize", "size=1,9,7,2", {"1x4x5x2"}, "", -2, 2},
    {"Concat", "axis=1", {"2x3", "2x4"}, "", -2, 2},
    {"Transpose", "perm=1,0", {"2x3"}, "", -3, 3},
    {"Pad", "before=1,1 after=0,2 pad_constant_value=0.5", {"2x3"}, "", -3, 3},
    {"StridedSlice", "begin=0,2 end=2,-1 stride=1,-1", {"2x3"}, "", -3, 3},
    {"Convert", NULL, {"40"}, "", -1, 3},
    {"MatMul", NULL, {"2x3x4", "4x5"}, "", -8, 8},
    {"InstanceNorm", NULL, {"1x6x3"}, "", -3, 3},
    {"L2Norm", "axes=1", {"4x6"}, "", -1, 1},
    {"Conv2d", "pad_amount=1,1,1,1 stride=2,2", {"1x7x6x3", "3x3x3x4"}, "1", -6, 6},
    {"Conv2d", "pad_amount=1,1,1,1 activation=2", {"1x7x6x3", "3x3x3x4"}, "1", -1, 8},
    {"Conv2d", "group=3 activation=1 act_lo=0 act_hi=6", {"1x7x6x3", "2x2x1x6"}, "1", 0, 6},
    {"DepthWiseConv2d", "pad_amount=1,1,1,1 dilation=2,1", {"1x7x6x3", "3x3x1x6"}, "1", -6, 6},
    {"TransposeConv2d", "stride=2,2 pad_amount=1,0,0,1", {"1x4x5x3", "3x3x3x4"}, "1", -6, 6},
    {"FullyConnected", NULL, {"3x10", "4x10"}, "1", -6, 6},
};

/* The two types that models use, both kinds of sign, and 16 bits. */
static const struct {
  QfDType dtype;
  const char *name;
} types[] = {{QF_DTYPE_UINT8, "u8"}, {QF_DTYPE_INT8, "s8"}, {QF_DTYPE_INT16, "s16"}};

typedef struct {
  const Encoded *e;
  QfDType dtype;
} Job;

/* An encoding of [low, high]; symmetric for weights. */
static void encode_range(Arg *a, QfDType dtype, float low, float high)
{
  int64_t min, max;
  qf_dtype_range(dtype, &min, &max);
  *a = (Arg){.dtype = dtype, .scale = (high - low) / (float)(max - min)};
  a->zero_point = (int32_t)CLAMP(lrintf((float)min - low / a->scale), min, max);
}

static int64_t count_of(const char *dims)
{
  int64_t n = 1;
  g_auto(GStrv) words = g_strsplit(dims, "x", -1);
  for (char **w = words; *w; w++)
    n *= g_ascii_strtoll(*w, NULL, 10);
  return n;
}

/* Random stored values, and the real ones that they stand for. */
static void fill(Arg *encoded, Arg *real, const char *dims, GRand *rand)
{
  int64_t n = count_of(dims), min, max;
  double *q = g_new(double, n), *r = g_new(double, n);
  qf_dtype_range(encoded->dtype, &min, &max);
  for (int64_t i = 0; i < n; i++) {
    q[i] = g_rand_int_range(rand, (int)min, (int)max + 1);
    r[i] = (q[i] - encoded->zero_point) * (double)encoded->scale;
  }
  encoded->dims = dims;
  encoded->values = q;
  *real = (Arg){.dtype = QF_DTYPE_FLOAT32, .dims = dims, .values = r};
}

static QfTensor *compute(QfGraph *graph, const Case *c)
{
  g_autoptr(GError) error = NULL;
  QfNode *node = case_make_node(graph, c);
  gboolean ok = qf_graph_add_node(node, &error) && qf_ref_evaluate(node, &error);
  g_assert_no_error(error);
  g_assert_true(ok);
  return node->outputs[0];
}

/* Half a step from rounding the right number, and as much again for the order of operations; a clamped one is at the end. */
static void check(const QfTensor *got, const QfTensor *want)
{
  const QfScaleOffset *e = &got->enc.entries[0];
  int64_t min, max;
  qf_dtype_range(got->dtype, &min, &max);
  g_assert_cmpint(qf_tensor_count(got), ==, qf_tensor_count(want));
  for (int64_t i = 0; i < qf_tensor_count(got); i++) {
    double q = rint(qf_tensor_get_real(got, i) / (double)e->scale) - e->offset;
    double exact = qf_tensor_get_real(want, i) / (double)e->scale - e->offset;
    exact = isnan(exact) ? (double)min : CLAMP(exact, (double)min, (double)max);
    if (fabs(q - exact) > 1.0)
      g_error("element %d is %g, but the float form gives %g", (int)i, q, exact);
  }
}

static void run_job(gconstpointer data)
{
  const Job *job = data;
  const Encoded *e = job->e;
  Case encoded = {.op = e->op, .attrs = e->attrs}, real = encoded;
  g_autoptr(QfGraph) graph = qf_graph_new("encoded");
  GRand *rand = g_rand_new_with_seed(7);
  for (int i = 0; i < 3 && e->dims[i]; i++) {
    gboolean weight = strchr(e->constant, '0' + i) != NULL;
    if (weight) {
      encode_range(&encoded.in[i], QF_DTYPE_INT8, -1, 1);
      encoded.in[i].zero_point = 0;
    } else
      encode_range(&encoded.in[i], job->dtype, i ? -1.5f : -2, i ? 1 : 2);
    fill(&encoded.in[i], &real.in[i], e->dims[i], rand);
  }
  encode_range(&encoded.out[0], job->dtype, e->low, e->high);
  if (!strcmp(e->op, "PoolMax2d")) /* moves values: one encoding */
    encoded.out[0] = (Arg){encoded.in[0].dtype, "", NULL, encoded.in[0].scale, encoded.in[0].zero_point};
  real.out[0] = (Arg){.dtype = QF_DTYPE_FLOAT32, .dims = ""};
  if (!strcmp(e->op, "Convert")) { /* has no float form: the values themselves */
    real.op = "ReluMinMax";
  }
  check(compute(graph, &encoded), compute(graph, &real));
  for (int i = 0; i < 3 && e->dims[i]; i++) {
    g_free((double *)encoded.in[i].values);
    g_free((double *)real.in[i].values);
  }
  g_rand_free(rand);
}

int main(int argc, char **argv)
{
  static Job jobs[G_N_ELEMENTS(table) * G_N_ELEMENTS(types)];
  g_test_init(&argc, &argv, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS(jobs); i++) {
    jobs[i] = (Job){&table[i / G_N_ELEMENTS(types)], types[i % G_N_ELEMENTS(types)].dtype};
    g_autofree char *path =
        g_strdup_printf("/encoded/%s/%d-%s", jobs[i].e->op, (int)i, types[i % G_N_ELEMENTS(types)].name);
    g_test_add_data_func(path, &jobs[i], run_job);
  }
  return g_test_run();
}
