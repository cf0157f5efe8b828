/* SPDX-License-Identifier: MIT */
/*
 * archive.c - see archive.h. cJSON takes about 40 times the size of the JSON text, which is small beside the weights.
 */
#include "archive.h"

#include <string.h>

#define MAX_JSON ((size_t)256 << 20)

static const struct {
  uint8_t scalar, onnx;
  QfDType dtype;
} types[] = {
    {1, 2, QF_DTYPE_UINT8},      {2, 3, QF_DTYPE_INT8},     {3, 5, QF_DTYPE_INT16},
    {4, 6, QF_DTYPE_INT32},      {5, 7, QF_DTYPE_INT64},    {6, 10, QF_DTYPE_FLOAT16},
    {7, 1, QF_DTYPE_FLOAT32},    {8, 11, QF_DTYPE_FLOAT64}, {12, 9, QF_DTYPE_BOOL},
    {13, 16, QF_DTYPE_BFLOAT16}, {28, 4, QF_DTYPE_UINT16},  {34, 12, QF_DTYPE_UINT32},
    {35, 13, QF_DTYPE_UINT64},
};

QfDType qf_pt2_dtype(int64_t scalar, int32_t *onnx)
{
  for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
    if (types[i].scalar == scalar) {
      *onnx = types[i].onnx;
      return types[i].dtype;
    }
  *onnx = 0;
  return QF_DTYPE_INVALID;
}

