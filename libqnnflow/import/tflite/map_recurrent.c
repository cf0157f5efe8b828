/* SPDX-License-Identifier: MIT */
/*
 * map_recurrent.c - LSTM, RNN, their sequences in one and both directions. The gates' weights, which are tensors of their own in a
 * file, are joined to those of Lstm and Rnn, each row with its gate's scale; states are variables. A node per direction.
 */
#include "map.h"

#include <math.h>
#include <string.h>

#define MAX_PARTS 8

static const int32_t gate_order[] = {0, 3, 1, 2}; /* i, o, f, c among i, f, c, o */

/* What is joined: parts of @rows x @columns each; absent ones are zeros. */
typedef struct {
  QfTensor *part[MAX_PARTS];
  uint32_t n;
  int64_t rows, columns; /* columns 0: vectors */
} Join;

/* The first part that is there, and all of its kind checked. NULL on error. */
static const QfTensor *check_parts(const QfTflNode *n, const Join *j, GError **error)
{
  const QfTensor *first = NULL;
  if (j->rows > G_MAXINT32 || j->columns > G_MAXINT32) {
    qf_tfl_fail(n, error, QF_ERROR_LIMIT, "its weights are too large");
    return NULL;
  }
  for (uint32_t i = 0; i < j->n; i++) {
    const QfTensor *t = j->part[i];
    if (!t)
      continue;
    first = first ? first : t;
    if (!qf_tensor_data(t)) {
      qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED, "its weight \"%s\" must be constant", t->name);
      return NULL;
    }
    if (t->dtype != first->dtype || (t->enc.count != 0) != (first->enc.count != 0) ||
        qf_tensor_count(t) != j->rows * MAX(j->columns, 1) ||
        (t->enc.count > 1 && (t->enc.axis != 0 || t->enc.count != j->rows))) {
      qf_tfl_fail(n, error, QF_ERROR_SHAPE,
                  "its weight \"%s\" has not the type, size or quantization of the other gates' weights",
                  t->name);
      return NULL;
    }
  }
  return first;
}

static void join_encodings(QfTflNode *n, const Join *j, QfTensor *t)
{
  g_autofree QfScaleOffset *entries = g_new(QfScaleOffset, (gsize)j->n * j->rows + 1);
  for (uint32_t i = 0; i < j->n; i++)
    for (int64_t r = 0; r < j->rows; r++) {
      const QfTensor *p = j->part[i];
      entries[i * j->rows + r] = p ? p->enc.entries[p->enc.count > 1 ? r : 0] : (QfScaleOffset){1, 0};
    }
  qf_tensor_set_encoding(n->graph, t, (uint32_t)(j->n * j->rows), 1, entries);
}

/* [1, n * rows, columns], or without columns [1, n * rows]. FALSE on error; *@out is NULL when all parts are absent. */
static gboolean join(QfTflNode *n, const char *suffix, const Join *j, QfTensor **out, GError **error)
{
  GError *e = NULL;
  const QfTensor *first = check_parts(n, j, &e);
  *out = NULL;
  if (!first) {
    if (e)
      g_propagate_error(error, e);
    return !e;
  }
  const int64_t dims[] = {1, j->n * j->rows, j->columns};
  const size_t size = qf_tensor_size_bytes(first);
  g_autofree char *name = g_strconcat(n->name, "/", suffix, NULL);
  uint8_t *bytes = g_malloc0(size * j->n + 1);
  for (uint32_t i = 0; i < j->n; i++)
    if (j->part[i])
      memcpy(bytes + i * size, qf_tensor_data(j->part[i]), size);
  *out = qf_graph_add_constant(n->graph, name, first->dtype, dims, j->columns ? 3 : 2,
                               g_bytes_new_take(bytes, size * j->n));
  if (first->enc.count)
    join_encodings(n, j, *out);
  return TRUE;
}

static QfTensor *input(const QfTflNode *n, int32_t index)
{
  return index >= 0 && (uint32_t)index < n->n_in ? n->in[index] : NULL;
}

