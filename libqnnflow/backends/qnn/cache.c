/* SPDX-License-Identifier: MIT */
/*
 * cache.c - see cache.h. File: head, ids of the net's tensors, the binary; little-endian.
 */
#include "cache.h"

#include <glib/gstdio.h>
#include <string.h>

#define MAGIC "QFCTX1\n"

typedef struct {
  char magic[8];
  char key[64];      /* hex */
  uint8_t check[32]; /* SHA-256 of all behind the head */
  uint64_t n_ids, n_bytes;
} Head;

static void add_tensor(GChecksum *sum, const QfQnnTensor *t)
{
  const QfQnnQuantize *q = &t->quantize;
  const uint32_t words[] = {t->type, t->dtype, t->rank, q->defined, q->kind};
  g_checksum_update(sum, (const guchar *)words, sizeof(words));
  g_checksum_update(sum, (const guchar *)t->dims, t->rank * sizeof(*t->dims));
  if (q->defined == 1 && q->kind == QF_QNN_AXIS_SCALE_OFFSET) {
    g_checksum_update(sum, (const guchar *)&q->u.axis.axis, sizeof(q->u.axis.axis));
    g_checksum_update(sum, (const guchar *)q->u.axis.entries, q->u.axis.count * sizeof(*q->u.axis.entries));
  } else if (q->defined == 1) {
    g_checksum_update(sum, (const guchar *)&q->u.one, sizeof(q->u.one));
  }
  if (t->type == QF_QNN_STATIC)
    g_checksum_update(sum, t->u.client.data, t->u.client.size);
}

static void add_op(GChecksum *sum, const QfQnnNet *net, const QfQnnNetOp *op)
{
  const GPtrArray *lists[] = {op->inputs, op->outputs, op->param_tensors};
  g_checksum_update(sum, (const guchar *)op->type, (gssize)strlen(op->type) + 1);
  for (gsize l = 0; l < G_N_ELEMENTS(lists); l++)
    for (guint i = 0; i < lists[l]->len; i++) {
      guint at = G_MAXUINT;
      g_ptr_array_find((GPtrArray *)net->tensors, lists[l]->pdata[i], &at);
      g_checksum_update(sum, (const guchar *)&at, sizeof(at));
    }
  for (guint i = 0; i < op->params->len; i++) {
    const QfQnnParam *p = &g_array_index(op->params, QfQnnParam, i);
    g_checksum_update(sum, (const guchar *)p->name, (gssize)strlen(p->name) + 1);
    if (!p->kind)
      g_checksum_update(sum, (const guchar *)&p->u.scalar, sizeof(p->u.scalar));
  }
}

char *qf_qnn_cache_key(const QfQnnUnit *unit, const QfQnnNet *net)
{
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  const QfQnnSettings *s = &unit->settings;
  const int32_t words[] = {s->soc_model, s->dsp_arch, s->vtcm_mb, s->level, s->threads, s->fp16};
  g_checksum_update(sum, (const guchar *)unit->library->build, (gssize)strlen(unit->library->build) + 1);
  g_checksum_update(sum, (const guchar *)words, sizeof(words));
  for (guint i = 0; i < net->tensors->len; i++)
    add_tensor(sum, net->tensors->pdata[i]);
  for (guint i = 0; i < net->ops->len; i++)
    add_op(sum, net, net->ops->pdata[i]);
  return g_strdup(g_checksum_get_string(sum));
}

static char *path_of(const QfQnnUnit *unit, const char *key)
{
  g_autofree char *name = g_strconcat(key, ".qfctx", NULL);
  return g_build_filename(unit->settings.cache, name, NULL);
}

static void checksum(uint8_t out[32], const void *data, gsize size)
{
  g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
  gsize length = 32;
  g_checksum_update(sum, data, (gssize)size);
  g_checksum_get_digest(sum, out, &length);
}

