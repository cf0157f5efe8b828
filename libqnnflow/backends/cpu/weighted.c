/* SPDX-License-Identifier: MIT */
/*
 * weighted.c - taking weighted nodes apart, packing their constants, and running implicit GEMM plans on the pool.
 *
 * Integers are taken when input and output are 8-bit with one encoding each, and no sum can leave int32.
 */
#include "weighted.h"

#include <string.h>

#define SAME(name) G_STATIC_ASSERT((int)QFK_##name == (int)QF_##name)
SAME(ACT_NONE);
SAME(ACT_CLAMP);
SAME(ACT_HARD_SWISH);
SAME(ACT_SIGMOID);
SAME(ACT_SILU);
SAME(ACT_TANH);
SAME(ACT_PRELU);
SAME(ACT_LEAKY);
SAME(ACT_GELU);
G_STATIC_ASSERT((int)QFK_N_ACTS == (int)QF_N_ACTS);

static gboolean is_byte_type(const QfTensor *t, QfkInt *type)
{
  return qf_cpu_int_type(t->dtype, type) && (*type == QFK_U8 || *type == QFK_S8);
}

static gboolean init_integer(QfCpuWeighted *wt, const QfEpilogue *epi)
{
  const QfEncoding *xe = &wt->x->enc, *we = &wt->w->enc, *ye = &wt->y->enc;
  if (!is_byte_type(wt->x, &wt->x_type) || !is_byte_type(wt->w, &wt->w_type) ||
      !is_byte_type(wt->y, &wt->y_type))
    return FALSE;
  if (xe->count != 1 || ye->count != 1 || (we->count != 1 && we->count != (uint32_t)wt->oc) || wt->residual ||
      epi->act > QF_ACT_CLAMP)
    return FALSE;
  wt->x_zero = qf_cpu_zero_point(wt->x);
  wt->y_zero = qf_cpu_zero_point(wt->y);
  const int32_t x_low = wt->x_type == QFK_S8 ? INT8_MIN : 0;
  wt->x_max = MAX(ABS(x_low - wt->x_zero), ABS(x_low + UINT8_MAX - wt->x_zero));
  wt->scale = g_new(float, wt->oc);
  wt->w_zero = g_new(int32_t, wt->oc);
  gboolean any = FALSE;
  for (int32_t c = 0; c < wt->oc; c++) {
    const QfScaleOffset *e = &we->entries[we->count == 1 ? 0 : c];
    wt->scale[c] = qfk_requant_scale(xe->entries[0].scale, e->scale, ye->entries[0].scale);
    wt->w_zero[c] = -e->offset;
    any |= e->offset != 0;
  }
  if (!any)
    g_clear_pointer(&wt->w_zero, g_free);
  int32_t min = wt->y_type == QFK_S8 ? INT8_MIN : 0, max = wt->y_type == QFK_S8 ? INT8_MAX : UINT8_MAX;
  int32_t lo = min, hi = max;
  if (epi->act == QF_ACT_CLAMP) {
    lo = qfk_requant_bound(epi->lo, ye->entries[0].scale, wt->y_zero, min, max);
    hi = qfk_requant_bound(epi->hi, ye->entries[0].scale, wt->y_zero, min, max);
  }
  wt->lo = (float)(lo - wt->y_zero);
  wt->hi = (float)(hi - wt->y_zero);
  return ABS(wt->y_zero) <= UINT8_MAX && ABS(wt->x_zero) <= UINT8_MAX;
}

static gboolean init_float(QfCpuWeighted *wt, const QfNode *node, const QfEpilogue *epi)
{
  if (wt->x->dtype != QF_DTYPE_FLOAT32 || wt->w->dtype != QF_DTYPE_FLOAT32 ||
      wt->y->dtype != QF_DTYPE_FLOAT32)
    return FALSE;
  wt->epi = (QfkEpilogue){.act = epi->act, .lo = epi->lo, .hi = epi->hi, .alpha = epi->alpha};
  wt->lo = epi->act == QF_ACT_CLAMP ? epi->lo : -INFINITY;
  wt->hi = epi->act == QF_ACT_CLAMP ? epi->hi : INFINITY;
  if (epi->act == QF_ACT_PRELU) {
    const QfTensor *slope = qf_cpu_input(node, epi->residual ? 4 : 3);
    if (!slope || !slope->data || slope->dtype != QF_DTYPE_FLOAT32 || qf_tensor_count(slope) != wt->oc)
      return FALSE;
    wt->epi.slope = qf_tensor_data(slope);
  }
  return TRUE;
}