static gboolean set_activation(const QfTflNode *n, int64_t number, QfRecurrentAttrs *a, int i, GError **error)
{
  static const struct {
    QfCellActivation act;
    float alpha, beta;
  } acts[] = {{QF_CELL_AFFINE, 1, 0},
              {QF_CELL_RELU, 0, 0},
              {QF_CELL_CLIP, -1, 1},
              {QF_CELL_CLIP, 0, 6},
              {QF_CELL_TANH, 0, 0}};
  if (number < 0 || number >= (int64_t)G_N_ELEMENTS(acts))
    return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                       "fused activation %" G_GINT64_FORMAT " is not supported", number);
  a->act[i] = acts[number].act;
  a->alpha[i] = acts[number].alpha;
  a->beta[i] = acts[number].beta;
  return TRUE;
}

/* @t with other dimensions, its encoding kept. NULL on error, or when @t is. */
static QfTensor *reshaped(QfTflNode *n, const char *suffix, QfTensor *t, const int64_t *dims, int32_t rank,
                          GError **error)
{
  QfTensor *out = t ? qf_tfl_temp(n, suffix, t) : NULL;
  return out && qf_tfl_add_reshape(n, t, out, dims, rank, error) ? out : NULL;
}

/* The value of the variable that is input @index, as a state [1,B,...]. */
static gboolean read_state(QfTflNode *n, int32_t index, const char *suffix, QfTensor **state, GError **error)
{
  QfTensor *t = input(n, index);
  *state = NULL;
  if (!t)
    return TRUE;
  if (t->rank != 2)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its state has %d dimensions, not 2", t->rank);
  const int64_t dims[] = {1, t->dims[0], t->dims[1]};
  *state = reshaped(n, suffix, t, dims, 3, error);
  return *state != NULL;
}

static gboolean write_state(QfTflNode *n, int32_t index, const char *suffix, QfTensor *state, GError **error)
{
  QfTensor *t = input(n, index);
  if (!t)
    return TRUE;
  QfTensor *after = reshaped(n, suffix, state, t->dims, 2, error);
  return after && qf_tfl_assign(n, (uint32_t)index, after, error);
}

/* One direction, as it is mapped. */
typedef struct {
  const char *op;
  QfTensor *x;  /* [T,B,I] or [B,T,I] */
  int32_t h, c; /* inputs that are states; -1: none */
  QfTensor *in[11];
  gboolean reverse, time_major;
  float cell_clip, state_clip;
  int32_t coupled;
  gboolean asymmetric; /* of data quantized at run time */
  int64_t activation;
} Layer;

/* The scale and zero point of an intermediate tensor; 0: it has none. */
static float intermediate_scale(const QfTflNode *n, uint32_t at, int32_t *offset)
{
  const QfFlatVector *v = &n->record->intermediates;
  const int64_t index = v->count == 5 ? qf_flat_at_int(v, at, QF_FLAT_I32) : -1;
  *offset = 0;
  if (index < 0 || index >= n->scope->file->n_tensors)
    return 0;
  const QfTflTensor *t = &n->scope->file->tensors[index];
  const float scale = t->scales.count == 1 ? qf_flat_at_float(&t->scales, 0) : 0;
  if (!(scale > 0) || !isfinite(scale))
    return 0;
  *offset = t->zero_point.count ? (int32_t)-qf_flat_at_int(&t->zero_point, 0, QF_FLAT_I64) : 0;
  return scale;
}

/* An integer LSTM has five intermediate tensors: what enters the gates i, f, c, o when they are normalised, and what is projected. */
static void set_intermediates(const QfTflNode *n, QfRecurrentAttrs *a)
{
  int32_t offset;
  for (uint32_t g = 0; g < 4; g++)
    a->gate_scale[g] = intermediate_scale(n, (uint32_t)gate_order[g], &offset);
  a->hidden_scale = intermediate_scale(n, 4, &a->hidden_offset);
}

