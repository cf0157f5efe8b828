/* SPDX-License-Identifier: MIT */
/*
 * gstqnntensor.c - descriptions of the tensors of a buffer, from models and from caps; see gstqnntensor.h.
 * The frame that caps carry is in gstqnnframe.c.
 */
#include "gstqnntensor.h"
#include <string.h>

static const gchar *const layout_names[] = {
    [QF_LAYOUT_ANY] = "ANY", [QF_LAYOUT_NHWC] = "NHWC", [QF_LAYOUT_NCHW] = "NCHW"};

static GstQnnTensors *tensors_alloc(guint n)
{
  GstQnnTensors *t = g_new0(GstQnnTensors, 1);

  t->refcount = 1;
  t->n = n;
  t->desc = g_new0(QfTensorDesc, n);
  t->offset = g_new0(gsize, n);
  return t;
}

/* Sizes are known: says where each tensor lies. */
static void tensors_place(GstQnnTensors *t)
{
  gsize at = 0;

  t->n_memories = t->n;
  if (t->n <= GST_QNN_MAX_MEMORIES)
    return;
  t->n_memories = 1;
  for (guint i = 0; i < t->n; i++) {
    t->offset[i] = at;
    at += (t->desc[i].size_bytes + QF_ALIGNMENT - 1) / QF_ALIGNMENT * QF_ALIGNMENT;
  }
  t->packed_bytes = at;
}

GstQnnTensors *gst_qnn_tensors_new(const QfTensorDesc *const *desc, guint n)
{
  GstQnnTensors *t = tensors_alloc(n);

  for (guint i = 0; i < n; i++) {
    QfTensorDesc *d = &t->desc[i];
    *d = *desc[i];
    d->name = g_strdup(d->name);
    if (d->quant.count)
      d->quant.entries = g_memdup2(d->quant.entries, d->quant.count * sizeof(QfScaleOffset));
  }
  tensors_place(t);
  return t;
}

GstQnnTensors *gst_qnn_tensors_ref(GstQnnTensors *tensors)
{
  g_atomic_int_inc(&tensors->refcount);
  return tensors;
}

void gst_qnn_tensors_unref(GstQnnTensors *tensors)
{
  if (!tensors || !g_atomic_int_dec_and_test(&tensors->refcount))
    return;
  for (guint i = 0; i < tensors->n; i++) {
    g_free((gchar *)tensors->desc[i].name);
    g_free((QfScaleOffset *)tensors->desc[i].quant.entries);
  }
  g_free(tensors->desc);
  g_free(tensors->offset);
  g_free(tensors);
}

GstQnnTensors *gst_qnn_tensors_from_model(const QfModel *model, gboolean inputs)
{
  guint n = inputs ? qf_model_n_inputs(model) : qf_model_n_outputs(model);
  g_autofree const QfTensorDesc **desc = g_new(const QfTensorDesc *, n + 1);

  for (guint i = 0; i < n; i++)
    desc[i] = inputs ? qf_model_input(model, i) : qf_model_output(model, i);
  return gst_qnn_tensors_new(desc, n);
}

/* Caps spell types in capitals. */
static QfDType dtype_parse(const gchar *text)
{
  g_autofree gchar *lower = text ? g_ascii_strdown(text, -1) : NULL;

  return qf_dtype_from_name(lower);
}

static gchar *dtype_spell(QfDType dtype)
{
  return g_ascii_strup(qf_dtype_name(dtype), -1);
}

static const GValue *array_field(const GstStructure *s, const gchar *name)
{
  const GValue *v = gst_structure_get_value(s, name);

  return v && GST_VALUE_HOLDS_ARRAY(v) ? v : NULL;
}

/* The string at @i of an array field; NULL when there is none. */
static const gchar *string_at(const GstStructure *s, const gchar *name, guint i)
{
  const GValue *array = array_field(s, name), *v;

  if (!array || i >= gst_value_array_get_size(array))
    return NULL;
  v = gst_value_array_get_value(array, i);
  return G_VALUE_HOLDS_STRING(v) ? g_value_get_string(v) : NULL;
}