gboolean qf_cpu_weighted_init(QfCpuWeighted *wt, const QfLower *lower, const QfNode *node,
                              const QfEpilogue *epi, int32_t oc)
{
  const QfTensor *bias = qf_cpu_input(node, 2);
  *wt = (QfCpuWeighted){.x = node->inputs[0], .w = node->inputs[1], .y = node->outputs[0], .oc = oc};
  wt->residual = epi->residual && qf_cpu_input(node, 3);
  wt->integer = wt->x->enc.count > 0;
  wt->after = wt->integer ? qf_cpu_after_of(lower, node) : NULL;
  if (!wt->w->data || (bias && !bias->data) || !qf_tensor_count(wt->y) || !qf_tensor_count(wt->x))
    return FALSE;
  if (bias && bias->dtype != (wt->integer ? QF_DTYPE_INT32 : QF_DTYPE_FLOAT32))
    return FALSE;
  wt->weights = qf_tensor_data(wt->w);
  wt->bias = bias ? qf_tensor_data(bias) : NULL;
  if (wt->integer)
    wt->rests = g_new0(QfCpuRests, 1);
  return wt->integer ? init_integer(wt, epi) : init_float(wt, node, epi);
}

void qf_cpu_weighted_clear(QfCpuWeighted *wt)
{
  g_clear_pointer(&wt->w_zero, g_free);
  g_clear_pointer(&wt->scale, g_free);
  if (wt->rests) {
    g_free(wt->rests->list.counts);
    g_free(wt->rests->list.found);
  }
  g_clear_pointer(&wt->rests, g_free);
}

/* Plain C can do it too, but only when nothing faster is wanted. The log is told once a model. */
static QfkTileKind float_kind(QfLower *lower, uint32_t features)
{
  if (!lower->fast_math)
    return QFK_TILE_F32;
  const QfkTileKernel *kernel = qfk_tile_find(QFK_TILE_BF16, features);
  if (kernel->isa || !features)
    return QFK_TILE_BF16;
  g_message("%s: fast math is not available: this CPU has no bfloat16 instructions; float32 is used",
            lower->model);
  lower->fast_math = FALSE;
  return QFK_TILE_F32;
}

const QfkTileKernel *qf_cpu_tile_kernel(QfLower *lower, const QfCpuWeighted *wt, const QfkPack *all)
{
  const uint32_t features = qfk_cpu_features();
  if (!wt->integer)
    return qfk_tile_find(float_kind(lower, features), features);
  if (!qfk_pack_fits(all, wt->bias, wt->x_max) || !qfk_pack_within(all, INT16_MIN, INT16_MAX))
    return NULL;
  const QfkTileKernel *dot = qfk_tile_find(QFK_TILE_DOT_U, features);
  if (!dot)
    dot = qfk_tile_find(QFK_TILE_DOT_S, features);
  return dot && qfk_pack_within(all, INT8_MIN, INT8_MAX) ? dot : qfk_tile_find(QFK_TILE_S16, features);
}

/* Less than that is not worth turning rows into columns, and rests back. */
enum { MIN_PAIRS_ROWS = 48, MIN_PAIRS_COLUMNS = 24, MIN_PAIRS_K = 256 };

/* What goes with packed weights: whether pairs are worth it, and how many rests there are. */
typedef struct {
  uint32_t usable, layers, pairs;
} Choice;

/* More than that are not worth it. */
static uint64_t most_pairs(const QfkPack *all)
{
  return (uint64_t)all->k * all->n / 32;
}

static void count_rests(const QfkPack *all, QfCpuRests *r)
{
  QfkRestList *list = &r->list;
  g_free(list->counts);
  g_free(list->found);
  list->counts = g_new(QfkRestCount, all->n);
  list->room = (uint32_t)MIN(2 * most_pairs(all), G_MAXINT32);
  list->found = g_new(QfkRestFound, list->room + 1);
  r->usable = qfk_rest_scan(all, list);
  if (!r->usable)
    list->layers = list->pairs = 0;
  r->usable &= list->pairs <= most_pairs(all);
}