/* A node, with its states read and written. @out takes its shape from what is there. */
static gboolean emit(QfTflNode *n, Layer *l, QfTensor *out, GError **error)
{
  const gboolean lstm = !strcmp(l->op, "Lstm");
  if (!read_state(n, l->h, "h", &l->in[5], error) || !read_state(n, l->c, "c", &l->in[6], error))
    return FALSE;
  QfTensor *y[] = {qf_tfl_temp(n, "sequence", out), qf_tfl_temp(n, "last_h", l->in[5] ? l->in[5] : out),
                   qf_tfl_temp(n, "last_c", l->in[6])};
  l->in[0] = l->x;
  QfNode *node = qf_tfl_new_node(n, l->op, l->in, lstm ? 11 : 6, y, lstm ? 3 : 2);
  QfRecurrentAttrs *a = node->attrs;
  a->direction = l->reverse;
  a->batch_major = !l->time_major;
  a->coupled = l->coupled;
  a->cell_clip = l->cell_clip;
  a->state_clip = l->state_clip;
  if (l->in[1]->enc.count && !l->x->enc.count)
    a->hybrid = l->asymmetric ? 2 : 1;
  for (int i = lstm ? 1 : 0; i < (lstm ? 3 : 1); i++)
    if (!set_activation(n, l->activation, a, i, error))
      return FALSE;
  if (lstm && l->x->enc.count)
    set_intermediates(n, a);
  if (!qf_tfl_add_node(n, node, error))
    return FALSE;
  const int64_t *d = y[0]->dims;
  const int64_t dims[] = {d[0], l->time_major ? d[2] : d[1], d[3]}, flat[] = {d[2], d[3]};
  const gboolean step = n->in[0]->rank == 2;
  return qf_tfl_add_reshape(n, y[0], out, step ? flat : dims, step ? 2 : 3, error) &&
         write_state(n, l->h, "h_after", y[1], error) &&
         (!lstm || write_state(n, l->c, "c_after", y[2], error));
}

/* Where the inputs of an LSTM are: gates in the file's order i, f, c, o; -1: it has none. */
typedef struct {
  int32_t w, r, peephole, bias, project, h, c, norm;
} LstmSlots;

static gboolean join_lstm(QfTflNode *n, const LstmSlots *s, Layer *l, GError **error)
{
  const QfTensor *w = input(n, s->w + 1), *r = input(n, s->r + 1);
  if (!w || !r || w->rank != 2 || r->rank != 2)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "weights are missing or no matrices; the file is damaged");
  const int64_t hidden = w->dims[0], state = r->dims[1];
  if (hidden < 1 || hidden > G_MAXINT32 / 8 || state < 1 || state > G_MAXINT32 || w->dims[1] < 1)
    return qf_tfl_fail(n, error, QF_ERROR_LIMIT, "%" G_GINT64_FORMAT " units", hidden);
  Join jw = {.n = 4, .rows = hidden, .columns = w->dims[1]}, jr = {.n = 4, .rows = hidden, .columns = state};
  Join jb = {.n = 8, .rows = hidden}, jn = {.n = 4, .rows = hidden}, jp = {.n = 3, .rows = hidden};
  for (int i = 0; i < 4; i++) {
    jw.part[i] = input(n, s->w + gate_order[i]);
    jr.part[i] = input(n, s->r + gate_order[i]);
    jb.part[i] = input(n, s->bias + gate_order[i]);
    jn.part[i] = s->norm < 0 ? NULL : input(n, s->norm + gate_order[i]);
  }
  for (int i = 0; i < 3; i++)
    jp.part[i] = input(n, s->peephole + (i == 0 ? 0 : i == 1 ? 2 : 1)); /* i, o, f among i, f, o */
  l->coupled = jw.part[0] ? 0 : 2;
  const QfTensor *p = input(n, s->project);
  Join jproject = {.part = {input(n, s->project)}, .n = 1, .rows = p ? p->dims[0] : 0, .columns = hidden};
  Join jproject_bias = {.part = {input(n, s->project + 1)}, .n = 1, .rows = jproject.rows};
  return join(n, "w", &jw, &l->in[1], error) && join(n, "r", &jr, &l->in[2], error) &&
         join(n, "bias", &jb, &l->in[3], error) && join(n, "peephole", &jp, &l->in[7], error) &&
         join(n, "projection", &jproject, &l->in[8], error) &&
         join(n, "projection_bias", &jproject_bias, &l->in[9], error) &&
         join(n, "norm", &jn, &l->in[10], error);
}