const cJSON *qf_pt2_get(const cJSON *object, const char *key)
{
  return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const char *qf_pt2_text(const cJSON *value)
{
  return cJSON_IsString(value) ? value->valuestring : NULL;
}

int64_t qf_pt2_int(const cJSON *value, int64_t otherwise)
{
  if (!cJSON_IsNumber(value))
    return otherwise;
  if (value->valuedouble >= 0x1p63)
    return INT64_MAX;
  return value->valuedouble > -0x1p63 ? (int64_t)value->valuedouble : INT64_MIN;
}

/* A SymInt: {"as_int": 3}, or an expression. */
static int64_t sym_int(const cJSON *value)
{
  return qf_pt2_int(qf_pt2_get(value, "as_int"), -1);
}

static gboolean read_sizes(const cJSON *list, int64_t *values, int32_t *n)
{
  const cJSON *item;
  *n = 0;
  cJSON_ArrayForEach(item, list)
  {
    if (*n == QF_MAX_RANK)
      return FALSE;
    values[(*n)++] = sym_int(item);
  }
  return cJSON_IsArray(list);
}

gboolean qf_pt2_read_meta(const cJSON *meta, QfPt2Tensor *t)
{
  int32_t n_strides, onnx;
  t->scalar = (int32_t)CLAMP(qf_pt2_int(qf_pt2_get(meta, "dtype"), 0), 0, 255);
  t->offset = sym_int(qf_pt2_get(meta, "storage_offset"));
  return read_sizes(qf_pt2_get(meta, "sizes"), t->dims, &t->rank) &&
         read_sizes(qf_pt2_get(meta, "strides"), t->strides, &n_strides) && n_strides == t->rank &&
         qf_pt2_dtype(t->scalar, &onnx) != QF_DTYPE_INVALID;
}

/* Whether element indices stay within @elements; dims and strides are >= 0. */
static gboolean view_fits(const QfPt2Tensor *t, uint64_t elements)
{
  uint64_t last = (uint64_t)t->offset;
  if (t->offset < 0 || last >= elements)
    return FALSE;
  for (int i = 0; i < t->rank; i++) {
    const uint64_t steps = (uint64_t)t->dims[i] - 1, stride = (uint64_t)t->strides[i];
    if (t->dims[i] < 1 || t->strides[i] < 0 || (stride && steps > (elements - 1 - last) / stride))
      return FALSE;
    last += steps * stride;
  }
  return TRUE;
}

static gboolean is_dense(const QfPt2Tensor *t)
{
  int64_t stride = 1;
  for (int i = t->rank - 1; i >= 0; i--) {
    if (t->dims[i] != 1 && t->strides[i] != stride)
      return FALSE;
    stride *= t->dims[i];
  }
  return TRUE;
}

/* Copies element by element in the order of the dimensions. */
static void gather(const QfPt2Tensor *t, const uint8_t *storage, size_t size, int64_t count, uint8_t *out)
{
  int64_t index[QF_MAX_RANK] = {0}, at = t->offset;
  for (int64_t n = 0; n < count; n++, out += size) {
    memcpy(out, storage + (size_t)at * size, size);
    for (int i = t->rank - 1; i >= 0; i--) {
      at += t->strides[i];
      if (++index[i] < t->dims[i])
        break;
      at -= t->strides[i] * t->dims[i];
      index[i] = 0;
    }
  }
}

GBytes *qf_pt2_tensor_values(const QfPt2Tensor *t)
{
  int32_t onnx;
  gsize bytes;
  const size_t size = qf_dtype_size(qf_pt2_dtype(t->scalar, &onnx));
  const int64_t count = qf_dims_count(t->dims, t->rank);
  const uint8_t *storage = t->storage ? g_bytes_get_data(t->storage, &bytes) : NULL;
  if (!count)
    return g_bytes_new(NULL, 0);
  if (!t->storage || !size || count < 0 || !view_fits(t, bytes / size) || (uint64_t)count > bytes / size)
    return NULL; /* a view with more elements than its storage (an expanded one) is none of a parameter's */
  const size_t start = (size_t)t->offset * size;
  if (is_dense(t) && !((uintptr_t)(storage + start) % size))
    return g_bytes_new_from_bytes(t->storage, start, (size_t)count * size);
  uint8_t *values = g_malloc((size_t)count * size);
  gather(t, storage, size, count, values);
  return g_bytes_new_take(values, (size_t)count * size);
}

static gboolean fail(const QfPt2Archive *a, GError **error, QfError code, const char *path, const char *what)
{
  g_set_error(error, QF_ERROR, code, "%s: '%s' in this archive %s", a->zip->name, path, what);
  return FALSE;
}

static cJSON *parse(const QfPt2Archive *a, const char *path, GError **error)
{
  GBytes *bytes = qf_zip_find(a->zip, path);
  gsize size = 0;
  const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
  cJSON *json = bytes && size <= MAX_JSON ? cJSON_ParseWithLength(text, size) : NULL;
  if (!json)
    fail(a, error, QF_ERROR_FORMAT, path, "is missing or no JSON; save it again with torch.export.save()");
  return json;
}

/* ROOT/data/weights/model_weights_config.json and its like for constants: name -> file and view. */
static gboolean read_config(QfPt2Archive *a, const char *root, const char *folder, const char *config,
                            GError **error)
{
  g_autofree char *path = g_strdup_printf("%s/data/%s/%s", root, folder, config);
  if (!qf_zip_find(a->zip, path))
    return TRUE;
  cJSON *json = parse(a, path, error);
  const cJSON *entry;
  gboolean ok = json != NULL;
  cJSON_ArrayForEach(entry, qf_pt2_get(json, "config"))
  {
    const char *file = qf_pt2_text(qf_pt2_get(entry, "path_name"));
    g_autofree QfPt2Tensor *t = g_new0(QfPt2Tensor, 1);
    if (!entry->string || !file)
      continue;
    g_autofree char *full = g_strdup_printf("%s/data/%s/%s", root, folder, file);
    GBytes *storage = qf_zip_find(a->zip, full);
    const gboolean pickled = cJSON_IsTrue(qf_pt2_get(entry, "use_pickle"));
    if (!pickled && (!qf_pt2_read_meta(qf_pt2_get(entry, "tensor_meta"), t) || !storage)) {
      ok = fail(a, error, QF_ERROR_FORMAT, path,
                "describes a tensor that is not there, or of an unknown type; save it again");
      break;
    }
    t->storage = pickled ? NULL : g_bytes_ref(storage);
    g_hash_table_insert(a->tensors, g_strdup(entry->string), g_steal_pointer(&t));
  }
  cJSON_Delete(json);
  return ok;
}

/* models/NAME.json; several models in one archive: the one called "model", else the first. */
static const char *find_model(const QfZip *zip)
{
  const char *found = qf_zip_ends_with(zip, "/models/model.json");
  for (guint i = 0; !found && i < zip->paths->len; i++) {
    const char *path = g_ptr_array_index(zip->paths, i);
    if (strstr(path, "/models/") && g_str_has_suffix(path, ".json"))
      found = path;
  }
  return found;
}

static gboolean check_byte_order(const QfPt2Archive *a, const char *root, GError **error)
{
  g_autofree char *path = g_strdup_printf("%s/byteorder", root);
  GBytes *order = qf_zip_find(a->zip, path);
  gsize size = 0;
  const char *text = order ? g_bytes_get_data(order, &size) : NULL;
  return !order || (size >= 6 && !memcmp(text, "little", 6)) ||
         fail(a, error, QF_ERROR_UNSUPPORTED, path,
              "says that the weights are big endian; save it on a little-endian machine");
}

static gboolean read_archive(QfPt2Archive *a, const char *model, GError **error)
{
  g_autofree char *root = g_strndup(model, (gsize)(strstr(model, "/models/") - model));
  g_autofree char *base = g_path_get_basename(model);
  base[strlen(base) - strlen(".json")] = 0;
  g_autofree char *weights = g_strdup_printf("%s_weights_config.json", base);
  g_autofree char *constants = g_strdup_printf("%s_constants_config.json", base);
  return check_byte_order(a, root, error) && read_config(a, root, "weights", weights, error) &&
         read_config(a, root, "constants", constants, error) && (a->program = parse(a, model, error));
}

/* Beside the program lie files of torch.save(), zip archives again. */
static gboolean read_old(QfPt2Archive *a, const char *model, GError **error)
{
  static const char *const files[] = {"serialized_state_dict.pt", "serialized_constants.pt"};
  for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
    GBytes *bytes = qf_zip_find(a->zip, files[i]);
    g_autofree char *name = g_strdup_printf("%s: '%s'", a->zip->name, files[i]);
    if (bytes && g_bytes_get_size(bytes) && !qf_pt2_read_pickled(bytes, name, a->tensors, error))
      return FALSE;
  }
  return (a->program = parse(a, model, error)) != NULL;
}

