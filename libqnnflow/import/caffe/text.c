/* SPDX-License-Identifier: MIT */
/*
 * text.c - see text.h. A cursor over bytes with an end, no NUL needed; each level of braces is one level of recursion, at
 * most MAX_DEPTH. What a value becomes is told by the field's type in the table `scalars`.
 */
#include "text.h"

#include <qnnflow/error.h>

#include <math.h>
#include <string.h>

#define MAX_DEPTH 32
#define MAX_WORD 128 /* of a number or a name */

typedef struct {
  const char *at, *end;
  const char *file;
  uint32_t line;
  QfBudget *budget;
} Cursor;

static gboolean fail(const Cursor *c, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean fail(const Cursor *c, GError **error, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *text = g_strdup_vprintf(format, args);
  va_end(args);
  if (c->budget->spent)
    g_set_error(error, QF_ERROR, QF_ERROR_LIMIT,
                "%s: line %u: its records need too much memory for a file of its size; it is damaged",
                c->file, c->line);
  else
    g_set_error(error, QF_ERROR, QF_ERROR_FORMAT, "%s: line %u: %s", c->file, c->line, text);
  return FALSE;
}

static void *allocate(Cursor *c, size_t size)
{
  return c->budget->allocator.alloc(c->budget, size);
}

static gboolean is_blank(char ch)
{
  return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n' || ch == '\v' || ch == '\f';
}

static gboolean is_word(char ch)
{
  return g_ascii_isalnum(ch) || ch == '_' || ch == '.' || ch == '-' || ch == '+';
}

static void skip_blanks(Cursor *c)
{
  gboolean comment = FALSE;
  for (; c->at < c->end && (comment || is_blank(*c->at) || *c->at == '#'); c->at++) {
    if (*c->at == '#')
      comment = TRUE;
    if (*c->at == '\n') {
      comment = FALSE;
      c->line++;
    }
  }
}

/* The next character that is not blank, 0 at the end. */
static char peek(Cursor *c)
{
  skip_blanks(c);
  return c->at < c->end ? *c->at : 0;
}

static gboolean take(Cursor *c, char wanted)
{
  if (c->at >= c->end || peek(c) != wanted)
    return FALSE;
  c->at++;
  return TRUE;
}

/* A name or a number; empty when something else stands there. */
static void take_word(Cursor *c, char word[MAX_WORD])
{
  size_t n = 0;
  skip_blanks(c);
  for (; c->at < c->end && is_word(*c->at); c->at++)
    if (n < MAX_WORD - 1)
      word[n++] = *c->at;
  word[n] = 0;
}

/* Up to @max digits of base @base at the cursor. */
static char take_escape_number(Cursor *c, int base, int max)
{
  int value = 0;
  for (int i = 0; i < max && c->at < c->end; i++) {
    int digit = g_ascii_xdigit_value(*c->at);
    if (digit < 0 || digit >= base)
      break;
    value = value * base + digit;
    c->at++;
  }
  return (char)value;
}

static char take_escape(Cursor *c)
{
  static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
  char ch = *c->at;
  if (ch >= '0' && ch <= '7')
    return take_escape_number(c, 8, 3);
  c->at++;
  if (ch == 'x' || ch == 'X')
    return take_escape_number(c, 16, 2);
  const char *known = ch ? strchr(from, ch) : NULL;
  return known ? to[known - from] : ch;
}

/* One or more quoted strings after each other, joined. NULL on error. */
static GString *take_string(Cursor *c, GError **error)
{
  g_autoptr(GString) s = g_string_new(NULL);
  for (char quote = peek(c); quote == '"' || quote == '\''; quote = peek(c)) {
    for (c->at++; c->at < c->end && *c->at != quote;) {
      if (*c->at == '\n') {
        fail(c, error, "a string is not closed on its line");
        return NULL;
      }
      char ch = *c->at++;
      if (ch == '\\' && c->at < c->end)
        ch = take_escape(c);
      g_string_append_c(s, ch);
    }
    if (c->at >= c->end) {
      fail(c, error, "a string is not closed; the file may be cut off");
      return NULL;
    }
    c->at++;
  }
  return g_steal_pointer(&s);
}

/* Numbers and words by type: what is stored, and how wide it is. */
typedef gboolean (*Store)(const ProtobufCFieldDescriptor *field, const char *word, void *out);

static gboolean store_integer(const char *word, gboolean is_signed, int bits, gint64 *value)
{
  gboolean minus = *word == '-';
  const char *digits = word + (minus || *word == '+');
  guint64 magnitude, limit = G_MAXUINT64 >> (64 - bits + is_signed);
  guint base = digits[0] != '0' ? 10 : (digits[1] | 0x20) == 'x' ? 16 : digits[1] ? 8 : 10;
  if (!g_ascii_string_to_unsigned(digits + (base == 16 ? 2 : 0), base, 0, limit + (minus && is_signed),
                                  &magnitude, NULL))
    return FALSE;
  *value = (gint64)(minus ? -magnitude : magnitude);
  return !minus || is_signed || !magnitude;
}

#define STORE_INTEGER(name, type, is_signed, bits)                                                           \
  static gboolean name(const ProtobufCFieldDescriptor *field, const char *word, void *out)                   \
  {                                                                                                          \
    gint64 value;                                                                                            \
    (void)field;                                                                                             \
    if (!store_integer(word, is_signed, bits, &value))                                                       \
      return FALSE;                                                                                          \
    *(type *)out = (type)value;                                                                              \
    return TRUE;                                                                                             \
  }
STORE_INTEGER(store_i32, int32_t, TRUE, 32)
STORE_INTEGER(store_u32, uint32_t, FALSE, 32)
STORE_INTEGER(store_i64, int64_t, TRUE, 64)
STORE_INTEGER(store_u64, uint64_t, FALSE, 64)

static gboolean store_double(const ProtobufCFieldDescriptor *field, const char *word, void *out)
{
  char *end;
  (void)field;
  double value = g_ascii_strtod(word, &end);
  if (end == word || (*end && strcmp(end, "f") && strcmp(end, "F")))
    return FALSE;
  *(double *)out = value;
  return TRUE;
}

static gboolean store_float(const ProtobufCFieldDescriptor *field, const char *word, void *out)
{
  double value;
  if (!store_double(field, word, &value))
    return FALSE;
  *(float *)out = (float)value;
  return TRUE;
}

static gboolean store_bool(const ProtobufCFieldDescriptor *field, const char *word, void *out)
{
  static const char *const yes[] = {"true", "True", "t", "1", NULL}, *const no[] = {"false", "False", "f",
                                                                                    "0", NULL};
  (void)field;
  *(protobuf_c_boolean *)out = g_strv_contains(yes, word);
  return g_strv_contains(yes, word) || g_strv_contains(no, word);
}

static gboolean store_enum(const ProtobufCFieldDescriptor *field, const char *word, void *out)
{
  const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, word);
  if (value)
    *(int32_t *)out = value->value;
  return value || store_i32(field, word, out);
}

