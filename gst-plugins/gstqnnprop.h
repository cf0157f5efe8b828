/* SPDX-License-Identifier: MIT */
/*
 * gstqnnprop.h - properties as tables.
 *
 * A row names a property and the field of the instance that holds it; the shared set and get functions do the rest
 * under the object lock. Elements read their fields under the same lock, or when streaming has not begun.
 */
#ifndef GST_QNN_PROP_H
#define GST_QNN_PROP_H

#include <gst/gst.h>

/* What the field is. */
typedef enum {
  GST_QNN_PROP_BOOL,   /* gboolean */
  GST_QNN_PROP_UINT,   /* guint */
  GST_QNN_PROP_UINT64, /* guint64 */
  GST_QNN_PROP_DOUBLE, /* gdouble */
  GST_QNN_PROP_STRING, /* gchar *, owned */
  GST_QNN_PROP_ENUM,   /* gint */
} GstQnnPropKind;

/* Who may set it, and when. */
typedef enum {
  GST_QNN_PROP_READY = 0, /* in NULL or READY: read when the element starts */
  GST_QNN_PROP_PLAYING,   /* at any time */
  GST_QNN_PROP_READONLY,
} GstQnnPropMode;

typedef struct {
  const gchar *name;
  const gchar *blurb; /* with the unit, and what the default means */
  GstQnnPropKind kind;
  GstQnnPropMode mode;
  gsize offset;            /* of the field in the instance */
  gdouble min, max, def;   /* numbers; enums use @def */
  const gchar *def_string; /* strings */
  GType (*enum_type)(void);
} GstQnnProp;

/* To be called in class_init, once. Ids are 1 to @n. @serial_offset: a gint that each set increments; 0: none. */
void gst_qnn_props_install(GObjectClass *klass, const GstQnnProp *props, guint n, gsize serial_offset);

/* In instance init: all defaults. In finalize: frees the strings. */
void gst_qnn_props_init(gpointer object, const GstQnnProp *props, guint n);
void gst_qnn_props_clear(gpointer object, const GstQnnProp *props, guint n);

/* A copy of a string field taken under the object lock; NULL when it is unset or empty. Free with g_free(). */
gchar *gst_qnn_prop_dup(gpointer object, gchar *const *field);

/* "a", or "a,b,c" (also with spaces or < >) to @out, one value for all three. FALSE when it is no such list. */
gboolean gst_qnn_parse_triple(const gchar *text, gfloat out[3]);

/* The nick of an enum value. Static. */
const gchar *gst_qnn_enum_nick(GType type, gint value);

#endif
