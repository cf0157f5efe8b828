/* SPDX-License-Identifier: MIT */
/*
 * pickle.c - tensors out of a file of torch.save(): a zip archive of raw storages and one pickle that says which views of them belong
 * to which name.
 *
 * Only what such a file needs of pickle's machine is here: nothing is called, names of functions are compared. Whatever is
 * unknown becomes an object that is good for nothing; an unknown instruction is an error.
 */
#include "archive.h"

#include <string.h>

typedef enum {
  NOTHING,
  NUMBER,
  TEXT,
  FUNCTION,
  LIST,
  STORAGE,
  TENSOR,
  MARK
} Kind; /* LIST: tuples and dictionaries too */

typedef struct {
  Kind kind;
  int64_t number;
  char *text;         /* TEXT, FUNCTION ("module name") */
  GPtrArray *items;   /* LIST: of a dictionary, keys and values in turn */
  QfPt2Tensor tensor; /* STORAGE (only storage and scalar), TENSOR */
} Value;

typedef struct {
  const char *name;
  QfZip *zip;
  const char *folder; /* "archive/data/" */
  const uint8_t *at, *end;
  GPtrArray *values; /* all there are */
  GPtrArray *stack;
  GHashTable *memo;
  GError **error;
} Machine;

static gboolean fail(Machine *m, const char *what)
{
  g_set_error(m->error, QF_ERROR, QF_ERROR_UNSUPPORTED,
              "%s: its pickle holds more than tensors by name (%s); save the program again with PyTorch 2.8 "
              "or later, whose archives "
              "have raw weights",
              m->name, what);
  return FALSE;
}

static void free_value(gpointer value)
{
  Value *v = value;
  g_free(v->text);
  if (v->items)
    g_ptr_array_unref(v->items);
  g_free(v);
}

static Value *push(Machine *m, Kind kind)
{
  Value *v = g_new0(Value, 1);
  v->kind = kind;
  if (kind == LIST)
    v->items = g_ptr_array_new();
  g_ptr_array_add(m->values, v);
  g_ptr_array_add(m->stack, v);
  return v;
}

static Value *top(const Machine *m)
{
  return m->stack->len ? g_ptr_array_index(m->stack, m->stack->len - 1) : NULL;
}

static Value *pop(Machine *m)
{
  Value *v = top(m);
  if (v)
    g_ptr_array_set_size(m->stack, (gint)m->stack->len - 1);
  return v;
}

static gboolean number(Machine *m, int bytes, uint64_t *value)
{
  *value = 0;
  if (m->end - m->at < bytes)
    return fail(m, "it is cut off");
  for (int i = bytes; i--;)
    *value = *value << 8 | m->at[i];
  m->at += bytes;
  return TRUE;
}

/* @bytes of text follow. */
static gboolean push_text(Machine *m, uint64_t bytes)
{
  if (bytes > (uint64_t)(m->end - m->at))
    return fail(m, "a text is cut off");
  push(m, TEXT)->text = g_strndup((const char *)m->at, bytes);
  m->at += bytes;
  return TRUE;
}

/* "module\nname\n" */
static gboolean push_function(Machine *m)
{
  const uint8_t *first = memchr(m->at, '\n', (size_t)(m->end - m->at));
  const uint8_t *second = first ? memchr(first + 1, '\n', (size_t)(m->end - first - 1)) : NULL;
  if (!second)
    return fail(m, "a name is cut off");
  push(m, FUNCTION)->text = g_strdup_printf("%.*s %.*s", (int)MIN(first - m->at, 200), (const char *)m->at,
                                            (int)MIN(second - first - 1, 200), (const char *)first + 1);
  m->at = second + 1;
  return TRUE;
}

/* The values above the mark, or the last @count, into the list @into (NULL: a new one). */
static gboolean gather(Machine *m, int count, Value *into)
{
  guint from = m->stack->len;
  if (count >= 0) {
    from = from >= (guint)count ? from - (guint)count : G_MAXUINT;
  } else {
    while (from && ((Value *)g_ptr_array_index(m->stack, from - 1))->kind != MARK)
      from--;
    from = from ? from : G_MAXUINT;
  }
  if (from == G_MAXUINT)
    return fail(m, "its stack is empty");
  const guint base = count >= 0 ? from : from - 1; /* the mark goes too */
  g_autoptr(GPtrArray) items = g_ptr_array_new();
  for (guint i = from; i < m->stack->len; i++)
    g_ptr_array_add(items, g_ptr_array_index(m->stack, i));
  g_ptr_array_set_size(m->stack, (gint)base);
  if (!into)
    into = push(m, LIST);
  else if (into->kind != LIST || into != top(m))
    return fail(m, "items belong to no list");
  g_ptr_array_extend(into->items, items, NULL, NULL);
  return TRUE;
}