static const struct {
  size_t size;
  Store store;
  const char *what;
} scalars[] = {
    [PROTOBUF_C_TYPE_INT32] = {sizeof(int32_t), store_i32, "an integer"},
    [PROTOBUF_C_TYPE_SINT32] = {sizeof(int32_t), store_i32, "an integer"},
    [PROTOBUF_C_TYPE_SFIXED32] = {sizeof(int32_t), store_i32, "an integer"},
    [PROTOBUF_C_TYPE_UINT32] = {sizeof(uint32_t), store_u32, "an integer of at least 0"},
    [PROTOBUF_C_TYPE_FIXED32] = {sizeof(uint32_t), store_u32, "an integer of at least 0"},
    [PROTOBUF_C_TYPE_INT64] = {sizeof(int64_t), store_i64, "an integer"},
    [PROTOBUF_C_TYPE_SINT64] = {sizeof(int64_t), store_i64, "an integer"},
    [PROTOBUF_C_TYPE_SFIXED64] = {sizeof(int64_t), store_i64, "an integer"},
    [PROTOBUF_C_TYPE_UINT64] = {sizeof(uint64_t), store_u64, "an integer of at least 0"},
    [PROTOBUF_C_TYPE_FIXED64] = {sizeof(uint64_t), store_u64, "an integer of at least 0"},
    [PROTOBUF_C_TYPE_FLOAT] = {sizeof(float), store_float, "a number"},
    [PROTOBUF_C_TYPE_DOUBLE] = {sizeof(double), store_double, "a number"},
    [PROTOBUF_C_TYPE_BOOL] = {sizeof(protobuf_c_boolean), store_bool, "true or false"},
    [PROTOBUF_C_TYPE_ENUM] = {sizeof(int32_t), store_enum, "a word of its list"},
    [PROTOBUF_C_TYPE_STRING] = {sizeof(char *), NULL, "a string in quotes"},
    [PROTOBUF_C_TYPE_BYTES] = {sizeof(ProtobufCBinaryData), NULL, "a string in quotes"},
    [PROTOBUF_C_TYPE_MESSAGE] = {sizeof(void *), NULL, "a message in braces"},
};