const QfkTileKernel *qf_cpu_pairs_kernel(QfLower *lower, const QfCpuWeighted *wt, const QfkTileKernel *kernel,
                                         const QfkPack *all, const QfkConvShape *s)
{
  const QfkTileKernel *pairs = qfk_tile_find(QFK_TILE_PAIRS, qfk_cpu_features());
  QfCpuRests *r = wt->rests;
  if (!pairs || kernel->kind != QFK_TILE_S16 || s->group != 1 || s->kh != 1 || s->kw != 1 ||
      (int64_t)s->n * s->oh * s->ow < MIN_PAIRS_ROWS || s->oc < MIN_PAIRS_COLUMNS || s->c < MIN_PAIRS_K)
    return kernel;
  void *fill;
  const Choice *known = qf_lower_packed(lower, "choice of pairs", sizeof(*known), &fill);
  if (!fill && known->layers <= QFK_REST_LAYERS && known->pairs <= most_pairs(all)) {
    r->usable = known->usable;
    r->list.layers = known->layers;
    r->list.pairs = known->pairs;
  } else {
    count_rests(all, r);
  }
  if (fill)
    *(Choice *)fill = (Choice){r->usable, r->list.layers, r->list.pairs};
  return r->usable ? pairs : kernel;
}

/* Takes what pairs cannot hold off the weights of a plan of one segment. @panels: they are packed there just now; NULL: they come
 * without it. */
static void split_rests(QfLower *lower, QfkIgemm *p, const QfkPack *pack, QfCpuRests *r, void *panels)
{
  QfkRest *rest = qf_lower_alloc(lower, sizeof(*rest));
  QfkRestList *list = &r->list;
  const size_t start_bytes = qfk_rest_starts(pack, list->layers) * sizeof(uint32_t);
  const size_t pair_bytes = MAX(list->pairs, 1) * sizeof(QfkRestPair);
  void *start, *pairs;
  *rest = (QfkRest){.k = pack->k, .layers = list->layers};
  rest->start = qf_lower_packed(lower, p->kernel->name, start_bytes, &start);
  rest->pairs = qf_lower_packed(lower, p->kernel->name, pair_bytes, &pairs);
  const gboolean known = !start && !pairs && qfk_rest_valid(rest, pack->n, list->pairs);
  if (!known || panels) {
    const uint32_t layers = list->layers, n = list->pairs;
    if (!list->counts)
      count_rests(pack, r);
    if (!start || layers != list->layers)
      start = qf_lower_alloc(lower, qfk_rest_starts(pack, list->layers) * sizeof(uint32_t));
    if (!pairs || n < list->pairs)
      pairs = qf_lower_alloc(lower, MAX(list->pairs, 1) * sizeof(QfkRestPair));
    qfk_rest_split(p->kernel, pack, list, panels, start, pairs, rest);
  }
  rest->flip = p->flip;
  p->rest = list->layers ? rest : NULL;
  p->rest_fn = qfk_rest_find(qfk_cpu_features());
}

/* Zero points and flips of integer plans; returns the input's zero point as the kernel sees it. */
static int32_t fill_integer(QfkIgemm *p, const QfCpuWeighted *wt)
{
  const QfkTileKind kind = p->kernel->kind;
  p->x_zero = wt->x_zero;
  p->y_zero = wt->y_zero;
  p->x_signed = wt->x_type == QFK_S8;
  p->y_signed = wt->y_type == QFK_S8;
  if (qfk_tile_widens(kind)) {
    p->widen = qfk_widen_find(qfk_cpu_features());
    return 0;
  }
  if (p->x_signed == (kind == QFK_TILE_DOT_S))
    return wt->x_zero;
  p->flip = 0x80;
  return wt->x_zero + (kind == QFK_TILE_DOT_S ? -128 : 128);
}