/* The file's body, when the head says that it is what was written for this key. */
static const uint8_t *body_of(const char *data, gsize size, const char *key, Head *head)
{
  uint8_t check[32];
  if (size < sizeof(*head))
    return NULL;
  memcpy(head, data, sizeof(*head));
  const gsize rest = size - sizeof(*head);
  if (memcmp(head->magic, MAGIC, sizeof(head->magic)) || memcmp(head->key, key, sizeof(head->key)) ||
      head->n_ids > rest / 4 || head->n_bytes != rest - head->n_ids * 4)
    return NULL;
  checksum(check, data + sizeof(*head), rest);
  return memcmp(check, head->check, sizeof(check)) ? NULL : (const uint8_t *)data + sizeof(*head);
}

gboolean qf_qnn_cache_load(const QfQnnUnit *unit, const char *key, const char *name, QfQnnNet *net,
                           QfQnnHandle *context, QfQnnHandle *graph)
{
  const QfQnnLibrary *lib = unit->library;
  g_autofree char *path = path_of(unit, key), *data = NULL;
  gsize size;
  Head head;
  if (!qf_qnn_library_has(lib, QF_QNN_contextCreateFromBinary) ||
      !g_file_get_contents(path, &data, &size, NULL))
    return FALSE;
  const uint8_t *body = body_of(data, size, key, &head);
  if (!body || head.n_ids != net->tensors->len) {
    g_info("%s: it is damaged, or of another model: built anew", path);
    return FALSE;
  }
  QfQnnError e =
      QF_QNN(lib, contextCreateFromBinary, QfQnnHandle, QfQnnHandle, const QfQnnConfig **, const void *,
             uint64_t, QfQnnHandle *, QfQnnHandle)(unit->backend, unit->device, NULL, body + head.n_ids * 4,
                                                   head.n_bytes, context, NULL);
  if (!e)
    e = QF_QNN(lib, graphRetrieve, QfQnnHandle, const char *, QfQnnHandle *)(*context, name, graph);
  if (e) {
    g_info("%s: %s: built anew", path, qf_qnn_library_message(lib, e));
    if (*context)
      QF_QNN(lib, contextFree, QfQnnHandle, QfQnnHandle)(*context, NULL);
    *context = NULL;
    return FALSE;
  }
  for (guint i = 0; i < net->tensors->len; i++)
    memcpy(&((QfQnnTensor *)net->tensors->pdata[i])->id, body + i * 4, 4);
  return TRUE;
}

void qf_qnn_cache_store(const QfQnnUnit *unit, const char *key, QfQnnHandle context, const QfQnnNet *net)
{
  const QfQnnLibrary *lib = unit->library;
  g_autofree char *path = path_of(unit, key);
  g_autoptr(GError) error = NULL;
  uint64_t size = 0, written = 0;
  if (!qf_qnn_library_has(lib, QF_QNN_contextGetBinary) ||
      !qf_qnn_library_has(lib, QF_QNN_contextGetBinarySize) ||
      QF_QNN(lib, contextGetBinarySize, QfQnnHandle, uint64_t *)(context, &size) || !size ||
      size > G_MAXINT32)
    return;
  const gsize ids = net->tensors->len * 4;
  g_autofree uint8_t *file = g_malloc0(sizeof(Head) + ids + size);
  uint8_t *body = file + sizeof(Head);
  for (guint i = 0; i < net->tensors->len; i++)
    memcpy(body + i * 4, &((const QfQnnTensor *)net->tensors->pdata[i])->id, 4);
  if (QF_QNN(lib, contextGetBinary, QfQnnHandle, void *, uint64_t, uint64_t *)(context, body + ids, size,
                                                                               &written) ||
      written > size)
    return;
  Head head = {.magic = MAGIC, .n_ids = net->tensors->len, .n_bytes = written};
  memcpy(head.key, key, sizeof(head.key));
  checksum(head.check, body, ids + written);
  memcpy(file, &head, sizeof(head));
  g_mkdir_with_parents(unit->settings.cache, 0700);
  if (!g_file_set_contents(path, (const char *)file, (gssize)(sizeof(head) + ids + written), &error))
    g_warning("%s: the context cannot be kept: %s", path, error->message);
}