/* @x [B,I] as one step; sequences as they are. */
static gboolean read_x(QfTflNode *n, Layer *l, GError **error)
{
  QfTensor *x = n->in[0];
  const int64_t dims[] = {1, x->dims[0], x->rank > 1 ? x->dims[1] : 0};
  if (x->rank != 2 && x->rank != 3)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE, "its input has %d dimensions, not 2 or 3", x->rank);
  l->time_major |= x->rank == 2;
  l->x = x->rank == 2 ? reshaped(n, "step", x, dims, 3, error) : x;
  return l->x != NULL;
}

static const LstmSlots lstm_slots = {1, 5, 9, 12, 16, 18, 19, 20};
static const LstmSlots forward_slots = {1, 5, 9, 12, 16, 35, 36, -1},
                       backward_slots = {18, 22, 26, 29, 33, 37, 38, -1};

static gboolean map_lstm_direction(QfTflNode *n, const LstmSlots *s, Layer *l, QfTensor *out, GError **error)
{
  l->op = "Lstm";
  l->activation = qf_tfl_option_byte(n, 0, 0);
  l->cell_clip = qf_tfl_option_float(n, 1, 0);
  l->state_clip = qf_tfl_option_float(n, 2, 0);
  l->h = s->h;
  l->c = s->c;
  return read_x(n, l, error) && join_lstm(n, s, l, error) && emit(n, l, out, error);
}

/* The full kernel: one step, or UNIDIRECTIONAL_SEQUENCE_LSTM. */
static gboolean map_sequence_lstm(QfTflNode *n, GError **error)
{
  Layer l = {.time_major = qf_tfl_option_byte(n, 3, 0) != 0, .asymmetric = qf_tfl_option_byte(n, 4, 0) != 0};
  return map_lstm_direction(n, &lstm_slots, &l, n->out[0], error);
}

/* Columns [begin, end) of the rows of gate @gate of @t [4H, K], a constant; gates i, c, f, o. */
static QfTensor *cut(QfTflNode *n, QfTensor *t, int gate, int64_t begin, int64_t end, GError **error)
{
  g_autofree char *suffix = g_strdup_printf("gate_%d_%d", gate, begin > 0);
  QfTensor *out = qf_tfl_temp(n, suffix, t);
  QfNode *node = qf_tfl_new_node(n, "StridedSlice", &t, 1, &out, 1);
  QfStridedSliceAttrs *a = node->attrs;
  const int64_t rows = t->dims[0] / 4;
  a->begin = (QfInts){t->rank, {gate * rows, begin}};
  a->end = (QfInts){t->rank, {(gate + 1) * rows, end}};
  a->stride = (QfInts){t->rank, {1, 1}};
  return qf_tfl_add_raw_node(n, node, error) ? out : NULL;
}