static gboolean parse_dims(const GValue *v, QfTensorDesc *d)
{
  if (!GST_VALUE_HOLDS_ARRAY(v) || gst_value_array_get_size(v) > QF_MAX_RANK)
    return FALSE;
  d->rank = gst_value_array_get_size(v);
  for (gint k = 0; k < d->rank; k++) {
    const GValue *dim = gst_value_array_get_value(v, k);
    if (!G_VALUE_HOLDS_INT(dim) || g_value_get_int(dim) < 0)
      return FALSE;
    d->dims[k] = g_value_get_int(dim);
  }
  return TRUE;
}

static void parse_quant(const GstStructure *s, guint i, QfTensorDesc *d)
{
  const GValue *scales = array_field(s, "qscales"), *offsets = array_field(s, "qoffsets");
  const GValue *scale, *offset;
  QfScaleOffset *entry;

  if (!scales || !offsets || i >= gst_value_array_get_size(scales) || i >= gst_value_array_get_size(offsets))
    return;
  scale = gst_value_array_get_value(scales, i);
  offset = gst_value_array_get_value(offsets, i);
  if (!G_VALUE_HOLDS_DOUBLE(scale) || !G_VALUE_HOLDS_INT(offset) || !(g_value_get_double(scale) > 0))
    return;
  entry = g_new(QfScaleOffset, 1);
  entry->scale = (gfloat)g_value_get_double(scale);
  entry->offset = g_value_get_int(offset);
  d->quant.count = 1;
  d->quant.entries = entry;
}

static gboolean parse_tensor(const GstStructure *s, const GValue *dims, guint i, QfTensorDesc *d)
{
  const gchar *type = string_at(s, "types", i), *name = string_at(s, "names", i);
  const gchar *layout = string_at(s, "layouts", i);
  gint64 count;

  d->name = g_strdup(name ? name : "");
  d->dtype = dtype_parse(type ? type : gst_structure_get_string(s, "type"));
  for (guint k = QF_LAYOUT_NHWC; layout && k < G_N_ELEMENTS(layout_names); k++)
    if (!strcmp(layout, layout_names[k]))
      d->layout = k;
  if (d->dtype == QF_DTYPE_INVALID || !parse_dims(gst_value_array_get_value(dims, i), d))
    return FALSE;
  count = qf_dims_count(d->dims, d->rank);
  if (count < 0 || (guint64)count > G_MAXSIZE / qf_dtype_size(d->dtype) / 2)
    return FALSE;
  d->size_bytes = (gsize)count * qf_dtype_size(d->dtype);
  parse_quant(s, i, d);
  return TRUE;
}

GstQnnTensors *gst_qnn_tensors_from_structure(const GstStructure *s, gchar **why)
{
  const GValue *dims = array_field(s, "dimensions");
  g_autoptr(GstQnnTensors) t = NULL;
  guint n = dims ? gst_value_array_get_size(dims) : 0;

  if (!n) {
    if (why)
      *why = g_strdup("the caps give no dimensions, which look like dimensions=(int)<<1,224,224,3>>");
    return NULL;
  }
  t = tensors_alloc(n);
  for (guint i = 0; i < n; i++) {
    if (parse_tensor(s, dims, i, &t->desc[i]))
      continue;
    if (why)
      *why = g_strdup_printf("type or dimensions of tensor %u make no sense; they look like type=UINT8, "
                             "dimensions=(int)<<1,224,224,3>>",
                             i);
    return NULL;
  }
  tensors_place(t);
  return g_steal_pointer(&t);
}

static void append_string(GValue *array, const gchar *text)
{
  GValue v = G_VALUE_INIT;

  g_value_init(&v, G_TYPE_STRING);
  g_value_set_string(&v, text);
  gst_value_array_append_and_take_value(array, &v);
}