/* Where the value of a field goes: its place in the message, or the next one of its array, which grows by doubling. */
static void *place_of(Cursor *c, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
  char *base = (char *)m;
  size_t width = scalars[field->type].size;
  if (field->label != PROTOBUF_C_LABEL_REPEATED) {
    if (field->quantifier_offset)
      *(protobuf_c_boolean *)(base + field->quantifier_offset) = TRUE;
    return base + field->offset;
  }
  size_t *n = (size_t *)(base + field->quantifier_offset);
  char **array = (char **)(base + field->offset);
  if (!(*n & (*n - 1))) { /* 0 or a power of two: full */
    char *grown = allocate(c, (*n ? 2 * *n : 1) * width);
    if (!grown)
      return NULL;
    if (*n)
      memcpy(grown, *array, *n * width);
    c->budget->allocator.free(c->budget, *array);
    *array = grown;
  }
  memset(*array + *n * width, 0, width);
  return *array + (*n)++ * width;
}

static gboolean parse_fields(Cursor *c, ProtobufCMessage *m, char close, int depth, GError **error);

static gboolean set_message(Cursor *c, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, int depth,
                            GError **error)
{
  const ProtobufCMessageDescriptor *type = field->descriptor;
  char close = peek(c) == '{' ? '}' : '>';
  ProtobufCMessage **place = peek(c) != '{' && peek(c) != '<' ? NULL : place_of(c, m, field);
  if (!place)
    return fail(c, error, "%s must be a message in braces", field->name);
  if (!*place) {
    ProtobufCMessage *made = allocate(c, type->sizeof_message);
    if (!made) {
      if (field->label == PROTOBUF_C_LABEL_REPEATED)
        --*(size_t *)((char *)m + field->quantifier_offset);
      return fail(c, error, "no memory");
    }
    protobuf_c_message_init(type, made);
    *place = made;
  }
  c->at++;
  return parse_fields(c, *place, close, depth + 1, error);
}

/* A string, which ends at its first NUL, or bytes. */
static gboolean set_string(Cursor *c, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field,
                           GError **error)
{
  gboolean bytes = field->type == PROTOBUF_C_TYPE_BYTES, repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
  if (peek(c) != '"' && peek(c) != '\'')
    return fail(c, error, "%s must be a string in quotes", field->name);
  g_autoptr(GString) s = take_string(c, error);
  if (!s)
    return FALSE;
  void *copy = allocate(c, s->len + 1), *place = copy ? place_of(c, m, field) : NULL;
  if (!place) {
    c->budget->allocator.free(c->budget, copy);
    return fail(c, error, "no memory");
  }
  memcpy(copy, s->str, s->len + 1);
  void *old = bytes ? ((ProtobufCBinaryData *)place)->data : *(void **)place;
  if (!repeated && old != field->default_value)
    c->budget->allocator.free(c->budget, old);
  if (bytes)
    *(ProtobufCBinaryData *)place = (ProtobufCBinaryData){s->len, copy};
  else
    *(char **)place = copy;
  return TRUE;
}

static gboolean set_value(Cursor *c, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, int depth,
                          GError **error)
{
  char word[MAX_WORD];
  uint64_t value = 0;
  if (field->type == PROTOBUF_C_TYPE_MESSAGE)
    return set_message(c, m, field, depth, error);
  if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES)
    return set_string(c, m, field, error);
  take_word(c, word);
  if (!*word || !scalars[field->type].store(field, word, &value))
    return fail(c, error, "%s must be %s, not \"%s\"", field->name, scalars[field->type].what, word);
  void *place = place_of(c, m, field);
  if (!place)
    return fail(c, error, "no memory");
  memcpy(place, &value, scalars[field->type].size);
  return TRUE;
}