/* The basic kernel: x and the state share weights [4H, I + H]; gates i, c, f, o. States are ordinary tensors. */
static gboolean map_basic_lstm(QfTflNode *n, GError **error)
{
  static const int order[] = {0, 3, 2, 1};
  QfTensor *x = n->in[0], *h = n->in[1], *w = n->in[2], *b = n->in[3], *c = n->in[4];
  Layer l = {.op = "Lstm", .time_major = TRUE, .activation = QF_TFL_ACT_TANH};
  if (x->rank != 2 || h->rank != 2 || c->rank != 2 || w->rank != 2 || b->rank != 1 || w->dims[0] % 4 ||
      w->dims[1] != x->dims[1] + h->dims[1] || w->dims[0] != b->dims[0] || w->enc.count > 1 ||
      b->enc.count > 1 || w->dims[0] > G_MAXINT32 / 8)
    return qf_tfl_fail(n, error, QF_ERROR_SHAPE,
                       "weights that do not fit its input and state; the file is damaged");
  const int64_t rows = w->dims[0] / 4, in = x->dims[1], one[] = {1, c->dims[0], c->dims[1]};
  Join jw = {.n = 4, .rows = rows, .columns = in}, jr = {.n = 4, .rows = rows, .columns = h->dims[1]};
  Join jb = {.n = 8, .rows = rows};
  for (int i = 0; i < 4; i++) {
    jw.part[i] = cut(n, w, order[i], 0, in, error);
    jr.part[i] = jw.part[i] ? cut(n, w, order[i], in, w->dims[1], error) : NULL;
    jb.part[i] = jr.part[i] ? cut(n, b, order[i], 0, 0, error) : NULL;
    if (!jb.part[i])
      return FALSE;
  }
  if (!read_x(n, &l, error) || !join(n, "w", &jw, &l.in[1], error) || !join(n, "r", &jr, &l.in[2], error) ||
      !join(n, "bias", &jb, &l.in[3], error))
    return FALSE;
  l.in[0] = l.x;
  l.in[5] = reshaped(n, "h", h, (const int64_t[]){1, h->dims[0], h->dims[1]}, 3, error);
  l.in[6] = l.in[5] ? reshaped(n, "c", c, one, 3, error) : NULL;
  if (!l.in[6])
    return FALSE;
  QfTensor *y[] = {qf_tfl_temp(n, "sequence", n->out[0]), qf_tfl_temp(n, "last_h", n->out[0]),
                   qf_tfl_temp(n, "last_c", n->out[1])};
  QfNode *node = qf_tfl_new_node(n, "Lstm", l.in, 7, y, 3);
  ((QfRecurrentAttrs *)node->attrs)->cell_clip = qf_tfl_option_float(n, 1, 0);
  return qf_tfl_add_node(n, node, error) && qf_tfl_add_reshape(n, y[1], n->out[0], h->dims, 2, error) &&
         qf_tfl_add_reshape(n, y[2], n->out[1], c->dims, 2, error);
}

static gboolean map_lstm(QfTflNode *n, GError **error)
{
  Layer l = {.asymmetric = qf_tfl_option_byte(n, 4, 0) != 0};
  if (qf_tfl_option_byte(n, 3, 0) == 1)
    return n->n_in == 5 && n->n_out >= 2
               ? map_basic_lstm(n, error)
               : qf_tfl_fail(n, error, QF_ERROR_FORMAT,
                             "the basic kernel takes 5 inputs; the file is damaged");
  return map_lstm_direction(n, &lstm_slots, &l, n->out[0], error);
}

static gboolean map_rnn_direction(QfTflNode *n, int32_t first, Layer *l, QfTensor *out, GError **error)
{
  QfTensor *w = input(n, first), *r = input(n, first + 1), *b = input(n, first + 2);
  l->op = "Rnn";
  l->h = first + 3;
  l->c = -1;
  if (!w || !r || !b || w->rank != 2 || r->rank != 2 || w->dims[0] < 1 || w->dims[0] > G_MAXINT32 / 8 ||
      w->dims[1] < 1 || r->dims[1] < 1)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "weights are missing or no matrices; the file is damaged");
  Join jw = {.part = {w}, .n = 1, .rows = w->dims[0], .columns = w->dims[1]};
  Join jr = {.part = {r}, .n = 1, .rows = w->dims[0], .columns = r->dims[1]};
  Join jb = {.part = {b}, .n = 2, .rows = w->dims[0]};
  return read_x(n, l, error) && join(n, "w", &jw, &l->in[1], error) && join(n, "r", &jr, &l->in[2], error) &&
         join(n, "bias", &jb, &l->in[3], error) && emit(n, l, out, error);
}

static gboolean map_rnn(QfTflNode *n, GError **error)
{
  Layer l = {.activation = qf_tfl_option_byte(n, 0, 0), .asymmetric = qf_tfl_option_byte(n, 1, 0) != 0};
  return map_rnn_direction(n, 1, &l, n->out[0], error);
}

static gboolean map_sequence_rnn(QfTflNode *n, GError **error)
{
  Layer l = {.time_major = qf_tfl_option_byte(n, 0, 0) != 0,
             .activation = qf_tfl_option_byte(n, 1, 0),
             .asymmetric = qf_tfl_option_byte(n, 2, 0) != 0};
  return map_rnn_direction(n, 1, &l, n->out[0], error);
}

/* Both directions, one behind the other in the last dimension when they are merged. */
typedef struct {
  gboolean lstm;
  uint32_t merge, time_major, asymmetric, activation; /* fields of the options */
  int32_t aux;                                        /* first of the auxiliary inputs */
  gboolean time_major_default;
} Both;

