/* SPDX-License-Identifier: MIT */
/*
 * gstqnnprop.c - GObject properties made from tables; see gstqnnprop.h.
 */
#include "gstqnnprop.h"

typedef struct {
  const GstQnnProp *props;
  guint n;
  gsize serial_offset;
} Table;

static GQuark table_quark(void)
{
  return g_quark_from_static_string("gst-qnn-prop-table");
}

static const Table *table_of(GObject *object)
{
  for (GType type = G_OBJECT_TYPE(object); type; type = g_type_parent(type)) {
    const Table *table = g_type_get_qdata(type, table_quark());
    if (table)
      return table;
  }
  return NULL;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  const Table *table = table_of(object);
  const GstQnnProp *prop = &table->props[id - 1];
  gpointer field = (guint8 *)object + prop->offset;

  GST_OBJECT_LOCK(object);
  switch (prop->kind) {
  case GST_QNN_PROP_BOOL: *(gboolean *)field = g_value_get_boolean(value); break;
  case GST_QNN_PROP_UINT: *(guint *)field = g_value_get_uint(value); break;
  case GST_QNN_PROP_UINT64: *(guint64 *)field = g_value_get_uint64(value); break;
  case GST_QNN_PROP_DOUBLE: *(gdouble *)field = g_value_get_double(value); break;
  case GST_QNN_PROP_ENUM: *(gint *)field = g_value_get_enum(value); break;
  case GST_QNN_PROP_STRING:
    g_free(*(gchar **)field);
    *(gchar **)field = g_value_dup_string(value);
    break;
  }
  GST_OBJECT_UNLOCK(object);
  if (table->serial_offset)
    g_atomic_int_inc((gint *)((guint8 *)object + table->serial_offset));
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  const GstQnnProp *prop = &table_of(object)->props[id - 1];
  gpointer field = (guint8 *)object + prop->offset;

  GST_OBJECT_LOCK(object);
  switch (prop->kind) {
  case GST_QNN_PROP_BOOL: g_value_set_boolean(value, *(gboolean *)field); break;
  case GST_QNN_PROP_UINT: g_value_set_uint(value, *(guint *)field); break;
  case GST_QNN_PROP_UINT64: g_value_set_uint64(value, *(guint64 *)field); break;
  case GST_QNN_PROP_DOUBLE: g_value_set_double(value, *(gdouble *)field); break;
  case GST_QNN_PROP_ENUM: g_value_set_enum(value, *(gint *)field); break;
  case GST_QNN_PROP_STRING: g_value_set_string(value, *(gchar **)field); break;
  }
  GST_OBJECT_UNLOCK(object);
}

static GParamSpec *make_spec(const GstQnnProp *p)
{
  static const GParamFlags modes[] = {
      [GST_QNN_PROP_READY] = G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY,
      [GST_QNN_PROP_PLAYING] = G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING,
      [GST_QNN_PROP_READONLY] = G_PARAM_READABLE,
  };
  GParamFlags flags = modes[p->mode] | G_PARAM_STATIC_STRINGS;

  switch (p->kind) {
  case GST_QNN_PROP_BOOL: return g_param_spec_boolean(p->name, p->name, p->blurb, p->def != 0, flags);
  case GST_QNN_PROP_UINT:
    return g_param_spec_uint(p->name, p->name, p->blurb, (guint)p->min, (guint)p->max, (guint)p->def, flags);
  case GST_QNN_PROP_UINT64:
    return g_param_spec_uint64(p->name, p->name, p->blurb, 0, G_MAXUINT64, (guint64)p->def, flags);
  case GST_QNN_PROP_DOUBLE:
    return g_param_spec_double(p->name, p->name, p->blurb, p->min, p->max, p->def, flags);
  case GST_QNN_PROP_ENUM:
    return g_param_spec_enum(p->name, p->name, p->blurb, p->enum_type(), (gint)p->def, flags);
  case GST_QNN_PROP_STRING: break;
  }
  return g_param_spec_string(p->name, p->name, p->blurb, p->def_string, flags);
}

void gst_qnn_props_install(GObjectClass *klass, const GstQnnProp *props, guint n, gsize serial_offset)
{
  Table *table = g_new(Table, 1);

  *table = (Table){props, n, serial_offset};
  g_type_set_qdata(G_TYPE_FROM_CLASS(klass), table_quark(), table);
  klass->set_property = set_property;
  klass->get_property = get_property;
  for (guint i = 0; i < n; i++)
    g_object_class_install_property(klass, i + 1, make_spec(&props[i]));
}

void gst_qnn_props_init(gpointer object, const GstQnnProp *props, guint n)
{
  for (guint i = 0; i < n; i++) {
    gpointer field = (guint8 *)object + props[i].offset;
    switch (props[i].kind) {
    case GST_QNN_PROP_BOOL: *(gboolean *)field = props[i].def != 0; break;
    case GST_QNN_PROP_UINT: *(guint *)field = (guint)props[i].def; break;
    case GST_QNN_PROP_UINT64: *(guint64 *)field = (guint64)props[i].def; break;
    case GST_QNN_PROP_DOUBLE: *(gdouble *)field = props[i].def; break;
    case GST_QNN_PROP_ENUM: *(gint *)field = (gint)props[i].def; break;
    case GST_QNN_PROP_STRING: *(gchar **)field = g_strdup(props[i].def_string); break;
    }
  }
}

void gst_qnn_props_clear(gpointer object, const GstQnnProp *props, guint n)
{
  for (guint i = 0; i < n; i++)
    if (props[i].kind == GST_QNN_PROP_STRING)
      g_clear_pointer((gchar **)((guint8 *)object + props[i].offset), g_free);
}

gchar *gst_qnn_prop_dup(gpointer object, gchar *const *field)
{
  gchar *copy;

  GST_OBJECT_LOCK(object);
  copy = *field && **field ? g_strdup(*field) : NULL;
  GST_OBJECT_UNLOCK(object);
  return copy;
}

gboolean gst_qnn_parse_triple(const gchar *text, gfloat out[3])
{
  g_autofree gchar *copy = g_strdup(text);
  g_auto(GStrv) words = NULL;
  guint n = 0;

  g_strdelimit(copy, "<>,;", ' ');
  words = g_strsplit(copy, " ", -1);
  for (gchar **w = words; *w; w++) {
    gchar *end;
    if (!**w)
      continue;
    if (n == 3)
      return FALSE;
    out[n++] = (gfloat)g_ascii_strtod(*w, &end);
    if (*end)
      return FALSE;
  }
  if (n == 1)
    out[1] = out[2] = out[0];
  return n == 1 || n == 3;
}

const gchar *gst_qnn_enum_nick(GType type, gint value)
{
  GEnumClass *klass = g_type_class_ref(type);
  GEnumValue *row = g_enum_get_value(klass, value);
  const gchar *nick = row ? row->value_nick : "?";

  g_type_class_unref(klass);
  return nick;
}
