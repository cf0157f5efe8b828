/* SPDX-License-Identifier: MIT */
/*
 * pt2_build.c - see pt2_build.h.
 */
#include "pt2_build.h"

#include <stdlib.h>
#include <string.h>

const char *const pt2_sample =
    "in x 1,1,4,4\n"
    "w conv.weight 2,1,3,3 = 1 0 -1\n"
    "w conv.bias 2 = 0.5 -0.5\n"
    "w fc.weight 3,8 = 0.25 -0.5 1\n"
    "w fc.bias 3 = 1 2 3\n"
    "node aten.conv2d.default c 1,2,2,2 : input=x weight=conv.weight bias=conv.bias\n"
    "node aten.relu.default r 1,2,2,2 : self=c\n"
    "node aten.view.default v 1,8 : self=r size=[1,8]\n"
    "node aten.linear.default y 1,3 : input=v weight=fc.weight bias=fc.bias\n"
    "out y\n";

static void put(GByteArray *bytes, int size, uint64_t value)
{
  for (int i = 0; i < size; i++)
    g_byte_array_append(bytes, &(guint8){(guint8)(value >> 8 * i)}, 1);
}

ZipBuild *zb_new(void)
{
  ZipBuild *z = g_new0(ZipBuild, 1);
  z->files = g_byte_array_new();
  z->directory = g_byte_array_new();
  return z;
}

/* What the header of a file and its entry in the directory share. */
static void put_common(GByteArray *bytes, const char *path, size_t size, uint16_t method)
{
  put(bytes, 2, 20);
  put(bytes, 2, 0);
  put(bytes, 2, method);
  put(bytes, 4, 0);
  put(bytes, 4, 0);
  put(bytes, 4, size);
  put(bytes, 4, size);
  put(bytes, 2, strlen(path));
}

void zb_add(ZipBuild *z, const char *path, const void *data, size_t size, uint16_t method)
{
  const uint32_t at = z->files->len, length = (uint32_t)strlen(path);
  const uint32_t padding = (64 - (at + 30 + length + 4) % 64) % 64; /* data is aligned, as torch has it */
  put(z->files, 4, 0x04034b50);
  put_common(z->files, path, size, method);
  put(z->files, 2, 4 + padding);
  g_byte_array_append(z->files, (const guint8 *)path, length);
  put(z->files, 2, 0x4246);
  put(z->files, 2, padding);
  for (uint32_t i = 0; i < padding; i++)
    put(z->files, 1, 'Z');
  g_byte_array_append(z->files, data, (guint)size);
  put(z->directory, 4, 0x02014b50);
  put(z->directory, 2, 20);
  put_common(z->directory, path, size, method);
  put(z->directory, 2, 0);
  put(z->directory, 2, 0);
  put(z->directory, 4, 0);
  put(z->directory, 4, 0);
  put(z->directory, 4, at);
  g_byte_array_append(z->directory, (const guint8 *)path, length);
  z->count++;
}

GBytes *zb_end(ZipBuild *z)
{
  GByteArray *file = z->files;
  const uint32_t at = file->len;
  g_byte_array_append(file, z->directory->data, z->directory->len);
  put(file, 4, 0x06054b50);
  put(file, 4, 0);
  put(file, 2, z->count);
  put(file, 2, z->count);
  put(file, 4, z->directory->len);
  put(file, 4, at);
  put(file, 2, 0);
  g_byte_array_unref(z->directory);
  g_free(z);
  return g_byte_array_free_to_bytes(file);
}

/* The program while it is read. */
typedef struct {
  ZipBuild *zip;
  GString *values, *specs, *nodes, *config, *outputs;
  int n_weights;
} Program;

static void comma(GString *s)
{
  if (s->len)
    g_string_append(s, ", ");
}

/* "1,?,3" as a tensor_meta. */
static char *meta_of(const char *dims)
{
  g_auto(GStrv) words = g_strsplit(*dims ? dims : "", ",", -1);
  g_autoptr(GString) sizes = g_string_new(NULL), strides = g_string_new(NULL);
  for (guint i = 0; words[i]; i++) {
    long stride = 1;
    for (guint k = i + 1; words[k]; k++)
      stride *= atol(words[k]);
    comma(sizes);
    comma(strides);
    g_string_append_printf(sizes,
                           *words[i] == '?' ? "{\"as_expr\": {\"expr_str\": \"s0\"}}" : "{\"as_int\": %s}",
                           words[i]);
    g_string_append_printf(strides, "{\"as_int\": %ld}", stride);
  }
  return g_strdup_printf("{\"dtype\": 7, \"sizes\": [%s], \"strides\": [%s], \"storage_offset\": "
                         "{\"as_int\": 0}, \"layout\": 7}",
                         sizes->str, strides->str);
}