/* The value below the mark or the last @count. */
static Value *below(const Machine *m, int count)
{
  guint i = m->stack->len;
  if (count < 0) {
    while (i && ((Value *)g_ptr_array_index(m->stack, i - 1))->kind != MARK)
      i--;
    count = 1;
  }
  return i > (guint)count ? g_ptr_array_index(m->stack, i - (guint)count - 1) : NULL;
}

static Value *item(const Value *list, guint index, Kind kind)
{
  Value *v =
      list && list->kind == LIST && index < list->items->len ? g_ptr_array_index(list->items, index) : NULL;
  return v && v->kind == kind ? v : NULL;
}

/* ('storage', torch.FloatStorage, '0', 'cpu', 12): the file data/0. */
static gboolean push_storage(Machine *m)
{
  static const struct {
    const char *name;
    int32_t scalar;
  } types[] = {{"torch ByteStorage", 1},     {"torch CharStorage", 2},   {"torch ShortStorage", 3},
               {"torch IntStorage", 4},      {"torch LongStorage", 5},   {"torch HalfStorage", 6},
               {"torch FloatStorage", 7},    {"torch DoubleStorage", 8}, {"torch BoolStorage", 12},
               {"torch BFloat16Storage", 13}};
  const Value *id = pop(m), *type = item(id, 1, FUNCTION), *key = item(id, 2, TEXT);
  if (!type || !key)
    return fail(m, "a storage is not described");
  g_autofree char *path = g_strconcat(m->folder, key->text, NULL);
  Value *v = push(m, STORAGE);
  v->tensor.storage = qf_zip_find(m->zip, path);
  for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
    if (!strcmp(types[i].name, type->text))
      v->tensor.scalar = types[i].scalar;
  return (v->tensor.storage && v->tensor.scalar) || fail(m, "a storage is missing or of an unknown type");
}

static gboolean read_numbers(const Value *list, int64_t *values, int32_t *n)
{
  *n = 0;
  if (!list || list->kind != LIST || list->items->len > QF_MAX_RANK)
    return FALSE;
  for (guint i = 0; i < list->items->len; i++) {
    const Value *v = item(list, i, NUMBER);
    if (!v)
      return FALSE;
    values[(*n)++] = v->number;
  }
  return TRUE;
}

/* (storage, offset, size, stride, ...) */
static gboolean push_tensor(Machine *m, const Value *args)
{
  const Value *storage = item(args, 0, STORAGE), *offset = item(args, 1, NUMBER);
  int32_t n_strides;
  Value *v = push(m, TENSOR);
  if (!storage || !offset)
    return fail(m, "a tensor is not described");
  v->tensor = storage->tensor;
  v->tensor.offset = offset->number;
  return (read_numbers(item(args, 2, LIST), v->tensor.dims, &v->tensor.rank) &&
          read_numbers(item(args, 3, LIST), v->tensor.strides, &n_strides) && n_strides == v->tensor.rank) ||
         fail(m, "a tensor has strange dimensions");
}

/* A call of a function that is known by name. */
static gboolean call(Machine *m)
{
  const Value *args = pop(m), *function = pop(m);
  if (!args || !function || function->kind != FUNCTION)
    return fail(m, "it calls what is no function");
  if (!strcmp(function->text, "torch._utils _rebuild_tensor_v2"))
    return push_tensor(m, args);
  if (!strcmp(function->text, "torch._utils _rebuild_parameter") && item(args, 0, TENSOR)) {
    g_ptr_array_add(m->stack, item(args, 0, TENSOR));
    return TRUE;
  }
  push(m, strcmp(function->text, "collections OrderedDict") ? NOTHING : LIST);
  return TRUE;
}

static gboolean remember(Machine *m, uint64_t index)
{
  if (!top(m))
    return fail(m, "its stack is empty");
  g_hash_table_insert(m->memo, GUINT_TO_POINTER((guint)index), top(m));
  return TRUE;
}

static gboolean recall(Machine *m, uint64_t index)
{
  Value *v = g_hash_table_lookup(m->memo, GUINT_TO_POINTER((guint)index));
  if (!v)
    return fail(m, "it recalls what it did not remember");
  g_ptr_array_add(m->stack, v);
  return TRUE;
}

static gboolean push_number(Machine *m, int bytes)
{
  uint64_t v;
  if (!number(m, bytes, &v))
    return FALSE;
  push(m, NUMBER)->number = bytes == 4 ? (int32_t)v : (int64_t)v;
  return TRUE;
}