/* Archives of PyTorch that are not exported programs. */
static gboolean refuse(const QfPt2Archive *a, GError **error)
{
  const gboolean script = qf_zip_ends_with(a->zip, "/constants.pkl") != NULL;
  const gboolean pickle = qf_zip_ends_with(a->zip, "data.pkl") != NULL;
  g_set_error(error, QF_ERROR, QF_ERROR_UNSUPPORTED,
              "%s: %s; export the network: torch.export.save(torch.export.export(module.eval(), inputs), "
              "\"net.pt2\"), or "
              "torch.onnx.export()",
              a->zip->name,
              script   ? "this is a TorchScript archive, whose code only PyTorch runs"
              : pickle ? "this is a file of torch.save(): weights without a graph, or a pickled module, "
                         "which only PyTorch reads"
                       : "this zip archive holds no exported program (models/model.json)");
  return FALSE;
}

static void free_tensor(gpointer tensor)
{
  QfPt2Tensor *t = tensor;
  if (t->storage)
    g_bytes_unref(t->storage);
  g_free(t);
}

QfPt2Archive *qf_pt2_archive_open(GBytes *bytes, const char *name, GError **error)
{
  static const char old_model[] = "serialized_exported_program.json";
  g_autoptr(QfPt2Archive) a = g_new0(QfPt2Archive, 1);
  a->tensors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_tensor);
  a->zip = qf_zip_open(bytes, name, error);
  if (!a->zip)
    return NULL;
  const char *model = find_model(a->zip);
  gboolean ok;
  if (model)
    ok = read_archive(a, model, error);
  else
    ok = qf_zip_find(a->zip, old_model) ? read_old(a, old_model, error) : refuse(a, error);
  return ok ? g_steal_pointer(&a) : NULL;
}

void qf_pt2_archive_free(QfPt2Archive *a)
{
  if (!a)
    return;
  g_hash_table_unref(a->tensors);
  cJSON_Delete(a->program);
  if (a->zip)
    qf_zip_free(a->zip);
  g_free(a);
}
