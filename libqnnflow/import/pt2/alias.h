/* SPDX-License-Identifier: MIT */
/*
 * alias.h - values that share memory: views of a tensor, and what changing one in place does to the others.
 *
 * Values of an ONNX graph never change. So a change in place gives a new value, which stands for the old name from then on; a part of a
 * tensor is put back into it; and a view that would have changed along, but was taken before, may not be used any more.
 */
#ifndef QF_IMPORT_PT2_ALIAS_H
#define QF_IMPORT_PT2_ALIAS_H

#include "map.h"

typedef struct QfPt2Aliases {
  GHashTable *values; /* name -> its entry; see alias.c */
  uint32_t now;       /* counts nodes */
} QfPt2Aliases;

void qf_pt2_aliases_init(QfPt2Aliases *a);
void qf_pt2_aliases_clear(QfPt2Aliases *a);

/* An error when @name is a view that a change in place has left behind. */
gboolean qf_pt2_alias_check(QfPt2 *p, const char *user, const char *name, GError **error);
/* The same for all arguments of @n. */
gboolean qf_pt2_alias_check_node(QfPt2Node *n, GError **error);
/* Notes the outputs of @n, which has been mapped; @in_place: its first argument is changed. */
gboolean qf_pt2_alias_note(QfPt2Node *n, gboolean in_place, GError **error);

/* @base with @part in the place of its indices [start, end) along @dim, as @out (NULL: a new name). */
const char *qf_pt2_put_slice(QfPt2Node *n, const char *base, const char *part, int64_t dim, int64_t start,
                             int64_t end, const char *out);
/* The slice that the arguments dim, start, end, step (or index, of select) describe, of a tensor like @base. FALSE: not known, or steps. */
gboolean qf_pt2_known_slice(const QfPt2Node *n, const char *base, gboolean select, int64_t *dim,
                            int64_t *start, int64_t *end);

#endif