static void append_dims(GValue *array, const QfTensorDesc *d)
{
  GValue dims = G_VALUE_INIT, dim = G_VALUE_INIT;

  g_value_init(&dims, GST_TYPE_ARRAY);
  g_value_init(&dim, G_TYPE_INT);
  for (gint k = 0; k < d->rank; k++) {
    g_value_set_int(&dim, (gint)MIN(d->dims[k], G_MAXINT));
    gst_value_array_append_value(&dims, &dim);
  }
  if (!d->rank) { /* a scalar: caps know no empty array */
    g_value_set_int(&dim, 1);
    gst_value_array_append_value(&dims, &dim);
  }
  gst_value_array_append_and_take_value(array, &dims);
}

static void append_quant(GValue *scales, GValue *offsets, const QfTensorDesc *d)
{
  gboolean one = d->quant.count == 1;
  GValue scale = G_VALUE_INIT, offset = G_VALUE_INIT;

  g_value_init(&scale, G_TYPE_DOUBLE);
  g_value_init(&offset, G_TYPE_INT);
  g_value_set_double(&scale, one ? d->quant.entries[0].scale : 0);
  g_value_set_int(&offset, one ? d->quant.entries[0].offset : 0);
  gst_value_array_append_and_take_value(scales, &scale);
  gst_value_array_append_and_take_value(offsets, &offset);
}

enum { F_DIMS, F_TYPES, F_NAMES, F_LAYOUTS, F_SCALES, F_OFFSETS, N_FIELDS };

void gst_qnn_tensors_to_structure(const GstQnnTensors *tensors, GstStructure *s)
{
  static const gchar *const names[N_FIELDS] = {"dimensions", "types",   "names",
                                               "layouts",    "qscales", "qoffsets"};
  GValue v[N_FIELDS] = {G_VALUE_INIT};
  gboolean want[N_FIELDS] = {[F_DIMS] = TRUE, [F_NAMES] = TRUE};
  g_autofree gchar *first = NULL;

  if (!tensors->n)
    return;
  for (guint f = 0; f < N_FIELDS; f++)
    g_value_init(&v[f], GST_TYPE_ARRAY);
  for (guint i = 0; i < tensors->n; i++) {
    const QfTensorDesc *d = &tensors->desc[i];
    g_autofree gchar *type = dtype_spell(d->dtype);
    append_dims(&v[F_DIMS], d);
    append_string(&v[F_TYPES], type);
    append_string(&v[F_NAMES], d->name);
    append_string(&v[F_LAYOUTS], layout_names[d->layout]);
    append_quant(&v[F_SCALES], &v[F_OFFSETS], d);
    want[F_TYPES] |= d->dtype != tensors->desc[0].dtype;
    want[F_LAYOUTS] |= d->layout != QF_LAYOUT_ANY;
    want[F_SCALES] |= d->quant.count == 1;
  }
  want[F_OFFSETS] = want[F_SCALES];
  first = dtype_spell(tensors->desc[0].dtype);
  if (!want[F_TYPES])
    gst_structure_set(s, "type", G_TYPE_STRING, first, NULL);
  for (guint f = 0; f < N_FIELDS; f++) {
    if (want[f])
      gst_structure_take_value(s, names[f], &v[f]);
    else
      g_value_unset(&v[f]);
  }
}

gchar *gst_qnn_tensor_to_string(const QfTensorDesc *desc)
{
  g_autofree gchar *dims = qf_dims_to_string(desc->dims, desc->rank), *type = dtype_spell(desc->dtype);

  return g_strdup_printf("%s %s%s%s", type, dims, desc->layout ? " " : "",
                         desc->layout ? layout_names[desc->layout] : "");
}

/* Equal, where a scalar is as good as any tensor of one element. */
static gboolean dims_equal(const QfTensorDesc *a, const QfTensorDesc *b)
{
  if (!a->rank || !b->rank)
    return qf_dims_count(a->dims, a->rank) == qf_dims_count(b->dims, b->rank);
  return a->rank == b->rank && !memcmp(a->dims, b->dims, a->rank * sizeof a->dims[0]);
}