static const Both both_lstm = {TRUE, 3, 4, 5, 0, 39, TRUE}, both_rnn = {FALSE, 2, 0, 3, 1, 9, FALSE};

static gboolean map_bidirectional(QfTflNode *n, GError **error)
{
  const Both *both = n->row->data;
  gboolean merge = qf_tfl_option_byte(n, both->merge, 0) != 0;
  QfTensor *out[2];
  for (uint32_t i = (uint32_t)both->aux; i < n->n_in; i++)
    if (n->in[i])
      return qf_tfl_fail(n, error, QF_ERROR_UNSUPPORTED,
                         "auxiliary inputs are not supported; concatenate them with the input");
  if (!merge && n->n_out < 2)
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "an output is missing; the file is damaged");
  for (int i = 0; i < 2; i++) {
    Layer l = {.reverse = i,
               .time_major = qf_tfl_option_byte(n, both->time_major, both->time_major_default) != 0,
               .asymmetric = qf_tfl_option_byte(n, both->asymmetric, 0) != 0,
               .activation = qf_tfl_option_byte(n, both->activation, 0)};
    out[i] = merge ? qf_tfl_temp(n, i ? "backward" : "forward", n->out[0]) : n->out[i];
    if (both->lstm ? !map_lstm_direction(n, i ? &backward_slots : &forward_slots, &l, out[i], error)
                   : !map_rnn_direction(n, i ? 5 : 1, &l, out[i], error))
      return FALSE;
  }
  if (!merge)
    return TRUE;
  QfNode *node = qf_tfl_new_node(n, "Concat", out, 2, n->out, 1);
  ((QfConcatAttrs *)node->attrs)->axis = out[0]->rank - 1;
  return qf_tfl_add_node(n, node, error);
}

static gboolean map_svdf(QfTflNode *n, GError **error)
{
  QfRecurrentAttrs act = {0};
  QfTensor *in[] = {n->in[0], n->in[1], n->in[2], n->in[3], n->in[4]};
  if (!in[4])
    return qf_tfl_fail(n, error, QF_ERROR_FORMAT, "its state is missing; the file is damaged");
  QfTensor *out[] = {n->out[0], qf_tfl_temp(n, "state_after", in[4])};
  if (!set_activation(n, qf_tfl_option_byte(n, QF_TFL_SVDF_ACTIVATION, 0), &act, 0, error))
    return FALSE;
  QfNode *node = qf_tfl_new_node(n, "Svdf", in, 5, out, 2);
  QfSvdfAttrs *a = node->attrs;
  a->rank = (int32_t)qf_tfl_option(n, QF_TFL_SVDF_RANK, 0);
  a->act = act.act[0];
  a->alpha = act.alpha[0];
  a->beta = act.beta[0];
  if (in[1]->enc.count && !in[0]->enc.count)
    a->hybrid = qf_tfl_option_byte(n, QF_TFL_SVDF_ASYMMETRIC, 0) ? 2 : 1;
  return qf_tfl_add_node(n, node, error) && qf_tfl_assign(n, 4, out[1], error);
}

const QfTflRow qf_tfl_recurrent_rows[] = {
    {16, "LSTM", map_lstm, 1, 24, -1, "Lstm", NULL},
    {44, "UNIDIRECTIONAL_SEQUENCE_LSTM", map_sequence_lstm, 1, 24, 1, "Lstm", NULL},
    {52, "BIDIRECTIONAL_SEQUENCE_LSTM", map_bidirectional, 1, 48, -1, "Lstm", &both_lstm},
    {27, "SVDF", map_svdf, 3, 5, 1, "Svdf", NULL},
    {24, "RNN", map_rnn, 5, 5, 1, "Rnn", NULL},
    {35, "UNIDIRECTIONAL_SEQUENCE_RNN", map_sequence_rnn, 5, 5, 1, "Rnn", NULL},
    {46, "BIDIRECTIONAL_SEQUENCE_RNN", map_bidirectional, 1, 12, -1, "Rnn", &both_rnn},
    {0},
};