void qf_cpu_igemm_fill(QfLower *lower, QfkIgemm *p, const QfCpuWeighted *wt, QfkPack pack)
{
  const uint32_t og = (uint32_t)(wt->oc / p->group);
  int32_t x_zero = wt->integer ? fill_integer(p, wt) : 0;
  p->columns = qfk_pack_columns(p->kernel, og);
  p->group_bytes = qfk_pack_bytes(p->kernel, &pack);
  p->lo = wt->lo;
  p->hi = wt->hi;
  p->act = wt->epi;
  if (p->kernel->kind == QFK_TILE_BF16)
    p->widen = qfk_narrow_find(qfk_cpu_features());
  if (!wt->integer && wt->epi.act > QF_ACT_CLAMP)
    p->act_fn = qfk_act_find(qfk_cpu_features());

  void *panels, *bias;
  p->panels = qf_lower_packed(lower, p->kernel->name, p->group_bytes * (size_t)p->group, &panels);
  p->bias = qf_lower_packed(lower, p->kernel->name, (size_t)p->columns * (size_t)p->group * 4, &bias);
  float *scale =
      wt->integer ? qf_lower_alloc(lower, (size_t)p->columns * (size_t)p->group * sizeof(*scale)) : NULL;
  uint8_t *zeros = qf_lower_alloc(lower, (size_t)p->k * p->x_size + QF_ALIGNMENT);
  if (wt->integer)
    memset(zeros, (uint8_t)wt->x_zero, (size_t)p->k * p->x_size + QF_ALIGNMENT);
  g_autofree int32_t *adjusted = g_new(int32_t, og);
  const size_t w_size = wt->integer ? 1 : sizeof(float);
  for (int32_t g = 0; g < p->group; g++) {
    QfkPack part = pack;
    part.w = (const uint8_t *)pack.w + (size_t)g * og * (size_t)pack.col * w_size;
    part.w_zero = pack.w_zero ? pack.w_zero + (size_t)g * og : NULL;
    const int32_t *b = wt->bias ? (const int32_t *)wt->bias + (size_t)g * og : NULL;
    if (x_zero && bias) {
      qfk_pack_bias(&part, b, x_zero, adjusted);
      b = adjusted;
    }
    if (panels)
      qfk_pack_panels(p->kernel, &part, (uint8_t *)panels + (size_t)g * p->group_bytes);
    if (p->kernel->kind == QFK_TILE_PAIRS) /* one group */
      split_rests(lower, p, &part, wt->rests, panels);
    if (bias)
      qfk_pack_vector(p->kernel, og, b, (uint32_t *)bias + (size_t)g * p->columns);
    if (scale)
      qfk_pack_vector(p->kernel, og, wt->scale + (size_t)g * og, scale + (size_t)g * p->columns);
  }
  p->scale = scale;
  p->below_one = wt->integer && qfk_requant_below_one(wt->scale, (size_t)wt->oc);
  p->zeros = zeros;
}

typedef struct {
  const QfkIgemm *plans;
  uint32_t n_plans;
  gboolean residual;
} StepParams;

typedef struct {
  const QfExec *exec;
  const QfkIgemm *plan;
  QfkIgemmGrid grid;
  const void *x, *res;
  void *y;
} Run;

static void run_item(void *arg, uint32_t index, uint32_t thread)
{
  const Run *r = arg;
  qfk_igemm_run(r->plan, &r->grid, index, r->x, r->res, r->y,
                r->exec->scratch + thread * r->exec->scratch_stride);
}

static void run_step(const QfStep *step, const QfExec *exec)
{
  const StepParams *params = step->params;
  Run r = {.exec = exec, .x = qf_step_in(step, exec, 0), .y = qf_step_out(step, exec, 0)};
  r.res = params->residual ? qf_step_in(step, exec, 3) : NULL;
  for (uint32_t i = 0; i < params->n_plans; i++) {
    r.plan = &params->plans[i];
    qfk_igemm_grid(r.plan, exec->n_threads, &r.grid);
    qf_pool_run(exec->pool, r.grid.items, run_item, &r);
  }
}

void qf_cpu_igemm_step(QfLower *lower, const QfNode *node, const QfCpuWeighted *wt, QfkIgemm *plans,
                       uint32_t n_plans)
{
  StepParams *params = qf_lower_alloc(lower, sizeof(*params));
  params->plans = plans;
  params->n_plans = n_plans;
  params->residual = wt->residual || (wt->after && qf_cpu_after_is_sum(wt->after));
  size_t scratch = 0;
  for (uint32_t i = 0; i < n_plans; i++)
    scratch = MAX(scratch, qfk_igemm_scratch(&plans[i]));
  for (uint32_t i = 0; wt->after && i < n_plans; i++)
    plans[i].after = qf_cpu_after_function(wt->after);
  qf_lower_step(lower, node, QF_CPU_UNIT, plans->kernel->name, run_step, params, scratch);
  if (wt->after)
    qf_cpu_after_take(lower, wt->after);
  qf_lower_release(lower, node->inputs[1]);
}
