/* SPDX-License-Identifier: MIT */
/*
 * random.c - rows of the operators that draw random numbers. Without a seed each run of each session draws from a stream of its own.
 */
#include "ref.h"
#include "../../ops/list.h"
#include "kernels/random/random.h"

typedef struct {
  uint64_t seed;
  gboolean seeded;
  double a, b;
  size_t rows, classes, n;
} Params;

/* The streams begun so far, in all sessions. */
static gint streams;

static uint64_t stream(const Params *p)
{
  return p->seeded ? p->seed : p->seed ^ (uint64_t)(guint)g_atomic_int_add(&streams, 1) << 32;
}

static void run_uniform(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_random_uniform_ref(stream(p), p->a, p->b, out[0], p->n);
}

static void run_normal(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_random_normal_ref(stream(p), p->a, p->b, out[0], p->n);
}

static void run_multinomial(const void *params, const void *const *in, void *const *out)
{
  const Params *p = params;
  qfk_random_multinomial_ref(stream(p), in[0], p->rows, p->classes, out[0], p->n);
}

static Params *new_params(QfLower *lower, const QfNode *node)
{
  const QfRandomAttrs *a = node->attrs;
  Params *p = qf_lower_alloc(lower, sizeof(*p));
  *p = (Params){.seeded = a->seeded != 0,
                .seed =
                    a->seeded ? (uint64_t)(uint32_t)a->seed : (uint64_t)g_random_int() << 32 | g_random_int(),
                .a = (double)a->a,
                .b = (double)a->b,
                .n = (size_t)qf_tensor_count(node->outputs[0])};
  return p;
}

gboolean qf_ref_lower_random(QfLower *lower, QfNode *node, GError **error)
{
  const gboolean normal = node->op == &qf_op_RandomNormal;
  qf_ref_lower_as(lower, node, normal ? "random_normal_ref" : "random_uniform_ref",
                  normal ? run_normal : run_uniform, new_params(lower, node),
                  (QfRefPorts){.as = QF_DTYPE_FLOAT64, .out = 1});
  return TRUE;
}

gboolean qf_ref_lower_multinomial(QfLower *lower, QfNode *node, GError **error)
{
  Params *p = new_params(lower, node);
  p->rows = (size_t)node->inputs[0]->dims[0];
  p->classes = (size_t)node->inputs[0]->dims[1];
  p->n = (size_t)((const QfRandomAttrs *)node->attrs)->samples;
  qf_ref_lower_as(lower, node, "random_multinomial_ref", run_multinomial, p,
                  (QfRefPorts){.as = QF_DTYPE_FLOAT32, .in = 1, .out = 1, .index_out = 1});
  return TRUE;
}