/* An integer of any length; more than 8 bytes are none of a tensor's. */
static gboolean push_long(Machine *m)
{
  uint64_t bytes, v;
  if (!number(m, 1, &bytes) || bytes > 8 || !number(m, (int)bytes, &v))
    return bytes > 8 ? fail(m, "a number is too large") : FALSE;
  push(m, NUMBER)->number =
      bytes && bytes < 8 ? (int64_t)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes) : (int64_t)v;
  return TRUE;
}

static gboolean push_constant(Machine *m, Kind kind, int64_t value)
{
  push(m, kind)->number = value;
  return TRUE;
}

static gboolean skip(Machine *m, int bytes)
{
  uint64_t v;
  return number(m, bytes, &v);
}

/* Texts and memo slots, whose length or index takes @bytes. */
static gboolean with_number(Machine *m, int bytes, gboolean (*run)(Machine *, uint64_t))
{
  uint64_t v;
  return number(m, bytes, &v) && run(m, v);
}

/* One instruction; those that push numbers, texts and lists first. */
static gboolean step(Machine *m, uint8_t code)
{
  switch (code) {
  case 0x80: return skip(m, 1);
  case 'K': return push_number(m, 1);
  case 'M': return push_number(m, 2);
  case 'J': return push_number(m, 4);
  case 'G': return skip(m, 8) && push_constant(m, NOTHING, 0);
  case 0x8a: return push_long(m);
  case 0x88: return push_constant(m, NUMBER, 1);
  case 0x89: return push_constant(m, NUMBER, 0);
  case 'N': return push_constant(m, NOTHING, 0);
  case '(': return push_constant(m, MARK, 0);
  case '}':
  case ']':
  case ')': return push_constant(m, LIST, 0);
  case 'X': return with_number(m, 4, push_text);
  case 'c': return push_function(m);
  case 'q': return with_number(m, 1, remember);
  case 'r': return with_number(m, 4, remember);
  case 'h': return with_number(m, 1, recall);
  case 'j': return with_number(m, 4, recall);
  case 't': return gather(m, -1, NULL);
  case 0x85: return gather(m, 1, NULL);
  case 0x86: return gather(m, 2, NULL);
  case 0x87: return gather(m, 3, NULL);
  case 'u':
  case 'e': return below(m, -1) ? gather(m, -1, below(m, -1)) : fail(m, "items belong to no list");
  case 's': return below(m, 2) ? gather(m, 2, below(m, 2)) : fail(m, "an item belongs to no list");
  case 'a': return below(m, 1) ? gather(m, 1, below(m, 1)) : fail(m, "an item belongs to no list");
  case 'Q': return push_storage(m);
  case 'R': return call(m);
  case 'b': return pop(m) && top(m) ? TRUE : fail(m, "its stack is empty");
  default: return fail(m, "an unknown instruction");
  }
}

/* Tensors of the dictionary that is left at the end. */
static gboolean collect(Machine *m, GHashTable *tensors)
{
  const Value *dictionary = top(m);
  if (!dictionary || dictionary->kind != LIST)
    return fail(m, "no dictionary");
  for (guint i = 0; i + 1 < dictionary->items->len; i += 2) {
    const Value *key = item(dictionary, i, TEXT), *value = item(dictionary, i + 1, TENSOR);
    if (!key)
      return fail(m, "a key that is no text");
    QfPt2Tensor *t = g_new0(QfPt2Tensor, 1);
    if (value) {
      *t = value->tensor;
      g_bytes_ref(t->storage);
    }
    g_hash_table_insert(tensors, g_strdup(key->text), t);
  }
  return TRUE;
}

static gboolean run(Machine *m, GHashTable *tensors)
{
  uint64_t op;
  while (number(m, 1, &op)) {
    if (op == '.')
      return collect(m, tensors);
    if (!step(m, (uint8_t)op))
      return FALSE;
  }
  return FALSE;
}

gboolean qf_pt2_read_pickled(GBytes *file, const char *name, GHashTable *tensors, GError **error)
{
  g_autoptr(QfZip) zip = qf_zip_open(file, name, error);
  const char *path = zip ? qf_zip_ends_with(zip, "data.pkl") : NULL;
  if (!path) {
    if (zip)
      g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: it holds no data.pkl; save the program again", name);
    return FALSE;
  }
  gsize size;
  const uint8_t *data = g_bytes_get_data(qf_zip_find(zip, path), &size);
  g_autofree char *root = g_strndup(path, strlen(path) - strlen("data.pkl")),
                  *folder = g_strconcat(root, "data/", NULL);
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(free_value), stack = g_ptr_array_new();
  g_autoptr(GHashTable) memo = g_hash_table_new(NULL, NULL);
  Machine m = {name, zip, folder, data, data + size, values, stack, memo, error};
  return run(&m, tensors);
}