/* Skips the value of a field that is not known: a word, strings, or everything up to the closing brace. */
static gboolean skip_value(Cursor *c, GError **error)
{
  char word[MAX_WORD];
  int depth = 0;
  do {
    char ch = peek(c);
    if (!ch)
      return fail(c, error, "a brace is not closed; the file may be cut off");
    if (ch == '"' || ch == '\'') {
      g_autoptr(GString) ignored = take_string(c, error);
      if (!ignored)
        return FALSE;
    } else if (is_word(ch)) {
      take_word(c, word);
    } else {
      depth += ch == '{' || ch == '<' || ch == '[';
      depth -= ch == '}' || ch == '>' || ch == ']';
      if (depth < 0 || (!depth && ch != '}' && ch != '>' && ch != ']'))
        return fail(c, error, "a value was expected, not '%c'", g_ascii_isprint(ch) ? ch : '?');
      c->at++;
    }
  } while (depth);
  return TRUE;
}

/* One value, or a list of them in brackets. */
static gboolean parse_values(Cursor *c, ProtobufCMessage *m, const ProtobufCFieldDescriptor *field, int depth,
                             GError **error)
{
  if (!field)
    return skip_value(c, error);
  if (!take(c, '['))
    return set_value(c, m, field, depth, error);
  while (!take(c, ']')) {
    if (!set_value(c, m, field, depth, error))
      return FALSE;
    take(c, ',');
  }
  return TRUE;
}

/* A field of the message; one whose name protobuf-c keeps for itself has an underscore behind it there. NULL: unknown. */
static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessage *m, const char *name)
{
  const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, name);
  g_autofree char *kept = f ? NULL : g_strconcat(name, "_", NULL);
  return f ? f : protobuf_c_message_descriptor_get_field_by_name(m->descriptor, kept);
}

static gboolean parse_fields(Cursor *c, ProtobufCMessage *m, char close, int depth, GError **error)
{
  char word[MAX_WORD];
  if (depth > MAX_DEPTH)
    return fail(c, error, "braces are nested deeper than %d levels", MAX_DEPTH);
  for (;;) {
    char ch = peek(c);
    if (c->at >= c->end)
      return !close || fail(c, error, "a '%c' is missing; the file may be cut off", close);
    if (close && take(c, close))
      return TRUE;
    take_word(c, word);
    if (!g_ascii_isalpha(*word) && *word != '_')
      return fail(c, error, "the name of a field was expected, not '%c'", g_ascii_isprint(ch) ? ch : '?');
    const ProtobufCFieldDescriptor *field = find_field(m, word);
    if (!take(c, ':') && peek(c) != '{' && peek(c) != '<')
      return fail(c, error, "a ':' or '{' was expected after \"%s\"", word);
    if (!parse_values(c, m, field, depth, error))
      return FALSE;
    if (!take(c, ';'))
      take(c, ',');
  }
}

static Cursor open_cursor(const char *text, size_t size)
{
  static const char mark[] = "\xef\xbb\xbf"; /* byte order mark */
  Cursor c = {.at = text, .end = text + size, .line = 1};
  if (size >= 3 && !memcmp(text, mark, 3))
    c.at += 3;
  return c;
}

ProtobufCMessage *qf_caffe_text_parse(const ProtobufCMessageDescriptor *type, const char *text, size_t size,
                                      const char *file, QfBudget *budget, GError **error)
{
  Cursor c = open_cursor(text, size);
  c.file = file;
  c.budget = budget;
  ProtobufCMessage *m = allocate(&c, type->sizeof_message);
  if (!m)
    return NULL;
  protobuf_c_message_init(type, m);
  if (parse_fields(&c, m, 0, 0, error))
    return m;
  protobuf_c_message_free_unpacked(m, &budget->allocator);
  return NULL;
}

gboolean qf_caffe_text_probe(const ProtobufCMessageDescriptor *type, const char *text, size_t size)
{
  char word[MAX_WORD];
  Cursor c = open_cursor(text, size);
  take_word(&c, word);
  char ch = peek(&c);
  return protobuf_c_message_descriptor_get_field_by_name(type, word) && (ch == ':' || ch == '{');
}