static gboolean dims_are_transposed(const QfTensorDesc *a, const QfTensorDesc *b)
{
  const gint64 *x = a->dims, *y = b->dims;

  if (a->rank != 4 || b->rank != 4 || x[0] != y[0])
    return FALSE;
  return (x[1] == y[3] && x[2] == y[1] && x[3] == y[2]) || (y[1] == x[3] && y[2] == x[1] && y[3] == x[2]);
}

/* What is wrong with one tensor; NULL: nothing. Static. */
static const gchar *tensor_conflict(const QfTensorDesc *want, const QfTensorDesc *have)
{
  if (want->dtype != have->dtype)
    return "the type differs: let the source make the model's type";
  if (!dims_equal(want, have))
    return dims_are_transposed(want, have)
               ? "height, width and channels are in the other order (NHWC against "
                 "NCHW): transpose the tensor before the model"
               : "the dimensions differ: give the source the model's";
  if (want->layout && have->layout && want->layout != have->layout)
    return "the layout differs: transpose the tensor before the model";
  if (want->quant.count == 1 && have->quant.count == 1 &&
      (want->quant.entries[0].scale != have->quant.entries[0].scale ||
       want->quant.entries[0].offset != have->quant.entries[0].offset))
    return "scale and offset differ: quantise with the model's own";
  return NULL;
}

gchar *gst_qnn_tensors_mismatch(const GstQnnTensors *wanted, const GstStructure *offered)
{
  g_autofree gchar *why = NULL;
  g_autoptr(GstQnnTensors) have = NULL;

  if (!gst_structure_has_field(offered, "dimensions"))
    return NULL;
  have = gst_qnn_tensors_from_structure(offered, &why);
  if (!have)
    return g_steal_pointer(&why);
  if (have->n != wanted->n) {
    const gchar *missing = have->n < wanted->n ? wanted->desc[have->n].name : NULL;
    return g_strdup_printf(
        "the model has %u inputs and %u are fed%s%s%s: feed all of them, as one memory each of the "
        "same buffer",
        wanted->n, have->n, missing ? " (\"" : "", missing ? missing : "", missing ? "\" is missing)" : "");
  }
  for (guint i = 0; i < wanted->n; i++) {
    const gchar *conflict = tensor_conflict(&wanted->desc[i], &have->desc[i]);
    if (conflict) {
      g_autofree gchar *w = gst_qnn_tensor_to_string(&wanted->desc[i]);
      g_autofree gchar *h = gst_qnn_tensor_to_string(&have->desc[i]);
      return g_strdup_printf("input %u \"%s\" of the model is %s and was offered %s: %s", i,
                             wanted->desc[i].name, w, h, conflict);
    }
  }
  return NULL;
}

gboolean gst_qnn_tensor_is_image(const QfTensorDesc *d, gint *width, gint *height, gint *channels,
                                 QfLayout *layout)
{
  const gint64 *dim = d->dims + (d->rank == 4);
  gboolean nchw = d->layout == QF_LAYOUT_NCHW;

  if (d->rank != 3 && d->rank != 4)
    return FALSE;
  if (d->rank == 4 && d->dims[0] != 1)
    return FALSE;
  if (d->layout == QF_LAYOUT_ANY)
    nchw = dim[2] != 1 && dim[2] != 3 && (dim[0] == 1 || dim[0] == 3);
  for (gint k = 0; k < 3; k++)
    if (dim[k] < 1 || dim[k] > 32768)
      return FALSE;
  *channels = (gint)dim[nchw ? 0 : 2];
  *height = (gint)dim[nchw ? 1 : 0];
  *width = (gint)dim[nchw ? 2 : 1];
  *layout = nchw ? QF_LAYOUT_NCHW : QF_LAYOUT_NHWC;
  return *channels == 1 || *channels == 3;
}
