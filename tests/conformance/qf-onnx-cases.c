/* SPDX-License-Identifier: MIT */
/*
 * qf-onnx-cases.c - runs trees of ONNX backend cases: a line for each that fails, "N passed, N failed, N skipped" last. A case
 * passes when it passes on every wanted backend. Cases run in a child process that tells its results by a pipe; when it
 * dies, the case it was at has failed and a new child goes on with the next.
 */
#include "onnx-case.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A case that takes longer hangs. */
#define MAX_SECONDS 60

static struct {
  char *backend, *skips, *known;
  char **folders;
  gboolean verbose;
} options;

typedef struct {
  char *folder, *name;
} Case;

static GPtrArray *cases; /* Case */
static GPtrArray *known; /* failures that count as left out; NULL: none */

static gboolean wanted(const char *backend)
{
  return !options.backend || !strcmp(options.backend, "both") || !strcmp(options.backend, backend);
}

static void find_cases(const char *folder, const char *name)
{
  g_autofree char *model = g_build_filename(folder, "model.onnx", NULL);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  if (g_file_test(model, G_FILE_TEST_IS_REGULAR)) {
    Case *c = g_new(Case, 1);
    *c = (Case){g_strdup(folder), g_strdup(name)};
    g_ptr_array_add(cases, c);
    return;
  }
  for (const char *entry; dir && (entry = g_dir_read_name(dir));) {
    g_autofree char *path = g_build_filename(folder, entry, NULL);
    g_autofree char *inner = *name ? g_build_filename(name, entry, NULL) : g_strdup(entry);
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
      find_cases(path, inner);
  }
}

static int by_name(gconstpointer a, gconstpointer b)
{
  return strcmp((*(const Case *const *)a)->folder, (*(const Case *const *)b)->folder);
}

/* 'p', 'f' or 's' and a line of text, for the parent. */
static void tell(int fd, char status, const char *text)
{
  g_autofree char *line = g_strdup_printf("%c%s", status, text);
  g_strdelimit(line, "\n\r", ' ');
  size_t n = strlen(line);
  line[n++] = '\n'; /* over the end */
  for (size_t at = 0; at < n;) {
    ssize_t wrote = write(fd, line + at, n - at);
    if (wrote < 0 && errno != EINTR)
      _exit(3);
    at += wrote > 0 ? (size_t)wrote : 0;
  }
}

static void run_case(int fd, const Case *c, const GPtrArray *skips)
{
  static const char *const backends[] = {"ref", "cpu"};
  const char *why = qf_onnx_skips_find(skips, c->folder);
  g_autofree char *first = NULL;
  g_autoptr(GString) text = g_string_new(NULL);
  for (guint i = 0; !why && i < G_N_ELEMENTS(backends); i++) {
    g_autoptr(GError) error = NULL;
    alarm(MAX_SECONDS);
    if (!wanted(backends[i]) || qf_onnx_case_run(c->folder, backends[i], &error))
      continue;
    gboolean same = first && !strcmp(first, error->message);
    g_string_append_printf(text, "%s[%s] %s", first ? "; " : "", backends[i],
                           same ? "the same" : error->message);
    if (!first)
      first = g_strdup(error->message);
  }
  tell(fd, why ? 's' : text->len ? 'f' : 'p', why ? why : text->str);
}

static guint counts[256]; /* by status */

static void report(const Case *c, char status, const char *text)
{
  const char *word = status == 'f' ? "FAIL" : status == 's' ? "SKIP" : "PASS";
  const char *why = status == 'f' && known ? qf_onnx_skips_find(known, c->folder) : NULL;
  if (why) {
    status = 's';
    text = why;
    word = "KNOWN";
  }
  counts[(unsigned char)status]++;
  if (status == 'f' || why || options.verbose)
    printf("%s %s%s%s\n", word, c->name, *text ? ": " : "", text);
  fflush(stdout);
}

/* Runs the cases from @first on in a child; the number of those it told of. */
static guint run_child(guint first, const GPtrArray *skips)
{
  int ends[2];
  char *line = NULL;
  size_t room = 0;
  guint done = first;
  if (pipe(ends)) {
    perror("pipe");
    exit(2);
  }
  fflush(stdout);
  pid_t pid = fork();
  if (pid < 0) {
    perror("fork");
    exit(2);
  }
  if (!pid) {
    close(ends[0]);
    for (guint i = first; i < cases->len; i++)
      run_case(ends[1], g_ptr_array_index(cases, i), skips);
    _exit(0);
  }
  close(ends[1]);
  FILE *results = fdopen(ends[0], "r");
  for (ssize_t n; results && (n = getline(&line, &room, results)) > 1;) {
    line[n - 1] = 0;
    report(g_ptr_array_index(cases, done++), line[0], line + 1);
  }
  int status = 0;
  if (results)
    fclose(results);
  free(line);
  waitpid(pid, &status, 0);
  if (done < cases->len) {
    const char *name = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it ended";
    g_autofree char *text = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
                                ? g_strdup_printf("it took more than %d seconds", MAX_SECONDS)
                                : g_strdup_printf("the process died: %s", name);
    report(g_ptr_array_index(cases, done++), 'f', text);
  }
  return done - first;
}

static gboolean parse(int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
      {"backend", 'b', 0, G_OPTION_ARG_STRING, &options.backend, "ref, cpu or both (default)", "NAME"},
      {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options.verbose, "A line for each case", NULL},
      {"skips", 0, 0, G_OPTION_ARG_FILENAME, &options.skips, "The table of cases that are left out", "FILE"},
      {"known", 0, 0, G_OPTION_ARG_FILENAME, &options.known,
       "A table of cases whose failures count as left out", "FILE"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options.folders, NULL, "DIR..."},
      {NULL},
  };
  g_autoptr(GOptionContext) context = g_option_context_new(NULL);
  g_option_context_add_main_entries(context, entries, NULL);
  g_option_context_set_summary(context, "Runs trees of ONNX backend cases.");
  if (!g_option_context_parse(context, argc, argv, error))
    return FALSE;
  if (!options.folders || !(wanted("ref") || wanted("cpu"))) {
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s",
                options.folders ? "--backend is ref, cpu or both" : "name a folder of cases");
    return FALSE;
  }
  return TRUE;
}

int main(int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = parse(&argc, &argv, &error);
  g_autoptr(GPtrArray) skips =
      ok && options.skips ? qf_onnx_skips_read(options.skips, &error) : g_ptr_array_new();
  if (ok && skips && options.known && !(known = qf_onnx_skips_read(options.known, &error)))
    ok = FALSE;
  if (!ok || !skips) {
    g_printerr("%s\n", error->message);
    return 2;
  }
  cases = g_ptr_array_new();
  for (guint i = 0; options.folders[i]; i++) {
    g_autofree char *name = g_path_get_basename(options.folders[i]);
    find_cases(options.folders[i], name);
  }
  g_ptr_array_sort(cases, by_name);
  for (guint i = 0; i < cases->len;)
    i += run_child(i, skips);
  printf("%u passed, %u failed, %u skipped\n", counts['p'], counts['f'], counts['s']);
  return cases->len && !counts['f'] ? 0 : 1;
}