static void add_value(Program *p, const char *name, const char *dims)
{
  g_autofree char *meta = meta_of(dims);
  comma(p->values);
  g_string_append_printf(p->values, "\"%s\": %s", name, meta);
}

static void add_weight(Program *p, char **words)
{
  g_auto(GStrv) dims = g_strsplit(words[2], ",", -1);
  g_autofree char *path = g_strdup_printf("net/data/weights/weight_%d", p->n_weights),
                  *meta = meta_of(words[2]);
  guint count = 1, given = g_strv_length(words) - 4;
  for (guint i = 0; dims[i]; i++)
    count *= (guint)atol(dims[i]);
  g_autofree float *values = g_new(float, count);
  for (guint i = 0; i < count; i++)
    values[i] = (float)g_ascii_strtod(words[4 + i % given], NULL);
  zb_add(p->zip, path, values, count * sizeof(float), 0);
  add_value(p, words[1], words[2]);
  comma(p->config);
  g_string_append_printf(p->config,
                         "\"%s\": {\"path_name\": \"weight_%d\", \"use_pickle\": false, \"tensor_meta\": %s}",
                         words[1], p->n_weights++, meta);
  comma(p->specs);
  g_string_append_printf(p->specs,
                         "{\"parameter\": {\"arg\": {\"name\": \"%s\"}, \"parameter_name\": \"%s\"}}",
                         words[1], words[1]);
}

static char *argument(const char *value)
{
  const char *kind = g_ascii_isdigit(value[*value == '-']) ? (strchr(value, '.') ? "as_float" : "as_int")
                     : *value == '['                       ? "as_ints"
                     : *value == '"'                       ? "as_string"
                     : !strcmp(value, "true") || !strcmp(value, "false") ? "as_bool"
                                                                         : NULL;
  return kind ? g_strdup_printf("{\"%s\": %s}", kind, value)
              : g_strdup_printf("{\"as_tensor\": {\"name\": \"%s\"}}", value);
}

static void add_node(Program *p, char **words)
{
  g_autoptr(GString) in = g_string_new(NULL);
  for (guint i = 5; words[i]; i++) {
    g_auto(GStrv) pair = g_strsplit(words[i], "=", 2);
    g_autofree char *arg = argument(pair[1]);
    comma(in);
    g_string_append_printf(in, "{\"name\": \"%s\", \"arg\": %s, \"kind\": 1}", pair[0], arg);
  }
  if (strcmp(words[3], "-"))
    add_value(p, words[2], words[3]);
  comma(p->nodes);
  g_string_append_printf(
      p->nodes,
      "{\"target\": \"torch.ops.%s\", \"inputs\": [%s], \"outputs\": [{\"as_tensor\": {\"name\": \"%s\"}}], "
      "\"metadata\": {}}",
      words[1], in->str, words[2]);
}

static void add_line(Program *p, char **words)
{
  if (!strcmp(words[0], "in")) {
    add_value(p, words[1], words[2]);
    comma(p->specs);
    g_string_append_printf(p->specs, "{\"user_input\": {\"arg\": {\"as_tensor\": {\"name\": \"%s\"}}}}",
                           words[1]);
  } else if (!strcmp(words[0], "w")) {
    add_weight(p, words);
  } else if (!strcmp(words[0], "node")) {
    add_node(p, words);
  } else {
    comma(p->outputs);
    g_string_append_printf(p->outputs, "{\"user_output\": {\"arg\": {\"as_tensor\": {\"name\": \"%s\"}}}}",
                           words[1]);
  }
}

GBytes *pt2_build(const char *text)
{
  Program p = {zb_new(),
               g_string_new(NULL),
               g_string_new(NULL),
               g_string_new(NULL),
               g_string_new(NULL),
               g_string_new(NULL),
               0};
  GString *const parts[] = {p.values, p.specs, p.nodes, p.config, p.outputs};
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
  for (guint i = 0; lines[i]; i++) {
    g_auto(GStrv) words = g_strsplit(lines[i], " ", -1);
    if (*words)
      add_line(&p, words);
  }
  g_autofree char *config = g_strdup_printf("{\"config\": {%s}}", p.config->str);
  g_autofree char *model = g_strdup_printf(
      "{\"graph_module\": {\"graph\": {\"nodes\": [%s], \"tensor_values\": {%s}}, \"signature\": "
      "{\"input_specs\": [%s], \"output_specs\": [%s]}}}",
      p.nodes->str, p.values->str, p.specs->str, p.outputs->str);
  zb_add(p.zip, "net/data/weights/model_weights_config.json", config, strlen(config), 0);
  zb_add(p.zip, "net/models/model.json", model, strlen(model), 0);
  zb_add(p.zip, "net/archive_format", "pt2", 3, 0);
  zb_add(p.zip, "net/byteorder", "little", 6, 0);
  for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
    g_string_free(parts[i], TRUE);
  return zb_end(p.zip);
}
